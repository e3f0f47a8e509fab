"""What an open position is worth, by whose price. Pure: rows and quotes in, the contract's JSON out."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.domain import Quote
from dashboard.positions import PositionRow, value

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
FIELDS = {
    "broker_account", "strategy", "symbol", "venue_symbol", "side", "quantity", "entry_price", "current_price",
    "price_source", "unrealized_pnl", "realized_pnl", "opened_at", "time_in_trade", "stop_loss_price",
    "take_profit_price", "distance_to_stop", "distance_to_target", "sync",
}  # fmt: skip
ROW = PositionRow(
    id="1",
    broker_account=uuid.uuid4(),
    account_name="DEMO1",
    broker="tradovate",
    environment="demo",
    currency="USD",
    strategy=uuid.uuid4(),
    strategy_name="Scalper",
    symbol="MNQ",
    venue_symbol="MNQZ6",
    net=Decimal(3),
    point_value=Decimal(2),
    entry_price=Decimal("21000.25"),
    realized_pnl=Decimal("12.5"),
    opened_at=NOW - timedelta(minutes=5),
    stop_loss_price=Decimal(20990),
    take_profit_price=Decimal(21030),
    is_drifted=False,
    synced_at=NOW - timedelta(seconds=10),
)
SHORT = replace(ROW, net=Decimal(-3), stop_loss_price=Decimal(21010), take_profit_price=Decimal(20970))


def quote(price: object, seconds: float = 1) -> Quote:
    return Quote("MNQZ6", NOW - timedelta(seconds=seconds), last=Decimal(str(price)))


def test_it_has_the_contracts_fields_as_json():
    shown = value(ROW, quote(21010.5), NOW)
    assert set(shown) >= FIELDS
    assert (shown["side"], shown["quantity"]) == ("long", "3")
    assert (shown["current_price"], shown["price_source"]) == ("21010.5", "quote")
    assert (shown["unrealized_pnl"], shown["realized_pnl"]) == ("61.5", "12.5")
    assert shown["time_in_trade"] == 300
    assert (shown["distance_to_stop"], shown["distance_to_target"]) == ("20.5", "19.5")


def test_a_short_gains_when_the_price_falls():
    shown = value(SHORT, quote(20990.25), NOW)
    assert (shown["side"], shown["quantity"], shown["unrealized_pnl"]) == ("short", "3", "60")
    assert (shown["distance_to_stop"], shown["distance_to_target"]) == ("19.75", "20.25")


def test_a_price_past_the_stop_is_a_negative_distance():
    assert value(ROW, quote(20985), NOW)["distance_to_stop"] == "-5"
    assert value(SHORT, quote(21015), NOW)["distance_to_stop"] == "-5"


TOLD = replace(ROW, implied_price=Decimal("21005.33333333"), broker_pnl=Decimal("30.5"))


@pytest.mark.parametrize(
    ("row", "given", "source", "pnl"),
    [
        (TOLD, quote(21010.5), "quote", "61.5"),
        (TOLD, quote(21010.5, seconds=61), "broker", "30.5"),
        (TOLD, None, "broker", "30.5"),
        (ROW, quote(21010.5, seconds=3600), "quote", "61.5"),
        (ROW, None, "none", None),
        (ROW, Quote("MNQZ6", NOW), "none", None),
        (replace(ROW, entry_price=None), quote(21010.5), "quote", None),
    ],
)
def test_it_says_whose_price_it_is(row, given, source, pnl):
    shown = value(row, given, NOW)
    assert (shown["price_source"], shown["unrealized_pnl"]) == (source, pnl)
    assert (shown["current_price"] is None) is (source == "none")


@pytest.mark.parametrize(
    ("change", "sync"),
    [
        ({}, "synced"),
        ({"is_drifted": True}, "drifted"),
        ({"synced_at": None}, "unknown"),
        ({"synced_at": NOW - timedelta(seconds=121)}, "unknown"),
        ({"synced_at": NOW - timedelta(seconds=121), "is_drifted": True}, "unknown"),
    ],
)
def test_it_says_whether_the_record_agrees_with_the_venue(change, sync):
    assert value(replace(ROW, **change), None, NOW)["sync"] == sync


def test_what_nobody_recorded_has_no_age_and_no_levels():
    bare = replace(ROW, strategy=None, opened_at=None, stop_loss_price=None, take_profit_price=None)
    shown = value(bare, quote(21010), NOW)
    names = ("strategy", "opened_at", "time_in_trade", "distance_to_stop", "distance_to_target")
    assert [shown[name] for name in names] == [None] * 5


PRICES = st.decimals(min_value=1, max_value=100_000, places=2)


@settings(deadline=None)
@given(entry=PRICES, price=PRICES, net=st.integers(1, 100))
def test_a_long_and_a_short_of_one_size_cancel_out(entry, price, net):
    long = value(replace(ROW, net=Decimal(net), entry_price=entry), quote(price), NOW)
    short = value(replace(ROW, net=Decimal(-net), entry_price=entry), quote(price), NOW)
    assert Decimal(long["unrealized_pnl"]) + Decimal(short["unrealized_pnl"]) == 0
    assert Decimal(long["unrealized_pnl"]) == (price - entry) * net * 2
