"""What an entry cost against the price its alert was given at, and where its stop and target stand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.recorder.venue import fill

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("side", "price", "slippage"),
    [
        ("buy", "100.5", "0.5"),
        ("buy", "99.75", "-0.25"),
        ("sell", "99.5", "0.5"),
        ("sell", "100.25", "-0.25"),
    ],
)
def test_it_counts_points_given_up_as_positive(desk, side, price, slippage):
    desk.order("900", side=side, alert={"signal_price": "100"})
    desk.ingest(fill(1, "900", side, 1, price))
    assert desk.trips()[0].slippage == Decimal(slippage)


def test_it_reads_a_price_that_was_stored_as_a_number(desk):
    desk.order("900", alert={"signal_price": 100.25})
    desk.ingest(fill(1, "900", "buy", 1, "100.5"))
    assert desk.trips()[0].slippage == Decimal("0.25")


@pytest.mark.parametrize(
    "alert", [{}, {"signal_price": None}, {"signal_price": "soon"}, {"signal_price": "NaN"}]
)
def test_it_knows_no_slippage_without_a_price(desk, alert):
    desk.order("900", alert=alert)
    desk.ingest(fill(1, "900", "buy", 1, 100))
    assert desk.trips()[0].slippage is None


def test_it_leaves_adds_of_other_signals_out(desk):
    desk.order("900", quantity=2, alert={"signal_price": "100"})
    desk.order("901", alert={"signal_price": "50"})
    desk.ingest(fill(1, "900", "buy", 1, 101), fill(2, "901", "buy", 1, 60), fill(3, "900", "buy", 1, 102))
    assert desk.trips()[0].slippage == Decimal("1.5")


def test_it_shows_the_legs_prices_or_their_distance_from_the_entry(desk):
    order = desk.order("900")
    desk.leg(order, "stop_loss", "901", price=Decimal("95.5"))
    desk.leg(order, "take_profit", "902", offset=Decimal("10.1"))
    desk.ingest(fill(1, "900", "buy", 1, 100))
    (trip,) = desk.trips()
    assert trip.stop_loss_price == Decimal("95.5")
    assert trip.take_profit_price == Decimal("110.25")  # on the tick grid, never nearer than asked


def test_it_mirrors_the_legs_of_a_short(desk):
    order = desk.order("900", side="sell")
    desk.leg(order, "stop_loss", "901", offset=Decimal(4))
    desk.leg(order, "take_profit", "902", offset=Decimal(10))
    desk.ingest(fill(1, "900", "sell", 1, 100))
    assert (desk.trips()[0].stop_loss_price, desk.trips()[0].take_profit_price) == (104, 90)
