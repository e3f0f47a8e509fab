"""A login's session: open before it is needed, healed when it breaks, patient with a venue that asks for it."""

from __future__ import annotations

import asyncio

import pytest

from brokers.errors import AuthPenalty, AuthRevoked, ProtocolSurprise, RateLimited, StreamClosed, Unavailable
from brokers.sessions import BACKOFF_SECONDS, CLOSE_SECONDS, OPEN_SECONDS, STABLE_SECONDS, SessionState
from tests.brokers.session_world import SessionWorld, now
from tests.fakes.adapter import FakeAdapter
from tests.fakes.clock import in_virtual_time
from tests.fakes.venue import Answer

SHORTEST, LONGEST = 0.5, 1.5  # how far jitter may move a wait


@pytest.fixture
def world():
    return SessionWorld()


@in_virtual_time
async def test_it_is_ready_once_the_venue_told_its_state(world):
    key = world.key("A")
    session = world.session(key)
    assert not session.is_synced
    assert await session.ready(5)
    assert world.states_of(key) == [SessionState.SYNCED]


@in_virtual_time
async def test_it_is_not_ready_while_the_venue_does_not_answer(world):
    key = world.key()
    world.login(key).conduct.opening = Answer.HANG
    assert not await world.session(key).ready(5)


@in_virtual_time
async def test_it_opens_again_after_its_stream_was_cut(world):
    key = world.key("A")
    session = world.session(key)
    await session.ready(5)
    world.login(key).cut(StreamClosed("The socket ended."))
    await asyncio.sleep(LONGEST * BACKOFF_SECONDS[0] + 0.1)
    assert session.is_synced
    assert world.states_of(key) == [
        SessionState.SYNCED,
        SessionState.DOWN,
        SessionState.OPENING,
        SessionState.SYNCED,
    ]


@in_virtual_time
async def test_it_says_why_it_is_down(world):
    key = world.key("A")
    session = world.session(key)
    await session.ready(5)
    world.login(key).cut(ProtocolSurprise("The venue said something new."))
    await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    assert (session.state, session.reason) == (SessionState.DOWN, "The venue said something new.")


@in_virtual_time
async def test_it_takes_the_new_snapshot_for_the_truth_after_a_reconnection(world):
    key = world.key("A")
    session = world.session(key)
    world.venue.positions["A", "3570918"] = 2
    await session.ready(5)
    world.login(key).cut(StreamClosed("The socket ended."))
    world.venue.positions["A", "3570918"] = -1
    await asyncio.sleep(0.01)
    assert session.net("A", "3570918") is None
    await session.ready(5)
    assert session.net("A", "3570918") == -1


@in_virtual_time
async def test_it_waits_longer_after_every_failure_in_a_row(world):
    key = world.key()
    world.login(key).conduct.opening = Answer.LOST
    world.session(key)
    await asyncio.sleep(sum(BACKOFF_SECONDS) * LONGEST + 100)
    gaps = world.gaps(key)
    steps = [*BACKOFF_SECONDS, BACKOFF_SECONDS[-1], BACKOFF_SECONDS[-1]]
    for gap, step in zip(gaps, steps, strict=False):
        assert SHORTEST * step <= gap <= LONGEST * step + 0.01
    assert len(gaps) > len(BACKOFF_SECONDS)


@in_virtual_time
async def test_it_does_not_come_back_at_the_same_moment_as_the_others(world):
    keys = [world.key() for _ in range(20)]
    for key in keys:
        world.login(key).conduct.opening = Answer.LOST
        world.session(key)
    await asyncio.sleep(1)
    assert len({round(world.attempts[key][1], 3) for key in keys}) > 10


@in_virtual_time
async def test_it_starts_with_short_waits_again_after_it_was_well(world):
    key = world.key("A")
    login = world.login(key)
    login.conduct.opening = Answer.LOST
    session = world.session(key)
    await asyncio.sleep(60)
    login.conduct.opening = Answer.ACCEPT
    await session.ready(60)
    await asyncio.sleep(STABLE_SECONDS + 1)
    fell = now()
    login.cut(StreamClosed("The socket ended."))
    await asyncio.sleep(5)
    assert world.attempts[key][-1] - fell <= LONGEST * BACKOFF_SECONDS[0] + 0.01


@in_virtual_time
async def test_it_counts_a_session_that_falls_at_once_as_another_failure(world):
    key = world.key("A")
    session = world.session(key)
    for _ in range(4):
        await session.ready(60)
        world.login(key).cut(StreamClosed("The socket ended."))
        await asyncio.sleep(0.01)
    assert session.failures == 4


@in_virtual_time
async def test_it_shortens_a_long_wait_for_who_needs_it(world):
    key = world.key()
    login = world.login(key)
    login.conduct.opening = Answer.LOST
    session = world.session(key)
    await asyncio.sleep(80)
    login.conduct.opening = Answer.ACCEPT
    assert await session.ready(LONGEST + 0.1)


