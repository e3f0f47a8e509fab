"""Advisory locks of PostgreSQL: they vanish with the session that holds them, so a killed process frees its locks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error, connection


def lock_key(*parts: object) -> int:
    """A signed 64-bit key for pg_advisory_lock, the same in every process for the same parts."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


@contextmanager
def advisory_lock(*parts: object, wait: bool = True) -> Iterator[bool]:
    """Hold the lock named by ``parts`` for the block. Yields whether it was taken (always true when waiting).

    Held on the session, not the transaction: the block may commit in between, and must not outlive the connection.
    """
    key = lock_key(*parts)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)" if wait else "SELECT pg_try_advisory_lock(%s)", [key])
        row = cursor.fetchone()
    taken = wait or bool(row and row[0])
    try:
        yield taken
    finally:
        if taken:
            _unlock(key)


def _unlock(key: int) -> None:
    """Give the lock back. When the session takes no more commands it ends here, else its pool would keep the lock."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
    except Error:  # a broken transaction or a lost connection; what caused it is being raised already
        if connection.connection is not None:
            connection.connection.close()
