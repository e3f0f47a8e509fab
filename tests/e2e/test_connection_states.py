"""The page says how live it is: it reconnects after a break, and asks for a snapshot when a delta got lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.desk import build_desk
from tests.e2e.test_live_positions import say_price


@pytest.fixture
def desk(owner, transactional_db):
    return build_desk(owner, accounts=2, trades=2)


class Wire:
    """Stands between the page and its socket: counts connections, drops messages, hangs up."""

    def __init__(self, page: Any) -> None:
        self.connections: list[Any] = []
        self.asked: list[dict[str, Any]] = []
        self.heard: set[str] = set()
        self.drop_next_delta = False
        self.refuse = False
        page.route_web_socket("**/ws", self._open)

    def _open(self, ws: Any) -> None:
        self.connections.append(ws)
        if self.refuse:
            ws.close(code=1012)
            return
        server = ws.connect_to_server()
        ws.on_message(lambda text: (self.asked.append(json.loads(text)), server.send(text)))
        server.on_message(lambda text: self._pass(ws, text))

    def _pass(self, ws: Any, text: str) -> None:
        message = json.loads(text)
        if self.drop_next_delta and message["type"] == "delta":
            self.drop_next_delta = False
            return
        self.heard.add(message.get("room"))
        ws.send(text)


def until(page: Any, condition: Callable[[], bool]) -> None:
    """Wait while the browser's events go on."""
    for _ in range(100):
        if condition():
            return
        page.wait_for_timeout(100)
    pytest.fail("it did not happen within ten seconds")


@pytest.fixture
def opened(window, owner, desk):
    say_price("21876.25")
    found = window(owner)
    wire = Wire(found.page)
    found.open("/user/dashboard")
    found.settle()
    until(found.page, lambda: "dashboard" in wire.heard)
    return found.page, wire


def state(page: Any, name: str) -> Any:
    return page.locator(f'.link-state[data-state="{name}"]')


def test_it_reconnects_after_a_break_and_catches_up(opened):
    page, wire = opened
    wire.refuse = True
    wire.connections[0].close(code=1012)
    state(page, "disconnected").wait_for()
    assert page.locator("#positions").get_attribute("data-live") == "disconnected"
    assert "last known values" in page.locator("#positions .live-state").inner_text()
    say_price("21890.00")
    wire.refuse = False
    state(page, "live").wait_for(timeout=15_000)
    page.locator("[data-field=current_price]").get_by_text("21,890.00").first.wait_for()
    assert page.locator("#positions .live-state").inner_text() == ""
    assert len(wire.connections) >= 2


def test_it_asks_for_a_snapshot_when_a_delta_is_missing(opened):
    page, wire = opened
    wire.asked.clear()
    wire.drop_next_delta = True
    say_price("21881.00")
    until(page, lambda: not wire.drop_next_delta)
    say_price("21882.00")
    page.locator("[data-field=current_price]").get_by_text("21,882.00").first.wait_for()
    assert {"action": "subscribe", "rooms": ["dashboard"]} in wire.asked


def test_it_opens_one_socket_for_everything(opened):
    page, wire = opened
    page.wait_for_timeout(500)
    assert len(wire.connections) == 1


def test_it_says_so_when_the_login_ended(opened):
    page, wire = opened
    wire.connections[0].close(code=4401)
    state(page, "error").wait_for()
    assert page.locator(".link-text").inner_text() == "Signed out"
    page.wait_for_timeout(1500)
    assert len(wire.connections) == 1


def test_it_says_how_old_prices_are(window, owner, desk):
    say_price("21875.00", seconds_old=40)
    found = window(owner)
    page = found.open("/user/dashboard")
    page.locator('#positions[data-live="stale"]').wait_for()
    assert "old" in page.locator("#positions .live-state").inner_text()
