"""The account state a session keeps from its stream, and what it asks the venue for."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from brokers.domain import (
    AccountRef,
    FillReport,
    OrderIntent,
    OrderStatus,
    PositionReport,
    Side,
    StreamSnapshot,
)
from brokers.errors import StreamClosed
from brokers.sessions import QUERY_SECONDS, QUERY_SHARED_SECONDS
from tests.brokers.session_world import SessionWorld, now
from tests.fakes.adapter import FakeAdapter
from tests.fakes.clock import in_virtual_time
from tests.fakes.venue import MNQ, Answer

POSITION = ("A", MNQ.venue_id)


@pytest.fixture
def world():
    return SessionWorld()


async def opened(world):
    """A synced session over account A, and its login."""
    key = world.key("A")
    session = world.session(key)
    assert await session.ready(5)
    return session, world.login(key)


def buy(world, login, quantity: int = 1):
    login.conduct.fill_delay = None
    intent = OrderIntent("ours", AccountRef("A", "A"), MNQ, Side.BUY, Decimal(quantity))
    return world.venue.place(intent, login.conduct).venue_id


async def a_moment() -> None:
    await asyncio.sleep(0.001)


# --- positions --------------------------------------------------------------------------------------------------------


@in_virtual_time
async def test_it_knows_no_position_before_the_venue_told_its_state(world):
    key = world.key("A")
    world.login(key).conduct.opening = Answer.HANG
    assert world.session(key).net(*POSITION) is None


@in_virtual_time
async def test_it_follows_the_positions_of_the_stream(world):
    session, _ = await opened(world)
    world.venue.move_by_hand("A", Decimal(3))
    await a_moment()
    assert session.net(*POSITION) == 3


@in_virtual_time
async def test_it_knows_no_position_while_the_stream_is_down(world):
    session, login = await opened(world)
    world.venue.move_by_hand("A", Decimal(3))
    login.cut(StreamClosed("The socket ended."))
    await a_moment()
    assert session.net(*POSITION) is None


@in_virtual_time
async def test_it_knows_no_position_of_an_account_that_the_stream_leaves_out(world):
    key = world.key("A", "B")
    world.login(key).conduct.leaves_out = {"A"}
    world.venue.move_by_hand("A", Decimal(3))
    session = world.session(key)
    assert await session.ready(5)
    assert session.net(*POSITION) is None
    assert session.net("B", MNQ.venue_id) == 0
    assert await session.query_net(*POSITION) == 3


@in_virtual_time
async def test_it_tells_who_waits_that_a_position_was_reported(world):
    session, _ = await opened(world)
    waiting = asyncio.create_task(session.position_changed(POSITION, session.positions.version(POSITION), 5))
    await a_moment()
    world.venue.move_by_hand("A", Decimal(1))
    assert await waiting


@in_virtual_time
async def test_it_tells_at_once_what_was_reported_already(world):
    session, _ = await opened(world)
    before = session.positions.version(POSITION)
    world.venue.move_by_hand("A", Decimal(1))
    await a_moment()
    began = now()
    assert await session.position_changed(POSITION, before, 5)
    assert now() == began


@in_virtual_time
async def test_it_says_when_no_position_was_reported_in_time(world):
    session, _ = await opened(world)
    assert not await session.position_changed(POSITION, session.positions.version(POSITION), 5)


@in_virtual_time
async def test_it_does_not_take_another_accounts_report_for_the_one_waited_for(world):
    key = world.key("A", "B")
    session = world.session(key)
    await session.ready(5)
    waiting = asyncio.create_task(session.position_changed(POSITION, session.positions.version(POSITION), 5))
    await a_moment()
    world.venue.move_by_hand("B", Decimal(1))
    assert not await waiting


@in_virtual_time
async def test_it_tells_who_waits_of_the_snapshot_after_a_reconnection(world):
    session, login = await opened(world)
    waiting = asyncio.create_task(session.position_changed(POSITION, session.positions.version(POSITION), 60))
    await a_moment()
    world.venue.positions[POSITION] = Decimal(2)
    login.cut(StreamClosed("The socket ended."))
    assert await waiting
    assert session.net(*POSITION) == 2


@in_virtual_time
async def test_it_doubts_a_position_from_the_execution_to_the_position_report(world):
    session, login = await opened(world)
    number = buy(world, login)
    world.venue.fill(number, position_delay=0.5)
    await a_moment()
    assert session.positions.is_doubtful(POSITION, now())
    await asyncio.sleep(0.5)
    assert not session.positions.is_doubtful(POSITION, now())


# --- orders -----------------------------------------------------------------------------------------------------------


@in_virtual_time
async def test_it_tells_who_waits_that_an_order_ended(world):
    session, login = await opened(world)
    number = buy(world, login)
    waiting = asyncio.create_task(session.order_ended(number, 5))
    await a_moment()
    world.venue.end(number, OrderStatus.CANCELED)
    assert (await waiting).status is OrderStatus.CANCELED


@in_virtual_time
async def test_it_knows_an_order_that_ended_before_anybody_asked(world):
    session, login = await opened(world)
    number = buy(world, login)
    world.venue.fill(number)
    await a_moment()
    began = now()
    assert (await session.order_ended(number, 5)).status is OrderStatus.FILLED
    assert now() == began


@in_virtual_time
async def test_it_says_nothing_of_an_order_that_still_works(world):
    session, login = await opened(world)
    number = buy(world, login, 2)
    world.venue.fill(number, Decimal(1))
    assert await session.order_ended(number, 5) is None


@in_virtual_time
async def test_it_learns_from_the_next_snapshot_that_an_order_ended(world):
    session, login = await opened(world)
    number = buy(world, login)
    waiting = asyncio.create_task(session.order_ended(number, 60))
    await a_moment()
    login.fall_silent()
    world.venue.fill(number)
    login.listeners.append(session.adapter._queue)
    login.cut(StreamClosed("The socket ended."))
    assert (await waiting).status is OrderStatus.FILLED


@in_virtual_time
async def test_it_keeps_nobody_waiting_when_it_is_stopped(world):
    session, login = await opened(world)
    number = buy(world, login)
    waiting = asyncio.create_task(session.order_ended(number, 1000))
    await a_moment()
    began = now()
    await session.stop()
    assert await waiting is None
    assert now() - began < 10


@in_virtual_time
async def test_it_hands_every_report_on_in_its_order(world):
    _session, login = await opened(world)
    world.venue.fill(buy(world, login))
    await a_moment()
    told = [item for _, item in world.items]
    assert isinstance(told[0], StreamSnapshot)
    assert [type(item) for item in told[-2:]] == [FillReport, PositionReport]


# --- asking -----------------------------------------------------------------------------------------------------------


@in_virtual_time
async def test_it_asks_the_venue_whatever_the_stream_says(world):
    session, _ = await opened(world)
    world.venue.positions[POSITION] = Decimal(4)
    assert await session.query_net(*POSITION) == 4


@in_virtual_time
async def test_it_does_not_take_a_failed_question_for_flat(world):
    session, login = await opened(world)
    login.conduct.queries = Answer.LOST
    assert await session.query_net(*POSITION) is None


@in_virtual_time
async def test_it_does_not_wait_for_ever_for_an_answer(world):
    session, login = await opened(world)
    login.conduct.queries = Answer.HANG
    began = now()
    assert await session.query_net(*POSITION) is None
    assert now() - began == pytest.approx(QUERY_SECONDS)


class CrashingAdapter(FakeAdapter):
    async def position_reports(self):
        raise RuntimeError("a fault in the adapter")


@in_virtual_time
async def test_it_does_not_take_a_crash_for_flat(world):
    world.adapter_class = CrashingAdapter
    session, _ = await opened(world)
    assert await session.query_net(*POSITION) is None


@in_virtual_time
async def test_it_knows_nothing_without_an_adapter(world):
    key = world.key("A")
    world.login(key).conduct.is_reachable = False
    assert await world.session(key).query_net(*POSITION) is None


@in_virtual_time
async def test_it_asks_once_for_accounts_that_ask_at_once(world):
    session, login = await opened(world)
    await asyncio.gather(*(session.query_net(name, MNQ.venue_id) for name in "ABCDEFGH"))
    assert login.queried["positions"] == 1


@in_virtual_time
async def test_it_asks_again_when_the_answer_is_old(world):
    session, login = await opened(world)
    await session.query_net(*POSITION)
    await asyncio.sleep(QUERY_SHARED_SECONDS + 0.01)
    await session.query_net(*POSITION)
    assert login.queried["positions"] == 2


@in_virtual_time
async def test_it_asks_again_for_who_needs_an_answer_from_after_an_event(world):
    session, _login = await opened(world)
    await session.query_net(*POSITION)
    await asyncio.sleep(0.01)
    world.venue.positions[POSITION] = Decimal(1)
    assert await session.query_net(*POSITION, since=now()) == 1


@in_virtual_time
async def test_it_asks_again_after_a_failure(world):
    session, login = await opened(world)
    login.conduct.queries = Answer.LOST
    await session.query_net(*POSITION)
    login.conduct.queries = Answer.ACCEPT
    assert await session.query_net(*POSITION) == 0


@in_virtual_time
async def test_it_answers_the_others_when_one_who_asked_goes_away(world):
    session, login = await opened(world)
    login.conduct.queries = Answer.HANG
    first = asyncio.create_task(session.query_net(*POSITION))
    second = asyncio.create_task(session.query_book())
    await a_moment()
    first.cancel()
    await a_moment()
    assert not second.done()
    assert await second is None
    assert login.queried["positions"] == 1
