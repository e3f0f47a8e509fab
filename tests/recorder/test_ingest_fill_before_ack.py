"""Fills that come before we know which venue order is ours."""

from __future__ import annotations

from decimal import Decimal

import pytest

from brokers.domain import OrderStatus, OrderType
from recorder.models import RecordedPosition
from strategies.models import Order
from tests.factories import StrategyFactory
from tests.recorder.venue import at, fill, money, order_report

pytestmark = pytest.mark.django_db


def test_it_lets_a_fill_with_our_client_id_make_the_acknowledgement(desk):
    order = desk.order(client_order_id="ours1", quantity=2)
    desk.ingest(fill(1, "900", "buy", 2, 100, client_order_id="ours1"))
    order.refresh_from_db()
    assert (order.status, order.venue_order_id, order.filled_quantity) == ("filled", "900", 2)
    assert order.answered_at is not None
    assert desk.stored(1).match == "order"


def test_it_only_guesses_an_order_in_flight_until_the_venues_id_is_known(desk):
    order = desk.order(quantity=2)
    desk.ingest(fill(1, "900", "buy", 2, 100))
    guessed = desk.stored(1)
    assert (guessed.match, guessed.strategy, guessed.order) == ("window", desk.strategy, order)
    assert [trip.status for trip in desk.trips()] == ["open"]
    order.refresh_from_db()
    assert (order.status, order.filled_quantity, order.venue_order_id) == ("submitted", 0, "")


def test_it_measures_the_window_from_the_plan_while_no_answer_told_when_it_was_sent(desk):
    desk.order(quantity=2, sent_at=None, planned_at=at(0))
    desk.ingest(fill(59, "900", "buy", 1, 100), fill(61, "901", "buy", 1, 100))
    assert (desk.stored(59).match, desk.stored(61).match) == ("window", "external")


def test_it_proves_the_guess_with_the_order_report_that_follows(desk):
    order = desk.order(client_order_id="ours1", quantity=2)
    desk.ingest(fill(1, "900", "buy", 2, 100))
    (trip,) = desk.trips()
    desk.ingest(order_report("900", OrderStatus.ACCEPTED, client_order_id="ours1"))
    order.refresh_from_db()
    assert (order.status, order.filled_quantity, order.average_price) == ("filled", 2, 100)
    assert desk.stored(1).match == "order"
    assert [row.pk for row in desk.trips()] == [trip.pk]


def test_it_proves_the_guess_once_the_executor_wrote_the_venues_id(desk):
    order = desk.order(quantity=2)
    desk.ingest(fill(1, "900", "buy", 2, 100))
    Order.objects.filter(pk=order.pk).update(venue_order_id="900", status="accepted")
    desk.ingest(money(1000))  # any next report of the login
    order.refresh_from_db()
    assert (order.status, order.filled_quantity) == ("filled", 2)
    assert desk.stored(1).match == "order"


def test_it_takes_back_a_guess_that_was_wrong(desk):
    order = desk.order(quantity=2)
    desk.ingest(fill(1, "900", "buy", 2, 100))
    Order.objects.filter(pk=order.pk).update(venue_order_id="955", status="accepted")
    desk.ingest(money(1000))
    stored = desk.stored(1)
    assert (stored.match, stored.strategy, stored.order) == ("external", None, None)
    assert desk.trips() == []
    assert [trip.open_quantity for trip in desk.external()] == [2]


def test_it_takes_back_a_guess_about_an_order_that_never_reached_the_venue(desk):
    order = desk.order(quantity=2)
    desk.ingest(fill(1, "900", "buy", 2, 100))
    Order.objects.filter(pk=order.pk).update(status="rejected")
    desk.ingest(money(1000))
    assert desk.stored(1).match == "external"
    assert not RecordedPosition.objects.filter(strategy=desk.strategy).exists()


def test_it_does_not_guess_between_orders_of_two_strategies(desk):
    desk.order(quantity=2)
    desk.order(quantity=2, strategy=StrategyFactory(user=desk.account.user))
    desk.ingest(fill(1, "900", "buy", 2, 100))
    assert desk.stored(1).match == "external"


def test_it_moves_a_fill_to_the_strategy_that_the_venues_id_names(desk):
    """Recorded as one strategy's, then proven to be another's order: the first one's record forgets it."""
    other = StrategyFactory(user=desk.account.user)
    recorder = StrategyFactory(user=desk.account.user, symbol="MNQ1!", demo_account=desk.account)
    order = desk.order("955", strategy=other, quantity=1)
    desk.ingest(fill(1, "900", "buy", 1, 100))
    assert desk.stored(1).strategy == recorder
    Order.objects.filter(pk=order.pk).update(venue_order_id="900")
    desk.ingest(money(1000))
    assert desk.stored(1).strategy == other
    assert desk.trips(recorder) == []
    assert [trip.open_quantity for trip in desk.trips(other)] == [Decimal(1)]


def test_it_knows_a_legs_fill_by_its_parent_when_the_answer_was_lost(desk):
    order = desk.order("900")
    leg = desk.leg(order, "stop_loss", "", status="unknown", price=Decimal(95))
    report = order_report(
        "901",
        OrderStatus.ACCEPTED,
        side="sell",
        order_type=OrderType.STOP,
        stop_price=Decimal(96),
        parent_venue_order_id="900",
    )
    desk.ingest(report, fill(1, "900", "buy", 1, 100), fill(2, "901", "sell", 1, 96))
    leg.refresh_from_db()
    assert (leg.venue_order_id, leg.status, leg.price) == ("901", "filled", 96)
    assert [(trip.status, trip.stop_loss_price) for trip in desk.trips()] == [("stopped_out", 96)]
