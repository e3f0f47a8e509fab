"""The same entities in any order, any number of times, tell the same in the end."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.adapters.tradovate.book import Book
from brokers.adapters.tradovate.reporter import Reporter
from brokers.adapters.tradovate.wire import decode
from brokers.domain import FillReport, OrderReport, PositionReport
from tests.brokers.adapters.tradovate.venue import FIXTURES, NOW, OURS, SECOND

ROWS = decode((FIXTURES / "entities.json").read_bytes())
EVENTS = [(kind, row) for kind, rows in ROWS.items() for row in rows]
ACCOUNTS = {OURS, SECOND}


def final(events):
    """The last report about each thing, after events one by one."""
    book = Book(ACCOUNTS)
    reporter = Reporter(book)
    last: dict[object, object] = {}
    for kind, row in events:
        book.put(kind, row)
        for report in reporter.changes():
            assert report.account_id in ACCOUNTS
            last[_key(report)] = report
    return last


def _key(report):
    match report:
        case OrderReport():
            return "order", report.venue_order_id
        case FillReport():
            return "fill", report.venue_fill_id
        case PositionReport():
            return "position", report.account_id
    return "money", report.account_id


EXPECTED = final(EVENTS)


def test_it_tells_five_orders_three_fills_two_positions_and_the_money():
    kinds = [key[0] for key in EXPECTED]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "order": 5,
        "fill": 3,
        "position": 2,
        "money": 1,
    }


@settings(max_examples=60, deadline=None)
@given(events=st.permutations(EVENTS), repeated=st.lists(st.sampled_from(EVENTS), max_size=30))
def test_it_ends_the_same_whatever_the_order_and_however_often(events, repeated):
    told = final([*events, *repeated])
    strip = _without_time
    assert {key: strip(value) for key, value in told.items()} == {k: strip(v) for k, v in EXPECTED.items()}


@settings(max_examples=30, deadline=None)
@given(events=st.permutations(EVENTS))
def test_it_tells_a_snapshot_like_the_events(events):
    book = Book(ACCOUNTS)
    for kind, row in events:
        book.put(kind, row)
    snapshot = Reporter(book).snapshot(NOW, ACCOUNTS)
    for report in (*snapshot.orders, *snapshot.fills):
        assert _without_time(report) == _without_time(EXPECTED[_key(report)])
    assert {p.account_id for p in snapshot.positions} == {OURS}


def _without_time(report):
    """Orders without the moment, which may stay that of an earlier piece when a later one says nothing new."""
    from dataclasses import replace

    return replace(report, updated_at=NOW) if isinstance(report, OrderReport) else report
