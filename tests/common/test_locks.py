"""Advisory locks: one holder at a time, over all connections, and free again however the holder ends."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from django.db.utils import OperationalError

from tradeproject.common.locks import advisory_lock, lock_key
from tradeproject.common.postgres import conninfo

pytestmark = pytest.mark.django_db(transaction=True)

NAME = ("tests", "lock")


@contextmanager
def somebody_else():
    """Another process's connection."""
    with psycopg.connect(conninfo(), autocommit=True) as other:
        yield other


def is_free(other: psycopg.Connection) -> bool:
    taken = other.execute("SELECT pg_try_advisory_lock(%s)", [lock_key(*NAME)]).fetchone()[0]
    if taken:
        other.execute("SELECT pg_advisory_unlock(%s)", [lock_key(*NAME)])
    return taken


def becomes_free(other: psycopg.Connection) -> bool:
    """Within the seconds a lock may be waited for; a session that ended takes a moment to be noticed."""
    try:
        other.execute("SELECT pg_advisory_lock(%s)", [lock_key(*NAME)])
    except psycopg.errors.LockNotAvailable:
        return False
    return bool(other.execute("SELECT pg_advisory_unlock(%s)", [lock_key(*NAME)]).fetchone()[0])


def test_it_keeps_everybody_else_out_while_it_is_held():
    with somebody_else() as other:
        with advisory_lock(*NAME):
            assert not is_free(other)
        assert is_free(other)


def test_it_says_when_it_was_not_taken():
    with somebody_else() as other:
        other.execute("SELECT pg_advisory_lock(%s)", [lock_key(*NAME)])
        with advisory_lock(*NAME, wait=False) as taken:
            assert taken is False


def test_it_leaves_the_other_holder_the_lock_it_did_not_get():
    with somebody_else() as holder, somebody_else() as third:
        holder.execute("SELECT pg_advisory_lock(%s)", [lock_key(*NAME)])
        with advisory_lock(*NAME, wait=False):
            pass
        assert not is_free(third)


def test_it_waits_for_its_turn():
    entered = threading.Event()

    def wait() -> None:
        try:
            with advisory_lock(*NAME):
                entered.set()
        finally:
            connection.close()

    with somebody_else() as other:
        other.execute("SELECT pg_advisory_lock(%s)", [lock_key(*NAME)])
        thread = threading.Thread(target=wait)
        thread.start()
        assert not entered.wait(0.3)
        other.execute("SELECT pg_advisory_unlock(%s)", [lock_key(*NAME)])
        thread.join(10)
    assert entered.is_set()


def test_it_is_free_after_an_error():
    with somebody_else() as other:
        with pytest.raises(RuntimeError, match="the work failed"), advisory_lock(*NAME):
            raise RuntimeError("the work failed")
        assert is_free(other)


def test_it_is_held_over_a_commit():
    with somebody_else() as other, advisory_lock(*NAME):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        assert not is_free(other)


def test_it_is_free_after_a_broken_transaction_and_tells_the_real_error():
    with somebody_else() as other:
        with (
            pytest.raises(DatabaseError, match="division by zero"),
            transaction.atomic(),
            advisory_lock(*NAME),
        ):
            connection.cursor().execute("SELECT 1 / 0")
        assert becomes_free(other)


def test_it_is_free_after_its_connection_died():
    with somebody_else() as other:
        with pytest.raises(OperationalError), advisory_lock(*NAME):
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                pid = cursor.fetchone()[0]
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
            connection.cursor().execute("SELECT 1")
        connection.close()
        assert becomes_free(other)


def test_it_gives_different_names_different_keys():
    keys = {lock_key("a", "b"), lock_key("a", "c"), lock_key("a"), lock_key("b", "a"), lock_key(1)}
    assert len(keys) == 5


def test_it_makes_keys_that_fit_into_a_bigint():
    assert all(-(2**63) <= lock_key("k", number) < 2**63 for number in range(200))
