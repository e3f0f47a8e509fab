"""A new database connection learns the statements of the hot path before an order needs it."""

from __future__ import annotations

import contextlib
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from strategies.engine import reading, sql

NOBODY = reading.NOBODY
_BATCH = {"batch": NOBODY, "accounts": 0}
_NOTHING: dict[str, Any] = {"rows": Jsonb([])}
# With nothing to work on each of them changes nothing; what counts is that it was parsed, planned and its tables were opened.
_STATEMENTS: tuple[tuple[str, dict[str, Any]], ...] = (
    (sql.INSERT_ORDERS, {**_NOTHING, "worker": "", "signal": NOBODY, "fence": 0, "lease": 0.0}),
    (sql.INSERT_LEGS, _NOTHING),
    (sql.PLANNED, {"signal": NOBODY, "fence": 0, "plan": Jsonb({}), "why": Jsonb({}), **_BATCH}),
    (sql.RECORD_OUTCOMES, {**_NOTHING, "lookup": 0.0}),
    (sql.RECORD_LEGS, _NOTHING),
    (sql.INSERT_EVENTS, _NOTHING),
    (sql.FINISH_SIGNALS, {"signals": [NOBODY], "worker": ""}),
    (sql.INSERT_DOMAIN_EVENTS, _NOTHING),
    (sql.INSERT_REPORTS, _NOTHING),
)


async def warm_up(connection: AsyncConnection[DictRow]) -> None:
    """A database that cannot do this now (it is being migrated, say) still gets its connection."""
    with contextlib.suppress(psycopg.Error):
        await reading.load(connection, NOBODY, "", 0.0, 1)
        for statement, arguments in _STATEMENTS:
            # The plan of a signal that does not exist is refused at the commit, when all that is wanted here was done.
            with contextlib.suppress(psycopg.errors.ForeignKeyViolation):
                await connection.execute(statement, arguments)