@in_virtual_time
async def test_it_makes_no_storm_of_many_who_need_it(world):
    key = world.key()
    world.login(key).conduct.opening = Answer.LOST
    session = world.session(key)
    await asyncio.sleep(80)
    before = len(world.attempts[key])
    for _ in range(1000):
        session.retry_now()
        await asyncio.sleep(0.01)
    assert len(world.attempts[key]) - before <= 15  # in ten seconds


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (AuthPenalty("Wait ten minutes.", retry_after=600.0), 600),
        (RateLimited("Slow down.", retry_after=120.0), 120),
        (RateLimited("Slow down."), 30),
    ],
)
@in_virtual_time
async def test_it_stays_away_as_long_as_the_venue_asks_even_when_needed(world, error, seconds):
    key = world.key()
    world.login(key).conduct.opening = error
    session = world.session(key)
    assert not await session.ready(seconds - 1)
    assert len(world.attempts[key]) == 1
    assert (session.state, session.reason) == (SessionState.DOWN, error.message)
    world.login(key).conduct.opening = Answer.ACCEPT
    assert await session.ready(60)


@in_virtual_time
async def test_it_leaves_a_login_alone_that_needs_its_owner(world):
    key = world.key()
    world.login(key).conduct.opening = AuthRevoked("Sign in again.")
    session = world.session(key)
    assert not await session.ready(3000)
    assert world.states_of(key) == [SessionState.LOGIN_NEEDED]
    assert (session.reason, len(world.attempts[key])) == ("Sign in again.", 1)


@in_virtual_time
async def test_it_survives_a_crash_in_the_adapter_and_does_not_repeat_its_words(world):
    key = world.key()
    world.broken = RuntimeError("canary-7731")
    session = world.session(key)
    await asyncio.sleep(0.01)
    assert (session.state, session.reason) == (SessionState.DOWN, "The session failed: RuntimeError.")
    world.broken = None
    assert await session.ready(60)


@in_virtual_time
async def test_it_tries_again_when_no_adapter_can_be_made(world):
    key = world.key()
    world.login(key).conduct.is_reachable = False
    session = world.session(key)
    await asyncio.sleep(0.1)
    world.login(key).conduct.is_reachable = True
    assert await session.ready(60)


@in_virtual_time
async def test_it_does_not_let_a_venue_that_hangs_keep_the_others_from_connecting(world):
    hanging, well = world.key(), world.key()
    world.login(hanging).conduct.opening = Answer.HANG
    slots = asyncio.Semaphore(1)
    world.session(hanging, slots)
    await asyncio.sleep(0.01)
    session = world.session(well, slots)
    assert await session.ready(OPEN_SECONDS + 1)


class SilentAdapter(FakeAdapter):
    async def stream(self):
        await asyncio.Event().wait()
        yield


@in_virtual_time
async def test_it_gives_up_on_a_stream_that_says_nothing(world):
    world.adapter_class = SilentAdapter
    key = world.key()
    session = world.session(key)
    await asyncio.sleep(OPEN_SECONDS + 0.1)
    assert session.state is SessionState.DOWN
    assert "no account state" in session.reason


@in_virtual_time
async def test_it_serves_plain_requests_while_its_stream_is_down(world):
    key = world.key("A")
    session = world.session(key)
    await session.ready(5)
    world.login(key).conduct.is_reachable = False
    world.login(key).cut(StreamClosed("The socket ended."))
    await asyncio.sleep(30)
    assert not session.is_synced
    assert await session.query_net("A", "3570918") == 0


class ClingingAdapter(FakeAdapter):
    async def close(self):
        await asyncio.Event().wait()


class FailingAdapter(FakeAdapter):
    async def close(self):
        raise Unavailable("It is gone already.")


@pytest.mark.parametrize("adapter", [ClingingAdapter, FailingAdapter])
@in_virtual_time
async def test_it_goes_on_when_the_broken_adapter_cannot_be_closed(world, adapter):
    world.adapter_class = adapter
    key = world.key("A")
    session = world.session(key)
    await session.ready(5)
    world.login(key).cut(StreamClosed("The socket ended."))
    await asyncio.sleep(0.01)
    assert await session.ready(CLOSE_SECONDS + 5)


@in_virtual_time
async def test_it_closes_its_adapter_when_it_is_stopped(world):
    key = world.key("A")
    session = world.session(key)
    await session.ready(5)
    await session.stop()
    assert (session.state, session.is_synced, session.adapter) == (SessionState.STOPPED, False, None)
    assert world.login(key).listeners == []


@in_virtual_time
async def test_it_stops_in_the_middle_of_a_wait(world):
    key = world.key()
    world.login(key).conduct.opening = AuthPenalty("Wait.", retry_after=600.0)
    session = world.session(key)
    await asyncio.sleep(1)
    began = now()
    await session.stop()
    await asyncio.sleep(1000)
    assert now() - began == pytest.approx(1000)
    assert len(world.attempts[key]) == 1
