"""Signals of one strategy: one after the other per account, the newest target last, whatever happens on the way."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from strategies.models import Signal
from tests.strategies.engine.desk import eventually

NOW = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)


def _at(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


async def _all_done(desk, *signals) -> None:
    for signal in signals:
        await desk.done(signal)


async def test_two_signals_in_the_same_millisecond_are_serial_on_one_account(desk):
    await desk.start()
    desk.login.conduct.fill_delay = 0.05
    first, second = await asyncio.gather(desk.target(1), desk.target(3))
    await _all_done(desk, first, second)
    await eventually(lambda: not desk.venue.working(desk.account.external_id))
    assert max(desk.venue.peaks.values()) <= 3 and desk.nets()[0] in {1, 3}


async def test_the_second_sees_what_the_first_did(desk):
    await desk.start()
    desk.login.conduct.fill_delay = desk.login.conduct.position_delay = 0.05
    first = await desk.target(2)
    second = await desk.target(3)
    await _all_done(desk, first, second)
    await desk.settled(3)
    assert [int(order.quantity) for order in desk.venue.placed()] == [2, 1]


async def test_opposite_signals_end_where_the_last_one_says(desk):
    await desk.start()
    desk.login.conduct.position_delay = 0.03
    signals = [await desk.target(net, action="buy" if net > 0 else "sell") for net in (2, -2, 2, -1)]
    await _all_done(desk, *signals)
    await desk.settled(-1)
    assert max(desk.venue.peaks.values()) == 2


async def test_an_exit_right_after_its_entry_leaves_nothing(desk):
    await desk.start()
    desk.login.conduct.fill_delay = 0.1
    entry = await desk.target(2)
    leave = await desk.target(0)
    await _all_done(desk, entry, leave)
    await desk.settled(0)
    assert [net for *_, net in desk.venue.history] == [2, 0]


async def test_an_older_target_that_comes_late_changes_nothing(desk):
    await desk.start()
    await desk.done(await desk.target(0, alert_time=_at(0)))
    late = await desk.done(await desk.target(2, alert_time=_at(-5)))
    assert (late.progress, late.code) == ("superseded", "SIGNAL_SUPERSEDED") and not desk.sends()


async def test_an_earlier_signal_that_was_held_up_does_not_undo_a_later_one(desk):
    """Without fire times the order of arrival counts, also for what a sweeper brings after the next one was carried out."""
    await desk.start()
    first = await desk.target(2, hint=False)
    await desk.change(
        Signal, first, progress="executing", lease_until=datetime.now(UTC) + timedelta(seconds=0.4)
    )
    await desk.done(await desk.target(0))
    held_up = await desk.done(first)
    assert held_up.progress == "superseded" and desk.nets() == [0]


async def test_the_size_builds_up_over_signals_that_came_at_once(desk):
    await desk.change_strategy(position_size=Decimal(2), position_add=Decimal(1))
    await desk.start()
    desk.login.conduct.fill_delay = 0.05
    first = await desk.target(1, position_before="flat")
    second = await desk.target(2, position_before="long", position_before_size="1")
    third = await desk.target(3, position_before="long", position_before_size="2")
    await _all_done(desk, first, second, third)
    await desk.settled(4)


async def test_an_alert_that_grew_old_in_the_queue_enters_nothing(desk):
    engine = await desk.start()
    engine.max_age = 0.4
    desk.login.conduct.fill_delay = None
    first = await desk.target(1)
    await eventually(lambda: desk.sends())
    second = await desk.target(2)
    (order,) = await desk.until_status(second, "denied", "expired")
    assert order.deny_code == "SIGNAL_STALE" and len(desk.sends()) == 1
    desk.venue.fill(desk.venue.placed()[0].venue_id)
    await desk.done(first)


async def test_a_stale_entry_is_refused_and_a_stale_exit_is_not(desk):
    await desk.start()
    signal = await desk.target(1, age=200)
    (order,) = await desk.until_status(signal, "denied")
    assert order.deny_code == "SIGNAL_STALE" and order.deny_context["max_age_seconds"] == "120"
    desk.venue.move_by_hand(desk.account.external_id, Decimal(2))
    await desk.done(await desk.exit(age=200))
    await desk.settled(0)
