"""PostgreSQL beside the ORM: the same database, in autocommit, with rows by name."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from django.db import connection
from psycopg.errors import UniqueViolation
from psycopg_pool import PoolTimeout

from tradeproject.common.postgres import conninfo, make_pool

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_points_at_the_orms_own_database():
    with psycopg.connect(conninfo()) as direct, connection.cursor() as cursor:
        cursor.execute("SELECT current_database(), current_user")
        assert direct.execute("SELECT current_database(), current_user").fetchone() == cursor.fetchone()


def test_it_takes_over_how_long_a_lock_may_be_waited_for():
    with psycopg.connect(conninfo()) as direct:
        assert direct.execute("SHOW lock_timeout").fetchone() == ("5s",)


def test_it_takes_further_settings():
    with psycopg.connect(conninfo(application_name="mine")) as direct:
        assert direct.execute("SHOW application_name").fetchone() == ("mine",)


async def test_it_opens_nothing_before_it_is_told():
    pool = make_pool("closed", 1, timeout=0.2)
    assert pool.closed
    await pool.close()


async def test_it_gives_rows_by_name_on_connections_that_say_whose_they_are():
    async with make_pool("readers", 1) as pool, pool.connection() as own:
        row = await (
            await own.execute("SELECT 1 AS one, current_setting('application_name') AS name")
        ).fetchone()
    assert row == {"one": 1, "name": "readers"}


async def test_it_commits_each_statement_by_itself():
    async with (
        make_pool("writers", 2) as pool,
        pool.connection() as first,
        pool.connection() as second,
    ):
        await first.execute("CREATE TABLE tests_autocommit (id int PRIMARY KEY)")
        try:
            await first.execute("INSERT INTO tests_autocommit VALUES (1)")
            with pytest.raises(UniqueViolation):
                await first.execute("INSERT INTO tests_autocommit VALUES (1)")
            row = await (await second.execute("SELECT count(*) AS rows FROM tests_autocommit")).fetchone()
        finally:
            await first.execute("DROP TABLE tests_autocommit")
    assert row == {"rows": 1}


async def test_it_does_not_wait_for_ever_when_all_connections_are_taken():
    async with make_pool("few", 1, timeout=0.2) as pool, pool.connection():
        with pytest.raises(PoolTimeout):
            async with pool.connection():
                pass


async def test_it_replaces_a_connection_that_died():
    async with make_pool("healed", 1) as pool:
        async with pool.connection() as own:
            pid = own.info.backend_pid
            with psycopg.connect(conninfo(), autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
            with pytest.raises(psycopg.OperationalError):
                await own.execute("SELECT 1")
        async with pool.connection() as own:
            assert (await (await own.execute("SELECT 1 AS one")).fetchone()) == {"one": 1}


async def test_it_keeps_the_projects_settings_and_plans_statements_once():
    async with make_pool("planned", 1) as pool, pool.connection() as own:
        shown = {}
        for name in ("lock_timeout", "jit", "plan_cache_mode"):
            shown |= await (await own.execute(f"SHOW {name}")).fetchone()
    assert shown == {"lock_timeout": "5s", "jit": "off", "plan_cache_mode": "force_generic_plan"}


async def test_it_hands_every_connection_over_before_it_is_used():
    prepared = []

    async def configure(own):
        prepared.append(own.info.backend_pid)

    async with make_pool("warm", 2, configure=configure) as pool:
        await pool.wait()
        async with pool.connection() as own:
            assert own.info.backend_pid in prepared
    assert len(prepared) == 2


async def test_who_is_cancelled_ends_as_cancelled_whatever_the_driver_makes_of_it():
    """A pipeline that is broken off at its end says that it is busy, not that somebody cancelled it."""
    holds = asyncio.Event()
    async with make_pool("broken off", 1) as pool:

        async def work():
            async with pool.connection():
                try:
                    holds.set()
                    await asyncio.Event().wait()
                except asyncio.CancelledError as error:
                    raise psycopg.OperationalError("cannot exit pipeline mode while busy") from error

        async def stubborn():
            while True:
                try:
                    return await work()
                except psycopg.OperationalError:
                    await asyncio.sleep(0.01)

        task = asyncio.create_task(stubborn())
        await holds.wait()
        task.cancel()
        await asyncio.wait({task}, timeout=20)
        assert task.cancelled()


async def test_an_error_of_the_database_stays_one_for_who_was_not_cancelled():
    async with make_pool("plain", 1) as pool:
        with pytest.raises(psycopg.errors.DivisionByZero):
            async with pool.connection() as own:
                await own.execute("SELECT 1/0")
