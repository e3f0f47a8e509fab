"""Several owners at one account and contract: whom a fill closes, and that nothing is lost."""

from __future__ import annotations

from decimal import Decimal

from brokers.domain import Side
from recorder.matching import ExitReason, build_round_trips
from tests.recorder.executions import A, B, execution


def free(number, side, quantity, price, owner=None, **more):
    """A fill that no entry order stands behind."""
    return execution(number, side, quantity, price, owner=owner, whole=False, **more)


def summary(ledger):
    return [(trip.owner, trip.side, trip.largest, trip.open_quantity) for trip in ledger.trips]


def test_it_keeps_two_strategies_apart():
    ledger = build_round_trips(
        [execution(1, "buy", 2, 100), execution(2, "sell", 1, 100, owner=B), execution(3, "sell", 2, 101)]
    )
    assert summary(ledger) == [(A, Side.BUY, 2, 0), (B, Side.SELL, 1, 1)]


def test_it_gives_a_manual_close_to_the_strategy_whose_position_it_ends():
    ledger = build_round_trips([execution(1, "buy", 2, 100), free(2, "sell", 2, 101)])
    (trip,) = ledger.trips
    assert (trip.owner, trip.is_open, trip.closed_by.reason) == (A, False, ExitReason.MANUAL)
    assert ledger.owners[trip.closed_by.id] == A


def test_it_leaves_to_nobody_what_a_manual_trade_opens():
    ledger = build_round_trips([execution(1, "buy", 2, 100), free(2, "buy", 1, 101)])
    assert summary(ledger) == [(A, Side.BUY, 2, 2), (None, Side.BUY, 1, 1)]


def test_it_closes_what_was_opened_by_hand_before_a_strategys_position():
    ledger = build_round_trips([execution(1, "buy", 2, 100), free(2, "buy", 1, 101), free(3, "sell", 1, 102)])
    assert summary(ledger) == [(A, Side.BUY, 2, 2), (None, Side.BUY, 1, 0)]


def test_it_shares_one_flattening_fill_among_all_positions_oldest_first():
    ledger = build_round_trips(
        [
            execution(1, "buy", 2, 100),
            execution(2, "buy", 1, 100, owner=B),
            free(3, "sell", 3, 104, costs=Decimal("0.10")),
        ]
    )
    assert summary(ledger) == [(A, Side.BUY, 2, 0), (B, Side.BUY, 1, 0)]
    assert [trip.costs for trip in ledger.trips] == [Decimal("0.0667"), Decimal("0.0333")]
    assert ledger.owners[ledger.trips[0].closed_by.id] == A


def test_it_lets_an_exit_close_contracts_added_by_hand_instead_of_turning_the_strategy_around():
    ledger = build_round_trips(
        [execution(1, "buy", 2, 100), free(2, "buy", 1, 101), free(3, "sell", 3, 105, owner=A)]
    )
    assert summary(ledger) == [(A, Side.BUY, 2, 0), (None, Side.BUY, 1, 0)]


def test_it_never_lets_an_entry_close_anothers_position():
    ledger = build_round_trips([execution(1, "sell", 2, 100, owner=B), execution(2, "buy", 2, 100)])
    assert summary(ledger) == [(B, Side.SELL, 2, 2), (A, Side.BUY, 2, 2)]


def test_it_does_not_start_from_flat_beside_anothers_open_position():
    ledger = build_round_trips([execution(1, "sell", 2, 100, owner=B), execution(2, "buy", 2, 100)])
    assert [trip.from_flat for trip in ledger.trips] == [True, False]


def test_it_keeps_the_rest_of_an_exit_whose_entry_it_never_saw():
    ledger = build_round_trips([free(1, "sell", 2, 100, owner=A)])
    assert summary(ledger) == [(A, Side.SELL, 2, 2)]


def test_it_applies_equal_times_by_the_number_in_the_venues_id():
    moment = execution(1, "buy", 1, 1).executed_at
    ledger = build_round_trips(
        [execution(10, "sell", 1, 101, at=moment), execution(9, "buy", 1, 100, at=moment)]
    )
    assert summary(ledger) == [(A, Side.BUY, 1, 0)]
