"""How the logins' streams are, written down for the pages: only the latest word of each login, one after the other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

from brokers.sessions import BrokerSession, SessionState
from brokers.tokens import note_stream_state
from tradeproject.common.postgres import DATABASE_AWAY

if TYPE_CHECKING:
    from strategies.engine.runner import ExecutionEngine

# Of several hosts of one login the one that is worst off speaks for it.
_WORST_FIRST = (SessionState.LOGIN_NEEDED, SessionState.DOWN, SessionState.OPENING, SessionState.SYNCED)


class StreamStates:
    def __init__(self, engine: ExecutionEngine) -> None:
        self._engine = engine
        self._changed = asyncio.Event()
        self._logins: set[UUID] = set()

    def note(self, session: BrokerSession) -> None:
        """A session's state has changed."""
        self._engine.paces.on_session_state(session.key, session.state)
        self._logins.add(session.key.connection_id)
        self._changed.set()

    async def tell(self) -> None:
        """Wait for changes and write them down. Raises when the database is away; nothing is lost then."""
        await self._changed.wait()
        self._changed.clear()
        while self._logins:
            connection_id = self._logins.pop()
            try:
                await self._tell_one(connection_id)
            except DATABASE_AWAY:
                self._logins.add(connection_id)
                self._changed.set()
                raise

    async def _tell_one(self, connection_id: UUID) -> None:
        states = {
            session.state: session.reason
            for key, session in self._engine.sessions.sessions.items()
            if key.connection_id == connection_id
        }
        worst = next((state for state in _WORST_FIRST if state in states), None)
        if worst is not None:
            await self._engine.in_thread(note_stream_state, connection_id, worst.value, states[worst])
