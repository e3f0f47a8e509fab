from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from brokers.domain import OrderType, TimeInForce
from strategies.webhooks.alert import Action, Alert, Position, ProtectiveSpec
from strategies.webhooks.parser import Parsed, parse
from tests.strategies.webhooks.helpers import body


def found(**fields: Any) -> Parsed:
    values = {"contracts": None, "timenow": None, "quantity": 1, "time": "2026-11-18T12:00:00.250Z", **fields}
    return parse(body(**values))


def read(**fields: Any) -> Alert:
    parsed = found(**fields)
    assert parsed.alert is not None, parsed.error
    assert parsed.format == "traderspost"
    return parsed.alert


def test_it_reads_price_as_the_signals_and_time_as_the_alerts():
    alert = read(price="21875.25")
    assert alert.signal_price == Decimal("21875.25")
    assert alert.alert_time == datetime(2026, 11, 18, 12, 0, 0, 250_000, tzinfo=UTC)
    assert alert.order_type is None


@pytest.mark.parametrize(
    ("word", "position"),
    [("bullish", "long"), ("long", "long"), ("bearish", "short"), ("short", "short"), ("flat", "flat")],
)
def test_it_keeps_sentiment_as_a_guard(word, position):
    alert = read(sentiment=word)
    assert (alert.mode, alert.sentiment) == ("order", Position(position))


def test_it_calls_the_exits_of_a_guard_exits():
    assert read(action="buy", sentiment="flat").is_exit
    assert read(action="sell", sentiment="bullish").is_exit
    assert not read(action="sell", sentiment="bearish").is_exit


def test_it_reads_every_field_it_acts_on():
    alert = read(
        orderType="limit",
        limitPrice=21870,
        timeInForce="gtc",
        cancel=False,
        cancelOrderType="stop",
        cancelAfter="60",
        delay=5,
        expiresAt="2026-11-18T12:05:00Z",
        ignoreTradingWindows=True,
        extendedHours=True,
        marketPriceType="ask",
        interval="5",
    )
    assert (alert.order_type, alert.limit_price) == (OrderType.LIMIT, 21870)
    assert alert.time_in_force is TimeInForce.GTC
    assert (alert.cancel_first, alert.cancel_order_type) == (False, OrderType.STOP)
    assert (alert.cancel_after, alert.delay, alert.interval) == (60, 5, "5")
    assert alert.expires_at == datetime(2026, 11, 18, 12, 5, tzinfo=UTC)
    assert (alert.ignore_windows, alert.extended_hours) == (True, True)


def test_it_says_which_fields_it_does_not_act_on():
    warnings = found(cancelOrderType="stop", ignoreTradingWindows=True, extendedHours=True).warnings
    names = ["cancelOrderType", "ignoreTradingWindows", "extendedHours"]
    assert [warning.split()[0] for warning in warnings] == names


def test_it_uses_the_signals_price_where_a_limit_order_has_none():
    alert = read(orderType="limit", signalPrice=21875)
    assert alert.limit_price == 21875
    assert read(limitPrice=21870).signal_price == 21870  # the base of relative targets, no limit order
    assert read(limitPrice=21870).order_type is None


def test_it_reads_the_older_names_in_brackets():
    alert = read(takeProfit={"price": 21900}, stopLoss={"type": "trailing_stop", "trailPrice": 5})
    assert alert.take_profit == ProtectiveSpec(price=Decimal(21900))
    assert alert.stop_loss == ProtectiveSpec(offset=Decimal(5), trailing=True)


def test_it_reads_the_later_actions():
    assert read(action="breakeven", breakevenOffset=2, quantity=None).action is Action.BREAKEVEN
    assert read(action="reverse", quantity=None).action is Action.REVERSE
    assert read(action="exit", quantity=None).quantity is None


def test_it_stores_extras_untouched():
    assert read(extras={"setup": "open-drive", "n": 3}).extras == {"setup": "open-drive", "n": 3}
