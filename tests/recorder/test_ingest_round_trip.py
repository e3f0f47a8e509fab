"""Fills of our orders become fills, order progress and a recorded position, through the one door."""

from __future__ import annotations

from decimal import Decimal

import pytest

from brokers.domain import OrderStatus
from recorder.models import Fill, RecordedPosition
from strategies.models import Order, OrderEvent
from tests.recorder.venue import at, fill, order_report

pytestmark = pytest.mark.django_db


def test_it_records_an_entry(desk):
    order = desk.order("900", quantity=2)
    result = desk.ingest(
        fill(1, "900", "buy", 2, "21870.25", commission=Decimal("0.50"), fees=Decimal("0.56"))
    )
    assert (result.fills, result.duplicates, result.orders, result.positions) == (1, 0, 1, 1)
    stored = desk.stored(1)
    assert (stored.order, stored.strategy, stored.match, stored.source) == (
        order,
        desk.strategy,
        "order",
        "stream",
    )
    (trip,) = desk.trips()
    assert (trip.side, trip.quantity, trip.open_quantity, trip.status) == ("Buy", 2, 2, "open")
    assert (trip.entry_price, trip.entry_timestamp, trip.symbol) == (Decimal("21870.25"), at(1), "MNQZ6")
    assert (trip.commission, trip.net_pnl, trip.signal, trip.first_fill) == (
        Decimal("1.06"),
        Decimal("-1.06"),
        order.signal,
        stored,
    )


def test_it_fills_an_order_in_parts(desk):
    order = desk.order("900", quantity=3)
    desk.ingest(fill(1, "900", "buy", 1, 100))
    order.refresh_from_db()
    assert (order.status, order.filled_quantity, order.average_price) == ("partially_filled", 1, 100)
    assert order.filled_at is None
    desk.ingest(fill(2, "900", "buy", 2, "101.5"))
    order.refresh_from_db()
    assert (order.status, order.filled_quantity, order.average_price) == ("filled", 3, 101)
    assert order.filled_at == order.settled_at == at(2)
    assert list(OrderEvent.objects.order_by("id").values_list("kind", "message")) == [
        ("partially_filled", "1 of 3 filled at 100"),
        ("filled", "3 of 3 filled at 101"),
    ]


def test_it_closes_with_the_money_and_reason_of_an_exit_order(desk):
    desk.order("900", quantity=2)
    exit_order = desk.order("901", side="sell", quantity=2, purpose="exit")
    desk.ingest(fill(1, "900", "buy", 2, "21870.25", commission=Decimal("1.00")))
    desk.ingest(fill(2, "901", "sell", 2, "21880.25", commission=Decimal("1.00"), fees=Decimal("0.24")))
    (trip,) = desk.trips()
    assert (trip.status, trip.exit_reason, trip.exit_signal) == ("closed", "Signal", exit_order.signal)
    assert (trip.exit_price, trip.exit_timestamp) == (Decimal("21880.25"), at(2))
    assert (trip.pnl, trip.commission, trip.net_pnl) == (40, Decimal("2.24"), Decimal("37.76"))


@pytest.mark.parametrize(
    ("kind", "price", "status", "reason"),
    [("take_profit", 110, "target_hit", "Take Profit"), ("stop_loss", 95, "stopped_out", "Stop Loss")],
)
def test_it_gives_a_legs_fill_to_its_entrys_strategy(desk, kind, price, status, reason):
    order = desk.order("900")
    leg = desk.leg(order, kind, "902")
    desk.ingest(fill(1, "900", "buy", 1, 100), fill(2, "902", "sell", 1, price))
    (trip,) = desk.trips()
    assert (trip.status, trip.exit_reason) == (status, reason)
    leg.refresh_from_db()
    assert (leg.status, leg.filled_quantity, leg.average_price) == ("filled", 1, price)
    assert (desk.stored(2).leg, desk.stored(2).order) == (leg, None)
    order.refresh_from_db()
    assert order.filled_quantity == 1


def test_it_says_manual_for_an_exit_that_no_signal_asked_for(desk):
    desk.order("900")
    desk.order("901", side="sell", purpose="flatten", has_signal=False)
    desk.ingest(fill(1, "900", "buy", 1, 100), fill(2, "901", "sell", 1, 99))
    assert [(t.status, t.exit_reason) for t in desk.trips()] == [("closed", "Manual")]


def test_it_turns_a_position_around_in_one_fill(desk):
    desk.order("900", quantity=2)
    reversal = desk.order("901", side="sell", quantity=5)
    desk.ingest(fill(1, "900", "buy", 2, 100))
    desk.ingest(fill(2, "901", "sell", 5, 103, commission=Decimal("1.25")))
    first, second = desk.trips()
    assert (first.status, first.exit_reason, first.pnl, first.commission) == (
        "closed",
        "Signal",
        12,
        Decimal("0.5"),
    )
    assert (second.side, second.quantity, second.status, second.signal) == (
        "Sell",
        3,
        "open",
        reversal.signal,
    )
    assert (second.commission, second.from_flat) == (Decimal("0.75"), False)


def test_it_does_nothing_the_second_time(desk):
    desk.order("900", quantity=2)
    items = [
        order_report("900", OrderStatus.FILLED, filled_quantity=Decimal(2), average_price=Decimal(100)),
        fill(1, "900", "buy", 2, 100),
    ]
    desk.ingest(*items)
    before = (
        list(RecordedPosition.objects.values()),
        list(Order.objects.values()),
        list(Fill.objects.values()),
    )
    events = OrderEvent.objects.count()
    result = desk.ingest(*items, source="poll")
    assert (result.fills, result.duplicates, result.orders, result.positions) == (0, 1, 0, 0)
    after = list(RecordedPosition.objects.values()), list(Order.objects.values()), list(Fill.objects.values())
    assert after == before
    assert OrderEvent.objects.count() == events


def test_it_drops_reports_of_accounts_it_does_not_know(desk):
    result = desk.ingest(fill(1, "900", "buy", 1, 100, account="99999"))
    assert (result.fills, result.dropped) == (0, 1)
    assert not Fill.objects.exists()
