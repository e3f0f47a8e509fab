"""A position that stands without the stop its strategy demands gets one again, or is closed, and its owner is told."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from brokers.domain import OrderStatus
from tests.strategies.engine.desk import eventually


@pytest.fixture(params=[True, False], ids=["native", "emulated"])
async def protected(desk, request):
    """Two long with a stop that stands."""
    await desk.change_strategy(stop_loss=Decimal(20))
    desk.login.conduct.takes_brackets = request.param
    await desk.start()
    await desk.done(await desk.target(2))
    await desk.settled(2)
    await eventually(lambda: desk.leg_states({"accepted"}))
    return desk


def stops(desk) -> list:
    return [o for o in desk.venue.working(desk.account.external_id) if o.group]


async def test_a_stop_canceled_at_the_broker_by_hand_is_placed_again_where_it_was(protected):
    (stop,) = stops(protected)
    protected.venue.end(stop.venue_id, OrderStatus.CANCELED)
    assert not stops(protected)
    (again,) = await eventually(lambda: stops(protected))
    assert (again.open, again.stop_price) == (2, stop.stop_price)
    assert not protected.venue.could_open(protected.account.external_id)
    (told,) = await protected.told("guard.acted")
    assert "A new one is placed" in told.data["text"]


async def test_a_stop_that_expired_is_placed_again(protected):
    (stop,) = stops(protected)
    protected.venue.end(stop.venue_id, OrderStatus.EXPIRED)
    await eventually(lambda: stops(protected))


async def test_when_none_can_be_placed_the_position_is_closed(protected):
    protected.login.conduct.every_protect = "busy"
    (stop,) = stops(protected)
    protected.venue.end(stop.venue_id, OrderStatus.CANCELED)
    await protected.settled(0, seconds=8)
    assert "is closed" in (await protected.told("guard.acted"))[-1].data["text"]


async def test_a_closed_position_needs_none(protected):
    await protected.done(await protected.exit())
    await protected.settled(0)
    protected.venue.move_by_hand(protected.account.external_id, Decimal(2))
    await asyncio.sleep(1.5)
    assert not stops(protected) and not await protected.told("guard.acted")
