"""What a socket answers to nonsense, and when it hangs up."""

from __future__ import annotations

import asyncio
import json

import pytest
from channels.db import database_sync_to_async
from channels.routing import URLRouter
from django.urls import re_path

from accounts.sockets import SocketIdentity
from dashboard import consumers
from dashboard.consumers import LiveSocket
from dashboard.routing import websocket_patterns
from tests.dashboard.live.conftest import session_cookie
from tests.websocket import WebsocketCommunicator

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        '"ping"',
        "{}",
        '{"action": "dance"}',
        '{"action": "subscribe"}',
        '{"action": ["ping"]}',
        "x" * 9000,
    ],
)
async def test_it_explains_what_it_understands(connect, owner, text):
    socket = await connect(owner)
    await socket.raw.send_to(text_data=text)
    message = await socket.hear()
    assert message["type"] == "error"
    assert message["message"]


@pytest.mark.parametrize(
    "room", ["everything", "", 7, None, "quotes:", "quotes:; DROP", "quotes:" + "X" * 60, ["orders"]]
)
async def test_it_knows_only_its_rooms(connect, owner, room):
    socket = await connect(owner)
    await socket.say(action="subscribe", rooms=[room])
    message = await socket.hear()
    assert message["type"] == "error"
    assert "no room" in message["message"]


async def test_it_hangs_up_on_a_long_list_without_a_word_for_each(connect, owner):
    socket = await connect(owner)
    await socket.say(action="subscribe", rooms=["x"] * 500)
    message = await socket.raw.receive_output(5)
    assert (message["type"], message["code"]) == ("websocket.close", consumers.CLOSED_LIMIT)


async def test_there_is_no_socket_elsewhere(owner):
    application = SocketIdentity(URLRouter(websocket_patterns))
    cookie = await database_sync_to_async(session_cookie)(owner)
    communicator = WebsocketCommunicator(
        application, "/ws/x", headers=[(b"cookie", f"session={cookie}".encode())]
    )
    connected, code = await communicator.connect()
    assert (connected, code) == (False, consumers.CLOSED_NOT_FOUND)


async def test_it_answers_a_ping(connect, owner):
    socket = await connect(owner)
    await socket.say(action="ping")
    assert (await socket.hear())["type"] == "pong"


async def test_it_beats_its_heart(owner):
    application = URLRouter([re_path("^ws$", LiveSocket(heartbeat=0.05))])
    communicator = WebsocketCommunicator(application, "/ws")
    communicator.scope["user"] = owner
    assert (await communicator.connect())[0]
    assert (await communicator.receive_json_from(2))["type"] == "heartbeat"
    await communicator.disconnect()


async def test_it_hangs_up_on_too_many_messages(connect, owner):
    socket = await connect(owner)
    for _ in range(40):
        await socket.say(action="ping")
    code, reason = await socket.closed()
    assert code == 4429
    assert "messages a second" in reason


async def test_it_hangs_up_on_too_many_rooms(connect, owner):
    socket = await connect(owner)
    await socket.say(action="subscribe", rooms=[f"quotes:S{number}" for number in range(51)])
    code, reason = await socket.closed()
    assert code == 4429
    assert "subscriptions" in reason


async def test_it_refuses_the_eleventh_connection_and_takes_the_next_after_one_left(connect, owner, stranger):
    sockets = [await connect(owner) for _ in range(10)]
    eleventh = await connect(owner)
    assert (await eleventh.closed())[0] == 4429
    other = await connect(stranger)
    await other.say(action="ping")
    assert (await other.hear())["type"] == "pong"
    await sockets[0].raw.disconnect()
    again = await connect(owner)
    await again.say(action="ping")
    assert (await again.hear())["type"] == "pong"


async def test_it_drops_a_reader_that_takes_nothing(owner, small_desk, monkeypatch):
    """A send that never ends, as behind a full buffer: the socket ends and everything of it is cleaned up."""
    monkeypatch.setattr(consumers, "SEND_SECONDS", 0.2)
    stuck = asyncio.Event()
    incoming: asyncio.Queue[dict[str, object]] = asyncio.Queue()
    sent: list[dict[str, object]] = []

    async def send(message):
        if message["type"] == "websocket.send":
            await stuck.wait()
        sent.append(message)

    await incoming.put({"type": "websocket.connect"})
    await incoming.put(
        {"type": "websocket.receive", "text": json.dumps({"action": "subscribe", "rooms": ["orders"]})}
    )
    scope = {"type": "websocket", "user": owner, "query_string": b""}
    async with asyncio.timeout(5):
        await LiveSocket()(scope, incoming.get, send)
    assert sent[-1]["type"] == "websocket.close"
    assert sent[-1]["code"] == 4408
    assert not consumers._open
