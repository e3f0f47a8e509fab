"""ORM work beside a loop survives a database that went away: nobody keeps a connection that has died."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from django.db import connection

from tradeproject.common.threads import in_thread

BASE_DIR = Path(__file__).resolve().parent.parent.parent
LOOPS = ("brokers", "strategies", "recorder", "dashboard", "notifications")


def ask() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return int(cursor.fetchone()[0])


def end_all_others() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid()"
        )


@pytest.mark.django_db(transaction=True)
def test_every_thread_works_again_after_the_server_ended_its_sessions():
    connection.close()  # the test's own is given back, and found dead by the pool like the others
    asyncio.run(_end_sessions_and_ask())


async def _end_sessions_and_ask():
    assert await asyncio.gather(*(in_thread(ask) for _ in range(6))) == [1] * 6
    await in_thread(end_all_others)
    for _ in range(3):
        assert await asyncio.gather(*(in_thread(ask) for _ in range(6))) == [1] * 6


def test_no_loop_of_ours_hands_work_to_threads_in_another_way():
    """A bare ``sync_to_async`` keeps its thread's connection; after a restart of the server it would fail for ever."""
    bare = re.compile(r"sync_to_async\([^)]*thread_sensitive=False")
    found = [
        str(path.relative_to(BASE_DIR))
        for app in LOOPS
        for path in (BASE_DIR / app).rglob("*.py")
        if bare.search(path.read_text()) and "database_sync_to_async" not in path.read_text()
    ]
    assert found == []
