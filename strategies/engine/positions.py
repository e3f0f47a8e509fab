"""What an account really holds: the stream's word when it may be believed, else the venue's answer, else "not known"."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from psycopg.rows import DictRow

from brokers.books import PositionBook, PositionKey
from brokers.domain import OrderStatus
from brokers.sessions import BrokerSession
from strategies.engine import sql
from strategies.engine.lanes import Lane

if TYPE_CHECKING:
    from strategies.engine.runner import ExecutionEngine


class Positions:
    def __init__(self, engine: ExecutionEngine) -> None:
        self._engine = engine

    def trusted(self, session: BrokerSession, key: PositionKey, lane: Lane) -> Decimal | None:
        """The stream's position, if nothing speaks against it; None = ask."""
        if not self._engine.pulse.has_settled():
            return None  # what the streams told while this process slept has not been read yet
        net, now = session.net(*key), asyncio.get_running_loop().time()
        if lane.agrees(net):
            session.positions.settle(key, lane.expected_at)
        if session.positions.is_doubtful(key, now):
            return None  # a protective order may have been executed a moment ago
        return net if lane.believes(net, now) else None

    async def find(
        self,
        session: BrokerSession,
        key: PositionKey,
        lane: Lane,
        *,
        patience: float = 0.0,
        since: float = 0.0,
    ) -> Decimal | None:
        """The signed position now; None when it cannot be known (never "flat" then). Asks for up to ``patience`` seconds."""
        net = await self.find_in_stream(session, key, lane) if since <= 0 else None
        if net is None:
            book = await self.ask(session, lane, patience=patience, since=since)
            net = None if book is None else book.net(key)
        return net

    async def find_in_stream(self, session: BrokerSession, key: PositionKey, lane: Lane) -> Decimal | None:
        """The stream's position, once it may be believed: the venue's report follows its fill within milliseconds."""
        if not await session.ready(self._engine.timings.session_wait):
            return None
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._engine.timings.book_wait
        while True:
            version = session.positions.version(key)
            net = self.trusted(session, key, lane)
            left = deadline - loop.time()
            if net is not None or lane.lost_track or not session.is_synced or left <= 0:
                return net
            await session.position_changed(key, version, left)

    async def ask(
        self, session: BrokerSession, lane: Lane, *, patience: float = 0.0, since: float = 0.0
    ) -> PositionBook | None:
        """All positions of the login, asked after the lane's last order ended (or after ``since``, loop time)."""
        loop = asyncio.get_running_loop()
        deadline, wait = loop.time() + patience, 0.25
        after = max(since, lane.touched_at)
        while (book := await session.query_book(since=after)) is None and loop.time() + wait <= deadline:
            await asyncio.sleep(wait)
            wait = min(wait * 2, 4.0)
        if book is not None:
            lane.found()
        return book

    async def held_by_others(
        self, connection: UUID, account: UUID, instrument: int, strategy: UUID, *, patience: float = 0.0
    ) -> Decimal | None:
        """What other strategies hold there; None while the recorder has not yet taken in every report so far.

        It is waited for a moment, or for ``patience`` seconds where that is longer.
        """
        if not await self._recorder_is_level(connection, max(self._engine.timings.recorder_wait, patience)):
            return None
        return await self._engine.held_by_others(account, instrument, strategy)

    async def _recorder_is_level(self, connection: UUID, seconds: float) -> bool:
        loop = asyncio.get_running_loop()
        deadline, wait = loop.time() + seconds, 0.02
        while not (self._engine.forwarder.is_idle and await self._no_reports_wait(connection)):
            if loop.time() >= deadline:
                return False
            await asyncio.sleep(wait)
            wait = min(wait * 1.5, 0.25)
        return True

    async def _no_reports_wait(self, connection: UUID) -> bool:
        async with self._engine.pool.connection() as database:
            row = await (await database.execute(sql.REPORTS_WAITING, {"connection": connection})).fetchone()
        return row is None


def still_out(session: BrokerSession, account: str, order: DictRow) -> bool:
    """Whether an order of ours may still change the position: it works, or nobody knows. The stream knows before our rows do.

    ``account`` is the venue's id of the account.
    """
    if OrderStatus(order["status"]).is_final:
        return False
    report = session.orders.by_client(account, order["client_order_id"])
    report = report or session.orders.get(order["venue_order_id"])
    if report is not None:
        return not report.status.is_final
    # In step with the venue and not among its working orders: it is over.
    return not (session.is_synced and order["venue_order_id"])
