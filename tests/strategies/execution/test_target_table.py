"""An alert that tells the position after it: every row of the table, and accounts that are not where the chart was."""

from __future__ import annotations

import pytest

from tests.strategies.execution.build import account, denials, plan, steps, target, terms

ENTER, EXIT = "entry", "exit"
ROWS = [
    pytest.param("buy", 0, 2, [(ENTER, 2)], id="enter long"),
    pytest.param("buy", 1, 3, [(ENTER, 2)], id="add to long"),
    pytest.param("buy", -3, 2, [(EXIT, 3), (ENTER, 2)], id="reverse to long"),
    pytest.param("buy", -3, 0, [(EXIT, 3)], id="exit short, all"),
    pytest.param("buy", -3, -1, [(EXIT, 2)], id="reduce short"),
    pytest.param("sell", 0, -2, [(ENTER, -2)], id="enter short"),
    pytest.param("sell", -1, -3, [(ENTER, -2)], id="add to short"),
    pytest.param("sell", 3, -2, [(EXIT, -3), (ENTER, -2)], id="reverse to short"),
    pytest.param("sell", 3, 0, [(EXIT, -3)], id="exit long, all"),
    pytest.param("sell", 3, 1, [(EXIT, -2)], id="reduce long"),
]


@pytest.mark.parametrize(("action", "before", "after", "expected"), ROWS)
def test_it_follows_the_table(action, before, after, expected):
    assert steps(plan(target(after, before, action), account(before))) == expected


@pytest.mark.parametrize(("action", "before", "after", "expected"), ROWS)
def test_it_takes_the_accounts_own_position_when_the_alert_tells_none_before(action, before, after, expected):
    assert steps(plan(target(after, None, action), account(before))) == expected


@pytest.mark.parametrize(
    ("action", "before", "after", "held", "expected"),
    [
        pytest.param("buy", 1, 3, 0, [(ENTER, 3)], id="the entry was lost"),
        pytest.param("buy", 0, 2, -1, [(EXIT, 1), (ENTER, 2)], id="the exit was lost"),
        pytest.param("sell", 2, -1, 0, [(ENTER, -1)], id="it was stopped out before the reversal"),
        pytest.param("buy", 0, 1, 4, [(EXIT, -3)], id="it holds too much"),
        pytest.param("buy", 1, 3, 3, [], id="it is there already"),
        pytest.param("sell", 3, 1, 0, [], id="a reduction finds it flat"),
        pytest.param("sell", 3, 1, 1, [], id="a reduction finds it smaller"),
        pytest.param("sell", 3, 1, -2, [(EXIT, 2)], id="a reduction finds the other side"),
        pytest.param("sell", 3, 0, -2, [(EXIT, 2)], id="flat finds the other side"),
        pytest.param("sell", 3, 0, 0, [], id="flat finds it flat"),
    ],
)
def test_it_moves_an_account_that_is_somewhere_else(action, before, after, held, expected):
    outcome = plan(target(after, before, action), account(held))
    assert steps(outcome) == expected
    assert bool(outcome.no_action) is (expected == [])


def test_it_says_how_much_stays_protected_after_a_reduction():
    assert plan(target(1, 3), account(3)).remaining == 1


def test_it_closes_and_enters_nothing_where_that_side_is_not_traded():
    outcome = plan(target(-2, 3), account(3), terms(direction="Long"))
    assert steps(outcome) == [(EXIT, -3)]
    assert denials(outcome) == ["DIRECTION_NOT_ALLOWED"]


def test_it_leaves_nothing_on_a_side_that_is_not_traded():
    assert steps(plan(target(-1, -3), account(-3), terms(direction="Long"))) == [(EXIT, 3)]
