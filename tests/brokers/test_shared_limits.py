"""Orders and polls of one login, counted in two processes: together they stay below the limit, Redis or no Redis."""

from __future__ import annotations

import uuid

import httpx
import pytest

from brokers.domain import RateLimit
from brokers.errors import RateLimited
from brokers.readgate import ReadGate, ReadPutOff
from brokers.sharedlimits import ReaderLimits, SharedLimits, Used

TOTAL, OWN = (20, 1000), (14, 700)
READER = ReaderLimits(TOTAL, (6, 300), (0, 0))
REQUEST = httpx.Request("GET", "https://venue.example/position/list")


@pytest.fixture
async def shared():
    made = SharedLimits()
    yield made
    await made.close()


@pytest.fixture
def login():
    return uuid.uuid4()


async def told(shared, login, minute=0, hour=0, **more):
    return (await shared.sync({login: Used(minute, hour, OWN, TOTAL, **more)}))[login]


async def reads(shared, login, reader=READER, at_most=100) -> int:
    count = 0
    while count < at_most and await shared.take({login: reader}) == 0:
        count += 1
    return count


async def test_readers_have_their_share_before_the_executor_told_anything(shared, login):
    assert await reads(shared, login) == 6


async def test_the_executor_is_lent_what_readers_leave_over_and_keeps_its_share(shared, login):
    assert (await told(shared, login)).limits == OWN
    assert (await told(shared, login, 14, 14)).limits[0] == 16
    assert (await told(shared, login, 40, 40)).limits[0] == 17  # half of the readers' share is never lent
    assert (await told(shared, login, 2, 56)).limits[0] == 14


@pytest.mark.parametrize("first", [0, 3, 6])
async def test_both_together_never_exceed_the_whole(shared, login, first):
    await told(shared, login)
    read = await reads(shared, login, at_most=first)
    granted = (await told(shared, login, 14, 14)).limits[0]
    read += await reads(shared, login)
    assert granted + read <= TOTAL[0]
    assert (await told(shared, login, granted, granted)).reads == (read, read)


async def test_a_burst_of_entries_that_borrowed_stops_readers_at_the_venues_own_limit(shared, login):
    await told(shared, login, 28, 28)
    assert await reads(shared, login, ReaderLimits(TOTAL, (6, 300), (30, 0))) == 2


async def test_readers_go_slower_with_the_orders_and_wait_while_the_venue_asked_to(shared, login):
    await told(shared, login, factor=0.5)
    assert await reads(shared, login) == 3
    await told(shared, login, held_seconds=9)
    assert 8 <= await shared.take({login: READER}) <= 9


async def test_a_new_executor_hears_what_the_last_one_used(shared, login):
    await told(shared, login, 9, 400)
    assert (await told(shared, login)).before == (9, 400)


async def test_the_executor_hears_that_a_poll_was_told_to_slow_down(shared, login):
    assert (await told(shared, login)).slowed == 0
    gate = ReadGate(login, ())
    await gate.tell(RateLimited("Slow down.", retry_after=7))
    await gate.tell(ReadPutOff("Ours.", retry_after=7))
    await gate.close()
    heard = await told(shared, login)
    assert (heard.slowed, heard.slowed_for) == (1, 7.0)


async def test_a_read_without_room_is_put_off(login, settings, monkeypatch):
    monkeypatch.setattr("brokers.readgate.PATIENCE_SECONDS", 0.0)
    gate = ReadGate(login, (RateLimit("login", "*", 10, 60),))
    for _ in range(3):
        await gate.admit(REQUEST)
    with pytest.raises(ReadPutOff):
        await gate.admit(REQUEST)
    await gate.close()


async def test_while_redis_is_away_each_process_keeps_to_a_quarter_of_the_readers_share(
    login, settings, monkeypatch
):
    monkeypatch.setattr("brokers.readgate.PATIENCE_SECONDS", 0.0)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    gate = ReadGate(login, (RateLimit("login", "*", 40, 60),))
    for _ in range(3):
        await gate.admit(REQUEST)
    with pytest.raises(ReadPutOff):
        await gate.admit(REQUEST)
    await gate.tell(RateLimited("Slow down."))
    await gate.close()


# --- what a venue counts apart ------------------------------------------------------------------------------------------


async def told_by(shared, meter, shard, used, of=2):
    """One of several executors that share an address of 40 calls a minute; 14 of them are each one's own."""
    return (await shared.sync({meter: Used(used, used, (14, 700), (40, 2000), shard=shard, shards=of)}))[
        meter
    ]


async def test_executors_are_never_lent_what_another_one_has(shared, login):
    meter = f"address:{login}:any"
    assert (await told_by(shared, meter, 0, 14)).limits[0] == 18  # 40 - 6 kept for readers - 14 of the other
    assert (await told_by(shared, meter, 0, 30)).limits[0] == 20
    other = await told_by(shared, meter, 1, 14)
    assert other.limits[0] == 14
    assert (
        20 + other.limits[0] + await reads(shared, meter, ReaderLimits((40, 2000), (12, 600), (0, 0))) <= 40
    )


async def test_each_executor_hears_what_it_had_used_itself(shared, login):
    meter = f"address:{login}:any"
    await told_by(shared, meter, 0, 9)
    await told_by(shared, meter, 1, 3)
    assert [(await told_by(shared, meter, shard, 0)).before for shard in (0, 1)] == [(9, 9), (3, 3)]


async def test_a_read_needs_room_in_every_meter_and_costs_nothing_where_one_refuses(shared, login):
    narrow, wide = ReaderLimits((4, 1000), (2, 500), (0, 0)), READER
    both = {login: wide, f"address:{login}:reads": narrow}
    assert [await shared.take(both) for _ in range(3)] == [0, 0, 5]
    assert (await told(shared, login)).reads == (2, 2)


async def test_a_poll_keeps_to_what_the_venue_says_of_reads(login, monkeypatch):
    monkeypatch.setattr("brokers.readgate.PATIENCE_SECONDS", 0.0)
    limits = (RateLimit("login", "*", 1000, 60), RateLimit("login", "reads", 8, 60))
    gate = ReadGate(login, limits)
    for _ in range(4):
        await gate.admit(REQUEST)
    with pytest.raises(ReadPutOff):
        await gate.admit(REQUEST)
    await gate.close()


@pytest.mark.parametrize("redis", ["here", "away"])
async def test_polls_of_all_logins_share_the_address(settings, monkeypatch, redis):
    monkeypatch.setattr("brokers.readgate.PATIENCE_SECONDS", 0.0)
    if redis == "away":
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
    limits, address = (RateLimit("address", "reads", 16, 60),), f"address:{uuid.uuid4()}:server"
    gates = [ReadGate(uuid.uuid4(), limits, address) for _ in range(3)]
    admitted = 0
    with pytest.raises(ReadPutOff):
        while True:
            await gates[admitted % 3].admit(REQUEST)
            admitted += 1
    assert admitted == (8 if redis == "here" else 2)
    for gate in gates:
        await gate.close()
