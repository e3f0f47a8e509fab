"""All broker sessions of one process: at most so many at once, a few of them connecting, one budget per login."""

from __future__ import annotations

import asyncio
from uuid import UUID

from brokers.addresses import Addresses
from brokers.breaker import Breakers
from brokers.ratelimit import LoginBudget
from brokers.sessions import BrokerSession, OnItems, OnState, Opener, SessionKey


class SessionPool:
    """At most ``maximum`` at once, opened a few at a time so that no storm follows an outage."""

    def __init__(
        self,
        opener: Opener,
        *,
        on_items: OnItems,
        on_state: OnState,
        calls_per_minute: int,
        calls_per_hour: int,
        maximum: int = 1000,
        connecting_at_once: int = 16,
        addresses: Addresses | None = None,
    ) -> None:
        self._opener, self._on_items, self._on_state = opener, on_items, on_state
        self._limits = (calls_per_minute, calls_per_hour)
        self._maximum = maximum
        self.addresses = addresses or Addresses()
        self._slots = asyncio.Semaphore(connecting_at_once)
        self.budgets: dict[UUID, LoginBudget] = {}
        self._breakers = Breakers(asyncio.get_event_loop().time)
        self._closing: set[asyncio.Task[None]] = set()
        self.sessions: dict[SessionKey, BrokerSession] = {}

    def get(self, key: SessionKey) -> BrokerSession:
        """The session for ``key``, started if it was not. The least recently used one makes room when all are taken."""
        session = self.sessions.get(key)
        if session is None:
            self._make_room()
            budget = self.budgets.setdefault(key.connection_id, LoginBudget(*self._limits))
            session = BrokerSession(
                key,
                self._opener,
                budget,
                self._on_items,
                self._on_state,
                self._slots,
                self._breakers,
                self.addresses,
            )
            self.sessions[key] = session
            session.start()
        session.last_used = asyncio.get_running_loop().time()
        return session

    def peek(self, key: SessionKey) -> BrokerSession | None:
        """The session for ``key`` if there is one; none is opened for a mere look."""
        return self.sessions.get(key)

    def _make_room(self) -> None:
        """The least recently used one goes, if possible none with a command under way."""
        while len(self.sessions) >= self._maximum:
            oldest = min(self.sessions.values(), key=lambda session: (session.in_use > 0, session.last_used))
            del self.sessions[oldest.key]
            self._close_later(oldest)

    def _close_later(self, session: BrokerSession) -> None:
        task = asyncio.create_task(session.stop())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def keep(self, keys: set[SessionKey]) -> None:
        """Open what is wanted and close what nobody wants any more. One that is slow to close delays no other."""
        for key in list(self.sessions.keys() - keys):
            self._close_later(self.sessions.pop(key))
        for key in keys - self.sessions.keys():
            if len(self.sessions) < self._maximum:
                self.get(key)

    async def restart(self, connection_id: UUID) -> None:
        """A login got new credentials or was reconnected: end its sessions; the next who asks gets new ones."""
        gone = [self.sessions.pop(key) for key in list(self.sessions) if key.connection_id == connection_id]
        await asyncio.gather(*(session.stop() for session in gone))

    async def stop(self) -> None:
        sessions = list(self.sessions.values())
        self.sessions.clear()
        await asyncio.gather(
            *self._closing, *(session.stop() for session in sessions), return_exceptions=True
        )
