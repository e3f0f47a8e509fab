from __future__ import annotations

import asyncio

import psycopg
import pytest

from strategies.webhooks import database
from strategies.webhooks.database import Database, conninfo
from tests.strategies.webhooks.conftest import Door
from tests.strategies.webhooks.helpers import body

pytestmark = pytest.mark.django_db(transaction=True)
BURST = 40


def test_it_queues_a_burst_for_as_long_as_others_get_through(monkeypatch):
    """One connection, and far more work than anybody would wait for if nothing moved."""
    monkeypatch.setattr(database, "POOL_SECONDS", 0.5)
    monkeypatch.setattr(database, "QUEUE_SECONDS", 60)
    asyncio.run(_burst())


async def _burst() -> None:
    narrow = Database(size=1)
    await narrow.open()

    async def one(number: int) -> int:
        deadline = await narrow.enter()
        assert deadline is not None
        try:
            return await narrow.run(lambda connection: asyncio.sleep(0.03, number), deadline)
        finally:
            narrow.leave()

    assert await asyncio.gather(*(one(number) for number in range(BURST))) == list(range(BURST))
    await narrow.close()


def test_it_turns_away_when_nobody_gets_through_and_has_its_turns_back(url, monkeypatch):
    with asyncio.Runner() as runner:
        door = Door(runner, database=lambda: Database(size=1))
        assert door.post(url, body(order_id="warm")).status_code == 202
        with psycopg.connect(conninfo()) as blocker:
            blocker.execute("LOCK TABLE strategies_alertdigest IN SHARE MODE")
            answers = door.post_together(url, [body(order_id=str(n)) for n in range(30)])
        assert {answer.status_code for answer in answers} == {503}
        statuses = [_until_taken(door, url, str(number)) for number in range(100, 103)]
        assert statuses == [202, 202, 202]
        door.close()


def _until_taken(door: Door, url: str, order_id: str) -> int:
    """The answer once the statements that were left behind are through."""
    for attempt in range(20):
        status = door.post(url, body(order_id=f"{order_id} {attempt}")).status_code
        if status != 503:
            break
    return status
