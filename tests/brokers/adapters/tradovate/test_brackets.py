"""Entry, target and stop in one command: sides, prices, rounding, ids, and what is refused before anything leaves."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.adapters.tradovate.legs import leg_price
from brokers.adapters.tradovate.orders import bracket_body
from brokers.domain import BRACKET_UNSUPPORTED, LegKind, LegSpec, OrderIntent, OrderType, Outcome, Side
from tests.brokers.adapters.tradovate.venue import ACCOUNT, MNQ, envelope

TARGET, STOP = LegKind.TAKE_PROFIT, LegKind.STOP_LOSS
BOTH = (LegSpec(STOP, offset=D(20)), LegSpec(TARGET, offset=D(30)))
INTENT = OrderIntent(
    "sig-8f2c", ACCOUNT, MNQ, Side.BUY, D(2), legs=BOTH, reference_price=D("21870"), tag="strat-17"
)


async def test_it_sends_one_oso_with_both_legs_and_names_their_orders(venue):
    venue.answers["order/placeoso"] = envelope("http_placeoso")
    result = await venue.adapter().submit(INTENT)
    assert (result.outcome, result.venue_order_id) == (Outcome.ACCEPTED, "94510")
    assert result.leg_order_ids == {TARGET: "94511", STOP: "94512"}
    sent = venue.named("order/placeoso")[0].body
    assert (sent["action"], sent["orderQty"], sent["isAutomated"], sent["clOrdId"]) == (
        "Buy",
        2,
        True,
        "sig-8f2c",
    )
    common = {"action": "Sell", "timeInForce": "GTC", "text": "strat-17"}
    assert sent["bracket1"] == {**common, "orderType": "Limit", "price": 21900, "clOrdId": "sig-8f2ct"}
    assert sent["bracket2"] == {**common, "orderType": "Stop", "stopPrice": 21850, "clOrdId": "sig-8f2cs"}


async def test_it_sends_one_leg_alone(venue):
    venue.answers["order/placeoso"] = (200, {"orderId": 1, "oso1Id": 2})
    result = await venue.adapter().submit(replace(INTENT, legs=(LegSpec(STOP, price=D("21850")),)))
    assert result.leg_order_ids == {STOP: "2"}
    sent = venue.named("order/placeoso")[0].body
    assert sent["bracket1"]["stopPrice"] == 21850
    assert "bracket2" not in sent


@pytest.mark.parametrize(
    ("changes", "target", "stop"),
    [
        ({"side": Side.SELL}, "21840", "21890"),
        ({"order_type": OrderType.LIMIT, "limit_price": D("21800")}, "21830", "21780"),
        ({"order_type": OrderType.STOP, "stop_price": D("21900")}, "21930", "21880"),
        (
            {"order_type": OrderType.STOP_LIMIT, "stop_price": D("21900"), "limit_price": D("21901")},
            "21931",
            "21881",
        ),
    ],
)
def test_it_measures_from_where_the_entry_will_fill(changes, target, stop):
    body = bracket_body(replace(INTENT, **changes))
    assert (body["bracket1"]["price"], body["bracket2"]["stopPrice"]) == (D(target), D(stop))


def test_it_writes_a_trailing_stop_with_trigger_and_distance():
    legs = (LegSpec(STOP, offset=D("12.4"), trailing=True),)
    leg = bracket_body(replace(INTENT, legs=legs))["bracket1"]
    assert (leg["orderType"], leg["stopPrice"], leg["pegDifference"]) == (
        "TrailingStop",
        D("21857.5"),
        D("12.5"),
    )


@pytest.mark.parametrize(
    ("legs", "code"),
    [
        ((LegSpec(STOP, price=D("21870")),), "LEG_SIDE"),
        ((LegSpec(STOP, price=D("21900")),), "LEG_SIDE"),
        ((LegSpec(TARGET, price=D("21800")),), "LEG_SIDE"),
        ((LegSpec(TARGET, offset=D(0)),), "LEGS"),
        ((LegSpec(TARGET),), "LEGS"),
        ((LegSpec(TARGET, offset=D(1), trailing=True),), "LEGS"),
        ((LegSpec(STOP, offset=D(1)), LegSpec(STOP, offset=D(2))), "LEGS"),
    ],
)
async def test_it_sends_no_entry_whose_protection_it_cannot_write(venue, legs, code):
    result = await venue.adapter().submit(replace(INTENT, legs=legs))
    assert (result.outcome, result.code, venue.calls) == (Outcome.REJECTED, code, [])


async def test_it_says_when_the_server_has_no_brackets_so_that_the_legs_are_placed_by_us(venue):
    venue.answers["order/placeoso"] = (404, "")
    result = await venue.adapter().submit(INTENT)
    assert (result.outcome, result.code) == (Outcome.REJECTED, BRACKET_UNSUPPORTED)


async def test_it_does_not_know_of_the_legs_when_it_does_not_know_of_the_entry(venue):
    venue.answers["order/placeoso"] = (502, "")
    result = await venue.adapter().submit(INTENT)
    assert (result.outcome, dict(result.leg_order_ids)) == (Outcome.UNKNOWN, {})


prices = st.decimals(min_value=D(1), max_value=D(100000), places=4)
ticks = st.sampled_from([D("0.25"), D("0.01"), D("0.1"), D(1), D("0.03125"), D("0.0000005"), D(5)])


@given(base=prices, offset=st.decimals(min_value=D("0.0001"), max_value=D(500), places=4), tick=ticks)
@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("kind", list(LegKind))
def test_it_never_puts_a_leg_closer_than_asked_nor_a_tick_too_far(side, kind, base, offset, tick):
    price = leg_price(LegSpec(kind, offset=offset), side, base, tick)
    direction = side.sign if kind is TARGET else -side.sign
    distance = (price - base) * direction
    assert offset <= distance < offset + tick
    assert price % tick == 0


@given(limit=prices, offset=st.decimals(min_value=D("0.0001"), max_value=D(500), places=4), tick=ticks)
@pytest.mark.parametrize("side", list(Side))
def test_it_keeps_both_legs_on_their_sides_of_the_entry_as_sent(side, limit, offset, tick):
    if limit < tick:
        limit += tick
    legs = (LegSpec(TARGET, offset=offset), LegSpec(STOP, offset=offset))
    instrument = replace(MNQ, tick_size=tick)
    intent = replace(
        INTENT, side=side, legs=legs, instrument=instrument, order_type=OrderType.LIMIT, limit_price=limit
    )
    body = bracket_body(intent)
    target, entry, stop = body["bracket1"]["price"], body["price"], body["bracket2"]["stopPrice"]
    assert target > entry > stop if side is Side.BUY else target < entry < stop
    assert body["bracket1"]["action"] == body["bracket2"]["action"] != body["action"]
