from __future__ import annotations

import asyncio
import json
import time

import pytest
from websockets.asyncio.client import connect

from tests.brokers.simulators.tradovate.people import Socket


async def test_it_opens_with_o_and_authorizes_with_the_raw_token(socket, trader):
    told = await socket.ask("authorize", trader.token)
    assert told == {"s": 200, "i": 1}


@pytest.mark.parametrize(
    "write", [json.dumps, lambda token: json.dumps({"token": token}), lambda _: "nonsense"]
)
async def test_it_refuses_anything_but_the_raw_token(socket, trader, write):
    told = await socket.ask("authorize", write(trader.token))
    assert told == {"s": 401, "i": 1, "d": "Invalid access token"}


async def test_it_refuses_everything_before_authorization(socket):
    assert await socket.ask("account/list") == {"s": 401, "i": 1, "d": "Access is denied"}


async def test_it_answers_any_rest_operation(synced, trader):
    told = await synced.ask("account/list")
    assert {row["id"] for row in told["d"]} == {account.id for account in trader.login.on("demo")}
    told = await synced.ask("contract/suggest", query="t=MNQ&l=2")
    assert len(told["d"]) == 2
    told = await synced.ask("auth/renewaccesstoken")
    assert "accessToken" in told["d"]


async def test_it_tells_errors_as_text(synced):
    told = await synced.ask("order/nothing")
    assert told["s"] == 404
    assert isinstance(told["d"], str)
    told = await synced.ask("order/item", query="id=1")
    assert (told["s"], type(told["d"])) == (404, str)


async def test_it_answers_business_errors_with_200(synced, trader):
    told = await synced.ask("order/placeorder", trader.order(symbol="XXXX9"))
    assert (told["s"], told["d"]["failureReason"]) == (200, "InvalidContract")


async def test_it_takes_one_request_a_frame(synced):
    await synced.wire.send("account/list\n90\n\n\naccount/list\n91\n\n")
    told = await synced.answer(90)
    assert told["s"] == 400
    await synced.wire.send("no newline")
    assert (await synced.answer(0))["s"] == 400


async def test_it_ignores_case_and_a_leading_slash(synced):
    assert (await synced.ask("/Account/LIST"))["s"] == 200


async def test_it_beats_when_idle_but_not_while_data_flows(venue, socket, trader):
    venue.simulator.options.heartbeat_seconds = 0.4
    await socket.sync(trader)
    until = time.monotonic() + 1.0
    while time.monotonic() < until:
        await socket.ask("user/list")
    assert "h" not in socket.frames
    assert await socket.read(3) == "h"


async def test_it_drops_a_client_that_does_not_beat(venue, socket, trader):
    venue.simulator.options.silence_seconds = 0.5
    await socket.ask("authorize", trader.token)
    assert await socket.closed() == 1000
    assert socket.frames[-1] == 'c[3000,"Go away!"]'


async def test_it_keeps_a_client_that_beats(venue, socket, trader):
    venue.simulator.options.silence_seconds = 0.8
    venue.simulator.options.heartbeat_seconds = 0.2
    await socket.ask("authorize", trader.token)
    for _ in range(5):
        await socket.wire.send("[]")
        await socket.read()
    assert (await socket.ask("user/list"))["s"] == 200


async def test_it_lets_a_socket_outlive_its_token(venue, synced):
    venue.simulator.clock.advance(81 * 60)
    assert (await synced.ask("account/list"))["s"] == 200


async def test_it_keeps_the_hosts_apart(url, trader):
    live = await Socket.open(url, "live/v1/websocket")
    await live.sync(trader)
    told = await live.ask("account/list")
    assert {row["id"] for row in told["d"]} == {account.id for account in trader.login.on("live")}
    await live.wire.close()


@pytest.mark.parametrize(("mode", "frames"), [("single", 3), ("merged", 1), ("operation", 2)])
async def test_it_shares_frames_as_told(venue, synced, trader, mode, frames):
    venue.simulator.options.frames = mode
    connection = next(iter(venue.simulator.hub.sockets)).connection
    before = len(synced.frames)
    connection.push(b'{"e":"x","d":1}')
    connection.push(b'{"e":"x","d":2}', b'{"e":"x","d":3}')
    await synced.find(lambda told: told.get("d") == 3)
    assert len([one for one in synced.frames[before:] if one.startswith("a")]) == frames


async def test_it_cuts_off_a_client_that_neither_beats_nor_reads(venue, url, trader):
    socket = Socket(await connect(url.replace("http", "ws", 1) + "/demo/v1/websocket", max_queue=1))
    await socket.ask("authorize", trader.token)
    connection = next(iter(venue.simulator.hub.sockets)).connection
    for _ in range(200):
        connection.push(b'"' + b"x" * 200_000 + b'"')
    venue.simulator.options.silence_seconds = 0.2
    async with asyncio.timeout(10):
        while venue.simulator.hub.sockets:  # noqa: ASYNC110 - polling until a deadline
            await asyncio.sleep(0.05)
    socket.wire.transport.abort()
