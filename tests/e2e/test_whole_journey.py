"""The main job from end to end with real processes: one alert, 25 accounts, watched in the browser that is never reloaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import ROUND_FLOOR, Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.chaos.oracle import Truth, read_ledger
from tests.e2e.conftest import CHROMIUM, DESKTOP, FLAGS, Window
from tests.stack import Stack, running_stack, wait_until

ACCOUNTS = 25
SIZE = 2
# What some accounts follow with; the others trade the alert as it is.
MULTIPLIERS = {0: "2", 1: "1.5", 2: "0.5"}
CAPS = {3: "1", 4: "5"}
FINAL = {"filled", "denied", "rejected", "canceled", "expired"}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack(DEMO_ACCOUNTS=str(ACCOUNTS)) as running:
        yield running


@pytest.fixture
def page(stack: Stack) -> Iterator[Window]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        found = Window(browser.new_page(viewport=DESKTOP), stack.url)
        found.watch()
        yield found
        browser.close()


class Desk:
    """The demo strategy, its accounts in the venue's names, and how much each is to follow."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.strategy = client.get("strategies").json()["strategies"][0]
        accounts = client.get("broker-accounts", params={"page_size": 100}).json()["results"]
        self.accounts = sorted(accounts, key=lambda account: account["name"])
        assert len(self.accounts) == ACCOUNTS
        allocations = [
            {
                "broker_account": account["id"],
                "multiplier": MULTIPLIERS.get(number, "1"),
                "max_contracts": CAPS.get(number),
            }
            for number, account in enumerate(self.accounts)
        ]
        answer = client.patch(f"strategies/{self.strategy['id']}", json={"allocations": allocations})
        assert answer.status_code == 200, answer.text

    def size(self, alert: int) -> dict[str, Decimal]:
        """Account name → how many contracts an alert of that size makes there."""
        sizes = {}
        for number, account in enumerate(self.accounts):
            scaled = (alert * Decimal(MULTIPLIERS.get(number, "1"))).to_integral_value(ROUND_FLOOR)
            sizes[account["name"]] = min(scaled, Decimal(CAPS[number])) if number in CAPS else scaled
        return sizes

    def newest(self) -> dict[str, Any]:
        return self.client.get("signals").json()["results"][0]

    def orders(self, signal: str) -> list[dict[str, Any]]:
        return self.client.get("orders", params={"signal": signal, "page_size": 200}).json()["results"]

    def positions(self) -> list[dict[str, Any]]:
        path = f"recorder/positions/{self.strategy['id']}"
        return self.client.get(path, params={"page_size": 200}).json()["positions"]


def alert(stack: Stack, desk: Desk, *words: str) -> list[dict[str, Any]]:
    """Play TradingView, and wait until every order of the signal has come to its end."""
    done = stack.manage("send_alert", desk.strategy["name"], *words)
    assert done.returncode == 0, done.stderr + done.stdout
    signal = desk.newest()["id"]

    def settled() -> list[dict[str, Any]]:
        orders = desk.orders(signal)
        return orders if orders and all(order["status"] in FINAL for order in orders) else []

    orders = wait_until(settled, 60)
    assert {order["status"] for order in orders} == {"filled"}
    return orders


def ledger_of(stack: Stack, desk: Desk) -> dict[str, Truth]:
    names = {account["name"] for account in desk.accounts}
    return {name: truth for name, truth in read_ledger(stack.control).items() if name in names}


def held(stack: Stack, desk: Desk) -> dict[str, Decimal]:
    return {name: truth.net for name, truth in ledger_of(stack, desk).items()}


def sign_in(window: Window, stack: Stack) -> Any:
    page = window.open("/accounts/login/?next=/user/dashboard")
    page.fill("input[name=login]", stack.user)
    page.fill("input[name=password]", stack.password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/user/dashboard**")
    window.settle()
    page.evaluate("window.neverReloaded = true")
    return page


def figure(page: Any, name: str, text: str) -> None:
    """Wait until the key figure reads so."""
    page.locator(f"#kpis [data-field={name}]").get_by_text(text, exact=True).wait_for(timeout=30_000)


def as_money(value: Decimal) -> str:
    sign = "+" if value > 0 else "−" if value < 0 else ""
    return f"{sign}${abs(value):,.2f}"


def assert_record_is_the_ledger(stack: Stack, desk: Desk, trips: int, money: Callable[[], None]) -> None:
    """Every closed round trip is recorded, and its money is the venue's own, to the cent."""

    def complete() -> list[dict[str, Any]]:
        rows = [row for row in desk.positions() if row["status"] != "open"]
        return rows if len(rows) == trips * ACCOUNTS else []

    rows = wait_until(complete, 30)
    truth = ledger_of(stack, desk)
    for account in desk.accounts:
        recorded = sum(Decimal(row["net_pnl"]) for row in rows if row["broker_account"] == account["id"])
        assert recorded == truth[account["name"]].net_pnl, account["name"]
    total = sum(one.net_pnl for one in truth.values())
    analytics = desk.client.get(f"strategies/{desk.strategy['id']}/analytics").json()
    assert Decimal(analytics["total_pnl"]) == total
    assert analytics["total_trades"] == trips * ACCOUNTS
    assert Decimal(desk.client.get("dashboard/summary").json()["total_pnl"]) == total
    money()


def test_one_alert_trades_25_accounts_and_the_screen_shows_it_live(
    stack: Stack, page: Window, pictures: Path | None
):
    desk = Desk(stack.api())
    screen = sign_in(page, stack)
    figure(screen, "active_positions", "0")

    alert(stack, desk, "buy", str(SIZE))
    assert held(stack, desk) == desk.size(SIZE)
    assert desk.size(SIZE)[desk.accounts[0]["name"]] == 4, "the multipliers are part of what is tested"
    figure(screen, "active_positions", str(ACCOUNTS))
    screen.locator(".group-row").wait_for()
    if pictures is not None:
        screen.locator(".group-row [data-field=unrealized_pnl]").get_by_text("$").wait_for()
        screen.screenshot(path=str(pictures / "live-positions.png"))

    reversal = alert(stack, desk, "sell", "4")
    assert held(stack, desk) == {name: -size for name, size in desk.size(4).items()}
    assert len(reversal) == 2 * ACCOUNTS, "each account closes what it holds, then opens the other side"
    screen.locator(".group-row").get_by_text("Short").first.wait_for()

    before = desk.size(4)
    closing = alert(stack, desk, "exit")
    names = {account["id"]: account["name"] for account in desk.accounts}
    assert {names[o["broker_account"]]: Decimal(o["quantity"]) for o in closing} == before
    assert set(held(stack, desk).values()) == {Decimal(0)}
    figure(screen, "active_positions", "0")
    total = sum(one.net_pnl for one in ledger_of(stack, desk).values())
    assert_record_is_the_ledger(stack, desk, 2, lambda: figure(screen, "total_pnl", as_money(total)))

    assert screen.evaluate("window.neverReloaded") is True
    assert page.problems == []
