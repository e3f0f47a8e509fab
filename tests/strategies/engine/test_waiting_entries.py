"""Entries that wait for their time, and resting ones that are given up: stored deadlines, by the database's clock."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from strategies.models import Order, Signal
from tests.strategies.engine.desk import eventually

LIMIT = {"order_type": "limit", "limit_price": "19900"}


async def _rests(desk, **alert) -> Order:
    signal = await desk.target(2, **LIMIT, cancel_after=600, **alert)
    (order,) = await desk.until_status(signal, "accepted")
    return order


async def _time_is_up(desk, order: Order) -> None:
    await desk.change(Order, order.pk, cancel_due_at=timezone.now() - timedelta(seconds=1))


def _cancels(desk) -> list[str]:
    return [handle for command, _, handle in desk.venue.commands if command == "cancel"]


# --- given up ---------------------------------------------------------------------------------------------------------


async def test_an_unfilled_entry_is_canceled_when_its_time_is_up(desk):
    await desk.start()
    order = await _rests(desk)
    assert order.cancel_due_at >= order.planned_at + timedelta(seconds=599)
    await _time_is_up(desk, order)
    await desk.until_status(order.signal_id, "canceled")
    assert await desk.says(order, "Not filled within 600 s") and not desk.venue.working(
        desk.account.external_id
    )


async def test_another_executor_gives_it_up_after_a_crash(desk):
    engine = await desk.start()
    order = await _rests(desk)
    await desk.kill(engine)
    await _time_is_up(desk, order)
    await desk.start()
    await desk.until_status(order.signal_id, "canceled")


async def test_a_cancel_that_gets_lost_is_asked_again(desk):
    await desk.start()
    order = await _rests(desk)
    desk.login.conduct.cancels.extend(["lost", "busy", "crash"])
    await _time_is_up(desk, order)
    await desk.until_status(order.signal_id, "canceled")
    assert len(_cancels(desk)) == 4


async def test_a_filled_entry_is_left_alone(desk):
    await desk.start()
    order = await _rests(desk)
    desk.venue.fill(order.venue_order_id)
    await desk.until_status(order.signal_id, "filled")
    await _time_is_up(desk, order)
    await desk.done(await desk.target(2))
    assert desk.nets() == [2] and not _cancels(desk)


async def test_what_filled_of_it_keeps_its_stop(open_desk):
    desk = await open_desk(stop_loss=Decimal(20))
    await desk.start()
    order = await _rests(desk)
    desk.venue.fill(order.venue_order_id, Decimal(1))
    await desk.until_status(order.signal_id, "partially_filled")
    await _time_is_up(desk, order)
    await desk.until_status(order.signal_id, "canceled")
    assert desk.nets() == [1]
    assert [(o.order_type.value, int(o.open)) for o in desk.venue.working(desk.account.external_id)] == [
        ("stop", 1)
    ]


async def test_a_market_entry_has_no_such_time(desk):
    await desk.start()
    signal = await desk.target(1, cancel_after=600)
    (order,) = await desk.until_status(signal, "filled")
    assert (order.cancel_after, order.cancel_due_at) == (None, None)


# --- waiting for its time ---------------------------------------------------------------------------------------------


async def _due(desk, signal_id) -> None:
    await desk.change(Signal, signal_id, due_at=timezone.now())


async def test_it_waits_and_goes_once(desk):
    await desk.start()
    signal = await desk.signal(delay="0.4", quantity="2")
    await desk.done(signal)
    (order,) = await desk.until_status(signal, "filled")
    stored = await desk.read(signal)
    assert order.planned_at >= stored.due_at and desk.nets() == [2] and len(desk.sends()) == 1


async def test_it_survives_a_restart(desk):
    engine = await desk.start()
    signal = await desk.signal(delay="600", quantity="2")
    await desk.kill(engine)
    await _due(desk, signal)
    await desk.start()
    await desk.done(signal)
    await desk.until_status(signal, "filled")
    assert desk.nets() == [2] and len(desk.sends()) == 1


async def test_what_it_was_to_wait_makes_it_no_older(desk):
    await desk.start()
    await desk.until_status(await desk.signal(age=300, delay="299", quantity="1"), "filled")
    (order,) = await desk.until_status(await desk.signal(age=300, delay="10", quantity="1"), "denied")
    assert order.deny_code == "SIGNAL_STALE"


async def test_a_newer_alert_ends_its_waiting(desk):
    await desk.start()
    signal = await desk.signal(delay="600", quantity="2")
    await desk.done(await desk.exit())
    await _due(desk, signal)
    assert ((await desk.done(signal)).code, desk.sends()) == ("SIGNAL_SUPERSEDED", [])


async def test_a_cancel_ends_its_waiting(desk):
    await desk.start()
    signal = await desk.signal(delay="600", quantity="2")
    await desk.done(await desk.signal(action="cancel"))
    await _due(desk, signal)
    assert ((await desk.done(signal)).code, desk.sends()) == ("SIGNAL_SUPERSEDED", [])


async def test_it_does_not_go_when_its_strategy_was_switched_off_meanwhile(desk):
    await desk.start()
    signal = await desk.signal(delay="600", quantity="2")
    await desk.change_strategy(active=False)
    await _due(desk, signal)
    assert ((await desk.done(signal)).code, desk.sends()) == ("strategy_inactive", [])


async def test_an_exit_does_not_wait(desk):
    await desk.start()
    await desk.done(await desk.target(2))
    await desk.done(await desk.exit(delay="600"))
    await eventually(lambda: desk.nets() == [0])
