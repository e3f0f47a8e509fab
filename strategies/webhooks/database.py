"""The way in's own connections: a few per process beside Django's, so that no page can keep an alert waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import psycopg
from django.conf import settings
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool

from tradeproject.common.postgres import PLANNED_ONCE

CONNECTIONS = 8
POOL_SECONDS = 0.4
QUEUE_SECONDS = 2.0  # with the storing itself still within the three seconds that TradingView waits
STATEMENT_MILLISECONDS = 1500

Connection = psycopg.AsyncConnection[Any]
T = TypeVar("T")


def conninfo() -> str:
    """The database of Django's settings as a libpq connection string."""
    database = settings.DATABASES["default"]
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    parts = {name: str(database.get(key) or "") for name, key in names.items()}
    extra = {
        name: value for name, value in database.get("OPTIONS", {}).items() if name not in {"pool", "options"}
    }
    return make_conninfo(
        **{name: value for name, value in parts.items() if value},
        **extra,
        connect_timeout=2,
        # A black-holed server must not keep connections for the kernel's quarter of an hour.
        tcp_user_timeout=3000,
        options=f"-c jit=off {PLANNED_ONCE} -c statement_timeout={STATEMENT_MILLISECONDS} "
        f"-c lock_timeout={STATEMENT_MILLISECONDS}",
        application_name="webhook",
    )


class Database:
    """A pool, and the queue in front of it. Made in and used from one event loop.

    Two reasons to wait are told apart: while others get through, a burst is only a queue; when nobody has got through
    for ``POOL_SECONDS``, the database is away and the sender is told at once.
    """

    def __init__(self, info: str = "", *, size: int = CONNECTIONS) -> None:
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            info or conninfo(),
            kwargs={"autocommit": True},
            min_size=1,
            max_size=size,
            timeout=POOL_SECONDS,
            reconnect_timeout=0,  # give a failed connection up at once: the next alert tries again by itself
            open=False,
            name="webhook",
        )
        self._slots = asyncio.Semaphore(size)
        self._got_through_at = 0.0

    async def open(self) -> None:
        await self._pool.open()

    async def close(self) -> None:
        await self._pool.close()

    async def enter(self) -> float | None:
        """Wait for a turn. Returns the loop's time until which a connection may be waited for; ``leave`` must follow.

        None: the database does not get through its work, and nothing is to follow. Whoever had to wait while nobody got
        through has that time taken off, so that all of them hear of an outage within the same half second.
        """
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        if not self._slots.locked():
            await self._slots.acquire()
            return asked_at + POOL_SECONDS
        turn = asyncio.ensure_future(self._slots.acquire())
        try:
            if not await self._wait_for(turn, asked_at):
                return None
        finally:
            turn.cancel()
        return max(asked_at, self._got_through_at) + POOL_SECONDS

    async def _wait_for(self, turn: asyncio.Future[Any], asked_at: float) -> bool:
        """Whether the turn came: waited for as long as others get through, within ``QUEUE_SECONDS``."""
        loop = asyncio.get_running_loop()
        while not turn.done():
            now = loop.time()
            patience = max(asked_at, self._got_through_at) + POOL_SECONDS - now
            if patience <= 0 or now > asked_at + QUEUE_SECONDS:
                return False
            await asyncio.wait({turn}, timeout=patience)
        return True

    def leave(self) -> None:
        self._slots.release()

    async def run(self, work: Callable[[Connection], Awaitable[T]], deadline: float) -> T:
        """Run ``work``, again on the next connection when this one turns out to have died since its last use."""
        loop = asyncio.get_running_loop()
        while True:
            async with self._pool.connection(timeout=max(0.001, deadline - loop.time())) as connection:
                try:
                    result = await work(connection)
                except psycopg.OperationalError:
                    if not connection.closed or loop.time() >= deadline:
                        raise
                else:
                    self._got_through_at = loop.time()
                    return result
