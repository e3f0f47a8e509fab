"""Two executors on one database: one works, the other stands by until it is gone."""

from __future__ import annotations

import asyncio

from django.db import connection

from strategies.engine import upkeep
from tests.strategies.engine.desk import eventually
from tradeproject.common.threads import in_thread


async def test_only_one_of_two_sends(open_desk):
    desk = await open_desk(accounts=4, logins=2)
    first = await desk.start()
    second = await desk.start(ready=False)
    for net in (1, 2, 1, 0):
        await desk.done(await desk.target(net, action="buy" if net == 2 else "sell"))
    assert first.holds_shard and not second.holds_shard
    assert set(desk.venue.arrived.values()) == {1} and desk.nets() == [0] * 4
    assert not second.sessions.sessions


async def test_the_second_takes_over_when_the_first_is_gone(desk):
    first = await desk.start()
    second = await desk.start(ready=False)
    await desk.kill(first)
    signal = await desk.target(1)
    await eventually(lambda: second.holds_shard)
    await desk.until_status(signal, "filled")
    assert desk.nets() == [1]


async def test_a_zombie_that_lost_its_lock_plans_nothing_more(desk):
    engine = await desk.start()
    engine.holds_shard = False
    signal = await desk.signal(action="buy", quantity="1")
    engine.signals.execute  # noqa: B018 - what follows is what a hint that came before the loss would do
    await engine.signals.execute(signal)
    assert not desk.sends() and not await desk.orders(signal)
    engine.holds_shard = True
    await desk.until_status(signal, "filled")


async def test_the_same_hint_twice_executes_once(desk):
    engine = await desk.start()
    signal = await desk.target(1, hint=False)
    for _ in range(5):
        engine.wake(signal)
    await asyncio.gather(*(engine.signals.execute(signal) for _ in range(3)))
    await desk.until_status(signal, "filled")
    assert len(desk.sends()) == 1


async def test_a_hint_after_the_notification_is_not_even_looked_at(desk):
    engine = await desk.start()
    signal = await desk.target(1)
    await desk.until_status(signal, "filled")
    assert engine.signals.has_taken(signal)
    engine.wake(signal)
    await asyncio.sleep(0.05)
    assert (await desk.read(signal)).attempts == 1 and len(desk.sends()) == 1


async def test_the_second_carries_out_at_once_what_the_first_had_begun(desk):
    """Without waiting for a lease, which may be half a minute."""
    first = await desk.start(waits={"signal_lease": 60.0})
    second = await desk.start(ready=False)
    reading = asyncio.Event()

    async def never(*_):
        reading.set()
        await asyncio.Event().wait()

    first.instruments.attach = never
    signal = await desk.target(1)
    await reading.wait()
    await desk.kill(first)
    await eventually(lambda: second.holds_shard)
    (order,) = await desk.until_status(signal, "filled")
    assert order.claimed_by == second.worker and desk.nets() == [1]


async def test_one_that_slept_through_its_successor_writes_and_finishes_nothing(desk):
    sleeper = await desk.start(waits={"signal_lease": 60.0, "lease_renewal": 60.0, "sweep": 60.0})
    attach, asleep, awake = sleeper.instruments.attach, asyncio.Event(), asyncio.Event()

    async def sleep(*arguments):
        asleep.set()
        await awake.wait()
        await attach(*arguments)

    sleeper.instruments.attach = sleep
    signal = await desk.target(2)
    await asleep.wait()
    await in_thread(take_over)
    awake.set()
    await eventually(lambda: not sleeper.executing)
    assert not desk.sends() and not await desk.orders(signal)
    assert (await desk.read(signal)).progress == "executing"
    sleeper.instruments.attach = attach
    sleeper.start_signal(signal)  # as its sweeper does, which finds it free
    await desk.until_status(signal, "filled")
    assert desk.nets() == [2]


def take_over() -> None:
    """What a second executor does first, while this one sleeps and keeps its own idea of the lock."""
    with connection.cursor() as cursor:
        cursor.execute(upkeep.ABANDONED_SIGNALS, {"worker": "another"})
