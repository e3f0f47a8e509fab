"""The socket's own life: greeting, authorisation, heartbeat, goodbye, nonsense, silence."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest
from websockets.asyncio.server import serve

from brokers.adapters.tradovate.stream import ENDED, Socket
from brokers.adapters.tradovate.wire import AnswerLost, NotSent
from brokers.errors import AuthPenalty, AuthRevoked, Unavailable
from tests.brokers.adapters.tradovate.venue import FAST, FakeTokens, fixture, until


async def test_it_beats_on_a_timer_whatever_else_is_sent(live, adapter):
    await until(lambda: live.frames.count("[]") >= 3)
    assert adapter._session.socket.usable


async def test_it_opens_once(live, adapter):
    await adapter.open()
    assert len(live.sockets) == 1


async def test_it_renews_a_token_the_socket_does_not_take(live):
    tokens = FakeTokens("AT-old", "AT-second")
    adapter = live.adapter(tokens)
    await adapter.open()
    assert (tokens.renewals, len(live.sockets)) == (1, 2)
    await adapter.close()


async def test_it_asks_for_the_owner_when_the_renewed_token_is_not_taken_either(live):
    with pytest.raises(AuthRevoked, match="Access is denied"):
        await live.adapter(FakeTokens("AT-old", "AT-older")).open()


async def test_it_waits_out_a_penalty_at_the_authorisation(live):
    async def frame(connection, text):
        await live.tell(connection, {"s": 200, "i": 1, "d": {"p-ticket": "t", "p-time": 7}})

    live._on_frame = frame
    with pytest.raises(AuthPenalty) as caught:
        await live.adapter().open()
    assert caught.value.retry_after == 7


async def test_it_says_that_a_closed_door_is_unavailable(venue):
    with pytest.raises(Unavailable):
        await venue.adapter().open()


async def test_it_gives_up_on_a_server_that_does_not_greet():
    async def mute(connection):
        await connection.wait_closed()

    async with serve(mute, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        with pytest.raises(Unavailable, match="did not greet"):
            await Socket.connect(url, lambda event: None, replace(FAST, connect=0.1))


async def connected(live, **timings):
    events: list = []
    socket = await Socket.connect(live.url, events.append, replace(FAST, **timings))
    return socket, events


async def test_it_sends_nothing_after_a_shutdown_notice_but_hears_what_is_still_due(live):
    socket, events = await connected(live)
    pending = asyncio.create_task(socket.request("order/list"))
    await until(lambda: live.named("order/list") or pending.done())
    await pending
    await live.tell(live.sockets[0], fixture("ws_shutdown"))
    await until(lambda: not socket.usable)
    with pytest.raises(NotSent):
        await socket.request("order/list")
    await until(socket.ended.is_set)
    assert events[-1] == {"e": ENDED}
    assert "ConnectionQuotaReached" in socket.reason


@pytest.mark.parametrize("frame", ['c[3000,"Go away!"]', "c"])
async def test_it_takes_a_close_frame_for_the_end(live, frame):
    socket, _ = await connected(live)
    await until(lambda: live.sockets)
    await live.sockets[0].send(frame)
    await until(socket.ended.is_set)
    await socket.close()


@pytest.mark.parametrize("frame", ["a[{", "a[1,2", 'a{"e":', "a5", "anull"])
async def test_it_ends_when_a_message_cannot_be_read_for_it_may_have_been_a_fill(live, frame):
    socket, _ = await connected(live)
    await until(lambda: live.sockets)
    await live.sockets[0].send(frame)
    await until(socket.ended.is_set)
    await socket.close()


@pytest.mark.parametrize(
    "frame",
    [
        "h",
        "",
        "x",
        "a[]",
        "a[1,null]",
        'a[{"e":"clock","d":"{}"}]',
        'a[{"s":200,"i":"x"}]',
        'a[{"s":200,"i":[]}]',
    ],
)
async def test_it_passes_over_frames_that_say_nothing_to_us(live, frame):
    socket, _ = await connected(live)
    await until(lambda: live.sockets)
    await live.sockets[0].send(frame)
    assert (await socket.request("account/list")).status in {200, 404}
    await socket.close()


async def test_it_reads_numbers_without_rounding_noise(live):
    socket, _ = await connected(live)
    live.answers["fill/list"] = (200, [{"price": 21871.1}])
    answer = await socket.request("fill/list")
    assert answer.body[0]["price"] == Decimal("21871.1")
    await socket.close()


async def test_it_loses_what_was_under_way_when_the_connection_breaks(live):
    socket, _ = await connected(live)

    async def cut(connection, _):
        connection.transport.abort()

    live.before_answer = cut
    with pytest.raises(AnswerLost):
        await socket.request("order/list")
    await socket.close()
    await socket.close()


async def test_it_notices_a_peer_that_is_silent_and_answers_no_ping(live):
    socket, _ = await connected(live, silence=0.1, probe=0.1)
    await until(lambda: live.sockets)
    live.sockets[0].transport.pause_reading()
    await until(socket.ended.is_set)
    assert "nothing was heard" in socket.reason
    live.sockets[0].transport.abort()


async def test_it_keeps_a_silent_peer_that_answers_pings(live):
    socket, _ = await connected(live, silence=0.1, probe=0.2)
    await asyncio.sleep(0.6)
    assert socket.usable
    await socket.close()
