"""Events of a socket, taken apart and queued for one reader."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from brokers.adapters.tradovate.constants import BACKLOG
from brokers.adapters.tradovate.wire import Entity

NOTHING: tuple[str, str, list[Entity]] = ("", "", [])


def entities_of(event: Any) -> tuple[str, str, list[Entity]]:
    """Entity type, event type and entities of a ``props`` event (``entity`` may be one or an array); else nothing."""
    if event.get("e") != "props":
        return NOTHING
    detail = event.get("d")
    if not isinstance(detail, dict):
        return NOTHING
    entity = detail.get("entity")
    rows = entity if isinstance(entity, list) else [entity]
    found: list[Entity] = [row for row in rows if isinstance(row, dict)]
    return str(detail.get("entityType", "")), str(detail.get("eventType", "")), found


class Inbox:
    """Events in order of arrival, for one reader that may be slower than the venue, within reason."""

    def __init__(self, limit: int = BACKLOG) -> None:
        self.overflowed = False
        self._events: deque[Entity] = deque()
        self._arrived = asyncio.Event()
        self._limit = limit

    def put(self, event: Entity) -> None:
        self.overflowed = self.overflowed or len(self._events) >= self._limit
        if not self.overflowed:
            self._events.append(event)
        self._arrived.set()

    async def take(self, seconds: float | None = None) -> list[Entity]:
        """Everything that has arrived, waiting for the first one; empty after ``seconds``."""
        if not self._events and not self.overflowed:
            self._arrived.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._arrived.wait()
            except TimeoutError:
                return []
        return self.take_now()

    def take_now(self) -> list[Entity]:
        """Everything that has arrived, without waiting."""
        events = list(self._events)
        self._events.clear()
        return events

    def put_back(self, events: list[Entity]) -> None:
        """Return events that were taken too early to the front of the queue."""
        self._events.extendleft(reversed(events))
