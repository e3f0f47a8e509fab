"""The entry's own prices: those its type uses, on the tick, a sell's up and a buy's down."""

from __future__ import annotations

from decimal import Decimal

import pytest

from brokers.domain import OrderType, TimeInForce
from tests.strategies.execution.build import account, order, plan, target

PRICES = {"limit_price": Decimal("100.1"), "stop_price": Decimal("101.1")}
LIMIT, STOP, BOTH = OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT


def entry_of(alert, net=0):
    (draft,) = plan(alert, account(net)).drafts
    assert draft.denial is None
    return draft


@pytest.mark.parametrize(
    ("kind", "limit", "stop"),
    [(None, None, None), (LIMIT, "100", None), (STOP, None, "101"), (BOTH, "100", "101")],
)
def test_a_buy_has_the_prices_of_its_type_rounded_down(kind, limit, stop):
    draft = entry_of(order("buy", 1, order_type=kind, **PRICES))
    told = [None if price is None else str(price) for price in (draft.limit_price, draft.stop_price)]
    assert told == [limit, stop]


def test_a_sell_has_them_rounded_up():
    draft = entry_of(order("sell", 1, order_type=BOTH, **PRICES))
    assert (draft.limit_price, draft.stop_price) == (Decimal("100.25"), Decimal("101.25"))


def test_a_target_rests_at_its_price_too():
    draft = entry_of(target(2, order_type=LIMIT, limit_price=Decimal(100)))
    assert (draft.order_type, draft.limit_price, draft.quantity) == (LIMIT, 100, 2)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"trail_offset": Decimal("7.6")}, "7.5"),
        ({"trail_offset": Decimal("0.1")}, "0.25"),
        ({"trail_percent": Decimal("0.1"), "signal_price": Decimal(20010)}, "20"),
    ],
)
def test_a_trailing_entry_keeps_its_distance_on_the_tick(told, expected):
    assert entry_of(order("buy", 1, order_type=OrderType.TRAILING_STOP, **told)).trail_offset == Decimal(
        expected
    )


def test_a_trail_in_per_cent_needs_a_price():
    (draft,) = plan(
        order("buy", 1, order_type=OrderType.TRAILING_STOP, trail_percent=Decimal(1)), account()
    ).drafts
    assert draft.denial.code == "PRICE_MISSING"


@pytest.mark.parametrize(("asked", "expected"), [(None, TimeInForce.DAY), (TimeInForce.GTC, TimeInForce.GTC)])
def test_it_is_for_the_day_unless_told_otherwise(asked, expected):
    assert entry_of(order("buy", 1, time_in_force=asked)).time_in_force is expected


def test_a_reversal_closes_at_market_whatever_its_entry_waits_for():
    first, second = plan(order("sell", 1, order_type=LIMIT, limit_price=Decimal(100)), account(2)).drafts
    assert (first.order_type, first.limit_price) == (OrderType.MARKET, None)
    assert second.order_type is LIMIT
