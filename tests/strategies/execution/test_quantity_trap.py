"""A reversal's quantity on the chart includes what closes the old position: it must not double the new one."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.execution.meaning import instruct
from strategies.webhooks.alert import Position
from tests.strategies.execution.build import (
    account,
    applied,
    order,
    path,
    plan,
    position,
    remembered,
    steps,
    terms,
)

PARTIAL = terms(trim="Partial")


def fired(before: int, after: int):
    """What a strategy's default message says of this step: side, contracts and the side held afterwards."""
    return order("buy" if after > before else "sell", abs(after - before), sentiment=position(after)[0])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-5, 5), min_size=1, max_size=10), st.sampled_from([1, 2, 3]))
def test_it_follows_the_chart_by_side_and_quantity_alone(charts, multiplier):
    view, previous, before = account(0, multiplier=multiplier), None, 0
    for after in charts:
        if after != before:
            alert = fired(before, after)
            net = path(view.net, plan(alert, view, PARTIAL, previous))[-1]
            previous = remembered(instruct(alert, PARTIAL, previous), previous)
            view, before = replace(view, net=net, held=net), after
        assert view.net == after * multiplier


def test_it_takes_off_what_closes_the_old_position_when_nothing_was_heard_before():
    assert steps(plan(fired(2, -2), account(2))) == [("exit", -2), ("entry", -2)]


def test_it_takes_off_what_each_account_holds():
    outcome = plan(fired(2, -2), account(4, multiplier=2))
    assert steps(outcome) == [("exit", -4), ("entry", -4)]


def test_it_caps_what_is_left_and_not_what_was_told():
    outcome = plan(fired(2, -2), account(2, max_contracts=2))
    assert steps(outcome) == [("exit", -2), ("entry", -2)]


def test_it_takes_a_quantity_that_cannot_cover_the_old_position_as_it_stands():
    outcome = plan(order("sell", 1, sentiment=Position.SHORT), account(3))
    assert steps(outcome) == [("exit", -3), ("entry", -1)]


@pytest.mark.parametrize("sentiment", [None, Position.SHORT])
def test_it_enters_the_strategys_own_size_whatever_was_told(sentiment):
    outcome = plan(order("sell", 4, sentiment=sentiment), account(2), terms(position_size=3))
    assert steps(outcome) == [("exit", -2), ("entry", -3)]


def test_it_believes_the_chart_rather_than_the_account_when_it_knows_it():
    """The account was stopped out of its long of two, the chart was not."""
    outcome = plan(fired(2, -1), account(0), previous=applied(2))
    assert steps(outcome) == [("entry", Decimal(-1))]


def test_it_takes_a_plain_order_as_it_stands():
    assert steps(plan(order("sell", 4), account(2))) == [("exit", -2), ("entry", -4)]


def test_it_is_not_misled_by_the_maximum_about_what_the_quantity_covers():
    assert steps(plan(fired(2, -1), account(2, max_contracts=2))) == [("exit", -2), ("entry", -1)]


@pytest.mark.parametrize(
    ("between", "quantity", "expected"),
    [
        pytest.param(order("exit", 1), 4, -2, id="a partial exit"),
        pytest.param(order("exit"), 2, -2, id="an exit of all"),
        pytest.param(order("add", 1), 6, -2, id="an add"),
        pytest.param(order("cancel"), 5, -2, id="a cancel"),
    ],
)
def test_it_remembers_the_chart_over_what_came_between(between, quantity, expected):
    """The chart was long of three; the account that now follows is flat."""
    before = remembered(instruct(between, PARTIAL, applied(3)), applied(3))
    reversal = order("sell", quantity, sentiment=Position.SHORT)
    assert steps(plan(reversal, account(0), PARTIAL, before)) == [("entry", expected)]


def test_it_remembers_the_side_that_a_reversal_turned_to():
    before = remembered(instruct(order("reverse", 2), PARTIAL, applied(3)), applied(3))
    assert steps(plan(fired(-2, 1), account(-2), PARTIAL, before)) == [("exit", 2), ("entry", 1)]
