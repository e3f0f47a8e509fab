"""Every connection of the executor has run its statements once before the first order needs them."""

from __future__ import annotations

import contextlib

from psycopg.errors import ForeignKeyViolation

from strategies.engine import reading, warmup
from tradeproject.common.postgres import make_pool


async def test_its_statements_can_run_on_nothing():
    """What fails there is passed over in silence, so it must not be a parameter that somebody forgot."""
    async with make_pool("warm", 1) as pool, pool.connection() as connection:
        assert await reading.load(connection, warmup.NOBODY, "", 0.0, 1) is None
        for statement, arguments in warmup._STATEMENTS:
            with contextlib.suppress(ForeignKeyViolation):  # the plan of a signal that does not exist
                await connection.execute(statement, arguments)
