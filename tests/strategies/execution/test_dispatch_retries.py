"""What the venue provably did not take is sent again until the deadline; the budget holds entries, never exits."""

from __future__ import annotations

import asyncio

import pytest

from brokers.domain import Outcome
from brokers.ratelimit import Lane
from tests.strategies.execution.login import (
    ACCEPTED,
    Claim,
    Login,
    Venue,
    dispatch,
    dispatch_of,
    not_now,
    send,
)

EXITS = pytest.mark.parametrize("lane", [Lane.EXIT, Lane.CANCEL])


@pytest.mark.parametrize("lane", [Lane.EXIT, Lane.ENTRY])
async def test_it_is_sent_again_until_it_is_taken(lane):
    login = Login(not_now(), not_now(), ACCEPTED)
    item = dispatch_of(login, lane)
    assert await dispatch(item, Claim()) == ACCEPTED
    assert login.adapter.received == item.tries == 3


async def test_it_waits_as_long_as_the_venue_asks():
    login, loop = Login(not_now(0.4), ACCEPTED), asyncio.get_running_loop()
    begun = loop.time()
    await send(login, Lane.EXIT)
    assert 0.4 <= loop.time() - begun < 0.9


async def test_its_waits_grow_when_the_venue_asks_for_too_little():
    login, loop = Login(not_now(0), not_now(0), ACCEPTED), asyncio.get_running_loop()
    begun = loop.time()
    await send(login, Lane.EXIT)
    assert 0.3 <= loop.time() - begun < 0.8


@pytest.mark.parametrize("lane", [Lane.EXIT, Lane.ENTRY])
async def test_it_gives_up_at_the_deadline_and_says_that_nothing_was_taken(lane):
    login = Login(not_now(0.05))
    result = await send(login, lane, left=0.5)
    assert result.not_taken and result.code == "RATE_LIMITED"
    assert 2 <= login.adapter.received <= 4


async def test_it_does_not_wait_for_a_moment_after_the_deadline():
    login = Login(not_now(60))
    assert await asyncio.wait_for(send(login), 0.5) == not_now(60)


async def test_an_entry_is_not_begun_after_the_deadline():
    login = Login()
    result = await send(login, left=0)
    assert result.not_taken and login.adapter.received == 0


@EXITS
async def test_an_exit_is_begun_after_the_deadline_too(lane):
    assert await send(Login(), lane, left=0) == ACCEPTED


@EXITS
async def test_an_exit_is_never_held_by_the_budget(lane):
    login = Login(per_minute=1)
    login.use_up()
    login.budget.hold(60)
    assert await asyncio.wait_for(send(login, lane), 0.5) == ACCEPTED


async def test_an_entry_waits_for_room_in_the_budget():
    login, loop = Login(), asyncio.get_running_loop()
    login.budget.hold(0.2)
    begun = loop.time()
    assert await send(login) == ACCEPTED
    assert loop.time() - begun >= 0.2


async def test_an_entry_without_room_until_the_deadline_is_not_sent():
    login = Login(per_minute=1)
    login.use_up()
    result = await send(login, left=0.1)
    assert (result.outcome, result.code) == (Outcome.REJECTED, "BUDGET_USED_UP")
    assert result.not_taken and login.adapter.received == 0


@pytest.mark.parametrize("left", [5, 0.1], ids=["in time for another try", "too late for another try"])
async def test_a_venue_that_asks_to_slow_down_holds_the_logins_other_entries(left):
    login = Login(not_now(0.5), ACCEPTED)
    first = asyncio.create_task(send(login, Lane.EXIT, left=left))
    await asyncio.sleep(0.05)
    assert 0.3 < login.budget.wait_seconds(Lane.ENTRY) <= 0.5
    assert login.budget.wait_seconds(Lane.EXIT) == 0
    await first


async def test_a_penalty_of_an_hour_holds_them_for_half_a_minute_at_most():
    login = Login(not_now(3600))
    await send(login)
    assert 25 < login.budget.wait_seconds(Lane.ENTRY) <= 30


async def test_another_login_is_not_held():
    slow, other = Login(not_now(0.5)), Login()
    await send(slow, left=0.1)
    assert other.budget.wait_seconds(Lane.ENTRY) == 0


async def test_it_goes_as_soon_as_the_login_is_connected():
    login = Login()
    login.comes_up, login.adapter = login.adapter, None
    assert await send(login) == ACCEPTED


async def test_a_login_without_connection_refuses_provably_and_holds_no_budget():
    login = Login()
    login.adapter = None
    item = dispatch_of(login, left=0.1)
    result = await dispatch(item, Claim())
    assert (result.outcome, result.code, result.not_taken) == (Outcome.REJECTED, "SESSION_DOWN", True)
    assert item.sent_at is None
    assert login.budget.wait_seconds(Lane.ENTRY) == 0


async def test_its_next_try_goes_through_the_session_that_replaced_the_first():
    old, new = Login(not_now(0.05)), Login()
    sessions = [old, old]

    def current():
        return sessions.pop() if sessions else new

    item = dispatch_of(old, Lane.EXIT, find_session=current)
    assert await dispatch(item, Claim()) == ACCEPTED
    assert (old.adapter.received, new.adapter.received) == (1, 1)


async def test_it_asks_for_room_for_every_try():
    login = Login(not_now(), not_now(), ACCEPTED)
    await send(login, Lane.EXIT)
    assert login.budget.used() == (3, 3)


async def test_a_venue_is_asked_once_by_each_of_many_orders():
    venue, login = Venue(), Login()
    login.adapter = venue
    results = await asyncio.gather(*(send(login) for _ in range(50)))
    assert set(map(str, results)) == {str(ACCEPTED)} and venue.received == 50
