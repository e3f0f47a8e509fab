"""The feed of quotes lives on after its database connection died."""

from __future__ import annotations

import pytest
from django.db import connection

from brokers.marketdata.feed import Feed
from brokers.models import BrokerConnection
from brokers.registry import get_spec
from recorder.openpnl import OpenPnl, held_symbols
from tests.factories import ConnectionFactory
from tradeproject.common.threads import in_thread

pytestmark = pytest.mark.django_db(transaction=True)

OTHERS = """
SELECT pid FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


class Nobody:
    """Redis without anybody who looks at quotes."""

    async def zremrangebyscore(self, *_: object) -> int:
        return 0

    async def zrange(self, *_: object) -> list[str]:
        return []


def sessions() -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(OTHERS)
        return {pid for (pid,) in cursor.fetchall()}


def end(pids: set[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS pid", [list(pids)])


async def with_dead_connections(work) -> None:
    """``work`` twice; whatever connections the first time left behind are ended in between."""
    before = await in_thread(sessions)
    await work()
    await in_thread(lambda: end(sessions() - before))
    await work()


@pytest.fixture
def login(monkeypatch) -> BrokerConnection:
    made = ConnectionFactory()

    def no_adapter(*_: object, **__: object):
        raise AssertionError("nobody may be asked in this test")

    monkeypatch.setattr("brokers.marketdata.feed.build_adapter", no_adapter)
    monkeypatch.setattr("recorder.openpnl.build_adapter", no_adapter)
    return made


async def test_it_finds_its_logins_again(login):
    feed = Feed(held_symbols)
    feed._resting[login.pk] = float("inf")
    assert get_spec(login.broker).capabilities.market_data
    await with_dead_connections(lambda: feed._follow((login.broker, "demo")))


async def test_it_finds_what_is_held_again(login):
    feed = Feed(held_symbols)
    await with_dead_connections(lambda: feed._look(Nobody()))


async def test_open_profit_is_asked_for_again(login):
    open_pnl = OpenPnl()
    await with_dead_connections(lambda: open_pnl._round(Nobody()))
