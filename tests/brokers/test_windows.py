"""What a venue counts apart: a class of calls has windows of its own, with a reserve for what is urgent."""

from __future__ import annotations

import pytest

from brokers.adaptation import Adaptation
from brokers.domain import Call, RateLimit
from brokers.lanes import Lane
from brokers.ratelimit import LoginBudget
from brokers.windows import Windows, sizes
from tests.brokers.test_login_budget import Clock

LIMITS = (
    RateLimit("login", "*", 1000, 3600),
    RateLimit("login", "orders", 10, 60),
    RateLimit("login", "orders", 3, 1),
    RateLimit("login", "reads", 20, 60),
    RateLimit("address", "orders", 500, 60),
)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def login(clock):
    made = LoginBudget(700, 4000, clock)
    made.declare(LIMITS, Adaptation())
    return made


def drain(budget, lane, call=Call.ORDERS, *, clock=None, step=0.0) -> int:
    count = 0
    while count < 1000 and budget.try_take(lane, call):
        count += 1
        if clock is not None:
            clock.advance(step)
    return count


def test_the_least_number_of_each_window_holds_and_failures_are_another_matter():
    limits = (
        RateLimit("address", "orders", 50, 60),
        RateLimit("address", "orders", 40, 60),
        RateLimit("address", "sign-in", 5, 3600, Call.SIGN_IN, failed_only=True),
    )
    assert sizes(limits, "address", Call.ORDERS) == {60: 40}
    assert sizes(limits, "address", Call.SIGN_IN) == {}
    assert sizes(limits, "login", Call.ORDERS) == {}


@pytest.mark.parametrize(("lane", "fits"), [(Lane.ENTRY, 90), (Lane.MODIFY, 80), (Lane.READ, 70)])
def test_each_lane_leaves_a_reserve_to_those_before_it(clock, lane, fits):
    windows = Windows({60: 100}, 1.0, clock)
    count = 0
    while windows.wait_seconds(lane) == 0:
        windows.count()
        count += 1
    assert (count, windows.wait_seconds(lane)) == (fits, 60)
    assert windows.wait_seconds(Lane.EXIT) == windows.wait_seconds(Lane.CANCEL) == 0


def test_orders_and_reads_of_a_login_have_windows_of_their_own(login, clock):
    assert drain(login, Lane.ENTRY, clock=clock, step=0.6) == 9  # ten a minute, one kept for exits
    assert login.try_take(Lane.EXIT)
    assert drain(login, Lane.READ, Call.READS) == 7  # half of twenty, three kept
    assert login.used()[0] == 17


def test_the_shortest_window_paces_the_others(login, clock):
    assert drain(login, Lane.ENTRY) == 2
    assert login.wait_seconds(Lane.ENTRY) == 1
    clock.advance(1)
    assert drain(login, Lane.ENTRY) == 2


def test_a_request_to_slow_down_narrows_the_class_too(login, clock):
    login.slow_down(5)
    assert login.wait_seconds(Lane.READ, Call.READS) == 5
    clock.advance(5)
    assert drain(login, Lane.READ, Call.READS) == 3
    assert drain(login, Lane.EXIT) == 1000


async def test_whoever_waits_for_its_class_is_served_when_that_has_room():
    login = LoginBudget(700, 4000)
    login.declare((RateLimit("login", "orders", 1, 1),), Adaptation())
    await login.take(Lane.ENTRY)
    assert not login.try_take(Lane.ENTRY)
    await login.take(Lane.ENTRY)  # after the second that the venue counts
    assert login.used() == (2, 2)


def test_what_is_lent_comes_on_top_and_is_taken_back(clock):
    windows = Windows({60: 100, 1: 10}, 0.5, clock)
    windows.lend({60: 80})
    assert (windows.limit(60, Lane.EXIT), windows.limit(1, Lane.EXIT)) == (80, 5)
    windows.lend({60: 10})
    assert windows.limit(60, Lane.EXIT) == 50  # never less than our own
    windows.lend({60: 80})
    windows.take_back()
    assert windows.limit(60, Lane.EXIT) == 50


def test_it_tells_how_many_more_fit_and_which_window_is_the_tightest(clock):
    windows = Windows({60: 100, 3600: 30}, 1.0, clock)
    assert windows.room(Lane.ENTRY) == (27, 3600)
    windows.carry({60: 100, 3600: 10})
    assert windows.room(Lane.ENTRY) == (0, 60)
