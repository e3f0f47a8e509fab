"""While many orders leave, events wait unread; answers do not, and nothing is lost or told out of order."""

from __future__ import annotations

import pytest

from brokers.adapters.tradovate.stream import ENDED, Socket
from brokers.rush import Rush
from tests.brokers.adapters.tradovate.venue import FAST, until


def event(number: int) -> dict:
    return {"e": "props", "d": {"entityType": "order", "eventType": "Updated", "entity": {"id": number}}}


def ids(events: list) -> list[int]:
    return [e["d"]["entity"]["id"] for e in events if e["e"] == "props"]


@pytest.fixture
async def rushed(live):
    """A socket, its events, its rush, and the venue's end of it."""
    events: list = []
    rush = Rush(large=1, longest=60)
    socket = await Socket.connect(live.url, events.append, FAST, rush)
    await until(lambda: live.sockets)
    yield socket, events, rush, live.sockets[0]
    await socket.close()


async def test_events_wait_and_answers_do_not(live, rushed):
    socket, events, rush, server = rushed
    with rush.of(1):
        for number in range(3):
            await live.tell(server, event(number))
        answer = await socket.request("order/list")  # sent after the events, so read after them
        assert answer.ok and events == []
    await until(lambda: len(events) == 3)
    assert ids(events) == [0, 1, 2]


async def test_events_beside_an_answer_keep_their_place(live, rushed):
    _, events, rush, server = rushed
    with rush.of(1):
        await live.tell(server, event(1))
        await live.tell(server, {"s": 200, "i": 999, "d": {}}, event(2))
        await until(lambda: len(events) == 2)
        assert ids(events) == [1, 2]


async def test_a_shutdown_notice_does_not_wait(live, rushed):
    socket, _, rush, server = rushed
    with rush.of(1):
        await live.tell(server, {"e": "shutdown", "d": {"reasonCode": "Maintenance"}})
        await until(lambda: not socket.usable)


async def test_what_waited_is_told_before_the_end(live, rushed):
    socket, events, rush, server = rushed
    with rush.of(1):
        await live.tell(server, event(1))
        await server.close()
        await until(socket.ended.is_set)
    assert ids(events) == [1] and events[-1] == {"e": ENDED}


async def test_what_waited_and_cannot_be_read_ends_the_connection(live, rushed):
    socket, events, rush, server = rushed
    with rush.of(1):
        await server.send('a[{"e":"props","d":{')
        await live.tell(server, event(1))
        await socket.request("order/list")
    await until(socket.ended.is_set)
    assert "could not be read" in socket.reason and events[-1] == {"e": ENDED}
