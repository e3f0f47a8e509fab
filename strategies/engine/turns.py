"""Signals take their places in the lanes in the order in which they came, strategy by strategy.

Reading a signal takes a database round trip, and two of them may end in another order than they began. A later alert of the same
strategy must not overtake an earlier one on its way to the accounts; alerts of other strategies need not wait for either.
"""

from __future__ import annotations

import asyncio
from uuid import UUID


class Arrival:
    """One signal that came and is being read. ``others_read`` waits for those that came before."""

    def __init__(self, before: asyncio.Future[None] | None, read: asyncio.Future[None]) -> None:
        self._before, self._read = before, read

    async def others_read(self) -> None:
        if self._before is not None:
            await asyncio.shield(self._before)

    def done(self) -> None:
        if not self._read.done():
            self._read.set_result(None)


class Turn:
    """A strategy's signal in the queue of its strategy."""

    def __init__(self, queue: StrategyQueue, before: asyncio.Future[None] | None) -> None:
        self._queue, self._before = queue, before
        self.left: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def wait(self, read_at: float) -> bool:
        """Until the strategy's earlier signals have their places. Returns whether one of them got there after ``read_at`` (loop
        time), so that what was read then is old.
        """
        if self._before is not None and not self._before.done():
            await asyncio.shield(self._before)
        return self._queue.left_at >= read_at

    def leave(self) -> None:
        """The next one may go on. Safe to call twice."""
        if not self.left.done():
            self._queue.left_at = asyncio.get_running_loop().time()
            self.left.set_result(None)


class StrategyQueue:
    """The turns of one strategy; ``left_at`` is when the latest of them was over."""

    def __init__(self) -> None:
        self.last: Turn | None = None
        self.left_at = 0.0

    def join(self) -> Turn:
        self.last = Turn(self, self.last.left if self.last is not None else None)
        return self.last


class Turns:
    def __init__(self) -> None:
        self._last_read: asyncio.Future[None] | None = None
        self._queues: dict[UUID, StrategyQueue] = {}

    def arrive(self) -> Arrival:
        before, mine = self._last_read, asyncio.get_running_loop().create_future()
        self._last_read = mine
        return Arrival(None if before is None or before.done() else before, mine)

    def queue(self, strategy: UUID) -> Turn:
        """The next turn of this strategy, whoever comes first."""
        return self._queues.setdefault(strategy, StrategyQueue()).join()
