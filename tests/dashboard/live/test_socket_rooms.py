"""Rooms: a snapshot, then deltas whose numbers have no gaps."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from channels.db import database_sync_to_async

from dashboard.diff import apply
from strategies.models import Signal
from tests.dashboard.live.conftest import quote, tell
from tests.factories import SignalFactory

pytestmark = pytest.mark.django_db(transaction=True)
ROOMS = ["trades", "orders", "positions", "signals", "notifications", "connections"]


async def test_it_sends_a_snapshot_of_every_room(connect, owner, small_desk):
    socket = await connect(owner)
    await socket.say(action="subscribe", rooms=ROOMS)
    heard = {}
    while len(heard) < len(ROOMS):
        message = await socket.hear()
        heard[message["room"]] = message
    assert {message["type"] for message in heard.values()} == {"snapshot"}
    assert {message["seq"] for message in heard.values()} == {1}
    assert len(heard["orders"]["data"]["orders"]) == 6
    assert heard["signals"]["data"]["signals"][0]["intent"]
    assert heard["trades"]["data"]["trades"][0]["entry_price"]
    assert heard["positions"]["data"]["positions"][0]["venue_symbol"] == "MNQZ6"
    assert heard["connections"]["data"]["control"] == "running"


async def test_it_sends_deltas_without_gaps_that_rebuild_the_snapshot(connect, owner, small_desk):
    socket = await connect(owner, "/ws/dashboard")
    first = await socket.hear()
    assert (first["type"], first["room"], first["seq"]) == ("snapshot", "dashboard", 1)
    assert {"positions", "open_pnl", "day_pnl"} <= first["data"].keys()
    state = first["data"]
    for number, price in enumerate(("21875", "21880.25", "21860.50"), start=2):
        await quote(price)
        message = await socket.hear()
        assert (message["type"], message["seq"]) == ("delta", number)
        state = apply(state, message["data"])
    other = await connect(owner, "/ws/dashboard")
    fresh = (await other.hear())["data"]
    assert state == fresh
    assert state["positions"][0]["current_price"] == "21860.5"
    assert state["price_source"] == "quote"


async def test_it_reads_a_room_again_when_an_event_says_so(connect, owner, small_desk):
    socket = await connect(owner)
    await socket.say(action="subscribe", rooms=["signals"])
    before = await socket.hear_of("signals", "snapshot")
    made = await database_sync_to_async(SignalFactory)(strategy=small_desk.strategy, intent="be flat MNQ")
    await tell(owner, "signal.answered")
    message = await socket.hear_of("signals", "delta")
    assert message["seq"] == before["seq"] + 1
    assert message["data"]["signals"] == [
        row
        for row in message["data"]["signals"]
        if row["id"] == str(made.pk) and row["intent"] == "be flat MNQ"
    ]


async def test_it_forgets_a_row_that_left_the_room(connect, owner, small_desk):
    socket = await connect(owner)
    await socket.say(action="subscribe", rooms=["signals"])
    snapshot = await socket.hear_of("signals", "snapshot")
    gone = snapshot["data"]["signals"][0]["id"]
    await database_sync_to_async(Signal.objects.filter(pk=uuid.UUID(gone)).delete)()
    await tell(owner, "signal.answered")
    assert (await socket.hear_of("signals", "delta"))["data"] == {"removed": {"signals": [gone]}}


async def test_it_sends_a_new_snapshot_when_asked_again(connect, owner, small_desk):
    socket = await connect(owner)
    await socket.say(action="subscribe", rooms=["orders"])
    first = await socket.hear_of("orders")
    await socket.say(action="subscribe", rooms=["orders"])
    second = await socket.hear_of("orders")
    assert (second["type"], second["seq"], second["data"]) == ("snapshot", first["seq"] + 1, first["data"])


async def test_it_says_no_more_of_a_room_that_was_left(connect, owner, small_desk):
    socket = await connect(owner)
    await socket.say(action="subscribe", rooms=["positions", "quotes:MNQZ6"])
    await socket.hear_of("positions")
    await socket.say(action="unsubscribe", rooms=["positions"])
    await socket.say(action="ping")
    while (await socket.hear())["type"] != "pong":
        pass
    await quote("21888")
    assert (await socket.hear_of("quotes:MNQZ6", "delta"))["data"]["price"] == "21888"
    assert await socket.raw.receive_nothing(0.4)


async def test_it_sends_ticks_at_most_four_times_a_second(connect, owner, small_desk):
    socket = await connect(owner, "/ws/dashboard")
    await socket.hear()
    for number in range(40):
        await quote(str(21900 + number))
        await asyncio.sleep(0.025)
    heard = []
    while not await socket.raw.receive_nothing(0.5):
        heard.append(await socket.hear())
    assert 1 <= len(heard) <= 7, len(heard)
    assert [message["seq"] for message in heard] == list(range(2, 2 + len(heard)))
    assert heard[-1]["data"]["positions"][0]["current_price"] == "21939"


async def test_it_quotes_a_symbol_nobody_knows_with_nothing(connect, owner):
    socket = await connect(owner)
    await socket.say(action="subscribe", rooms=["quotes:ESZ6"])
    message = await socket.hear_of("quotes:ESZ6")
    assert message["data"] == {
        "symbol": "ESZ6",
        "bid": None,
        "ask": None,
        "last": None,
        "price": None,
        "as_of": None,
    }
