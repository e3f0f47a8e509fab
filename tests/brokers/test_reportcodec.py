"""Reports survive the way through JSON without loss, and what is not a report is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.domain import (
    AccountReport,
    FillReport,
    OrderReport,
    OrderStatus,
    OrderType,
    PositionReport,
    Side,
    StreamSnapshot,
)
from brokers.reportcodec import CodecError, decode, encode

numbers = st.decimals(allow_nan=False, allow_infinity=False, places=None)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
times = st.datetimes(
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
    min_value=datetime(2000, 1, 2),
    max_value=datetime(2100, 1, 1),
)
maybe = numbers | st.none()
sides, statuses = st.sampled_from(Side), st.sampled_from(OrderStatus)
orders = st.builds(
    OrderReport,
    account_id=texts,
    venue_order_id=texts,
    status=statuses,
    side=sides,
    venue_instrument_id=texts,
    updated_at=times,
    client_order_id=texts,
    order_type=st.none() | st.sampled_from(OrderType),
    quantity=maybe,
    filled_quantity=numbers,
    average_price=maybe,
    limit_price=maybe,
    stop_price=maybe,
    reason=texts,
    parent_venue_order_id=texts,
    linked_venue_order_id=texts,
)
fills = st.builds(
    FillReport,
    account_id=texts,
    venue_fill_id=texts,
    venue_order_id=texts,
    venue_instrument_id=texts,
    side=sides,
    quantity=numbers,
    price=numbers,
    executed_at=times,
    commission=maybe,
    fees=maybe,
    client_order_id=texts,
    voided=st.booleans(),
)
positions = st.builds(
    PositionReport,
    account_id=texts,
    venue_instrument_id=texts,
    net_quantity=numbers,
    average_price=maybe,
    as_of=times,
)
accounts = st.builds(
    AccountReport,
    account_id=texts,
    as_of=times,
    balance=maybe,
    equity=maybe,
    open_pnl=maybe,
    realized_pnl=maybe,
    currency=texts,
)
snapshots = st.builds(
    StreamSnapshot,
    at=times,
    positions=st.lists(positions, max_size=2).map(tuple),
    orders=st.lists(orders, max_size=2).map(tuple),
    fills=st.lists(fills, max_size=2).map(tuple),
    accounts=st.lists(accounts, max_size=2).map(tuple),
    covered=st.none() | st.lists(texts, max_size=2).map(tuple),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(orders | fills | positions | accounts | snapshots, max_size=5))
def test_it_brings_back_what_it_was_given(items):
    assert decode(json.loads(json.dumps(encode(items)))) == items


def test_it_keeps_every_digit():
    report = PositionReport("1", "2", Decimal("0.10000000"), Decimal("1E-10"), datetime.now(UTC))
    (row,) = encode([report])
    assert (row["net_quantity"], row["average_price"]) == ("0.10000000", "1E-10")


def test_it_tells_a_position_without_a_price_from_one_that_misses_it():
    report = PositionReport("1", "2", Decimal(0), None, datetime.now(UTC))
    (row,) = encode([report])
    assert row["average_price"] is None
    assert decode([row]) == [report]


GOOD = {
    "kind": "position",
    "account_id": "1",
    "venue_instrument_id": "2",
    "net_quantity": "1",
    "average_price": "5",
    "as_of": "2026-03-02T14:31:07+00:00",
}


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "rumour"},
        {"kind": None},
        {"net_quantity": 1.5},
        {"net_quantity": "many"},
        {"net_quantity": None},
        {"as_of": "2026-03-02T14:31:07"},
        {"as_of": "yesterday"},
        {"account_id": 7},
    ],
)
def test_it_refuses_what_it_cannot_read(change):
    assert decode([GOOD])
    with pytest.raises(CodecError, match="cannot be read"):
        decode([{**GOOD, **change}])


def test_it_refuses_a_report_with_a_field_missing():
    with pytest.raises(CodecError):
        decode([{name: value for name, value in GOOD.items() if name != "average_price"}])
