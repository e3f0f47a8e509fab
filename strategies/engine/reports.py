"""From the sockets to the recorder: reports are put down as rows in the order they came, a few milliseconds' worth at once."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Any

import psycopg
from psycopg.types.json import Jsonb
from psycopg_pool import PoolTimeout

from brokers.domain import StreamItem
from brokers.reportcodec import encode
from brokers.rush import NO_RUSH, Rush
from brokers.sessions import BrokerSession, SessionKey
from strategies.engine import sql
from tradeproject.common.aio import end_tasks
from tradeproject.common.crashpoints import crash_point
from tradeproject.common.postgres import Pool

logger = logging.getLogger(__name__)

CHANNEL = "reports"
COALESCE_SECONDS = 0.01
RETRY_SECONDS = 0.5
ROWS_AT_ONCE = 400
KEEP_AT_MOST = 200_000  # while PostgreSQL is away; beyond it the poll of positions and fills makes up for what is dropped


class ReportForwarder:
    def __init__(self, pool: Pool, rush: Rush = NO_RUSH) -> None:
        self._pool, self._rush = pool, rush
        self._queue: deque[tuple[SessionKey, StreamItem]] = deque(maxlen=KEEP_AT_MOST)
        self._wake = asyncio.Event()
        self._writing = False
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    @property
    def is_idle(self) -> bool:
        """Whether every report so far has become a row."""
        return not self._queue and not self._writing

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="report forwarder")

    async def stop(self, seconds: float = 2.0) -> None:
        """Write what is left; what cannot be written in time comes again with the next poll."""
        self._stopping = True
        self._wake.set()
        if self._task is None:
            return
        await asyncio.wait({self._task}, timeout=seconds)
        if not self._task.done():
            logger.warning("reports not written before the stop; the next poll brings them")
        await end_tasks([self._task], 1.0)

    def put(self, session: BrokerSession, items: list[StreamItem]) -> None:
        self._queue.extend((session.key, item) for item in items)
        self._wake.set()

    async def _run(self) -> None:
        while not self._stopping or self._queue:
            await self._wake.wait()
            if not self._stopping:
                await asyncio.sleep(COALESCE_SECONDS)
                await self._rush.over()
                self._wake.clear()
            while self._queue:
                count = min(ROWS_AT_ONCE, len(self._queue))
                taken = [self._queue.popleft() for _ in range(count)]
                self._writing = True
                await self._through(taken)
                self._writing = False

    async def _through(self, taken: list[tuple[SessionKey, StreamItem]]) -> None:
        """Write some reports, waiting for a database that is away. What it refuses is written one by one."""
        while True:
            try:
                await self._write(taken)
                return
            except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as error:
                logger.warning("reports wait for the database", extra={"reason": str(error)[:200]})
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:  # one login's poison must not take the others with it (law 8)
                logger.exception("reports could not be written", extra={"count": len(taken)})
                break
        for one in taken if len(taken) > 1 else ():
            await self._through([one])

    async def _write(self, taken: list[tuple[SessionKey, StreamItem]]) -> None:
        by_session: dict[SessionKey, list[StreamItem]] = {}
        for key, item in taken:
            by_session.setdefault(key, []).append(item)
        rows: list[dict[str, Any]] = [
            {
                "connection_id": str(key.connection_id),
                "environment": key.environment,
                "payload": {"items": encode(items)},
            }
            for key, items in by_session.items()
        ]
        crash_point("before_report_commit")
        async with self._pool.connection() as connection, connection.pipeline():  # one transaction
            await connection.execute(sql.INSERT_REPORTS, {"rows": Jsonb(rows)})
            await connection.execute(sql.NO_HURRY)
            await connection.execute(sql.TELL, {"channel": "reports"})
        crash_point("after_report_commit")
