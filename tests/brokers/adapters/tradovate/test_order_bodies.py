"""What is written into an order, field by field and digit by digit."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.adapters.tradovate.orders import change_body, order_body
from brokers.adapters.tradovate.wire import decode, encode
from brokers.domain import AccountRef, OrderChange, OrderIntent, OrderType, Outcome, Side, TimeInForce
from brokers.errors import Rejected
from tests.brokers.adapters.tradovate.venue import ACCOUNT, MNQ, envelope

INTENT = OrderIntent("sig-8f2c-33112", ACCOUNT, MNQ, Side.BUY, D(2), tag="strat-17")


def body(**changes):
    return order_body(replace(INTENT, **changes))


def test_it_writes_a_market_order():
    assert body() == {
        "accountSpec": "DEMO331124",
        "accountId": 33112,
        "clOrdId": "sig-8f2c-33112",
        "action": "Buy",
        "symbol": "MNQZ6",
        "orderQty": 2,
        "orderType": "Market",
        "timeInForce": "Day",
        "text": "strat-17",
        "isAutomated": True,
    }


def test_it_leaves_an_empty_text_out_and_cuts_a_long_one():
    assert "text" not in body(tag="")
    assert body(tag="x" * 100)["text"] == "x" * 64


@pytest.mark.parametrize(("ours", "word"), [("day", "Day"), ("gtc", "GTC"), ("ioc", "IOC"), ("fok", "FOK")])
def test_it_names_the_time_in_force(ours, word):
    assert body(time_in_force=TimeInForce(ours))["timeInForce"] == word


@pytest.mark.parametrize(
    ("changes", "prices"),
    [
        ({"order_type": OrderType.LIMIT, "limit_price": D("21870.30")}, {"price": D("21870.25")}),
        (
            {"order_type": OrderType.LIMIT, "limit_price": D("21870.30"), "side": Side.SELL},
            {"price": D("21870.5")},
        ),
        ({"order_type": OrderType.STOP, "stop_price": D("21880")}, {"stopPrice": D("21880")}),
        (
            {"order_type": OrderType.STOP_LIMIT, "stop_price": D("21880.1"), "limit_price": D("21881")},
            {"stopPrice": D("21880"), "price": D("21881")},
        ),
        (
            {"order_type": OrderType.TRAILING_STOP, "trail_offset": D("5.1"), "reference_price": D("21870")},
            {"stopPrice": D("21875"), "pegDifference": D("5.25")},
        ),
        ({"order_type": OrderType.TRAILING_STOP, "trail_offset": D("5")}, {"pegDifference": D("5")}),
        ({"order_type": OrderType.TRAILING_STOP, "stop_price": D("21875")}, {"stopPrice": D("21875")}),
        (
            {"order_type": OrderType.TRAILING_STOP, "stop_price": D("21860"), "reference_price": D("21870")},
            {"stopPrice": D("21860"), "pegDifference": D("10")},
        ),
    ],
)
def test_it_puts_prices_on_the_tick_in_the_right_fields(changes, prices):
    made = body(**changes)
    assert {key: made[key] for key in ("price", "stopPrice", "pegDifference") if key in made} == prices


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"quantity": D("1.5")}, "QUANTITY"),
        ({"quantity": D(0)}, "QUANTITY"),
        ({"order_type": OrderType.LIMIT}, "PRICE_MISSING"),
        ({"order_type": OrderType.STOP}, "PRICE_MISSING"),
        ({"order_type": OrderType.TRAILING_STOP}, "PRICE_MISSING"),
        ({"account": AccountRef("DEMO1", "DEMO1")}, "ID"),
    ],
)
async def test_it_sends_nothing_that_cannot_be_written(venue, changes, code):
    with pytest.raises(Rejected) as caught:
        body(**changes)
    assert caught.value.code == code
    result = await venue.adapter(accounts=()).submit(replace(INTENT, **changes))
    assert (result.outcome, result.code, venue.calls) == (Outcome.REJECTED, code, [])


async def test_it_sends_prices_as_numbers_digit_for_digit(venue):
    venue.answers["order/placeorder"] = envelope("http_placeorder")
    tick = replace(MNQ, tick_size=D("0.0000005"))
    intent = replace(INTENT, instrument=tick, order_type=OrderType.LIMIT, limit_price=D("0.0070815"))
    await venue.adapter().submit(intent)
    raw = venue.named("order/placeorder")[0].raw
    assert '"price":0.0070815,' in raw
    assert '"isAutomated":true' in raw


@given(st.decimals(min_value=D("-99999"), max_value=D("99999"), places=7))
def test_it_loses_no_digit_on_the_way(price):
    wire = encode({"price": price})
    assert b'"' not in wire.partition(b":")[2]
    assert decode(wire)["price"] == price


def test_it_writes_a_change_with_everything_the_venue_would_forget():
    change = OrderChange(
        ACCOUNT, "94511", "sig-1", MNQ, Side.SELL, D(2), OrderType.STOP_LIMIT, D("21849.9"), D("21850.1")
    )
    assert change_body(change) == {
        "orderId": 94511,
        "orderQty": 2,
        "orderType": "StopLimit",
        "timeInForce": "GTC",
        "price": D("21850"),
        "stopPrice": D("21850"),
        "isAutomated": True,
    }
