"""The executor's part in a halt: it asks the venues what is held now, round by round, until that is nothing."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from brokers.sessions import SessionKey
from strategies import halts
from strategies.execution.halting import Act, next_step

if TYPE_CHECKING:
    from strategies.engine.runner import ExecutionEngine

logger = logging.getLogger(__name__)

AT_ONCE = 50  # logins asked side by side


class Halting:
    def __init__(self, engine: ExecutionEngine) -> None:
        self._engine = engine
        self._busy: set[UUID] = set()

    async def serve(self) -> None:
        """Carry every unfinished halt one step on. They do not wait for one another."""
        for pk in await self._engine.in_thread(halts.unfinished):
            if pk not in self._busy:
                self._busy.add(pk)
                self._engine.spawn(self._advance(pk))

    async def _advance(self, pk: UUID) -> None:
        try:
            now = await self._engine.in_thread(halts.standing, pk)
            if now is None:
                return
            step = next_step(now)
            found: list[halts.Found] | None = None
            unknown: list[str] = []
            if step.act is Act.LOOK:
                found, unknown = await self._look(await self._engine.in_thread(halts.places, pk))
                held = await self._engine.in_thread(halts.count_meant, pk, found)
                step = next_step(replace(now, phase=step.phase, held=held, unknown=len(unknown)))
            if step.act is not Act.WAIT:
                await self._engine.in_thread(halts.record, pk, step, found, unknown)
        finally:
            self._busy.discard(pk)

    async def _look(self, places: list[halts.Place]) -> tuple[list[halts.Found], list[str]]:
        """What is held, asked now, and the accounts that could not be asked: of those nothing is known, never "flat"."""
        by_login: dict[SessionKey, list[halts.Place]] = defaultdict(list)
        unknown = [place.name for place in places if not place.usable]
        for place in places:
            if place.usable:
                by_login[SessionKey(place.connection, place.environment)].append(place)
        slots = asyncio.Semaphore(AT_ONCE)
        answers = await asyncio.gather(*(self._ask(slots, key, rows) for key, rows in by_login.items()))
        found = [one for answer in answers for one in answer or ()]
        for answer, rows in zip(answers, by_login.values(), strict=True):
            unknown += [place.name for place in rows] if answer is None else []
        return found, unknown

    async def _ask(
        self, slots: asyncio.Semaphore, key: SessionKey, places: list[halts.Place]
    ) -> list[halts.Found] | None:
        async with slots:
            session = self._engine.sessions.get(key)
            await session.ready(self._engine.timings.session_wait)
            try:
                async with asyncio.timeout(self._engine.timings.ask):
                    book = await session.query_book(since=asyncio.get_running_loop().time())
            except TimeoutError:
                return None
        if book is None:
            return None
        return [
            halts.Found(place.account, venue_id, book.net((place.external_id, venue_id)))
            for place in places
            for venue_id in book.instruments_held(place.external_id)
        ]
