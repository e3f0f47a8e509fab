"""How much: size times multipliers, whole steps, the maximum; nothing set is not zero."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.execution.sizing import scaled
from tests.strategies.execution.build import (
    account,
    applied,
    contract,
    denials,
    order,
    plan,
    steps,
    target,
    terms,
)

FRACTIONS = contract(quantity_step=Decimal("0.01"))


def entered(alert, view=None, strategy=None, previous=None):
    """The signed quantity of the one order, an entry."""
    ((purpose, quantity),) = steps(plan(alert, view or account(), strategy, previous))
    assert purpose == "entry"
    return quantity


@pytest.mark.parametrize(
    ("size", "multiplier", "account_multiplier", "expected"),
    [
        (2, "1", "1", 2),
        (3, "1.5", "1", 4),
        (3, "1.5", "2", 9),
        (2, "0.5", "0.5", 0),
        (3, "0.999", "1", 2),
        (3, "0.3333333333333333", "1", 1),
    ],
)
def test_it_floors_size_times_both_multipliers(size, multiplier, account_multiplier, expected):
    view = account(multiplier=multiplier, account_multiplier=account_multiplier)
    assert scaled(Decimal(size), view) == expected


def test_it_floors_to_the_instruments_own_step():
    assert scaled(Decimal("0.158"), account(instrument=FRACTIONS)) == Decimal("0.15")


@pytest.mark.parametrize(("maximum", "expected"), [(None, 7), (9, 7), (3, 3), ("3.9", 3), (0, 0)])
def test_it_caps_at_the_maximum(maximum, expected):
    assert scaled(Decimal(7), account(max_contracts=maximum)) == expected


@settings(max_examples=200, deadline=None)
@given(
    st.decimals("0", "1000", places=3),
    st.decimals("0", "10", places=3),
    st.none() | st.decimals("0", "50", places=2),
)
def test_it_is_the_largest_whole_number_of_steps_that_fits(size, multiplier, maximum):
    quantity = scaled(size, account(multiplier=multiplier, max_contracts=maximum))
    limits = [size * multiplier, *([] if maximum is None else [maximum])]
    assert quantity == int(quantity)
    assert quantity <= min(limits) < quantity + 1


def test_it_caps_an_entry_and_does_not_refuse_it():
    assert entered(target(9), account(max_contracts=3)) == 3
    assert entered(order("sell", 9), account(max_contracts=3)) == -3


def test_an_add_stops_at_the_maximum():
    assert entered(order("buy", 2), account(4, max_contracts=5)) == 1


@pytest.mark.parametrize("alert", [order("buy", 2), target(5, 4)])
@pytest.mark.parametrize(
    ("view", "strategy"),
    [
        ({"multiplier": 0}, {}),
        ({"account_multiplier": 0}, {}),
        ({"multiplier": "0.1"}, {}),
        ({"max_contracts": 0}, {}),
        ({}, {"position_size": 0}),
    ],
    ids=["multiplier", "account multiplier", "too small", "maximum", "size"],
)
def test_it_denies_a_quantity_of_zero(alert, view, strategy):
    outcome = plan(alert, account(0, **view), terms(**strategy))
    assert steps(outcome) == []
    assert denials(outcome) == ["QUANTITY_ZERO"]


@pytest.mark.parametrize("alert", [order("buy", 2), target(2)])
def test_a_size_of_zero_still_closes_the_other_side(alert):
    outcome = plan(alert, account(-3), terms(position_size=0))
    assert steps(outcome) == [("exit", 3)]
    assert denials(outcome) == ["QUANTITY_ZERO"]


@pytest.mark.parametrize(
    ("size", "expected"), [pytest.param(None, 2, id="not set"), pytest.param(5, 5, id="set")]
)
def test_it_takes_the_strategys_size_before_the_alerts(size, expected):
    for alert in (order("buy", 2), target(2)):
        assert entered(alert, strategy=terms(position_size=size)) == expected


def test_it_adds_by_the_size_of_further_entries():
    strategy = terms(position_size=5, position_add=2)
    for alert in (order("buy", 1), order("add", 1)):
        assert entered(alert, account(5), strategy) == 2


def test_it_adds_the_first_size_again_when_none_is_set_for_further_entries():
    strategy = terms(position_size=5)
    assert entered(order("buy", 1), account(5), strategy) == 5
    assert entered(target(2, 1), account(5), strategy, applied(5, 1)) == 5


def test_further_entries_of_zero_are_denied():
    strategy = terms(position_size=5, position_add=0)
    assert denials(plan(order("buy", 1), account(5), strategy)) == ["QUANTITY_ZERO"]
    assert steps(plan(target(2, 1), account(5), strategy, applied(5, 1))) == []


@pytest.mark.parametrize(
    ("after", "before", "held", "previous", "expected"),
    [
        pytest.param(1, 0, 0, None, ("entry", 5), id="first entry"),
        pytest.param(2, 1, 5, applied(5, 1), ("entry", 2), id="a further one"),
        pytest.param(4, 2, 7, applied(7, 2), ("entry", 2), id="one more, of another size on the chart"),
        pytest.param(1, 2, 8, applied(8, 2), ("exit", -4), id="half of it out"),
        pytest.param(0, 2, 7, applied(7, 2), ("exit", -7), id="all out"),
    ],
)
def test_it_builds_a_target_from_the_strategys_own_sizes(after, before, held, previous, expected):
    strategy = terms(position_size=5, position_add=2)
    assert steps(plan(target(after, before), account(held), strategy, previous)) == [expected]


def test_it_turns_to_the_first_size_on_the_other_side():
    strategy = terms(position_size=5, position_add=2)
    outcome = plan(target(-1, 2), account(7), strategy, applied(7, 2))
    assert steps(outcome) == [("exit", -7), ("entry", -5)]


def test_it_takes_the_last_target_for_the_position_before_that_nobody_told():
    strategy = terms(position_size=5, position_add=2)
    assert entered(target(2), account(5), strategy, applied(5, 1)) == 2
