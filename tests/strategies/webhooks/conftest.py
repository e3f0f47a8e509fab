"""The webhook's own address, driven in-process over ASGI against the test database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from asgiref.sync import sync_to_async

from strategies.models import Strategy, WebhookKey
from strategies.webhooks.app import WebhookRoute
from tests.factories import StrategyFactory, WebhookKeyFactory


class Wakes:
    """Stands where the publisher of hints stands, and remembers."""

    def __init__(self) -> None:
        self.ids: list[UUID] = []

    def wake(self, signal_id: UUID) -> None:
        self.ids.append(signal_id)


async def django_stands_in(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b"django"})


class Door:
    """``post`` and ``request`` speak to the route in one loop, so that its pool lives from call to call."""

    def __init__(self, runner: asyncio.Runner, **options: Any) -> None:
        self.runner = runner
        self.wakes = Wakes()
        self.plans: list[UUID] = []
        self.plan: dict[str, Any] = {"orders": [], "warnings": []}
        self.route = WebhookRoute(django_stands_in, waker=self.wakes, preview=self._preview, **options)
        self.client = ("203.0.113.7", 40000)

    def _preview(self, signal_id: UUID) -> dict[str, Any]:
        self.plans.append(signal_id)
        return self.plan

    async def send(self, method: str, path: str, body: bytes = b"", **options: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.route, client=self.client)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            return await client.request(method, path, content=body, **options)

    def request(self, method: str, path: str, body: bytes = b"", **options: Any) -> httpx.Response:
        return self.runner.run(self.send(method, path, body, **options))

    def post(self, path: str, body: bytes | str, **options: Any) -> httpx.Response:
        return self.request("POST", path, body.encode() if isinstance(body, str) else body, **options)

    def post_together(self, path: str, bodies: list[bytes]) -> list[httpx.Response]:
        async def all_at_once() -> list[httpx.Response]:
            return await asyncio.gather(*(self.send("POST", path, body) for body in bodies))

        return self.runner.run(all_at_once())

    def close(self) -> None:
        self.runner.run(self.route.database.close())


@pytest.fixture
def door(transactional_db: None) -> Iterator[Door]:
    with asyncio.Runner() as runner:
        door = Door(runner)
        yield door
        door.close()


@pytest.fixture
def strategy(transactional_db: None) -> Strategy:
    return StrategyFactory(name="Morning", symbol="MNQ1!")


@pytest.fixture
def key(strategy: Strategy) -> WebhookKey:
    return WebhookKeyFactory(strategy=strategy)


@pytest.fixture
def url(key: WebhookKey) -> str:
    return f"/webhook/{key.secret}"


__all__ = ["Door", "sync_to_async"]
