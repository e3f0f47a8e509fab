"""The second wake-up: a Celery message for the row that NOTIFY has already announced.

It is only a hint (law 1), so it is published by a thread of its own, a moment after the answer, and given up at the first
difficulty. The moment lets the executor work undisturbed: as a rule it is done before the hint arrives. With Redis away the
thread waits and what does not fit its queue is dropped; the sweeper finds the rows.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable
from uuid import UUID

logger = logging.getLogger(__name__)

TASK = "strategies.tasks.execute_signal"
QUEUE = "execution"
WAITING = 1000
_QUIET_SECONDS = 60.0
_LATER_SECONDS = 0.03


def publish(signal_id: UUID) -> None:
    """Send the task message. Blocks for as long as the message broker takes; raises whatever goes wrong."""
    from tradeproject.celery import app

    app.send_task(TASK, args=[str(signal_id)], queue=QUEUE, retry=False, ignore_result=True)


class Waker:
    """Hands signal ids to the publishing thread, which begins with the first of them. Never blocks, never raises."""

    def __init__(self, send: Callable[[UUID], None] = publish) -> None:
        self._send = send
        self._queue: queue.Queue[UUID] = queue.Queue(WAITING)
        self._thread: threading.Thread | None = None
        self._complained_at = 0.0

    def wake(self, signal_id: UUID) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="webhook-hints", daemon=True)
            self._thread.start()
        try:
            self._queue.put_nowait(signal_id)
        except queue.Full:
            self._complain("too many hints wait")

    def _run(self) -> None:
        while True:
            waiting = [self._queue.get()]
            time.sleep(_LATER_SECONDS)
            with contextlib.suppress(queue.Empty):
                while True:
                    waiting.append(self._queue.get_nowait())
            for signal_id in waiting:
                try:
                    self._send(signal_id)
                except Exception as error:  # noqa: BLE001 - the edge of a thread; a hint may fail in any way
                    self._complain(type(error).__name__)

    def _complain(self, what: str) -> None:
        """Once a minute: an outage of Redis is one event, not one line per alert."""
        if time.monotonic() - self._complained_at < _QUIET_SECONDS and self._complained_at:
            return
        self._complained_at = time.monotonic()
        logger.warning("a wake-up could not be published; the sweeper takes over", extra={"error": what})
