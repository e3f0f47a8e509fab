"""Order reports onto orders and legs: the table of states, monotone fills, one trace line per step."""

from __future__ import annotations

import logging
from decimal import Decimal

import pytest

from brokers.domain import OrderStatus, OrderType
from strategies.models import OrderEvent
from tests.recorder.venue import at, fill, order_report

pytestmark = pytest.mark.django_db


def told(order):
    order.refresh_from_db()
    return order.status, order.filled_quantity


def test_it_binds_an_order_by_our_client_id_and_stamps_the_answer(desk):
    order = desk.order(client_order_id="ours1")
    desk.ingest(order_report("900", OrderStatus.ACCEPTED, client_order_id="ours1", updated_at=at(3)))
    order.refresh_from_db()
    assert (order.venue_order_id, order.status, order.answered_at) == ("900", "accepted", at(3))
    assert order.settled_at is None


def test_it_keeps_the_venues_clock_between_ours(desk):
    order = desk.order("900", sent_at=at(10), status="submitted")
    desk.ingest(order_report("900", OrderStatus.ACCEPTED, updated_at=at(7)))
    order.refresh_from_db()
    assert order.answered_at == at(10)


def test_it_keeps_why_an_order_was_rejected(desk):
    order = desk.order("900")
    desk.ingest(order_report("900", OrderStatus.REJECTED, reason="Max position exceeded"))
    order.refresh_from_db()
    assert (order.status, order.reject_reason) == ("rejected", "Max position exceeded")
    assert order.settled_at is not None
    assert OrderEvent.objects.get().message == "Max position exceeded"


def test_it_ignores_late_and_repeated_reports(desk):
    order = desk.order("900", quantity=2)
    full = order_report("900", OrderStatus.FILLED, filled_quantity=Decimal(2), average_price=Decimal(100))
    desk.ingest(full)
    for late in (
        order_report("900", OrderStatus.ACCEPTED),
        order_report("900", OrderStatus.CANCELED, filled_quantity=Decimal(1)),
        full,
    ):
        assert desk.ingest(late).orders == 0
    assert told(order) == ("filled", 2)
    assert OrderEvent.objects.count() == 1


def test_it_calls_a_working_order_with_fills_partially_filled(desk):
    order = desk.order("900", quantity=3)
    desk.ingest(
        order_report("900", OrderStatus.ACCEPTED, filled_quantity=Decimal(1), average_price=Decimal(9))
    )
    assert told(order) == ("partially_filled", 1)


def test_it_keeps_what_was_filled_before_a_cancel(desk):
    order = desk.order("900", quantity=3)
    desk.ingest(fill(1, "900", "buy", 1, 100))
    desk.ingest(order_report("900", OrderStatus.CANCELED))
    assert told(order) == ("canceled", 1)


def test_it_lets_an_execution_win_over_a_cancel_that_crossed_it(desk):
    order = desk.order("900", quantity=1)
    desk.ingest(order_report("900", OrderStatus.CANCELED))
    desk.ingest(fill(1, "900", "buy", 1, 100))
    assert told(order) == ("filled", 1)


def test_it_settles_an_order_of_unknown_outcome(desk):
    order = desk.order(client_order_id="ours1", status="unknown")
    desk.ingest(order_report("900", OrderStatus.FILLED, client_order_id="ours1", filled_quantity=Decimal(1)))
    assert told(order) == ("filled", 1)


def test_it_takes_more_than_was_ordered_as_a_fact_and_shouts(desk, caplog):
    order = desk.order("900", quantity=1)
    with caplog.at_level(logging.ERROR, logger="recorder.orders"):
        desk.ingest(fill(1, "900", "buy", 2, 100))
    assert told(order) == ("filled", 2)
    assert [record.message for record in caplog.records] == ["overfill"]


def test_it_does_not_let_a_second_venue_order_take_ours(desk, caplog):
    order = desk.order("900", client_order_id="ours1")
    desk.ingest(order_report("901", OrderStatus.REJECTED, client_order_id="ours1"))
    assert told(order) == ("accepted", 0)
    assert "two venue orders claim one order of ours" in caplog.text


def test_it_follows_a_leg_that_was_moved(desk):
    order = desk.order("900")
    leg = desk.leg(order, "stop_loss", "901", price=Decimal(95))
    desk.leg(order, "take_profit", "902", offset=Decimal(10))
    desk.ingest(fill(1, "900", "buy", 1, 100))
    (before,) = desk.trips()
    assert (before.stop_loss_price, before.take_profit_price) == (95, 110)
    desk.ingest(
        order_report(
            "901",
            OrderStatus.ACCEPTED,
            "sell",
            order_type=OrderType.STOP,
            stop_price=Decimal(99),
            quantity=Decimal(1),
        )
    )
    leg.refresh_from_db()
    (after,) = desk.trips()
    assert (leg.price, after.stop_loss_price, after.pk) == (99, 99, before.pk)


def test_it_traces_a_legs_end_on_its_entry(desk):
    order = desk.order("900")
    desk.leg(order, "take_profit", "902")
    desk.ingest(order_report("902", OrderStatus.CANCELED, "sell"))
    event = OrderEvent.objects.get(order=order)
    assert (event.kind, event.message, event.data) == ("canceled", "Take-profit", {"leg": "take_profit"})


def test_it_leaves_foreign_orders_alone(desk):
    result = desk.ingest(order_report("555", OrderStatus.FILLED, filled_quantity=Decimal(1)))
    assert (result.orders, result.dropped) == (0, 0)
