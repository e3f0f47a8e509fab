"""A login's call budget: what waits, what never does, and in which order."""

from __future__ import annotations

import asyncio

import pytest

from brokers.ratelimit import BORROWED_MINUTES, Lane, LoginBudget


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def clock():
    return Clock()


def drain(budget, lane) -> int:
    count = 0
    while budget.try_take(lane):
        count += 1
    return count


async def test_it_lets_entries_borrow_from_the_next_minutes_and_nobody_else(clock):
    for lane, fits in ((Lane.READ, 10), (Lane.MODIFY, 10), (Lane.ENTRY, 10 * BORROWED_MINUTES)):
        assert drain(LoginBudget(10, 1000, clock), lane) == fits


async def test_it_makes_room_as_the_minute_passes(clock):
    budget = LoginBudget(2, 1000, clock)
    assert budget.try_take(Lane.READ)
    clock.advance(30)
    assert budget.try_take(Lane.READ)
    assert budget.wait_seconds(Lane.READ) == 30
    clock.advance(30)
    assert drain(budget, Lane.READ) == 1


async def test_it_binds_entries_to_the_hour(clock):
    budget = LoginBudget(10, 12, clock)
    assert drain(budget, Lane.ENTRY) == 12
    clock.advance(61)
    assert not budget.try_take(Lane.ENTRY)
    clock.advance(3600)
    assert budget.try_take(Lane.ENTRY)


@pytest.mark.parametrize("lane", [Lane.EXIT, Lane.CANCEL])
async def test_it_never_holds_back_an_exit_or_a_cancel(clock, lane):
    budget = LoginBudget(1, 1, clock)
    drain(budget, Lane.ENTRY)
    budget.hold(60)
    assert all(budget.try_take(lane) for _ in range(50))
    assert budget.used() == (51, 51)


async def test_it_makes_entries_wait_when_the_venue_asked_to_slow_down(clock):
    budget = LoginBudget(10, 1000, clock)
    budget.hold(5)
    assert not budget.try_take(Lane.ENTRY)
    clock.advance(5)
    assert budget.try_take(Lane.ENTRY)


async def test_it_lets_an_entry_pass_reads_that_wait():
    budget = LoginBudget(1, 1000)
    assert budget.try_take(Lane.READ)
    read = asyncio.create_task(budget.take(Lane.READ))
    await asyncio.sleep(0)
    assert budget.try_take(Lane.ENTRY)
    assert not read.done()
    read.cancel()


async def test_it_serves_who_waits_most_urgent_first_then_in_turn():
    budget, served = LoginBudget(100, 1000), []

    async def take(lane, name):
        await budget.take(lane)
        served.append(name)

    budget.hold(0.05)
    tasks = [
        asyncio.create_task(take(lane, name))
        for lane, name in (
            (Lane.READ, "read"),
            (Lane.ENTRY, "first"),
            (Lane.MODIFY, "move"),
            (Lane.ENTRY, "second"),
        )
    ]
    await asyncio.gather(*tasks)
    assert served == ["first", "second", "move", "read"]


async def test_it_gives_the_place_of_one_who_gave_up_to_the_next():
    budget = LoginBudget(100, 1000)
    budget.hold(0.05)
    gone = asyncio.create_task(budget.take(Lane.ENTRY))
    stays = asyncio.create_task(budget.take(Lane.ENTRY))
    await asyncio.sleep(0)
    gone.cancel()
    await stays
    assert budget.used() == (1, 1)
