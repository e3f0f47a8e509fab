"""Limits are for entries. An exit passes all but what keeps it from opening a position, or from being sent at all."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from strategies.execution.gate import check
from strategies.execution.terms import Control, Purpose
from tests.strategies.execution.build import (
    account,
    denials,
    entry,
    exit_of,
    occasion,
    order,
    plan,
    sent,
    steps,
    target,
    terms,
)
from tests.strategies.execution.refusals import CIRCUMSTANCES

STOPS_EXITS_TOO = {
    "CONTROL_HALTED",
    "ACCOUNT_DISABLED",
    "ACCOUNT_CLOSED",
    "CONNECTION_NOT_READY",
    "INSTRUMENT_UNKNOWN",
    "POSITION_UNKNOWN",
    "EXIT_WOULD_OPEN",
}


def objection(draft, view, strategy=None, **moment):
    denial = check(draft, view, strategy or terms(), occasion(**moment))
    return None if denial is None else denial.code


def long_of_three(view):
    """The same account, holding a long of three."""
    return replace(view, net=Decimal(3), held=Decimal(3))


@pytest.mark.parametrize("refusal", [r for r in CIRCUMSTANCES if r.code not in STOPS_EXITS_TOO], ids=str)
@pytest.mark.parametrize("alert", [order("exit"), target(0), target(0, 3)], ids=["exit", "flat", "to flat"])
def test_it_closes_a_position_where_an_entry_is_refused(refusal, alert):
    outcome = plan(
        alert, long_of_three(refusal.view), refusal.strategy, moment=occasion(**dict(refusal.moment))
    )
    assert steps(outcome) == [("exit", -3)]


@pytest.mark.parametrize(
    "refusal",
    [r for r in CIRCUMSTANCES if r.code in STOPS_EXITS_TOO - {"POSITION_UNKNOWN", "EXIT_WOULD_OPEN"}],
    ids=str,
)
def test_it_refuses_an_exit_that_could_not_be_sent(refusal):
    outcome = plan(order("exit"), long_of_three(refusal.view))
    assert denials(outcome) == [refusal.code]


@pytest.mark.parametrize("state", ["connected", "connecting", "error"])
def test_it_tries_an_exit_at_a_login_that_may_come_back(state):
    assert objection(exit_of(3), account(3, connection_state=state)) is None


@pytest.mark.parametrize(
    "alert", [order("exit"), target(0), target(0, 2), order("sell", 1, sentiment="long")]
)
def test_it_never_takes_an_unknown_position_for_flat(alert):
    outcome = plan(alert, account(None))
    assert [draft.purpose for draft in outcome.drafts] == [Purpose.EXIT]
    assert denials(outcome) == ["POSITION_UNKNOWN"]
    assert outcome.no_action == ""


@pytest.mark.parametrize(
    "alert", [order("buy", 1), order("add", 1), order("reverse"), target(2), target(2, -1)]
)
def test_it_enters_nothing_while_the_position_is_unknown(alert):
    outcome = plan(alert, account(None))
    assert sent(outcome) == []
    assert denials(outcome) == ["POSITION_UNKNOWN"]


def test_it_does_nothing_about_a_share_that_nobody_knows():
    """The account's position is known, the part of it that other strategies hold is not."""
    assert denials(plan(order("exit"), account(None, held=3))) == ["POSITION_UNKNOWN"]
    assert denials(plan(target(2), account(None, held=3))) == ["POSITION_UNKNOWN"]


@pytest.mark.parametrize(
    ("held", "quantity", "code"),
    [
        (3, 3, None),
        (3, 1, None),
        (3, 4, "EXIT_WOULD_OPEN"),
        (-3, 3, "EXIT_WOULD_OPEN"),
        (0, 1, "EXIT_WOULD_OPEN"),
        (None, 1, "POSITION_UNKNOWN"),
    ],
)
def test_a_sale_that_closes_is_no_larger_than_the_accounts_long(held, quantity, code):
    assert objection(exit_of(1, quantity), account(held)) == code


def test_a_share_is_closed_only_as_far_as_the_account_holds_it():
    """This strategy is long two, another one short three: selling two would enlarge the account's short."""
    assert denials(plan(order("exit"), account(2, held=-1))) == ["EXIT_WOULD_OPEN"]


def test_reducing_closes_the_old_side_of_a_reversal_and_enters_no_new_one():
    outcome = plan(target(-2, 3), account(3, control=Control.REDUCING))
    assert steps(outcome) == [("exit", -3)]
    assert denials(outcome) == ["CONTROL_REDUCING"]


def test_halted_lets_neither_through():
    view = account(3, control=Control.HALTED)
    assert objection(exit_of(3), view) == objection(entry(), view) == "CONTROL_HALTED"
