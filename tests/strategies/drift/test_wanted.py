"""What a strategy wants an account to hold, from what it said and what became of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.domain import Side
from strategies.execution.drift import Budget, Move, Step, Try, may_try, wanted_after

START = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)


def said(*moves) -> Decimal | None:
    steps = [
        Step(START + timedelta(seconds=index), move, Decimal(amount), side)
        for index, (move, amount, side) in enumerate((*given_, None)[:3] for given_ in moves)
    ]
    return wanted_after(steps)


BE, OUT, ENTER, CLOSE, AT_MOST = Move.BE, Move.OUT, Move.ENTER, Move.CLOSE, Move.AT_MOST
BUY, SELL = Side.BUY, Side.SELL


@pytest.mark.parametrize(
    ("moves", "wanted"),
    [
        ([], None),
        ([(BE, 2)], 2),
        ([(BE, 2), (BE, -1)], -1),
        ([(BE, 3), (AT_MOST, 1)], 1),
        ([(BE, 1), (AT_MOST, 3)], 1),
        ([(BE, -2), (AT_MOST, 1)], 0),
        ([(ENTER, 1, BUY), (ENTER, 2, BUY)], 3),
        ([(ENTER, 2, BUY), (ENTER, 1, SELL)], -1),
        ([(ENTER, 3, BUY), (CLOSE, 1)], 2),
        ([(ENTER, 2, SELL), (CLOSE, 1)], -1),
        ([(ENTER, 2, BUY), (OUT, 0), (ENTER, 1, SELL)], -1),
        ([(ENTER, 2, BUY), (OUT, 0, BUY)], 2),  # "out of shorts" while long
        ([(ENTER, 2, SELL), (OUT, 0, BUY)], 0),
        ([(BE, 2), (CLOSE, 2)], 0),  # the stop was reached: intended
        ([(BE, 2), (CLOSE, 5)], 0),
        ([(BE, 2), (CLOSE, 2), (BE, 1)], 1),
    ],
)
def test_the_table(moves, wanted):
    assert said(*moves) == wanted


moves = st.tuples(st.sampled_from(list(Move)), st.integers(0, 5), st.sampled_from([BUY, SELL, None]))


@given(st.lists(moves, max_size=12), st.integers(-5, 5))
def test_a_target_says_all_whatever_was_before(before, target):
    assert said(*before, (BE, target)) == target


@given(st.lists(moves, min_size=1, max_size=12), st.integers(0, 5), st.sampled_from([CLOSE, AT_MOST, OUT]))
def test_an_exit_never_enlarges_or_turns(before, amount, exit_):
    old, new = said(*before), said(*before, (exit_, amount))
    assert old is not None and new is not None
    assert abs(new) <= abs(old) and new * old >= 0


@given(st.lists(moves, min_size=1, max_size=8), st.randoms())
def test_the_order_of_their_times_decides_not_of_their_arrival(items, chance):
    steps = [
        Step(START + timedelta(seconds=i), move, Decimal(amount), side)
        for i, (move, amount, side) in enumerate(items)
    ]
    shuffled = list(steps)
    chance.shuffle(shuffled)
    assert wanted_after(shuffled) == wanted_after(steps)


@given(st.lists(st.integers(0, 7200), max_size=60), st.integers(1, 5))
def test_the_automatic_mode_is_bounded_in_every_hour(moments, per_hour):
    budget, tries = Budget(per_hour), []
    for second in sorted(moments):
        now = START + timedelta(seconds=second)
        if may_try(budget, tries, now) is Try.NOW:
            tries.append(now)
    for at in tries:
        assert sum(1 for other in tries if timedelta(0) <= other - at < timedelta(hours=1)) <= per_hour


def test_used_up_it_is_left_to_a_human():
    tries = [START - timedelta(minutes=m) for m in (40, 20, 10)]
    assert may_try(Budget(3), tries, START) is Try.HUMAN
    assert may_try(Budget(4), tries, START) is Try.NOW
    assert may_try(Budget(4), [*tries[:2], START - timedelta(seconds=5)], START) is Try.LATER
