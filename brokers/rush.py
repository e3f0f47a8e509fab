"""Orders first: while a large fan-out leaves, whatever is not an order waits.

One loop sends the orders and reads what the venues say of them. A thousand orders bring five thousand messages; unless those
wait, each order leaves behind the messages about all orders before it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

LARGE = 50  # accounts; fewer orders are gone before anything could get in their way
LONGEST = 0.8  # seconds; well within what a socket may be left alone


class Rush:
    """Who has other work to do asks ``over`` first. A rush ends by itself after ``longest`` seconds, and the next one may not
    begin before as much time has passed as it took: nobody waits for ever.
    """

    def __init__(self, *, large: int = LARGE, longest: float = LONGEST) -> None:
        self._large, self._longest = large, longest
        self._running = 0
        self._began = self._not_before = 0.0
        self._end: asyncio.TimerHandle | None = None
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._letting_through = False

    @property
    def is_on(self) -> bool:
        return self._end is not None

    @contextmanager
    def of(self, orders: int) -> Iterator[None]:
        """Hold a rush while so many orders leave, if they are many."""
        if orders < self._large:
            yield
            return
        self._running += 1
        self._begin()
        try:
            yield
        finally:
            self._running -= 1
            if not self._running:
                self._finish()

    def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        if self._end is None and loop.time() >= self._not_before:
            self._began = loop.time()
            self._end = loop.call_later(self._longest, self._finish)

    def _finish(self) -> None:
        if self._end is None:
            return
        self._end.cancel()
        self._end = None
        now = asyncio.get_running_loop().time()
        self._not_before = now + (now - self._began)
        self._let_through()

    async def over(self) -> None:
        """Wait for the end of the rush, and for one's turn after it; returns at once when there is none."""
        if not self.is_on and not self._waiting:
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        if not self.is_on:
            self._let_through()
        await turn

    def _let_through(self) -> None:
        """One for each turn of the loop, so that a new alert does not wait for all who waited."""
        if not self._letting_through:
            self._letting_through = True
            asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        self._letting_through = False
        if self.is_on:
            return
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                break
        if self._waiting:
            self._let_through()


NO_RUSH = Rush(large=2**62)
"""For a process that sends no fan-outs: always over."""
