"""Events reach the group of their user; a burst becomes one message; nothing here can fail the relay."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from dashboard.relay import Relay, group_of
from tradeproject.common.events import StoredEvent


class Layer:
    """A channel layer that remembers, and fails as often as it is told."""

    def __init__(self, failures: int = 0) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.failures = failures

        self._came = asyncio.Event()

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("redis is away")
        self.sent.append((group, message))
        self._came.set()

    async def has(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.sent) < count:
                await self._came.wait()
                self._came.clear()


def stored(number: int, user, name: str = "order.updated") -> StoredEvent:
    return StoredEvent(number, name, user, {"n": number}, datetime.now(UTC))


async def started(layer: Layer, interval: float = 0.01) -> Relay:
    relay = Relay(layer, interval)
    relay.start(asyncio.get_running_loop())
    return relay


async def test_it_sends_an_event_to_its_users_group():
    layer, user = Layer(), uuid4()
    relay = await started(layer)
    relay.put(stored(1, user, "position.opened"))
    await layer.has(1)
    group, message = layer.sent[0]
    assert group == f"user.{user.hex}"
    assert message["type"] == "domain.event"
    assert (message["name"], message["count"], message["last_id"]) == ("position.opened", 1, 1)
    await relay.stop()


async def test_it_makes_one_message_of_a_burst_per_user_and_type():
    layer, first, second = Layer(), uuid4(), uuid4()
    relay = await started(layer, interval=0.05)
    for number in range(1000):
        relay.put(stored(number, first))
    relay.put(stored(1000, first, "fill.recorded"))
    relay.put(stored(1001, second))
    await layer.has(3)
    await asyncio.sleep(0.1)
    assert {(group, m["name"], m["count"]) for group, m in layer.sent} == {
        (group_of(first), "order.updated", 1000),
        (group_of(first), "fill.recorded", 1),
        (group_of(second), "order.updated", 1),
    }
    await relay.stop()


async def test_it_takes_events_from_other_threads():
    layer, user = Layer(), uuid4()
    relay = await started(layer)
    threads = [threading.Thread(target=relay.put, args=(stored(n, user, f"type.{n}"),)) for n in range(20)]
    for thread in threads:
        thread.start()
    await layer.has(20)
    await relay.stop()


async def test_it_goes_on_after_redis_was_away():
    layer, user = Layer(failures=1), uuid4()
    relay = await started(layer)
    relay.put(stored(1, user))
    await asyncio.sleep(0.05)
    relay.put(stored(2, user))
    await layer.has(1)
    assert layer.sent[0][1]["last_id"] == 2
    await relay.stop()


async def test_it_takes_events_when_nobody_listens_any_more():
    relay = await started(Layer())
    await relay.stop()
    relay.put(stored(1, uuid4()))


def test_it_names_the_staffs_group_for_what_belongs_to_nobody():
    assert group_of(None) == "staff"
