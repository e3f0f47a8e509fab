"""PostgreSQL without the ORM, for the two paths where a millisecond counts: taking an alert in and sending its orders."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from django.db import InterfaceError, OperationalError, connections
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

# What a database that is away looks like, asked without the ORM or with it: to be tried again, and no fault of the work.
DATABASE_AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    PoolTimeout,
    OperationalError,
    InterfaceError,
)


class Pool(AsyncConnectionPool[AsyncConnection[DictRow]]):
    """Whoever is cancelled while holding a connection ends as cancelled.

    A statement that is broken off in the middle of a pipeline comes back as an OperationalError, and code that takes that for a
    database that is away would try again, having forgotten that it was told to stop.
    """

    @asynccontextmanager
    async def connection(
        self,
        timeout: float | None = None,  # noqa: ASYNC109 - the pool's own signature
    ) -> AsyncIterator[AsyncConnection[DictRow]]:
        try:
            async with super().connection(timeout) as connection:
                yield connection
        except (psycopg.Error, PoolTimeout) as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise asyncio.CancelledError from error
            raise


def conninfo(**more: Any) -> str:
    """The libpq address of Django's default database (in tests: of the test database)."""
    params = dict(connections["default"].get_connection_params())
    for name in ("pool", "cursor_factory", "context", "prepare_threshold", "client_encoding"):
        params.pop(name, None)
    return make_conninfo(**{**params, **more})


# Statements are prepared at their first use and planned once: planning them anew costs more than running them.
PLANNED_ONCE = "-c plan_cache_mode=force_generic_plan"


def make_pool(
    name: str,
    size: int,
    *,
    timeout: float = 5.0,
    configure: Callable[[AsyncConnection[DictRow]], Awaitable[None]] | None = None,
) -> Pool:
    """A closed pool of ``size`` autocommit connections with dict rows; open it in the loop that uses it. ``timeout``: how long a
    connection may be waited for, in seconds.

    All of them are opened at once and handed to ``configure``, so that no order waits for a connection that is still cold.
    """
    options = connections["default"].get_connection_params().get("options", "")
    return Pool(
        conninfo(application_name=name, options=f"{options} {PLANNED_ONCE}".strip()),
        min_size=size,
        max_size=size,
        timeout=timeout,
        open=False,
        name=name,
        configure=configure,
        kwargs={"autocommit": True, "row_factory": dict_row, "prepare_threshold": 0},
    )
