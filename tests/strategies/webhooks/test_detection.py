from __future__ import annotations

import json

import pytest

from strategies.webhooks.formats import SUPPORTED
from strategies.webhooks.parser import parse

FOREIGN = [
    ("PickMyTrade", {"token": "x", "data": "buy", "symbol": "MES1!", "quantity": 1}),
    (
        "OpenAlgo",
        {
            "apikey": "x",
            "strategy": "s",
            "symbol": "SBIN",
            "exchange": "NSE",
            "action": "BUY",
            "quantity": "1",
        },
    ),
    ("OpenAlgo strategy", {"symbol": "SBIN", "action": "BUY", "position_size": "1"}),
    ("Chartink", {"scan_name": "COVER", "stocks": "ITC", "trigger_prices": "462.05"}),
    ("3Commas", {"secret": "x", "action": "buy", "bot_uuid": "9c7b", "tv_instrument": "BTCUSDT"}),
    ("3Commas", {"action": "buy", "strategy_info": {"market_position": "long"}}),
    (
        "Tickerly",
        {"ticker": "SOLUSD", "action": "sell", "prev_position": "long", "quantity": "1.5", "pointer": "p"},
    ),
    ("CrossTrade", {"key": "x", "command": "PLACE", "instrument": "MGC1!", "action": "SELL"}),
]
TEXTS = [
    ("key=value", "key=ct; command=PLACE; instrument=MGC1!; action=SELL; qty=2;"),
    ("key=value", "EXCHANGE=binance\nSYMBOL=BTCUSDT\nSIGNAL=BUY"),
    ("Trade Manager", "NAME: buy, Price = 4312.75, Ticker = MES1!, Action = long, Amount = 2"),
]


@pytest.mark.parametrize(("name", "data"), FOREIGN)
def test_it_names_the_format_that_it_does_not_read_yet(name, data):
    error = parse(json.dumps(data).encode()).error
    assert error is not None
    assert error.code == "unsupported_format"
    assert name in error.message
    assert any(known in error.message for known in SUPPORTED)


@pytest.mark.parametrize(("name", "text"), TEXTS)
def test_it_names_text_formats_too(name, text):
    error = parse(text.encode()).error
    assert error is not None
    assert error.code == "unsupported_format"
    assert name in error.message


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ({"ticker": "X", "action": "buy"}, "tradingview"),
        ({"ticker": "X", "action": "buy", "contracts": 1}, "tradingview"),
        ({"symbol": "X", "side": "buy"}, "tradingview"),
        ({"ticker": "X", "action": "buy", "sentiment": "long", "market_position": "long"}, "tradingview"),
        ({"ticker": "X", "action": "buy", "position_size": "1", "symbol": "X"}, "tradingview"),
        ({"ticker": "X", "action": "buy", "sentiment": "long"}, "traderspost"),
        ({"ticker": "X", "action": "buy", "takeProfit": {"amount": 1}}, "traderspost"),
        ({"ticker": "X", "action": "buy", "quantity": 1, "time": "2026-11-18T12:00:00Z"}, "traderspost"),
    ],
)
def test_it_detects_the_formats_it_reads(data, name):
    parsed = parse(json.dumps(data).encode())
    assert parsed.alert is not None, parsed.error
    assert parsed.format == parsed.alert.format == name


def test_it_reads_with_the_pinned_format_whatever_the_body_looks_like():
    data = json.dumps({"ticker": "X", "action": "buy", "sentiment": "long"}).encode()
    assert parse(data, pinned="tradingview").format == "tradingview"
    plain = json.dumps({"ticker": "X", "action": "buy"}).encode()
    assert parse(plain, pinned="traderspost").format == "traderspost"
    foreign = json.dumps({"token": "x", "data": "buy", "symbol": "MES1!", "quantity": 1}).encode()
    assert parse(foreign, pinned="tradingview").alert is not None


def test_it_says_when_the_pinned_format_does_not_exist():
    error = parse(b'{"ticker":"X","action":"buy"}', pinned="morse").error
    assert error is not None
    assert error.code == "unknown_format"


def test_it_takes_the_strategys_symbol_in_every_format():
    for name in SUPPORTED:
        parsed = parse(b'{"action":"buy","quantity":1}', pinned=name, symbol="mes1!")
        assert parsed.alert is not None
        assert parsed.alert.ticker == "MES1!"
