"""One strategy's fills become round trips: adds, partial exits, flips, money and reasons."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from brokers.domain import Side
from recorder.matching import ExitReason, TripStatus, build_round_trips
from tests.recorder.executions import START, execution

POINT = Decimal(2)


def trips(*items):
    return build_round_trips(items).trips


def test_it_closes_a_long_with_a_profit():
    (trip,) = trips(execution(1, "buy", 2, 100), execution(2, "sell", 2, "103.5", reason=ExitReason.SIGNAL))
    figures = trip.figures(POINT)
    assert (trip.side, trip.largest, trip.status) == (Side.BUY, 2, TripStatus.CLOSED)
    assert (figures.entry_price, figures.exit_price, figures.pnl) == (100, Decimal("103.5"), 14)
    assert trip.closed_by.reason is ExitReason.SIGNAL


def test_it_closes_a_short_with_a_profit():
    (trip,) = trips(execution(1, "sell", 3, 100), execution(2, "buy", 3, 99))
    assert trip.side is Side.SELL
    assert trip.figures(POINT).pnl == 6


def test_it_averages_entries():
    (trip,) = trips(execution(1, "buy", 1, 100), execution(2, "buy", 3, 104), execution(3, "sell", 4, 103))
    assert trip.figures(POINT).entry_price == 103
    assert trip.figures(POINT).pnl == 0
    assert trip.largest == 4


def test_it_realises_a_partial_exit_and_keeps_the_average_of_what_is_open():
    (trip,) = trips(execution(1, "buy", 4, 100), execution(2, "sell", 1, 110))
    figures = trip.figures(POINT)
    assert (trip.status, trip.open_quantity, trip.largest) == (TripStatus.OPEN, 3, 4)
    assert (figures.entry_price, figures.pnl, figures.pnl_percent) == (100, 20, None)


def test_it_averages_an_add_after_a_partial_exit_like_the_venue_does():
    (trip,) = trips(execution(1, "buy", 4, 100), execution(2, "sell", 2, 110), execution(3, "buy", 2, 120))
    assert trip.figures(POINT).entry_price == 110
    assert trip.figures(POINT).pnl == 40


def test_it_tells_the_average_of_all_entries_once_closed():
    (trip,) = trips(
        execution(1, "buy", 2, 100),
        execution(2, "sell", 1, 110),
        execution(3, "buy", 1, 106),
        execution(4, "sell", 2, 110),
    )
    figures = trip.figures(POINT)
    assert figures.entry_price == 102
    assert figures.exit_price == 110
    assert figures.pnl == 3 * 8 * POINT


def test_it_cuts_a_flip_into_a_close_and_an_open():
    first, second = trips(
        execution(1, "buy", 2, 100),
        execution(2, "sell", 5, 110, costs=Decimal("1.00"), reason=ExitReason.SIGNAL),
    )
    assert (first.status, first.figures(POINT).pnl) == (TripStatus.CLOSED, 40)
    assert (second.side, second.open_quantity, second.from_flat) == (Side.SELL, 3, False)
    assert (first.costs, second.costs) == (Decimal("0.4"), Decimal("0.6"))
    assert second.first.id == first.closed_by.id


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        (ExitReason.TAKE_PROFIT, TripStatus.TARGET_HIT),
        (ExitReason.STOP_LOSS, TripStatus.STOPPED_OUT),
        (ExitReason.SIGNAL, TripStatus.CLOSED),
        (ExitReason.MANUAL, TripStatus.CLOSED),
    ],
)
def test_it_takes_the_status_from_the_fill_that_closes(reason, status):
    (trip,) = trips(
        execution(1, "buy", 2, 100),
        execution(2, "sell", 1, 101, reason=ExitReason.MANUAL),
        execution(3, "sell", 1, 102, reason=reason),
    )
    assert trip.status is status


def test_it_relates_the_percentage_to_the_value_of_the_entries():
    (trip,) = trips(execution(1, "buy", 2, 100), execution(2, "sell", 2, 105, costs=Decimal(2)))
    assert trip.figures(POINT).pnl_percent == Decimal("4.5")  # (20 - 2) of 400


def test_it_has_no_percentage_for_an_entry_at_nothing():
    (trip,) = trips(execution(1, "buy", 2, 0), execution(2, "sell", 2, 5))
    assert trip.figures(POINT).pnl_percent is None


def test_it_counts_slippage_of_the_first_order_only_and_worse_is_positive():
    signal_order = START  # any key: what matters is that two fills share it and the third does not
    items = (
        execution(1, "sell", 1, 100, order=signal_order),
        execution(2, "sell", 1, 99, order=signal_order),
        execution(3, "sell", 5, 50, order=START + timedelta(1)),
    )
    (trip,) = trips(*items)
    assert trip.figures(POINT, Decimal("100.25")).slippage == Decimal("0.75")
    assert trip.figures(POINT).slippage is None


def test_it_tells_whether_everything_was_flat_at_the_start():
    starts = [
        trip.from_flat
        for trip in trips(
            execution(1, "buy", 1, 100),
            execution(2, "sell", 2, 100),
            execution(3, "buy", 1, 100),
            execution(4, "buy", 1, 9),
        )
    ]
    assert starts == [True, False, True]
