"""A dry run: what a stored alert would send, from our own rows, nothing sent and nothing written."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from brokers.domain import Tokens
from brokers.errors import Unavailable
from brokers.registry import BROKERS
from recorder.models import PositionSnapshot
from strategies.models import ControlState, Order, OrderEvent, Signal
from strategies.preview import preview_signal
from tests.factories import (
    AllocationFactory,
    BrokerAccountFactory,
    ConnectionFactory,
    InstrumentFactory,
    SignalFactory,
    StrategyFactory,
    SymbolMappingFactory,
)
from tradeproject.common.clock import utc_now

pytestmark = pytest.mark.django_db

WITHOUT = {"id", "signal", "client_order_id", "venue_order_id", "filled_quantity", "planned_at", "sent_at"}


class Setup:
    """A strategy with accounts, and alerts for it."""

    def __init__(self, owner: Any) -> None:
        self.login = ConnectionFactory(user=owner)
        self.strategy = StrategyFactory(user=owner, symbol="MNQ1!")
        self.instrument = InstrumentFactory()
        SymbolMappingFactory(instrument=self.instrument)

    def account(self, net: Any = None, **terms: Any):
        account = BrokerAccountFactory(connection=self.login, last_synced_at=utc_now())
        AllocationFactory(strategy=self.strategy, broker_account=account, **terms)
        if net is not None:
            self.hold(account, net)
        return account

    def hold(self, account: Any, net: Any) -> None:
        PositionSnapshot.objects.create(
            broker_account=account,
            instrument=self.instrument,
            net_quantity=Decimal(net),
            as_of=utc_now(),
            source="poll",
        )

    def preview(self, **alert: Any) -> dict[str, Any]:
        body = {"format": "tradingview", "ticker": "MNQ1!", "action": "buy", "quantity": "2", **alert}
        signal = SignalFactory(strategy=self.strategy, alert=body, status=Signal.Status.DRY_RUN)
        return preview_signal(signal.pk)


@pytest.fixture
def setup(owner) -> Setup:
    return Setup(owner)


def brief(plan: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(order["side"], order["quantity"], order["deny_code"]) for order in plan["orders"]]


def test_it_plans_every_account_to_its_size(setup):
    setup.account(0)
    setup.account(0, multiplier=Decimal("1.5"))
    setup.account(0, max_contracts=Decimal(1))
    setup.account(0, enabled=False)
    plan = setup.preview()
    assert brief(plan) == [("buy", "2", ""), ("buy", "3", ""), ("buy", "1", "")]
    assert plan["warnings"] == []


def test_it_answers_the_contracts_order_without_ids(setup):
    account = setup.account(0)
    (order,) = setup.preview(stop_loss={"offset": "5.1"}, take_profit={"price": "21100.1"})["orders"]
    assert not WITHOUT & set(order)
    assert (order["broker_account"], order["venue_symbol"], order["status"]) == (
        str(account.pk),
        "MNQZ6",
        "pending",
    )
    assert order["bracket"]["stop_loss"]["offset"] == "5"
    assert order["bracket"]["take_profit"]["price"] == "21100.25"


def test_a_reversal_is_an_exit_then_an_entry(setup):
    setup.account(3)
    plan = setup.preview(action="sell", position_after="short", position_after_size="2")
    assert brief(plan) == [("sell", "3", ""), ("sell", "2", "")]
    assert [order["purpose"] for order in plan["orders"]] == ["exit", "entry"]


def test_an_exit_while_flat_is_nothing_to_do(setup):
    setup.account(0)
    assert setup.preview(action="exit") == {"orders": [], "warnings": []}


def test_a_strategy_without_accounts_is_nothing_to_do(setup):
    assert setup.preview() == {"orders": [], "warnings": []}


def test_a_switch_denies_with_its_reason(setup):
    setup.account(0)
    row = {"scope": "strategy", "object_id": str(setup.strategy.pk), "state": "reducing"}
    ControlState.objects.create(**row)
    (order,) = setup.preview()["orders"]
    assert (order["deny_code"], order["status"]) == ("CONTROL_REDUCING", "denied")
    assert order["deny_message"].startswith("Only exits are allowed for this strategy")


def test_an_unknown_contract_is_denied(setup):
    setup.account(0)
    (order,) = setup.preview(ticker="ZZZ1!")["orders"]
    assert order["deny_code"] == "INSTRUMENT_UNKNOWN"


def test_a_contract_nobody_asked_about_is_asked_for_now_and_remembered(setup, monkeypatch):
    setup.instrument.mappings.all().delete()
    setup.account(0)
    setup.account(0)
    found = [setup.instrument.to_domain()]
    asked = put_broker(monkeypatch, setup.login, lambda: found)
    assert brief(setup.preview()) == [("buy", "2", ""), ("buy", "2", "")]
    setup.preview()
    assert asked == ["MNQ1!"]


@pytest.mark.parametrize(
    ("answer", "words"), [([], "knows no such contract"), (Unavailable("The broker is down."), "is down")]
)
def test_a_contract_that_cannot_be_found_says_why(setup, monkeypatch, answer, words):
    setup.instrument.mappings.all().delete()
    setup.account(0)

    def reply():
        if isinstance(answer, Exception):
            raise answer
        return answer

    put_broker(monkeypatch, setup.login, reply)
    (order,) = setup.preview()["orders"]
    assert order["deny_code"] == "INSTRUMENT_UNKNOWN"
    assert words in order["deny_message"]


def put_broker(monkeypatch, login, reply) -> list[str]:
    """A broker in the registry that knows contracts; the symbols it is asked about."""
    asked: list[str] = []

    class Adapter:
        async def instruments(self, query):
            asked.append(query.text)
            return reply()

        async def close(self):
            return None

    spec = replace(BROKERS["tradovate"], build_adapter=lambda config: Adapter())
    monkeypatch.setitem(BROKERS, "tradovate", spec)
    login.put_tokens(Tokens("t", utc_now() + timedelta(hours=1)))
    login.save()
    return asked


def test_an_old_mapping_is_better_than_none(setup):
    setup.instrument.mappings.update(resolved_at=utc_now() - timedelta(days=3))
    setup.account(0)
    assert brief(setup.preview()) == [("buy", "2", "")]


def test_a_login_that_needs_its_owner_is_denied(setup):
    setup.account(0)
    setup.login.state = "needs_reauthorization"
    setup.login.save()
    assert brief(setup.preview()) == [("buy", "2", "CONNECTION_NOT_READY")]


def test_an_account_never_read_counts_as_flat_and_says_so(setup):
    account = setup.account()
    type(account).objects.update(last_synced_at=None)
    plan = setup.preview()
    assert brief(plan) == [("buy", "2", "")]
    assert plan["warnings"] == [
        f"the position of 1 account(s) was never read from the broker and is taken as flat: {account.name}"
    ]


def test_an_account_read_and_not_holding_it_is_flat_without_a_word(setup):
    setup.account()
    assert setup.preview()["warnings"] == []


def test_a_late_alert_is_denied_by_its_age_at_receipt(setup):
    setup.account(0)
    fired = (utc_now() - timedelta(minutes=10)).isoformat().replace("+00:00", "Z")
    assert brief(setup.preview(alert_time=fired)) == [("buy", "2", "SIGNAL_STALE")]


def test_an_undecided_order_stops_new_exposure(setup, owner):
    from tests.factories import OrderFactory

    account = setup.account(0)
    OrderFactory(
        signal__strategy=setup.strategy, broker_account=account, instrument=setup.instrument, status="unknown"
    )
    assert brief(setup.preview()) == [("buy", "2", "ORDER_OUTCOME_UNKNOWN")]


def test_nothing_is_written(setup):
    setup.account(1)
    setup.preview(action="exit")
    assert not Order.objects.exists()
    assert not OrderEvent.objects.exists()


def test_it_costs_the_same_for_many_accounts(setup, django_assert_max_num_queries):
    for _ in range(20):
        setup.account(0)
    with django_assert_max_num_queries(14):
        assert len(setup.preview()["orders"]) == 20
