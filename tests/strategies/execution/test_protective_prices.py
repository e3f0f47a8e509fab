"""Targets and stops: from ticks, points, per cent or dollars to prices on the tick, on the right side of the entry."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.domain import LegKind, LegSpec, OrderType, Side
from strategies.execution.sizing import Distance, leg_for, leg_price
from tests.strategies.execution.build import MNQ, account, away, contract, denials, order, plan, terms

BUY, SELL = Side.BUY, Side.SELL
GOAL, STOP = LegKind.TAKE_PROFIT, LegKind.STOP_LOSS
TICK = MNQ.tick_size


def legs(alert, strategy=None, net=0, instrument=MNQ):
    """The legs of the one entry, by kind."""
    (draft,) = plan(alert, account(net, instrument=instrument), strategy).drafts
    assert draft.denial is None
    return {leg.kind: leg for leg in draft.legs}


def offset(units, value, quantity=2, price="20000", instrument=MNQ):
    """How far a stop of the strategy stands from the entry, in price points."""
    strategy = terms(position_size=quantity, stop_loss=value, units=units)
    return legs(order("buy", signal_price=Decimal(price)), strategy, instrument=instrument)[STOP].offset


@pytest.mark.parametrize(
    ("units", "value", "expected"),
    [
        ("Ticks", 20, "5"),
        ("Points", 5, "5"),
        ("Percent", "0.5", "100"),
        ("Dollars", 100, "25"),
        ("Ticks", "0.2", "0.25"),
        ("Points", "0.01", "0.25"),
        ("Points", "5.2", "5.25"),
        ("Dollars", 1, "0.25"),
    ],
)
def test_it_turns_each_unit_into_points_on_the_tick_and_at_least_one(units, value, expected):
    assert offset(units, value) == Decimal(expected)


@pytest.mark.parametrize(("quantity", "expected"), [(1, "50"), (2, "25"), (5, "10")])
def test_dollars_are_for_the_whole_entry(quantity, expected):
    assert offset("Dollars", 100, quantity) == Decimal(expected)


def test_dollars_count_the_contracts_point_value():
    assert offset("Dollars", 100, 1, instrument=contract(point_value=Decimal(20))) == 5


def test_per_cent_is_of_the_entrys_own_price_when_it_has_one():
    resting = order(
        "buy", 1, order_type=OrderType.LIMIT, limit_price=Decimal(10000), signal_price=Decimal(20000)
    )
    assert legs(resting, terms(stop_loss=1, units="Percent"))[STOP].offset == 100


def test_per_cent_for_a_trailing_entry_is_of_the_price_now_since_it_has_none_of_its_own():
    prices = {"stop_price": Decimal(10000), "trail_offset": Decimal(5), "signal_price": Decimal(20000)}
    trailing = order("buy", 1, order_type=OrderType.TRAILING_STOP, **prices)
    assert legs(trailing, terms(stop_loss=1, units="Percent"))[STOP].offset == 200


def test_per_cent_of_a_price_below_zero_is_still_a_distance():
    assert offset("Percent", 1, price="-50") == Decimal("0.5")


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        ({"offset": 5}, "5"),
        ({"percent": "0.5"}, "100"),
        ({"money": 100}, "25"),
    ],
)
def test_it_takes_the_alerts_own_measures(measure, expected):
    alert = order(
        "buy", 2, signal_price=Decimal(20000), stop_loss=away(**measure), take_profit=away(**measure)
    )
    assert {leg.offset for leg in legs(alert).values()} == {Decimal(expected)}


def test_the_alerts_own_stop_replaces_the_strategys_and_leaves_its_target():
    found = legs(order("buy", 1, stop_loss=away(offset=3)), terms(stop_loss=40, take_profit=40))
    assert (found[STOP].offset, found[GOAL].offset) == (3, 10)


def test_nothing_set_asks_for_no_protection():
    assert legs(order("buy", 1), terms(take_profit=None, stop_loss=None)) == {}


@pytest.mark.parametrize("name", ["take_profit", "stop_loss"])
@pytest.mark.parametrize("units", ["Ticks", "Points", "Percent", "Dollars"])
def test_zero_is_no_distance_and_not_the_same_as_none(name, units):
    outcome = plan(order("buy", 1, signal_price=Decimal(20000)), account(), terms(units=units, **{name: 0}))
    assert denials(outcome) == ["BRACKET_INVALID"]


def test_a_reversal_whose_protection_is_impossible_still_closes():
    outcome = plan(order("sell", 1), account(2), terms(stop_loss=0))
    assert [(d.purpose, d.denial is None) for d in outcome.drafts] == [("exit", True), ("entry", False)]


def test_an_exit_carries_no_protection():
    (draft,) = plan(order("exit"), account(2), terms(stop_loss=20)).drafts
    assert draft.legs == ()


def test_a_trailing_stop_stays_one():
    assert legs(order("buy", 1, stop_loss=away(offset=5, trailing=True)))[STOP].trailing


@pytest.mark.parametrize(
    ("side", "kind", "expected"),
    [(BUY, GOAL, "100.25"), (BUY, STOP, "100"), (SELL, GOAL, "100"), (SELL, STOP, "100.25")],
)
def test_a_price_between_two_ticks_moves_away_from_the_entry(side, kind, expected):
    alert = order(side.value, 1, **{kind.value: away(price="100.1")})
    assert legs(alert)[kind].price == Decimal(expected)


@pytest.mark.parametrize(
    ("side", "kind", "expected"),
    [(BUY, GOAL, "105.25"), (BUY, STOP, "95"), (SELL, GOAL, "95"), (SELL, STOP, "105.25")],
)
def test_an_offset_goes_from_the_fill_to_the_right_side(side, kind, expected):
    leg = LegSpec(kind, offset=Decimal(5))
    assert leg_price(leg, side, Decimal("100.1"), MNQ) == Decimal(expected)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(Side),
    st.sampled_from(LegKind),
    st.decimals("1000", "30000", places=3),
    st.sampled_from(["Ticks", "Points", "Percent", "Dollars"]),
    st.decimals("0.01", "50", places=2),
    st.integers(1, 10),
)
def test_it_stands_on_the_tick_beyond_the_fill_no_nearer_than_asked(side, kind, fill, units, value, quantity):
    leg = leg_for(Distance(kind, value=value, units=units), side, Decimal(quantity), MNQ, fill)
    assert isinstance(leg, LegSpec)
    price = leg_price(leg, side, fill, MNQ)
    distance = (price - fill) * (side.sign if kind is GOAL else -side.sign)
    assert price % TICK == 0
    assert leg.offset <= distance < leg.offset + TICK


def test_a_price_of_its_own_does_not_move_with_the_fill():
    leg = LegSpec(STOP, price=Decimal("99.5"))
    assert leg_price(leg, BUY, Decimal(120), MNQ) == Decimal("99.5")
