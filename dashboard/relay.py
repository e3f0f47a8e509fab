"""Domain events on their way to the browsers of the user they belong to.

``put`` is called by the event relay, in whatever thread it runs, and never blocks. One task in the long-lived loop sends
what has gathered to the user's channel group: of a burst the first event goes at once, and what follows within
INTERVAL_SECONDS becomes one message per user and type. A message is only a hint to look again: what a page shows is read
from the database, so a message that Redis lost costs a little time and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from channels.layers import get_channel_layer

from tradeproject.common.events import StoredEvent

logger = logging.getLogger(__name__)

INTERVAL_SECONDS = 0.1
SEND_SECONDS = 2.0
MESSAGE = "domain.event"


def group_of(user_id: UUID | None) -> str:
    """The channel group of a user's live pages; what belongs to nobody goes to the staff's."""
    return f"user.{user_id.hex}" if user_id is not None else "staff"


@dataclass(slots=True)
class _Burst:
    """Events of one user and type that travel as one message: how many, and the newest of them."""

    count: int
    newest: StoredEvent

    def message(self) -> dict[str, Any]:
        return {
            "type": MESSAGE,
            "name": self.newest.type,
            "count": self.count,
            "last_id": self.newest.id,
            "data": self.newest.data,
        }


class Relay:
    """Start it in the loop that shall send; give ``put`` to ``tradeproject.common.events.subscribe``."""

    def __init__(self, layer: Any = None, interval: float = INTERVAL_SECONDS) -> None:
        self._layer = layer
        self._interval = interval
        self._lock = threading.Lock()
        self._waiting: dict[tuple[UUID | None, str], _Burst] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None
        self._failing = False

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin sending in ``loop``, which must be the running one."""
        self._layer = self._layer or get_channel_layer()
        self._wake = asyncio.Event()
        self._loop = loop
        self._task = loop.create_task(self._run(), name="dashboard relay")

    async def stop(self) -> None:
        """Stop sending. What still waits is dropped: pages look by themselves from time to time."""
        self._loop = None
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def put(self, stored: StoredEvent) -> None:
        """Take one event. Thread-safe; memory is bounded by users times event types."""
        key = stored.user_id, stored.type
        with self._lock:
            burst = self._waiting.get(key)
            if burst is None:
                self._waiting[key] = _Burst(1, stored)
            else:
                burst.count, burst.newest = burst.count + 1, stored
        loop, wake = self._loop, self._wake
        if loop is not None and wake is not None:
            with contextlib.suppress(
                RuntimeError
            ):  # the loop was closed in this moment: nobody is left to tell
                loop.call_soon_threadsafe(wake.set)

    async def _run(self) -> None:
        wake = self._wake
        if wake is None:
            return
        while True:
            await wake.wait()
            wake.clear()
            await self._send_waiting()
            await asyncio.sleep(self._interval)

    async def _send_waiting(self) -> None:
        with self._lock:
            bursts, self._waiting = self._waiting, {}
        for (user_id, _), burst in bursts.items():
            try:
                # Not wait_for: in Python 3.11 it can swallow the cancellation that ``stop`` relies on.
                async with asyncio.timeout(SEND_SECONDS):
                    await self._layer.group_send(group_of(user_id), burst.message())
                self._failing = False
            except Exception:
                # The edge of this outlet: whatever is wrong with Redis, trading and the other outlets go on.
                if not self._failing:
                    logger.exception("live pages could not be told of events")
                self._failing = True
                return
