from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from channels.routing import URLRouter
from django.test import Client

from accounts.models import User
from accounts.sockets import SocketIdentity
from brokers.domain import Quote
from brokers.marketdata import quotes
from dashboard.relay import group_of
from dashboard.routing import websocket_patterns
from tests.websocket import WebsocketCommunicator

SECONDS = 5


def session_cookie(user: User) -> str:
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client.cookies["session"].value


class Socket:
    """One websocket of a user, speaking JSON."""

    def __init__(self, communicator: WebsocketCommunicator) -> None:
        self.raw = communicator

    async def say(self, **message: Any) -> None:
        await self.raw.send_json_to(message)

    async def hear(self, seconds: float = SECONDS) -> dict[str, Any]:
        return await self.raw.receive_json_from(seconds)

    async def hear_of(self, room: str, kind: str = "", seconds: float = SECONDS) -> dict[str, Any]:
        """The next message of a room, whatever comes in between."""
        async with asyncio.timeout(seconds):
            while True:
                message = await self.hear(seconds)
                if message.get("room") == room and kind in ("", message["type"]):
                    return message

    async def closed(self, seconds: float = SECONDS) -> tuple[int, str]:
        """The close code and its reason; messages before it are skipped."""
        while True:
            output = await self.raw.receive_output(seconds)
            if output["type"] == "websocket.close":
                return output["code"], output.get("reason", "")


@pytest.fixture
async def connect(transactional_db) -> AsyncIterator[Callable[..., Any]]:
    """Opens sockets: ``await connect(user)``; all are closed at the end."""
    application = SocketIdentity(URLRouter(websocket_patterns))
    opened: list[WebsocketCommunicator] = []

    async def open_socket(user: User | None, path: str = "/ws") -> Socket:
        headers = []
        if user is not None:
            key = await database_sync_to_async(session_cookie)(user)
            headers.append((b"cookie", f"session={key}".encode()))
        communicator = WebsocketCommunicator(application, path, headers=headers)
        accepted, _ = await communicator.connect(SECONDS)
        assert accepted
        opened.append(communicator)
        return Socket(communicator)

    yield open_socket
    for communicator in opened:
        await communicator.disconnect()


async def tell(user: User, name: str) -> None:
    """What the relay sends after a commit."""
    await get_channel_layer().group_send(group_of(user.pk), {"type": "domain.event", "name": name})


async def quote(price: str, symbol: str = "MNQZ6") -> None:
    client = quotes.connect()
    try:
        await quotes.publish(client, [Quote(symbol, datetime.now(UTC), last=Decimal(price))])
    finally:
        await client.aclose()
