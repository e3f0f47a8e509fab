from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from strategies.models import Signal
from strategies.webhooks.database import Database, conninfo
from tests.strategies.webhooks.conftest import Door
from tests.strategies.webhooks.helpers import body

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def unreachable(tmp_path: Path):
    """A door whose database is a socket that is not there."""
    with asyncio.Runner() as runner:
        door = Door(runner, database=lambda: Database(f"host={tmp_path} dbname=x user=x connect_timeout=2"))
        yield door
        door.close()


def assert_unavailable(answer) -> None:
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert answer.json()["status"] == "unavailable"


def test_it_says_503_in_time_when_the_database_is_away(unreachable):
    for path in ("/webhook/some-key", "/webhook"):
        started = time.perf_counter()
        assert_unavailable(unreachable.post(path, body()))
        assert time.perf_counter() - started < 2  # the limit itself is measured on a quiet machine


def test_it_tells_everybody_in_a_crowd_within_the_same_time(unreachable):
    started = time.perf_counter()
    for answer in unreachable.post_together("/webhook/some-key", [body()] * 40):
        assert_unavailable(answer)
    assert time.perf_counter() - started < 2


def test_it_bounds_the_wait_for_a_database_that_hangs(key):
    """A server that accepts and then says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as deaf, asyncio.Runner() as runner:
        port = deaf.getsockname()[1]
        door = Door(
            runner, database=lambda: Database(f"host=127.0.0.1 port={port} dbname=x connect_timeout=2")
        )
        assert_unavailable(door.post(f"/webhook/{key.secret}", body()))
        door.close()


def test_it_recovers_from_a_restart_without_failing_a_request(door, url):
    assert door.post_together(url, [body(order_id=str(n)) for n in range(20)])[0].status_code == 202
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE application_name = 'webhook' AND datname = current_database()"
        )
        assert cursor.fetchone()[0] >= 1
    assert door.post(url, body(order_id="after")).status_code == 202


def test_it_tries_again_by_itself_after_an_outage(unreachable, url):
    assert_unavailable(unreachable.post(url, body()))
    database = unreachable.runner.run(unreachable.route.database.get())
    database._pool.conninfo = conninfo()  # the server is back
    assert unreachable.post(url, body()).status_code == 202


def test_it_leaves_a_slow_statement_to_finish_and_knows_its_alert_again(door, url, monkeypatch):
    monkeypatch.setattr("strategies.webhooks.database.POOL_SECONDS", 0.15)
    sent = body()
    door.post(url, body(order_id="warm"))
    with psycopg.connect(conninfo()) as blocker:
        blocker.execute("LOCK TABLE strategies_alertdigest IN SHARE MODE")
        assert_unavailable(door.post(url, sent))
        blocker.rollback()
        deadline = time.monotonic() + 5
        while Signal.objects.count() < 2 and time.monotonic() < deadline:
            door.runner.run(asyncio.sleep(0.02))
    assert door.post(url, sent).json()["status"] == "duplicate"


def test_it_says_nothing_of_the_address_in_its_log(unreachable, caplog):
    unreachable.post("/webhook/canary-key-7731", body(key="canary-secret-7731"))
    assert "could not be stored" in caplog.text
    assert "canary" not in caplog.text


def test_it_never_answers_5xx_for_a_fault_of_ours_with_words_of_it(door, url, monkeypatch):
    async def broken(*args):
        raise RuntimeError("canary-9")

    monkeypatch.setattr("strategies.webhooks.intake._identify", broken)
    answer = door.post(url, body())
    assert_unavailable(answer)
    assert "canary" not in answer.text
