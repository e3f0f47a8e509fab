"""An alert that tells an action: every signal against a flat account, a long and a short one."""

from __future__ import annotations

import pytest

from strategies.webhooks.alert import Position, QuantityKind
from tests.strategies.execution.build import account, denials, order, plan, steps, terms

ENTER, EXIT = "entry", "exit"
NOTHING = []
LONG, SHORT, FLAT = Position.LONG, Position.SHORT, Position.FLAT
PERCENT = QuantityKind.PERCENT_OF_POSITION

ROWS = [
    # signal, then what a flat account does, one that is long 3 and one that is short 3
    (order("buy", 2), [(ENTER, 2)], [(ENTER, 2)], [(EXIT, 3), (ENTER, 2)]),
    (order("buy"), [(ENTER, 1)], [(ENTER, 1)], [(EXIT, 3), (ENTER, 1)]),
    (order("buy", 2, sentiment=LONG), [(ENTER, 2)], [(ENTER, 2)], [(EXIT, 3), (ENTER, 2)]),
    (order("buy", 2, sentiment=FLAT), NOTHING, NOTHING, [(EXIT, 3)]),
    (order("buy", 2, sentiment=SHORT), NOTHING, NOTHING, [(EXIT, 2)]),
    (order("buy", 9, sentiment=SHORT), NOTHING, NOTHING, [(EXIT, 3)]),
    (order("sell", 2), [(ENTER, -2)], [(EXIT, -3), (ENTER, -2)], [(ENTER, -2)]),
    (order("sell"), [(ENTER, -1)], [(EXIT, -3), (ENTER, -1)], [(ENTER, -1)]),
    (order("sell", 2, sentiment=SHORT), [(ENTER, -2)], [(EXIT, -3), (ENTER, -2)], [(ENTER, -2)]),
    (order("sell", 2, sentiment=FLAT), NOTHING, [(EXIT, -3)], NOTHING),
    (order("sell", 2, sentiment=LONG), NOTHING, [(EXIT, -2)], NOTHING),
    (order("sell", 9, sentiment=LONG), NOTHING, [(EXIT, -3)], NOTHING),
    (order("exit"), NOTHING, [(EXIT, -3)], [(EXIT, 3)]),
    (order("exit", 2), NOTHING, [(EXIT, -2)], [(EXIT, 2)]),
    (order("exit", 9), NOTHING, [(EXIT, -3)], [(EXIT, 3)]),
    (order("exit", 34, quantity_kind=PERCENT), NOTHING, [(EXIT, -1)], [(EXIT, 1)]),
    (order("exit", 100, quantity_kind=PERCENT), NOTHING, [(EXIT, -3)], [(EXIT, 3)]),
    (order("add", 2), NOTHING, [(ENTER, 2)], [(ENTER, -2)]),
    (order("reverse", 2), NOTHING, [(EXIT, -3), (ENTER, -2)], [(EXIT, 3), (ENTER, 2)]),
    (order("cancel"), NOTHING, NOTHING, NOTHING),
]
CASES = [
    pytest.param(
        alert, held, expected, id=f"{alert.action} {alert.quantity} {alert.sentiment or ''} at {held}"
    )
    for alert, *outcomes in ROWS
    for held, expected in zip((0, 3, -3), outcomes, strict=True)
]


@pytest.mark.parametrize(("alert", "held", "expected"), CASES)
def test_it_follows_the_table(alert, held, expected):
    outcome = plan(alert, account(held), terms(trim="Partial"))
    assert steps(outcome) == expected
    assert bool(outcome.no_action) is (expected == NOTHING)


@pytest.mark.parametrize(
    ("alert", "held", "direction"),
    [
        (order("sell", 2), 0, "Long"),
        (order("sell", 2), -1, "Long"),
        (order("buy", 2), 0, "Short"),
    ],
)
def test_it_enters_no_side_that_is_not_traded(alert, held, direction):
    outcome = plan(alert, account(held), terms(direction=direction))
    assert ENTER not in {purpose for purpose, _ in steps(outcome)}
    assert denials(outcome) == ["DIRECTION_NOT_ALLOWED"]


def test_it_still_closes_on_the_side_that_is_not_traded():
    outcome = plan(order("sell", 2), account(3), terms(direction="Long"))
    assert steps(outcome) == [(EXIT, -3)]
    assert denials(outcome) == ["DIRECTION_NOT_ALLOWED"]


def test_it_closes_everything_whatever_the_quantity_unless_exits_are_partial():
    assert steps(plan(order("exit", 1), account(3), terms(trim="All"))) == [(EXIT, -3)]


def test_it_closes_a_share_also_when_exits_are_not_partial():
    half = order("exit", 50, quantity_kind=PERCENT)
    assert steps(plan(half, account(4), terms(trim="All"))) == [(EXIT, -2)]


def test_it_closes_at_least_one_when_asked_for_a_part():
    little = order("exit", 10, quantity_kind=PERCENT)
    assert steps(plan(little, account(3))) == [(EXIT, -1)]


def test_it_keeps_the_protection_of_what_a_partial_exit_leaves():
    assert plan(order("exit", 2), account(3), terms(trim="Partial")).remaining == 1


def test_it_does_nothing_at_an_account_that_is_switched_off_in_the_strategy():
    outcome = plan(order("buy", 2), account(0, allocation_enabled=False))
    assert outcome.drafts == () and outcome.no_action


@pytest.mark.parametrize("held", [0, 3, -3])
def test_it_refuses_what_it_cannot_do(held):
    outcome = plan(order("breakeven"), account(held))
    assert steps(outcome) == NOTHING
    assert denials(outcome) == ["ACTION_NOT_AVAILABLE"]


@pytest.mark.parametrize(("action", "code"), [("cancel", []), ("breakeven", ["ACTION_NOT_AVAILABLE"])])
@pytest.mark.parametrize(
    "told",
    [
        {"position_after": FLAT},
        {"position_after": LONG, "position_after_size": 1},
        {"position_after": SHORT, "position_after_size": 1},
    ],
)
def test_it_moves_no_position_with_a_template_that_always_tells_one(action, code, told):
    outcome = plan(order(action, **told), account(3))
    assert steps(outcome) == NOTHING
    assert denials(outcome) == code


@pytest.mark.parametrize(("action", "side"), [("buy", SHORT), ("sell", LONG)])
def test_it_opens_nothing_with_a_side_told_without_its_size(action, side):
    guarded = order(action, 2, position_after=side)
    assert steps(plan(guarded, account(0))) == NOTHING


def test_it_buys_no_share_of_a_position():
    share = order("buy", 50, quantity_kind=PERCENT)
    assert denials(plan(share, account(0))) == ["QUANTITY_KIND_NOT_AVAILABLE"]
    assert steps(plan(share, account(0), terms(position_size=2))) == [(ENTER, 2)]
