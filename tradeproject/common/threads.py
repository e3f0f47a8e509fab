"""ORM work beside an event loop."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.sync import sync_to_async
from django.db import close_old_connections, connection


async def in_thread(
    work: Callable[..., Any], *arguments: Any, executor: ThreadPoolExecutor | None = None
) -> Any:
    """Run ORM work in a thread, on a database connection that lives, and give that back afterwards.

    Outside of requests and tasks nobody else does so: a thread would keep its connection, also one that has died.
    """

    def run() -> Any:
        close_old_connections()
        try:
            return work(*arguments)
        finally:
            if not connection.in_atomic_block:
                connection.close()

    return await sync_to_async(run, thread_sensitive=False, executor=executor)()
