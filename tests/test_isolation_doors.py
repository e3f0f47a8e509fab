"""Isolation beyond Django's addresses: the websockets with every room, and the webhook with every mix of keys and names."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async
from channels.routing import URLRouter
from django.conf import settings as django_settings
from django.test import Client

from accounts.sockets import CLOSED_UNAUTHENTICATED, SocketIdentity
from dashboard.consumers import no_such_socket
from dashboard.rooms import ROOMS
from dashboard.routing import websocket_patterns
from strategies.models import Signal
from tests.isolation_table import SOCKETS
from tests.strategies.webhooks.conftest import door  # noqa: F401 - a fixture
from tests.world import World, make_world

pytestmark = pytest.mark.django_db(transaction=True)

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def test_every_socket_has_a_row():
    found = {
        str(pattern.pattern).replace("^", "").replace("/?$", "")
        for pattern in websocket_patterns
        if pattern.callback is not no_such_socket  # what stands behind all others and closes
    }
    assert found == set(SOCKETS)


@pytest.fixture
def world(owner) -> World:
    return make_world(owner)


def headers_of(user: Any) -> list[tuple[bytes, bytes]]:
    client = Client()
    client.force_login(user, backend=BACKEND)
    name = django_settings.SESSION_COOKIE_NAME
    origin = (b"origin", b"http://testserver")
    return [(b"host", b"testserver"), origin, (b"cookie", f"{name}={client.cookies[name].value}".encode())]


class Socket:
    """One websocket of the product, spoken to in its own words."""

    def __init__(self, path: str, headers: list[tuple[bytes, bytes]]) -> None:
        path, _, query = path.partition("?")
        scope = {
            "type": "websocket",
            "path": f"/{path}",
            "raw_path": f"/{path}".encode(),
            "query_string": query.encode(),
            "headers": headers,
            "subprotocols": [],
        }
        self._talk = ApplicationCommunicator(SocketIdentity(URLRouter(websocket_patterns)), scope)

    async def open(self) -> Any:
        await self._talk.send_input({"type": "websocket.connect"})
        return await self._talk.receive_output(5)

    async def subscribe(self, *rooms: str) -> None:
        text = json.dumps({"action": "subscribe", "rooms": list(rooms)})
        await self._talk.send_input({"type": "websocket.receive", "text": text})

    async def everything(self, seconds: float) -> list[str]:
        """All texts that come until nothing has come for a while."""
        found = []
        while True:
            try:
                message = await self._talk.receive_output(seconds)
            except (TimeoutError, asyncio.CancelledError):
                return found
            found.append(json.dumps(message, default=str))

    async def close(self) -> None:
        await self._talk.send_input({"type": "websocket.disconnect", "code": 1000})
        await self._talk.wait(5)


@pytest.mark.parametrize("path", sorted(SOCKETS))
async def test_a_socket_is_for_people_who_signed_in(path):
    answer = await Socket(path, [(b"host", b"testserver")]).open()
    assert answer == {"type": "websocket.close", "code": CLOSED_UNAUTHENTICATED}


async def heard_by(person: Any, path: str, world: World) -> str:
    headers = await database_sync_to_async(headers_of)(person)
    socket = Socket(path, headers)
    assert (await socket.open())["type"] == "websocket.accept"
    if not path.startswith("ws/dashboard"):
        foreign = [f"{room}:{world.user.pk}" for room in ROOMS]
        await socket.subscribe(*ROOMS, f"user:{world.user.pk}", f"strategy:{world.strategy.pk}", *foreign)
    texts = await socket.everything(1.5)
    return "\n".join(texts)


@pytest.mark.parametrize("path", sorted(SOCKETS))
async def test_no_room_tells_a_stranger_anything(path, world, stranger):
    heard = await heard_by(stranger, path, world)
    assert "snapshot" in heard
    assert world.mark not in heard
    assert str(world.account.pk) not in heard


@pytest.mark.parametrize("path", sorted(SOCKETS))
async def test_the_owner_hears_of_their_own(path, world):
    assert world.mark in await heard_by(world.user, path, world)


async def test_a_stranger_cannot_name_somebody_else(world, stranger):
    headers = await database_sync_to_async(headers_of)(stranger)
    socket = Socket(f"ws/dashboard?user={world.user.pk}", headers)
    await socket.open()
    heard = "\n".join(await socket.everything(1.0))
    assert world.mark not in heard
    assert "snapshot" not in heard


# --- the webhook --------------------------------------------------------------------------------------------------------


@pytest.fixture
def other(stranger) -> World:
    return make_world(stranger, "intruder")


def body(**fields: Any) -> str:
    return json.dumps({"ticker": "MNQ1!", "action": "buy", "quantity": 1, **fields})


def test_a_key_opens_its_own_strategy_alone(door, world, other):  # noqa: F811
    key = other.webhook_key.secret
    wrong = door.post(f"/webhook/{world.strategy.pk}/{key}", body())
    nobody = door.post("/webhook/0190a0a0-0000-7000-8000-000000000000/wrong-key-wrong-key", body())
    assert (wrong.status_code, wrong.content) == (nobody.status_code, nobody.content)
    assert wrong.status_code == 404
    assert Signal.objects.count() == 2


@pytest.mark.parametrize("name", ["name", "id"])
def test_a_users_secret_reaches_their_own_strategies_alone(door, world, other, name):  # noqa: F811
    foreign = {"name": world.strategy.name, "id": str(world.strategy.pk)}[name]
    answer = door.post("/webhook", body(key=other.user.webhook_secret, strategy=foreign))
    unknown = door.post("/webhook", body(key=other.user.webhook_secret, strategy="no such strategy"))
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_strategy")
    assert answer.json()["message"] == unknown.json()["message"]
    assert not Signal.objects.filter(user=world.user).exclude(pk=world.signal.pk).exists()


def test_an_answer_names_nothing_of_the_owners(door, world):  # noqa: F811
    for path in (
        "/webhook",
        "/webhook/wrong-key-wrong-key",
        f"/webhook/{world.strategy.pk}/wrong-key-wrong-key",
    ):
        answer = door.post(path, body(strategy=world.strategy.name))
        assert answer.status_code == 404
        assert world.mark not in answer.text
