"""The trace of a signal: from the raw body to the last fill, with milliseconds since receipt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from recorder.models import Fill
from strategies.models import BracketLeg, OrderEvent
from tests.factories import (
    BrokerAccountFactory,
    ConnectionFactory,
    InstrumentFactory,
    OrderFactory,
    SignalFactory,
    StrategyFactory,
    WebhookKeyFactory,
)

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)


def after(milliseconds: int) -> datetime:
    return START + timedelta(milliseconds=milliseconds)


@pytest.fixture
def strategy(owner):
    return WebhookKeyFactory(strategy=StrategyFactory(user=owner, name="Scalper")).strategy


@pytest.fixture
def signal(strategy, owner):
    key = strategy.current_key().secret
    return SignalFactory(
        strategy=strategy,
        raw_body=f'{{"action":"buy","note":"{key}","key":"other-secret-1","user":"{owner.webhook_secret}"}}',
        received_at=START,
        stored_at=after(2),
        planned_at=after(4),
        format="tradingview",
        intent="enter long 2 MNQ",
        repairs=["trailing comma removed"],
        warnings=["weak dedupe key"],
        alert={"action": "buy", "extras": {"password": "nope"}},
    )


def order_of(signal, name: str = "DEMO1", **more):
    login = ConnectionFactory(user=signal.user)
    account = BrokerAccountFactory(connection=login, name=name)
    facts = {"planned_at": after(4), "quantity": Decimal(2), "instrument": InstrumentFactory()}
    return OrderFactory(signal=signal, broker_account=account, **{**facts, **more})


def get(api, signal) -> dict:
    answer = api.get(f"/api/v1/signals/{signal.pk}")
    assert answer.status_code == 200
    return answer.json()


def timeline(entry: dict) -> dict:
    return {step["step"]: step["ms"] for step in entry["timeline"]}


def test_it_tells_what_came_in_and_what_was_understood(api, signal):
    trace = get(api, signal)
    assert trace["raw_body"] == '{"action":"buy","note":"•••","key":"•••","user":"•••"}'
    assert (trace["format"], trace["intent"]) == ("tradingview", "enter long 2 MNQ")
    assert (trace["repairs"], trace["warnings"]) == (["trailing comma removed"], ["weak dedupe key"])
    assert trace["alert"] == {"action": "buy", "extras": {"password": "•••"}}
    assert trace["strategy_name"] == "Scalper"


def test_it_follows_an_order_to_its_fill(api, signal):
    order = order_of(
        signal,
        status="filled",
        venue_order_id="901",
        venue_message="Order accepted",
        sent_at=after(5),
        answered_at=after(45),
        filled_at=after(80),
    )
    BracketLeg.objects.create(order=order, kind="stop_loss", offset=Decimal("5.5"), quantity=Decimal(2))
    OrderEvent.objects.create(order=order, kind="accepted", message="Accepted.", at=after(45))
    Fill.objects.create(
        user=order.user, broker_account=order.broker_account, instrument=order.instrument, order=order,
        venue_fill_id="7", venue_order_id="901", side="buy", quantity=Decimal(2), price=Decimal("21000.25"),
        executed_at=after(79), source="stream", match="order",
    )  # fmt: skip
    (account,) = get(api, signal)["accounts"]
    (shown,) = account["orders"]
    assert account["decision"] == "Enter: buy 2 MNQZ6 with stop loss 5.5 points away."
    assert (shown["status"], shown["venue_order_id"], shown["broker_message"]) == (
        "filled",
        "901",
        "Order accepted",
    )
    assert [(fill["price"], fill["quantity"]) for fill in shown["fills"]] == [("21000.25", "2")]
    assert [event["message"] for event in shown["events"]] == ["Accepted."]
    wanted = {"received": 0.0, "stored": 2.0, "planned": 4.0, "sent": 5.0, "answered": 45.0, "filled": 80.0}
    assert timeline(shown) == timeline(account) == timeline(get(api, signal)) == wanted


def test_a_protective_legs_fill_belongs_to_its_order(api, signal):
    order = order_of(signal, status="filled", venue_order_id="901")
    leg = BracketLeg.objects.create(
        order=order, kind="take_profit", price=Decimal(21100), quantity=Decimal(2)
    )
    Fill.objects.create(
        user=order.user, broker_account=order.broker_account, instrument=order.instrument, leg=leg,
        venue_fill_id="8", venue_order_id="902", side="sell", quantity=Decimal(2), price=Decimal(21100),
        executed_at=after(900), source="stream", match="order",
    )  # fmt: skip
    shown = get(api, signal)["accounts"][0]["orders"][0]
    assert [fill["leg"] for fill in shown["fills"]] == ["take_profit"]
    assert shown["bracket"]["take_profit"]["price"] == "21100"


def test_a_refusal_is_explained_with_its_numbers(api, signal):
    order_of(
        signal,
        status="denied",
        deny_code="QUANTITY_ABOVE_LIMIT",
        deny_context={"quantity": "5", "limit": "3"},
    )
    (account,) = get(api, signal)["accounts"]
    sentence = "5 is above the strategy's largest order of 3. Lower the size, or raise max_order_quantity."
    assert account["decision"] == f"Denied (QUANTITY_ABOVE_LIMIT): {sentence}"
    assert account["orders"][0]["deny_message"] == sentence
    assert timeline(account)["sent"] is None


def test_the_brokers_own_words_are_kept_on_a_rejection(api, signal):
    order_of(signal, status="rejected", reject_reason="RiskCheckFailed: margin", sent_at=after(5))
    assert get(api, signal)["accounts"][0]["orders"][0]["broker_message"] == "RiskCheckFailed: margin"


def test_an_account_with_nothing_to_do_says_why(api, signal):
    idle = BrokerAccountFactory(connection=ConnectionFactory(user=signal.user), name="IDLE")
    signal.plan = {"accounts": {str(idle.pk): "The account is already flat."}}
    signal.save()
    busy = order_of(signal, "BUSY")
    accounts = get(api, signal)["accounts"]
    assert [entry["broker_account"] for entry in accounts] == [str(busy.broker_account_id), str(idle.pk)]
    assert (accounts[1]["decision"], accounts[1]["orders"]) == ("The account is already flat.", [])


def test_a_body_that_is_no_text_is_shown_all_the_same(api, strategy):
    raw = b'{"action":"\xff\x00"}'.decode("utf-8", "surrogateescape")
    signal = SignalFactory(strategy=strategy, status="rejected", code="invalid_encoding", raw_body=raw)
    assert get(api, signal)["raw_body"] == '{"action":"\\xff\x00"}'


def test_it_costs_the_same_for_many_accounts(api, signal, django_assert_max_num_queries):
    for number in range(8):
        order_of(signal, f"DEMO{number}")
    with django_assert_max_num_queries(9):
        assert len(get(api, signal)["accounts"]) == 8
