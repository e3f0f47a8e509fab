"""Halting asks for the end of working entries, and closes what is held when told to; protective orders stay."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recorder.models import PositionSnapshot
from strategies import control
from strategies.models import Order
from tests.factories import BrokerAccountFactory, ConnectionFactory, InstrumentFactory, OrderFactory
from tradeproject.common.clock import utc_now

pytestmark = pytest.mark.django_db


def order_of(owner, **more):
    login = more.pop("login", None) or ConnectionFactory(user=owner)
    account = BrokerAccountFactory(connection=login)
    return OrderFactory(signal__strategy__user=owner, broker_account=account, status="accepted", **more)


def asked() -> set:
    return set(Order.objects.filter(cancel_requested_at__isnull=False).values_list("pk", flat=True))


def test_working_entries_are_canceled_and_nothing_else(owner):
    entry = order_of(owner)
    order_of(owner, purpose="exit")
    Order.objects.filter(pk=order_of(owner).pk).update(status="filled")
    change = control.stop("user", owner.pk, actor=owner)
    assert change.canceled == 1
    assert asked() == {entry.pk}


def test_pausing_leaves_working_entries_alone(owner):
    order_of(owner)
    assert control.pause("user", owner.pk, actor=owner).canceled == 0


@pytest.mark.parametrize("scope", ["strategy", "broker_account", "broker", "platform", "user"])
def test_every_scope_reaches_its_own(owner, stranger, staff, scope):
    mine, theirs = order_of(owner), order_of(stranger)
    target = {
        "strategy": mine.strategy_id,
        "broker_account": mine.broker_account_id,
        "user": owner.pk,
        "broker": "tradovate",
        "platform": "",
    }[scope]
    control.stop(scope, target, actor=staff)
    assert asked() == ({mine.pk, theirs.pk} if scope in {"broker", "platform"} else {mine.pk})


@pytest.mark.parametrize("scope", ["strategy", "broker_account", "broker", "platform", "user"])
def test_every_scope_closes_its_own(owner, stranger, staff, scope):
    mine, theirs = order_of(owner), order_of(stranger)
    mine.strategy.allocations.create(broker_account=mine.broker_account)
    for order in (mine, theirs):
        PositionSnapshot.objects.create(
            broker_account=order.broker_account,
            instrument=InstrumentFactory(),
            net_quantity=Decimal(2),
            as_of=utc_now(),
            source="stream",
        )
    target = {
        "strategy": mine.strategy_id,
        "broker_account": mine.broker_account_id,
        "user": owner.pk,
        "broker": "tradovate",
        "platform": "",
    }[scope]
    change = control.stop(scope, target, actor=staff, flatten_too=True)
    closing = {order.broker_account_id for order in change.flattened.orders}
    wide = {mine.broker_account_id, theirs.broker_account_id}
    assert closing == (wide if scope in {"broker", "platform"} else {mine.broker_account_id})
    assert set(Order.objects.filter(purpose="flatten").values_list("side", flat=True)) == {"sell"}


def test_the_switch_holds_even_when_closing_fails(owner, monkeypatch):
    """The first commit is the switch alone."""

    def broken(*args, **kwargs):
        raise RuntimeError("no")

    monkeypatch.setattr(control, "flatten", broken)
    with pytest.raises(RuntimeError):
        control.stop("user", owner.pk, actor=owner, flatten_too=True)
    assert control.effective_state(owner).state == "halted"
