"""A budget gives way when the venue asks to slow down, and comes back step by step."""

from __future__ import annotations

import pytest

from brokers.adaptation import Adaptation, Adapted
from brokers.domain import RateLimit
from brokers.ratelimit import Lane, LoginBudget, declared
from tests.brokers.test_login_budget import Clock, drain

RULE = Adaptation(lower=0.5, floor=0.2, step=0.25, every=60, grace=2)


@pytest.fixture
def clock():
    return Clock()


def test_it_halves_at_each_request_down_to_its_floor(clock):
    adapted, factors = Adapted(clock, RULE), []
    for _ in range(4):
        adapted.lower()
        factors.append(adapted.factor())
        clock.advance(3)
    assert factors == [0.5, 0.25, 0.2, 0.2]


def test_it_comes_back_step_by_step(clock):
    adapted, factors = Adapted(clock, RULE), []
    adapted.lower()
    for _ in range(4):
        clock.advance(60)
        factors.append(adapted.factor())
    assert factors == [0.75, 1.0, 1.0, 1.0]


def test_it_takes_the_refusals_of_one_burst_for_one(clock):
    adapted = Adapted(clock, RULE)
    for _ in range(30):
        adapted.lower()
    assert adapted.factor() == 0.5


def test_a_429_makes_the_windows_narrower_and_still_holds_back_no_exit(clock):
    budget = LoginBudget(10, 1000, clock)
    budget.declare((), RULE)
    budget.slow_down(5)
    assert budget.wait_seconds(Lane.ENTRY) == 5
    clock.advance(5)
    assert drain(budget, Lane.READ) == 5
    assert all(budget.try_take(Lane.EXIT) for _ in range(50))
    assert (budget.factor(), budget.limited_ago()) == (0.5, 5)
    clock.advance(120)
    assert drain(budget, Lane.READ) == 10


def test_the_venues_declared_limits_narrow_ours(clock):
    limits = (
        RateLimit("login", "*", 20, 60),
        RateLimit("login", "*", 4000, 3600),
        RateLimit("address", "sign-in", 5, 3600),
    )
    assert declared(limits) == (20, 4000)
    budget = LoginBudget(49, 3150, clock)
    budget.declare(limits, RULE)
    assert budget.limits() == (14, 2800)  # what is left is for reads
    assert drain(budget, Lane.ENTRY) == 14  # nobody borrows beyond what the venue allows


def test_what_readers_leave_over_is_lent_and_taken_back(clock):
    budget = LoginBudget(7, 700, clock)
    budget.lend(10, 900)
    assert drain(budget, Lane.READ) == 10
    budget.take_back()
    assert budget.limits() == (7, 700)


def test_the_calls_of_the_process_before_count_as_if_made_now(clock):
    budget = LoginBudget(10, 1000, clock)
    budget.carry(8, 500)
    assert budget.used() == (8, 500)
    assert drain(budget, Lane.READ) == 2
