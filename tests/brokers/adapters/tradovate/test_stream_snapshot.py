"""The snapshot: the whole truth about our accounts, or none at all."""

from __future__ import annotations

import asyncio
import contextlib
from decimal import Decimal as D

import pytest

from brokers.domain import OrderStatus
from brokers.errors import StreamClosed
from tests.brokers.adapters.tradovate.venue import NOW, OURS, SECOND, props


async def first(adapter):
    async with contextlib.aclosing(adapter.stream()) as stream:
        return await anext(stream)


def sync_bodies(venue):
    return [call.body for call in venue.named("user/syncrequest")]


async def test_it_tells_everything_of_our_accounts_and_nothing_of_others(live, adapter):
    snapshot = await first(adapter)
    assert sync_bodies(live) == [{"users": [15461]}]
    assert {order.venue_order_id for order in snapshot.orders} == {
        "94510",
        "94511",
        "94512",
        "94513",
        "94514",
    }
    assert {fill.venue_fill_id for fill in snapshot.fills} == {"120077", "120078", "120079"}
    assert [(p.account_id, p.net_quantity) for p in snapshot.positions] == [(OURS, D(2))]
    assert [(a.account_id, a.balance) for a in snapshot.accounts] == [(OURS, D("50112.35"))]
    assert snapshot.at == NOW


async def test_it_does_not_take_an_unreadable_position_for_flat(live, adapter):
    live.tables["position"][0]["netPos"] = "two"
    with pytest.raises(StreamClosed):
        await first(adapter)


async def test_it_keeps_an_order_in_an_unknown_state_as_unknown(live, adapter):
    live.tables["order"][1]["ordStatus"] = "Hibernating"
    orders = {order.venue_order_id: order for order in (await first(adapter)).orders}
    assert (orders["94511"].status, orders["94511"].client_order_id) == (OrderStatus.UNKNOWN, "sig-8f2ct")


async def test_it_does_not_let_earlier_events_undo_the_snapshot(live, adapter):
    """Events may come before the snapshot that already contains them, or that they are newer than."""
    position = live.tables["position"][0]
    stale = {**position, "timestamp": "2026-11-20T14:31:07.000Z", "netPos": 1}
    same = {**live.tables["order"][0], "ordStatus": "Working"}
    newer = {
        **live.tables["position"][1],
        "timestamp": "2026-11-20T14:31:09.000Z",
        "netPos": -3,
        "netPrice": 1,
    }
    finished = {**live.tables["order"][1], "ordStatus": "Filled"}
    early = [
        props("position", stale),
        props("order", same),
        props("position", newer),
        props("order", finished),
        props("fill", {**live.tables["fill"][0], "id": 120099}),
    ]

    async def before(connection, operation):
        if operation == "user/syncrequest":
            await live.tell(connection, *early)

    live.before_answer = before
    snapshot = await first(adapter)
    orders = {order.venue_order_id: order.status for order in snapshot.orders}
    nets = {p.account_id: p.net_quantity for p in snapshot.positions}
    assert nets == {OURS: D(2), SECOND: D(-3)}
    assert (orders["94510"], orders["94511"]) == (OrderStatus.FILLED, OrderStatus.FILLED)
    assert "120099" in {fill.venue_fill_id for fill in snapshot.fills}


async def test_it_survives_a_reader_that_stops_early(live, adapter):
    task = asyncio.create_task(first(adapter))
    await task
    assert adapter._session.socket.usable
