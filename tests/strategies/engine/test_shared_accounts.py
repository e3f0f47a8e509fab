"""Two strategies on one account: each acts only on what it holds itself."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError

from brokers.models import ReportBatch
from strategies.models import Strategy
from tests.factories import AllocationFactory, StrategyFactory
from tests.strategies.engine.desk import Desk, eventually
from tradeproject.common.threads import in_thread


def other_strategy(desk: Desk) -> Strategy:
    other = StrategyFactory(user=desk.user)
    AllocationFactory(strategy=other, broker_account=desk.account)
    return other


@pytest.fixture
async def shared(desk) -> tuple:
    other = await in_thread(partial(other_strategy, desk))
    await desk.start()
    return desk, other


async def test_an_exit_closes_its_own_share_only(shared):
    desk, other = shared
    await desk.done(await desk.target(2))
    await desk.done(await desk.target(3, strategy=other))
    await desk.settled(5)
    await desk.done(await desk.exit())
    await desk.settled(3)
    await desk.done(await desk.exit(strategy=other))
    await desk.settled(0)


async def test_its_share_is_right_the_moment_after_the_others_fill(shared):
    """The record of the other's fill is a moment behind the stream: acting before it would close what is not ours."""
    desk, other = shared
    for _ in range(3):
        await desk.target(2)
        leave = await desk.exit(strategy=other)
        await desk.done(leave)
        await desk.settled(2)
        await desk.done(await desk.exit())
        await desk.settled(0)


async def test_both_at_once_end_where_both_say(shared):
    desk, other = shared
    signals = [await desk.target(2), await desk.target(-1, strategy=other)]
    for signal in signals:
        await desk.done(signal)
    await desk.settled(1)


async def test_a_failing_record_is_unknown_never_flat(shared):
    desk, other = shared
    await desk.done(await desk.target(2))
    engine = desk.engines[0][0]

    async def fails(*_: object) -> Decimal:
        raise RuntimeError("the recorder is broken")

    engine.held_by_others = fails
    signal = await desk.exit(strategy=other)
    (order,) = await desk.until_status(signal, "denied")
    assert order.deny_code == "POSITION_UNKNOWN" and desk.nets() == [2]


@pytest.fixture
async def behind(desk) -> Desk:
    """The strategy is two long, another one on the account one, and the record lags: nobody takes reports in."""
    other = await in_thread(partial(other_strategy, desk))
    await desk.start(waits={"recorder_wait": 0.5, "exit_patience": 3.0})
    await desk.done(await desk.target(2))
    await desk.done(await desk.target(1, strategy=other))
    await desk.settled(3)
    await desk.stop_recording()
    waiting = partial(ReportBatch, connection=desk.account.connection, environment="demo")
    await in_thread(lambda: waiting(payload={"items": []}).save())
    return desk


async def test_an_exit_waits_for_a_recorder_that_is_being_started_again(behind):
    leave = await behind.exit()
    await asyncio.sleep(1.0)
    behind.start_recording()
    await behind.done(leave)
    await behind.settled(1)


async def test_a_reversal_waits_for_it_too(behind):
    turn = await behind.target(-1)
    await asyncio.sleep(1.0)
    behind.start_recording()
    await behind.done(turn)
    await behind.settled(0)


async def test_an_entry_does_not_wait_for_it(behind):
    (order,) = await behind.until_status(await behind.target(4), "denied")
    assert order.deny_code == "POSITION_UNKNOWN" and behind.nets() == [3]


async def test_an_exit_is_put_off_while_the_record_cannot_be_read_for_want_of_a_database(shared):
    desk, other = shared
    await desk.done(await desk.target(2, strategy=other))
    engine = desk.engines[0][0]
    asked: list[int] = []

    async def away(*where: Any) -> Decimal:
        asked.append(1)
        if len(asked) < 3:
            raise OperationalError("the connection is closed")
        return await desk._held_by_others(*where)

    engine.held_by_others = away
    await desk.done(await desk.exit(strategy=other))
    await desk.settled(0)


async def test_stops_of_both_strategies_stand_beside_each_other(shared):
    desk, other = shared
    for strategy in (desk.strategy, other):
        await in_thread(partial(Strategy.objects.filter(pk=strategy.pk).update, stop_loss=Decimal(20)))
    await desk.done(await desk.target(2))
    await desk.done(await desk.target(3, strategy=other))
    await eventually(
        lambda: sorted(int(o.open) for o in desk.venue.working(desk.account.external_id)) == [2, 3]
    )
    await desk.done(await desk.exit())
    await desk.settled(3)
    await eventually(lambda: [int(o.open) for o in desk.venue.working(desk.account.external_id)] == [3])
