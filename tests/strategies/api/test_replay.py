"""Playing a stored signal again as a dry run."""

from __future__ import annotations

import pytest

from strategies.models import Order, Signal
from tests.factories import (
    AllocationFactory,
    BrokerAccountFactory,
    ConnectionFactory,
    SignalFactory,
    StrategyFactory,
    SymbolMappingFactory,
)

pytestmark = pytest.mark.django_db

ALERT = {"format": "tradingview", "ticker": "MNQ1!", "action": "buy", "quantity": "2"}


@pytest.fixture
def strategy(owner):
    SymbolMappingFactory()
    strategy = StrategyFactory(user=owner)
    account = BrokerAccountFactory(connection=ConnectionFactory(user=owner))
    AllocationFactory(strategy=strategy, broker_account=account)
    return strategy


def replay(api, signal):
    return api.post(f"/api/v1/signals/{signal.pk}/replay/")


def test_it_tells_what_it_would_do_now(api, strategy):
    signal = SignalFactory(strategy=strategy, alert=ALERT)
    answer = replay(api, signal)
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"status", "intent", "orders", "warnings"}
    assert (body["status"], body["intent"]) == ("dry_run", "enter long 2 MNQ")
    assert [order["quantity"] for order in body["orders"]] == ["2"]
    assert not Order.objects.exists()
    assert Signal.objects.count() == 1


def test_one_that_was_not_understood_is_read_again(api, strategy):
    """The strategy's settings may have been put right since."""
    body = '{"ticker":"MNQ1!","action":"buy","quantity":3}'
    signal = SignalFactory(strategy=strategy, status="rejected", code="unknown_format", raw_body=body)
    answer = replay(api, signal).json()
    assert [order["quantity"] for order in answer["orders"]] == ["3"]


def test_one_that_still_is_not_says_why(api, strategy):
    signal = SignalFactory(strategy=strategy, status="rejected", raw_body="good morning")
    answer = replay(api, signal)
    assert answer.status_code == 400
    assert answer.json()["status"] == "rejected"
    assert answer.json()["message"]


def test_an_alert_without_strategy_cannot_be_played(api, owner):
    signal = SignalFactory(user=owner, strategy=None, status="rejected", code="unknown_strategy")
    answer = replay(api, signal)
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_strategy")
