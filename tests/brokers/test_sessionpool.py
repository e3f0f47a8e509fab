"""All sessions of a process: a few connecting at once, so many at most, and none in the way of another."""

from __future__ import annotations

import asyncio

import pytest

from brokers.ratelimit import Lane
from brokers.sessions import CLOSE_SECONDS, SessionKey, SessionState
from tests.brokers.session_world import SessionWorld
from tests.fakes.adapter import FakeAdapter
from tests.fakes.clock import in_virtual_time
from tests.fakes.venue import Answer


@pytest.fixture
def world():
    return SessionWorld()


async def started(pool, *keys: SessionKey) -> None:
    """The sessions in this order of use."""
    for key in keys:
        assert await pool.get(key).ready(30)
        await asyncio.sleep(1)


@in_virtual_time
async def test_it_gives_the_same_session_to_all_who_ask(world):
    pool, key = world.pool(), world.key()
    assert pool.get(key) is pool.get(key)


@in_virtual_time
async def test_it_opens_none_for_a_mere_look(world):
    pool, key = world.pool(), world.key()
    assert pool.peek(key) is None
    assert pool.sessions == {}
    assert pool.get(key) is pool.peek(key)


class SlowAdapter(FakeAdapter):
    """Takes a second to connect; counts how many do so at once."""

    connecting, most = 0, 0

    async def open(self):
        kind = type(self)
        kind.connecting += 1
        kind.most = max(kind.most, kind.connecting)
        await asyncio.sleep(1)
        kind.connecting -= 1
        await super().open()


@in_virtual_time
async def test_it_connects_a_few_at_a_time(world):
    class Counting(SlowAdapter):
        pass

    world.adapter_class = Counting
    pool, keys = world.pool(connecting_at_once=3), [world.key() for _ in range(10)]
    sessions = [pool.get(key) for key in keys]
    assert all(await asyncio.gather(*(session.ready(30) for session in sessions)))
    assert Counting.most == 3


@in_virtual_time
async def test_it_connects_a_few_at_a_time_after_an_outage_too(world):
    class Counting(SlowAdapter):
        pass

    pool, keys = world.pool(connecting_at_once=3), [world.key() for _ in range(10)]
    await started(pool, *keys)
    world.adapter_class = Counting
    for key in keys:
        world.login(key).cut()
    await asyncio.sleep(60)
    assert all(session.is_synced for session in pool.sessions.values())
    assert 1 <= Counting.most <= 3


@in_virtual_time
async def test_it_makes_room_by_closing_the_one_used_longest_ago(world):
    pool, keys = world.pool(maximum=3), [world.key() for _ in range(4)]
    await started(pool, *keys[:3])
    oldest = pool.peek(keys[0])
    await started(pool, keys[3])
    assert set(pool.sessions) == set(keys[1:])
    assert (oldest.state, world.login(keys[0]).listeners) == (SessionState.STOPPED, [])


@in_virtual_time
async def test_it_counts_asking_for_a_session_as_use(world):
    pool, keys = world.pool(maximum=3), [world.key() for _ in range(4)]
    await started(pool, *keys[:3], keys[0], keys[3])
    assert keys[0] in pool.sessions
    assert keys[1] not in pool.sessions


@in_virtual_time
async def test_it_does_not_close_a_session_with_a_command_under_way(world):
    pool, keys = world.pool(maximum=3), [world.key() for _ in range(4)]
    await started(pool, *keys[:3])
    pool.peek(keys[0]).in_use = 1
    pool.peek(keys[1]).in_use = 1
    pool.get(keys[3])
    assert set(pool.sessions) == {keys[0], keys[1], keys[3]}


@in_virtual_time
async def test_it_opens_a_closed_one_again_for_who_needs_it(world):
    pool, keys = world.pool(maximum=2), [world.key() for _ in range(3)]
    await started(pool, *keys, keys[0])
    assert pool.peek(keys[0]).is_synced
    assert len(pool.sessions) == 2


@in_virtual_time
async def test_it_opens_what_is_wanted_and_closes_the_rest(world):
    pool, keys = world.pool(), [world.key() for _ in range(3)]
    await started(pool, keys[0], keys[1])
    unwanted, kept = pool.peek(keys[0]), pool.peek(keys[1])
    await pool.keep({keys[1], keys[2]})
    await asyncio.sleep(1)
    assert set(pool.sessions) == {keys[1], keys[2]}
    assert (unwanted.state, pool.peek(keys[1])) == (SessionState.STOPPED, kept)


@in_virtual_time
async def test_it_does_not_open_more_than_the_maximum_for_what_is_wanted(world):
    pool, keys = world.pool(maximum=2), [world.key() for _ in range(5)]
    await pool.keep(set(keys))
    first = set(pool.sessions)
    await pool.keep(set(keys))
    assert len(first) == 2
    assert set(pool.sessions) == first


class ClingingAdapter(FakeAdapter):
    async def close(self):
        await asyncio.Event().wait()


@in_virtual_time
async def test_it_lets_a_slow_end_delay_nobody(world):
    world.adapter_class = ClingingAdapter
    pool, keys = world.pool(maximum=1), [world.key() for _ in range(2)]
    await started(pool, keys[0])
    assert await pool.get(keys[1]).ready(CLOSE_SECONDS / 10)


@in_virtual_time
async def test_it_lets_one_logins_trouble_touch_no_other(world):
    pool = world.pool(connecting_at_once=2)
    troubled, well = world.key(), world.key()
    world.login(troubled).conduct.opening = Answer.HANG
    pool.get(troubled)
    assert await pool.get(well).ready(1)


@in_virtual_time
async def test_it_begins_anew_after_a_login_was_renewed(world):
    pool, renewed, other = world.pool(), world.key(), world.key()
    await started(pool, renewed, other)
    before, untouched = pool.peek(renewed), pool.peek(other)
    await pool.restart(renewed.connection_id)
    assert (pool.peek(renewed), before.state) == (None, SessionState.STOPPED)
    assert pool.get(renewed) is not before
    assert pool.peek(other) is untouched
    assert untouched.is_synced


@in_virtual_time
async def test_it_meters_a_login_once_for_all_its_environments(world):
    pool, demo = world.pool(), world.key()
    live = SessionKey(demo.connection_id, "live")
    pool.get(demo).budget.try_take(Lane.READ)
    assert pool.get(live).budget.used() == (1, 1)


@in_virtual_time
async def test_it_remembers_what_a_login_used_over_a_restart(world):
    pool, key = world.pool(), world.key()
    pool.get(key).budget.try_take(Lane.READ)
    await pool.restart(key.connection_id)
    assert pool.get(key).budget.used() == (1, 1)


@in_virtual_time
async def test_it_meters_logins_apart(world):
    pool, one, other = world.pool(), world.key(), world.key()
    pool.get(one).budget.try_take(Lane.READ)
    assert pool.get(other).budget.used() == (0, 0)


@in_virtual_time
async def test_it_closes_everything_when_it_stops(world):
    pool, keys = world.pool(), [world.key() for _ in range(3)]
    await started(pool, *keys)
    sessions = list(pool.sessions.values())
    await pool.stop()
    assert {session.state for session in sessions} == {SessionState.STOPPED}
    assert all(world.login(key).listeners == [] for key in keys)


@in_virtual_time
async def test_it_tells_of_every_change_of_state(world):
    pool, key = world.pool(), world.key()
    await started(pool, key)
    await pool.stop()
    assert world.states_of(key) == [SessionState.SYNCED, SessionState.STOPPED]
