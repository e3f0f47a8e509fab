"""Whether this process ran all the time: one that was frozen (SIGSTOP, a suspended machine) wakes up with an old picture.

Nothing tells a process that it slept, but the clock that goes on meanwhile shows it. What was decided before such a gap, or right
after it from what the sockets had brought before, is checked again before it leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tradeproject.common.clock import steady_seconds

LOOKS = 4  # in the time after which a decision is old


class Pulse:
    """``seconds``: after that a decision is old, and a gap as long as that counts as sleep. Moments are of ``now()``."""

    def __init__(self, seconds: float, clock: Callable[[], float] = steady_seconds) -> None:
        self.clock = clock
        self._seconds = seconds
        self._looked_at = clock()
        self._woke_at = float("-inf")

    def now(self) -> float:
        return self.clock()

    def ran_since(self, moment: float) -> bool:
        """Whether this process did not sleep since then, however long ago that is."""
        self._look_at(self.clock())
        return self._woke_at <= moment

    def has_settled(self) -> bool:
        """False after a sleep, until the sockets have brought what came meanwhile."""
        now = self.clock()
        self._look_at(now)
        return now >= self._settled_at

    def is_fresh(self, decided_at: float) -> bool:
        """Whether what was decided then may be acted on without another look."""
        now = self.clock()
        self._look_at(now)
        return decided_at >= max(self._settled_at, now - self._seconds)

    @property
    def _settled_at(self) -> float:
        return self._woke_at + self._seconds / LOOKS

    def _look_at(self, now: float) -> None:
        if now - self._looked_at > self._seconds:
            self._woke_at = now
        self._looked_at = now

    async def look(self) -> None:
        """To be called again and again while the loop runs."""
        await asyncio.sleep(self._seconds / LOOKS)
        self.has_settled()
