"""Sessions at the fake venue, and everything they told."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any
from uuid import UUID, uuid4

from brokers.errors import Unavailable
from brokers.ratelimit import LoginBudget
from brokers.sessionpool import SessionPool
from brokers.sessions import BrokerSession, SessionKey, SessionState
from tests.fakes.adapter import FakeAdapter
from tests.fakes.venue import Login, Venue


def now() -> float:
    return asyncio.get_running_loop().time()


class SessionWorld:
    """``attempts`` are the moments at which each session asked for an adapter."""

    adapter_class: type[FakeAdapter] = FakeAdapter

    def __init__(self) -> None:
        self.venue = Venue()
        self.logins: dict[UUID, Login] = {}
        self.items: list[tuple[SessionKey, Any]] = []
        self.states: list[tuple[SessionKey, SessionState, str]] = []
        self.attempts: dict[SessionKey, list[float]] = {}
        self.adapters: list[FakeAdapter] = []
        self.broken: Exception | None = None

    def key(self, *accounts: str) -> SessionKey:
        """Another login with these accounts (one of its own unless named)."""
        number = uuid4()
        self.logins[number] = self.venue.login(str(number), accounts or [f"account of {number}"])
        return SessionKey(number, "demo")

    def login(self, key: SessionKey) -> Login:
        return self.logins[key.connection_id]

    async def open(self, key: SessionKey) -> FakeAdapter:
        self.attempts.setdefault(key, []).append(now())
        if self.broken is not None:
            raise self.broken
        if not self.login(key).conduct.is_reachable:
            raise Unavailable("The venue cannot be reached.")
        self.adapters.append(self.adapter_class(self.login(key)))
        return self.adapters[-1]

    def session(self, key: SessionKey, slots: asyncio.Semaphore | None = None) -> BrokerSession:
        """A started session."""
        budget = LoginBudget(1000, 100_000)
        slots = slots or asyncio.Semaphore(16)
        made = BrokerSession(key, self.open, budget, self._on_items, self._on_state, slots)
        made.start()
        return made

    def pool(self, **options: Any) -> SessionPool:
        return SessionPool(
            self.open,
            on_items=self._on_items,
            on_state=self._on_state,
            calls_per_minute=70,
            calls_per_hour=4500,
            **options,
        )

    def _on_items(self, session: BrokerSession, items: list[Any]) -> None:
        self.items += [(session.key, item) for item in items]

    def _on_state(self, session: BrokerSession) -> None:
        self.states.append((session.key, session.state, session.reason))

    def states_of(self, key: SessionKey) -> list[SessionState]:
        return [state for whose, state, _ in self.states if whose == key]

    def gaps(self, key: SessionKey) -> list[float]:
        """Seconds between the attempts of one session."""
        times = self.attempts[key]
        return [later - earlier for earlier, later in itertools.pairwise(times)]
