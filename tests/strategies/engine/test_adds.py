"""Limits on what is added to a position, with the entries that the account really made."""

from __future__ import annotations

from decimal import Decimal

import pytest

LIMIT = {"order_type": "limit", "limit_price": "19900", "cancel_first": False}


@pytest.fixture
async def desk(open_desk):
    desk = await open_desk(risk={"max_adds": 1})
    await desk.start()
    return desk


async def filled(desk, signal) -> None:
    await desk.until_status(signal, "filled")


async def denied(desk, signal) -> str:
    (order,) = await desk.until_status(signal, "denied")
    return order.deny_code


async def test_it_adds_once_and_begins_anew_after_an_exit(desk):
    await filled(desk, await desk.target(1))
    await filled(desk, await desk.target(2))
    refused = await desk.target(3)
    assert await denied(desk, refused) == "ADDS_REACHED"
    (order,) = await desk.orders(refused)
    assert order.deny_context == {"count": "1", "limit": "1"}
    await filled(desk, await desk.exit())
    await filled(desk, await desk.target(1))
    await filled(desk, await desk.target(2))
    assert desk.nets() == [2]


async def test_an_entry_that_is_not_recorded_yet_counts(desk):
    await desk.stop_recording()
    for net in (1, 2):
        await desk.done(await desk.target(net))
        await desk.settled(net)
    assert await denied(desk, await desk.target(3)) == "ADDS_REACHED"


async def test_entries_that_rest_count(desk):
    for number in ("1", "2"):
        await desk.done(await desk.signal(quantity="1", order_id=number, **LIMIT))
    assert await denied(desk, await desk.signal(quantity="1", order_id="3", **LIMIT)) == "ADDS_REACHED"


async def test_another_executor_counts_the_same(desk):
    for net in (1, 2):
        await filled(desk, await desk.target(net))
    await desk.kill(desk.engines[0][0])
    await desk.start()
    assert await denied(desk, await desk.target(3)) == "ADDS_REACHED"
    await filled(desk, await desk.target(-1))
    assert desk.nets() == [-1]


async def test_a_losing_position_gets_no_more(open_desk):
    desk = await open_desk(risk={"no_average_down": True})
    await desk.start()
    await filled(desk, await desk.target(1))  # at 20000, the venue's price
    assert await denied(desk, await desk.target(2, signal_price="19990")) == "AVERAGING_DOWN"
    assert await denied(desk, await desk.target(2)) == "AVERAGE_UNKNOWN"
    await filled(desk, await desk.target(2, signal_price="20010"))
    (order,) = await desk.until_status(await desk.target(3, signal_price="19999"), "denied")
    assert Decimal(order.deny_context["entered"]) == 20000
