"""The executor's reading of everybody's limits, and its own memory of the last moments."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest

from brokers.domain import Outcome
from brokers.sessions import SessionKey, SessionState
from strategies.engine.limits import RESULT_SECONDS, LimitBook
from strategies.engine.pace import Paces
from strategies.execution.terms import Result, RiskTerms

USER, STRATEGY, ACCOUNT = (UUID(int=n) for n in (1, 2, 3))
PLACE = (SessionKey(ACCOUNT, "demo"), "33001")


def book(risk=None, *limits, results=()) -> LimitBook:
    ids = {"platform": "", "user": str(USER), "strategy": str(STRATEGY), "broker_account": str(ACCOUNT)}
    rows = [(scope, ids[scope], kind, values) for scope, kind, values in limits]
    earned = [(scope, ids[scope], *figures) for scope, *figures in results]
    return LimitBook(USER, STRATEGY, risk or {}, {"limits": rows, "results": earned})


def test_real_money_is_limited_without_asking():
    account, strategy = book().account(ACCOUNT, live=True), book().strategy(live=True)
    assert (account.max_orders_per_day, account.max_orders_per_second, account.by_class) == (200, 2, True)
    assert (strategy.max_orders_per_minute, strategy.max_reversals_per_minute) == (10, 3)


def test_demo_money_has_the_few_that_always_hold():
    account = book().account(ACCOUNT, live=False)
    assert (account.max_orders_per_day, account.by_class, account.max_working_orders) == (None, False, 20)
    assert book().strategy(live=False) == RiskTerms()


def test_a_strategy_that_chose_is_not_held_to_the_default():
    assert book({"max_orders_per_day": 900}).account(ACCOUNT, live=True).max_orders_per_day is None
    assert book({"max_orders_per_minute": 60}).strategy(live=True).max_orders_per_minute == 60


@pytest.mark.parametrize("scope", ["platform", "user", "strategy"])
def test_no_strategy_is_looser_than_a_cap(scope):
    found = book({"max_position": "9"}, (scope, "cap", {"max_position": "4"}))
    assert found.strategy(live=False).max_position == 4


def test_a_cap_on_a_users_losses_is_about_the_user():
    found = book({}, ("user", "cap", {"max_daily_loss": "400"}))
    assert found.user().max_daily_loss == 400
    assert found.account(ACCOUNT, live=False).max_daily_loss is None
    assert found.strategy(live=False).max_daily_loss is None


def test_it_brings_the_results_of_what_is_limited():
    found = book(
        {"max_drawdown": "900"},
        ("broker_account", "own", {"max_daily_loss": "100"}),
        ("user", "own", {"max_daily_loss": "300"}),
        results=[("broker_account", "-20", "20", 1.0), ("strategy", "-5", "70", RESULT_SECONDS + 1)],
    )
    account = found.account(ACCOUNT, live=False)
    assert found.results(ACCOUNT, account, found.strategy(live=False)) == (
        Result("account", Decimal(100), None, Decimal(-20), Decimal(20)),
        Result("strategy", None, Decimal(900), None, None),  # too old a word
        Result("user", Decimal(300), None, None, None),  # none yet
    )


@pytest.fixture
def now() -> list[float]:
    return [100.0]


@pytest.fixture
def paces(now) -> Paces:
    return Paces(clock=lambda: now[0])


def test_it_forgets_what_is_long_past(paces, now):
    for _ in range(3):
        paces.sending(ACCOUNT)
    assert (paces.sent_lately(ACCOUNT), paces.sent_lately(USER)) == (3, 0)
    now[0] += 2.5
    assert paces.sent_lately(ACCOUNT) == 0


def test_it_counts_alerts_where_they_are_limited(paces):
    paces.carrying_out(USER)
    (pace,) = paces.of_alerts(USER, RiskTerms(), RiskTerms(max_alerts_per_second=Decimal(9)))
    assert (pace.scope, pace.lately) == ("platform", 1)


def test_only_an_accepted_order_ends_a_row_of_refusals(paces, now):
    for outcome in (Outcome.REJECTED, Outcome.UNKNOWN, Outcome.REJECTED):
        paces.answered(PLACE, outcome)
    assert paces.rejects_in_a_row(PLACE) == 2
    paces.answered(PLACE, Outcome.ACCEPTED)
    assert paces.rejects_in_a_row(PLACE) == 0
    paces.answered(PLACE, Outcome.REJECTED)
    now[0] += 60
    assert paces.rejects_in_a_row(PLACE) == 0


def test_a_stream_is_down_until_it_is_in_step_again(paces, now):
    key = PLACE[0]
    for state in (SessionState.DOWN, SessionState.OPENING, SessionState.DOWN):
        paces.on_session_state(key, state)
        now[0] += 10
    assert paces.stream_down_seconds(key) == 30
    paces.on_session_state(key, SessionState.SYNCED)
    assert paces.stream_down_seconds(key) == 0
