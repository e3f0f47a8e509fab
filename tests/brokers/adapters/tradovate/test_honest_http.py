"""Over real HTTP connections that misbehave: an order that may have arrived is unknown, one that never left is not."""

from __future__ import annotations

import asyncio
import contextlib
from decimal import Decimal

import pytest

from brokers.domain import OrderIntent, Outcome, Side
from tests.brokers.adapters.tradovate.venue import ACCOUNT, MNQ, FakeVenue
from tradeproject.common.http import make_client

INTENT = OrderIntent("sig-1", ACCOUNT, MNQ, Side.BUY, Decimal(1))
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "


async def hang_up(writer):
    writer.close()


async def reset(writer):
    writer.transport.abort()


async def break_off(writer):
    writer.write(HEAD + b'100\r\n\r\n{"orderId":94511')
    await writer.drain()
    writer.close()


async def break_off_hard(writer):
    writer.write(HEAD + b'100\r\n\r\n{"orderId":94511')
    await writer.drain()
    await asyncio.sleep(0.02)
    writer.transport.abort()


async def say_nothing(writer):
    await asyncio.sleep(1)


async def stall_in_the_middle(writer):
    writer.write(HEAD + b'100\r\n\r\n{"orderId":94511')
    await writer.drain()
    await asyncio.sleep(1)


async def answer(writer):
    body = b'{"orderId":94511}'
    writer.write(HEAD + str(len(body)).encode() + b"\r\n\r\n" + body)
    await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def serving(manner):
    arrived: list[bytes] = []

    async def on_connection(reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            arrived.append(await reader.readuntil(b"}"))
            await manner(writer)
        writer.close()

    server = await asyncio.start_server(on_connection, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", arrived


async def submit(api):
    async with make_client(read_seconds=0.3, connect_seconds=1.0) as http:
        return await FakeVenue({}).adapter(http=http, api=api).submit(INTENT)


@pytest.mark.parametrize(
    "manner", [hang_up, reset, break_off, break_off_hard, say_nothing, stall_in_the_middle]
)
async def test_it_does_not_know_what_became_of_an_order_that_left(manner):
    async with serving(manner) as (api, arrived):
        result = await submit(api)
    assert (result.outcome, result.code) == (Outcome.UNKNOWN, "ANSWER_LOST")
    assert len(arrived) == 1


async def test_it_knows_of_an_order_that_was_answered():
    async with serving(answer) as (api, _):
        assert (await submit(api)).venue_order_id == "94511"


async def test_it_knows_that_an_order_never_left():
    async with serving(answer) as (api, _):
        pass
    result = await submit(api)
    assert (result.outcome, result.code, result.not_taken) == (Outcome.REJECTED, "NOT_SENT", True)
