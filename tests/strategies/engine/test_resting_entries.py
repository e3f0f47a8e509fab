"""Limit and stop entries that rest: replaced, canceled, never doubled."""

from __future__ import annotations

from decimal import Decimal

import pytest

LIMIT = {"order_type": "limit", "limit_price": "19900"}


def _working(desk) -> list[tuple[str, int]]:
    return [(o.side.value, int(o.open)) for o in desk.venue.working(desk.account.external_id)]


@pytest.fixture
async def resting(desk):
    await desk.start()
    await desk.done(await desk.target(2, **LIMIT))
    assert _working(desk) == [("buy", 2)]
    return desk


async def test_a_newer_target_replaces_it(resting):
    await resting.until_status((await resting.orders())[0].signal_id, "accepted")
    await resting.done(await resting.target(3, **LIMIT))
    assert _working(resting) == [("buy", 3)]


async def test_going_flat_cancels_it(resting):
    await resting.done(await resting.target(0))
    assert _working(resting) == [] and resting.nets() == [0]


async def test_an_exit_cancels_it(resting):
    await resting.done(await resting.exit())
    assert _working(resting) == []


async def test_a_cancel_alert_cancels_it_even_when_the_position_is_unknown(resting):
    resting.login.conduct.queries = "lost"
    await resting.done(await resting.signal(action="cancel"))
    assert _working(resting) == [] and not resting.sends()[1:]


async def test_a_turn_to_the_other_side_cancels_it(resting):
    await resting.done(await resting.target(-1))
    await resting.settled(-1)
    assert _working(resting) == []


async def test_the_alert_may_keep_it(resting):
    await resting.done(await resting.signal(action="buy", quantity="1", cancel_first=False, **LIMIT))
    assert _working(resting) == [("buy", 2), ("buy", 1)]


async def test_it_counts_for_the_largest_position(resting):
    await resting.change_strategy(risk={"max_position": 2})
    signal = await resting.signal(action="buy", quantity="1", cancel_first=False, **LIMIT)
    (order,) = await resting.until_status(signal, "denied")
    assert (order.deny_code, order.deny_context["projected"]) == ("POSITION_ABOVE_LIMIT", "3")


async def test_what_filled_of_it_is_not_ordered_again(resting):
    resting.venue.fill(resting.venue.placed()[0].venue_id, Decimal(1))
    await resting.done(await resting.target(2))
    await resting.settled(2)
    assert _working(resting) == []


async def test_its_lane_is_free_while_it_rests(resting):
    await resting.done(await resting.exit(), seconds=1.5)
