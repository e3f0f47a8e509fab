"""Fills on the stream: never without their account, never twice, again when their fees come."""

from __future__ import annotations

import asyncio
import contextlib
from decimal import Decimal as D

import pytest

from brokers.domain import FillReport, OrderReport, OrderStatus, PositionReport
from brokers.errors import StreamClosed
from tests.brokers.adapters.tradovate.telling import COMMAND, FILL, ORDER, told
from tests.brokers.adapters.tradovate.venue import OURS, entities, props, until


async def test_it_tells_orders_before_their_fills(live, stream):
    items = await told(live, stream, props("fill", FILL), props("command", COMMAND), props("order", ORDER))
    assert [type(item) for item in items] == [OrderReport, FillReport]
    assert (items[0].status, items[0].filled_quantity) == (OrderStatus.PARTIALLY_FILLED, D(2))
    assert (items[1].account_id, items[1].client_order_id) == (OURS, "sig-new")


async def test_it_keeps_a_fill_until_its_order_arrives(live, stream):
    assert await told(live, stream, props("fill", FILL)) == []
    items = await told(live, stream, props("order", ORDER))
    assert {type(item) for item in items} == {OrderReport, FillReport}


async def test_it_looks_up_the_order_of_a_fill_when_it_does_not_come(live, stream):
    live.tables["order"].append(ORDER)
    live.tables["command"].append(COMMAND)
    await live.push("fill", FILL, "Created")
    async with asyncio.timeout(10):
        items = [await anext(stream), await anext(stream)]
    assert [type(item) for item in items] == [OrderReport, FillReport]
    assert items[1].client_order_id == "sig-new"


async def test_it_drops_a_fill_whose_order_nobody_has(live, stream):
    await live.push("fill", FILL, "Created")
    item = asyncio.create_task(anext(stream))
    await until(lambda: live.named("order/item"))
    await live.push(
        "position", {**entities()["position"][0], "netPos": 7, "timestamp": "2026-11-20T14:33:00Z"}
    )
    assert isinstance(await item, PositionReport)
    assert await told(live, stream, props("order", {**ORDER, "accountId": 90001})) == []


async def test_it_starts_again_when_the_order_of_a_fill_cannot_be_looked_up(live, adapter):
    live.answers["order/item"] = (500, "")
    async with contextlib.aclosing(adapter.stream()) as stream:
        await anext(stream)
        await live.push("fill", FILL, "Created")
        with pytest.raises(StreamClosed, match="could not be looked up"):
            async with asyncio.timeout(10):
                await anext(stream)
    assert len(live.named("order/item")) == 5


async def test_it_tells_a_fill_again_when_its_fees_arrive(live, stream):
    await told(live, stream, props("order", ORDER), props("fill", FILL))
    fee = {"id": FILL["id"], "commission": 0.5, "clearingFee": 0.38, "exchangeFee": 0.7, "nfaFee": 0.04}
    (report,) = await told(live, stream, props("fillFee", fee))
    assert (report.venue_fill_id, report.commission, report.fees) == ("130001", D("0.5"), D("1.12"))
    assert await told(live, stream, props("fillFee", fee)) == []


async def test_it_voids_a_fill_that_the_venue_takes_back(live, stream):
    await told(live, stream, props("order", ORDER), props("fill", FILL))
    items = await told(live, stream, props("fill", {**FILL, "active": False}))
    fills = [item for item in items if isinstance(item, FillReport)]
    assert [fill.voided for fill in fills] == [True]
