"""Which events a trader is told of, and in which words."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from notifications.messages import MAKERS, message_for
from tradeproject.common.events import StoredEvent, event_types

SIGNAL, STRATEGY = str(uuid4()), str(uuid4())


def told(name: str, user=True, **data):
    return message_for(StoredEvent(1, name, uuid4() if user else None, data, datetime.now(UTC)))


def position(**more):
    return {
        "position": str(uuid4()),
        "strategy": STRATEGY,
        "symbol": "MNQ",
        "side": "Buy",
        "signal": SIGNAL,
        **more,
    }


@pytest.mark.parametrize(
    ("state", "level", "title"),
    [
        ("needs_reauthorization", "problem", "Desk: sign in again"),
        ("error", "warning", "Desk does not answer"),
        ("connected", "good", "Desk is connected again"),
    ],
)
def test_it_tells_of_a_login(state, level, title):
    message = told("connection.state", connection="c1", label="Desk", state=state, reason="")
    assert (message.level, message.title) == (level, title)
    assert message.link == "/user/accounts#connection-c1"


def test_it_says_nothing_of_a_login_its_owner_switched_off():
    assert told("connection.state", connection="c1", label="Desk", state="disabled", reason="") is None


def test_it_tells_of_orders_that_did_not_go_through_with_the_first_reason():
    problems = [{"account": "DEMO1", "status": "rejected", "message": "No margin"}]
    message = told(
        "signal.answered",
        signal=SIGNAL,
        strategy=STRATEGY,
        counts={"accepted": 9, "rejected": 1},
        problems=problems,
    )
    assert (message.level, message.title, message.body) == ("problem", "Orders rejected", "DEMO1: No margin")
    assert message.subject == f"signal:{SIGNAL}"
    assert message.link == f"/user/signals/{SIGNAL}"


def test_it_says_nothing_of_orders_that_went_through():
    assert told("signal.answered", signal=SIGNAL, strategy=None, counts={"accepted": 25}, problems=[]) is None


@pytest.mark.parametrize(("status", "level"), [("rejected", "problem"), ("ignored", "warning")])
def test_it_tells_of_alerts_that_came_to_nothing(status, level):
    message = told(
        "signal.stored", signal=SIGNAL, strategy=STRATEGY, status=status, intent="", code="malformed_json"
    )
    assert message.level == level
    assert "malformed json" in message.title


def test_it_says_nothing_of_an_alert_that_was_accepted():
    assert (
        told("signal.stored", signal=SIGNAL, strategy=STRATEGY, status="accepted", intent="", code="") is None
    )


def test_it_tells_once_of_all_positions_of_a_signal():
    opened, closed = (
        told("position.opened", **position()),
        told("position.closed", **position(exit_reason="Stop Loss")),
    )
    assert (opened.title, opened.subject) == ("MNQ long opened", f"signal:{SIGNAL}")
    assert (closed.title, closed.body) == ("MNQ long closed", "Exit by stop loss.")


def test_it_says_nothing_of_trades_outside_of_strategies():
    assert told("position.opened", **position(strategy=None)) is None


@pytest.mark.parametrize(
    ("state", "level"), [("running", "good"), ("reducing", "warning"), ("halted", "problem")]
)
def test_it_tells_of_a_switch(state, level):
    assert (
        told("control.changed", scope="broker_account", object_id="x", state=state, reason="").level == level
    )


def test_it_tells_nobody_of_what_belongs_to_nobody():
    assert (
        told("control.changed", user=False, scope="platform", object_id="", state="halted", reason="") is None
    )


def test_every_event_it_knows_exists():
    assert set(MAKERS) <= set(event_types())


@pytest.mark.parametrize(
    ("outcome", "level", "title"),
    [
        ("waiting", "problem", "Outcome of an order not known: MNQZ6 on DEMO1"),
        ("expired", "problem", "Order not carried out: MNQZ6 on DEMO1"),
        ("found", "good", "Order found: MNQZ6 on DEMO1"),
    ],
)
def test_it_tells_of_an_order_of_which_nobody_knows(outcome, level, title):
    message = told(
        "order.undecided", order="o1", signal=None, strategy=None, account="DEMO1", symbol="MNQZ6",
        outcome=outcome, message="Look.",
    )  # fmt: skip
    assert (message.level, message.title, message.body, message.subject) == (
        level,
        title,
        "Look.",
        "order:o1",
    )
    assert message.recovery is (outcome == "found")
