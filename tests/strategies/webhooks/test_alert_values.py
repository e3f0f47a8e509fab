from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.domain import OrderType, TimeInForce
from strategies.webhooks.alert import Action, Alert, Position, ProtectiveSpec, QuantityKind

NUMBERS = st.decimals(min_value="0.0001", max_value="99999999", places=4, allow_nan=False)
TIMES = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)
SPECS = st.builds(
    ProtectiveSpec,
    offset=st.none() | NUMBERS,
    percent=st.none() | NUMBERS,
    money=st.none() | NUMBERS,
    price=NUMBERS,
    limit_price=st.none() | NUMBERS,
    trailing=st.booleans(),
)
ALERTS = st.builds(
    Alert,
    format=st.sampled_from(["tradingview", "traderspost"]),
    ticker=TEXTS,
    action=st.sampled_from(Action),
    exchange=TEXTS,
    contract=TEXTS,
    delayed=st.booleans(),
    position_after=st.none() | st.sampled_from(Position),
    position_after_size=st.none() | NUMBERS,
    position_before=st.none() | st.sampled_from(Position),
    position_before_size=st.none() | NUMBERS,
    sentiment=st.none() | st.sampled_from(Position),
    quantity=st.none() | NUMBERS,
    quantity_kind=st.sampled_from(QuantityKind),
    order_type=st.none() | st.sampled_from(OrderType),
    limit_price=st.none() | NUMBERS,
    stop_price=st.none() | NUMBERS,
    trail_offset=st.none() | NUMBERS,
    trail_percent=st.none() | NUMBERS,
    time_in_force=st.none() | st.sampled_from(TimeInForce),
    signal_price=st.none() | NUMBERS,
    take_profit=st.none() | SPECS,
    stop_loss=st.none() | SPECS,
    breakeven_offset=st.none() | NUMBERS,
    alert_time=st.none() | TIMES,
    bar_time=st.none() | TIMES,
    expires_at=st.none() | TIMES,
    order_id=TEXTS,
    explicit_id=TEXTS,
    interval=TEXTS,
    strategy_name=TEXTS,
    cancel_first=st.none() | st.booleans(),
    cancel_order_type=st.none() | st.sampled_from(OrderType),
    cancel_after=st.none() | st.integers(1, 3600),
    delay=st.none() | NUMBERS,
    extended_hours=st.none() | st.booleans(),
    ignore_windows=st.booleans(),
    test=st.booleans(),
    extras=st.dictionaries(TEXTS, TEXTS | st.integers(0, 99) | st.booleans() | st.none(), max_size=3),
)


@given(ALERTS)
def test_it_survives_the_way_through_json(alert):
    assert Alert.from_json(json.loads(json.dumps(alert.to_json()))) == alert


def test_it_writes_numbers_as_text_and_leaves_out_what_is_not_said():
    alert = Alert(format="tradingview", ticker="MNQ1!", action=Action.BUY, quantity=Decimal("2.50"))
    assert alert.to_json() == {
        "format": "tradingview",
        "ticker": "MNQ1!",
        "action": "buy",
        "quantity": "2.5",
    }


def test_it_keeps_false_apart_from_not_said():
    alert = Alert(format="t", ticker="X", action=Action.BUY, cancel_first=False)
    assert Alert.from_json(alert.to_json()).cancel_first is False


def _alert(action: str, after: str = "", before: str = "", sentiment: str = "") -> Alert:
    side, _, size = after.partition(" ")
    prev, _, prev_size = before.partition(" ")
    return Alert(
        format="t",
        ticker="X",
        action=Action(action),
        position_after=Position(side) if side else None,
        position_after_size=Decimal(size) if size else None,
        position_before=Position(prev) if prev else None,
        position_before_size=Decimal(prev_size) if prev_size else None,
        sentiment=Position(sentiment) if sentiment else None,
    )


@pytest.mark.parametrize(
    "alert",
    [
        _alert("exit"),
        _alert("cancel"),
        _alert("breakeven"),
        _alert("sell", "flat", "long 2"),
        _alert("sell", "flat"),
        _alert("sell", "long 1", "long 2"),
        _alert("sell", "long 1"),
        _alert("buy", "short 1"),
        _alert("buy", sentiment="flat"),
        _alert("buy", sentiment="short"),
    ],
)
def test_it_calls_an_exit_what_can_only_reduce(alert):
    assert alert.is_exit


@pytest.mark.parametrize(
    "alert",
    [
        _alert("buy"),
        _alert("add"),
        _alert("reverse"),
        _alert("buy", "long 2", "flat"),
        _alert("buy", "long 3", "long 2"),
        _alert("sell", "short 1", "long 2"),
        _alert("sell", "short 2"),
        _alert("buy", sentiment="long"),
    ],
)
def test_it_calls_nothing_else_an_exit(alert):
    assert not alert.is_exit


def test_it_is_a_target_when_it_says_how_much_is_held_afterwards():
    assert _alert("buy", "long 2").mode == "target"
    assert _alert("sell", "flat").mode == "target"
    assert _alert("buy").mode == _alert("buy", sentiment="long").mode == "order"


def test_it_signs_targets_by_their_side():
    assert _alert("sell", "short 2", "long 3").signed_target == -2
    assert _alert("sell", "short 2", "long 3").signed_before == 3
    assert _alert("sell", "flat").signed_target == 0
    assert _alert("buy").signed_target is None
