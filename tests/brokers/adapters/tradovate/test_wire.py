"""JSON and queues: exact numbers, no crash on nonsense, and an honest end when too much comes."""

from __future__ import annotations

from decimal import Decimal

import pytest

from brokers.adapters.tradovate.book import Book
from brokers.adapters.tradovate.events import Inbox, entities_of
from brokers.adapters.tradovate.wire import answer_of, decode, encode
from brokers.errors import ProtocolSurprise


def test_it_writes_decimals_as_plain_numbers():
    assert (
        encode({"price": Decimal("21870.250"), "qty": 2, "on": True})
        == b'{"price":21870.250,"qty":2,"on":true}'
    )
    assert decode(encode(Decimal("0.0000005"))) == Decimal("0.0000005")


@pytest.mark.parametrize("text", ["[" * 100_000, "{", "", "NaN", b"\xff"])
def test_it_calls_what_it_cannot_read_a_value_error(text):
    with pytest.raises(ValueError):
        decode(text)


def test_it_finds_the_venues_words_wherever_they_are():
    assert answer_of(401, b"Access is denied").words == "Access is denied"
    assert answer_of(401, b'"Access is denied"').words == "Access is denied"
    assert answer_of(200, b'{"errorText":"no"}').words == "no"
    assert (
        answer_of(200, b'{"violations":[{"constraint":"symbol","description":"is empty"}]}').words
        == "symbol is empty"
    )
    assert answer_of(200, b'{"violations":[1]}').words == "the request was incomplete"
    assert len(answer_of(500, b"x" * 10_000).words) <= 500


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"e": "md"},
        {"e": "props"},
        {"e": "props", "d": []},
        {"e": "props", "d": {"entityType": "order", "entity": 7}},
    ],
)
def test_it_finds_no_entities_where_there_are_none(event):
    assert entities_of(event)[2] == []


async def test_it_keeps_order_and_says_when_it_lost_something():
    inbox = Inbox(limit=2)
    inbox.put({"n": 1})
    inbox.put({"n": 2})
    inbox.put_back(inbox.take_now())
    assert await inbox.take() == [{"n": 1}, {"n": 2}]
    assert not inbox.overflowed
    for n in range(3):
        inbox.put({"n": n})
    assert inbox.overflowed
    inbox.take_now()
    inbox.put({"n": 4})
    assert inbox.take_now() == []
    assert await Inbox().take(0.01) == []


@pytest.mark.parametrize(
    "row", [{"id": "7"}, {"id": 7, "accountId": [1]}, {"id": True}, {"id": 7, "orderId": {}}]
)
def test_it_joins_nothing_by_what_is_no_id(row):
    with pytest.raises(ProtocolSurprise):
        Book({"1"}).put("order", row)
