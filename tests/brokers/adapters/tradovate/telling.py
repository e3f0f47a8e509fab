"""A new order in its pieces, and a way to hear exactly what the stream says of some events."""

from __future__ import annotations

import asyncio
import itertools

from brokers.domain import AccountReport
from tests.brokers.adapters.tradovate.venue import SECOND, entities, props

ROUNDS = itertools.count(1)
ORDER = {**entities()["order"][1], "id": 95001, "parentId": None, "ocoId": None, "linkedId": None}
VERSION = {"id": 95001, "orderId": 95001, "orderQty": 2, "orderType": "Limit", "price": 21950.25}
COMMAND = {
    "id": 95001,
    "orderId": 95001,
    "timestamp": "2026-11-20T14:32Z",
    "clOrdId": "sig-new",
    "commandType": "New",
    "commandStatus": "AtExecution",
}
FILL = {
    **entities()["fill"][0],
    "id": 130001,
    "orderId": 95001,
    "qty": 2,
    "price": 21950.25,
    "action": "Sell",
}


async def told(live, stream, *events):
    """What the stream yields for ``events``, up to money of the second account that closes the round."""
    amount = next(ROUNDS)
    mark = {
        "id": 999,
        "accountId": 33113,
        "timestamp": "2026-11-20T15:00Z",
        "currencyId": 1,
        "amount": amount,
    }
    await live.tell(live.sockets[-1], *events, props("cashBalance", mark))
    items = []
    async with asyncio.timeout(10):
        async for item in stream:
            if isinstance(item, AccountReport) and item.account_id == SECOND:
                return items
            items.append(item)
    raise AssertionError("the stream ended")
