"""A position that exists gets its own legs: a stop, a target, or both as OCO, at absolute prices."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from brokers.domain import AccountRef, LegKind, LegSpec, Outcome, Side
from tests.brokers.adapters.tradovate.venue import ACCOUNT, MNQ, envelope

TARGET, STOP = LegKind.TAKE_PROFIT, LegKind.STOP_LOSS


async def test_it_protects_a_position_with_an_oco(venue):
    venue.answers["order/placeoco"] = envelope("http_placeoco")
    legs = (LegSpec(STOP, price=D("21850.1")), LegSpec(TARGET, price=D("21900.1")))
    result = await venue.adapter().protect(ACCOUNT, MNQ, Side.BUY, D(2), legs, "sig-9")
    assert result.leg_order_ids == {TARGET: "94521", STOP: "94522"}
    sent = venue.named("order/placeoco")[0].body
    assert (sent["action"], sent["orderType"], sent["price"], sent["clOrdId"]) == (
        "Sell",
        "Limit",
        21900.25,
        "sig-9t",
    )
    assert (sent["orderQty"], sent["isAutomated"], sent["timeInForce"]) == (2, True, "GTC")
    other = {
        "action": "Sell",
        "orderType": "Stop",
        "stopPrice": 21850,
        "timeInForce": "GTC",
        "clOrdId": "sig-9s",
    }
    assert sent["other"] == other


async def test_it_protects_with_a_stop_alone(venue):
    venue.answers["order/placeorder"] = envelope("http_placeorder")
    legs = (LegSpec(STOP, price=D("21890")),)
    result = await venue.adapter().protect(ACCOUNT, MNQ, Side.SELL, D(1), legs, "sig-9")
    assert result.leg_order_ids == {STOP: "94511"}
    sent = venue.named("order/placeorder")[0].body
    assert (sent["action"], sent["stopPrice"], sent["clOrdId"]) == ("Buy", 21890, "sig-9s")


async def test_it_does_not_claim_protection_it_does_not_know_of(venue):
    venue.answers["order/placeoco"] = (504, "")
    legs = (LegSpec(STOP, price=D("21850")), LegSpec(TARGET, price=D("21900")))
    result = await venue.adapter().protect(ACCOUNT, MNQ, Side.BUY, D(2), legs, "sig-9")
    assert (result.outcome, dict(result.leg_order_ids)) == (Outcome.UNKNOWN, {})


@pytest.mark.parametrize(
    "legs", [(), (LegSpec(STOP, offset=D(5)),), (LegSpec(STOP, price=D(1)), LegSpec(STOP, price=D(2)))]
)
async def test_it_protects_with_prices_only_and_sends_nothing_else(venue, legs):
    result = await venue.adapter().protect(ACCOUNT, MNQ, Side.BUY, D(2), legs, "sig-9")
    assert (result.outcome, result.code, venue.calls) == (Outcome.REJECTED, "LEGS", [])


async def test_it_refuses_to_protect_an_account_of_another_login(venue):
    legs = (LegSpec(STOP, price=D(1)),)
    result = await venue.adapter().protect(AccountRef("90001", "X"), MNQ, Side.BUY, D(2), legs, "sig-9")
    assert (result.code, venue.calls) == ("FOREIGN_ACCOUNT", [])


async def test_it_protects_with_a_trailing_stop(venue):
    venue.answers["order/placeorder"] = envelope("http_placeorder")
    legs = (LegSpec(STOP, price=D("21850"), offset=D("20"), trailing=True),)
    await venue.adapter().protect(ACCOUNT, MNQ, Side.BUY, D(1), legs, "sig-9")
    sent = venue.named("order/placeorder")[0].body
    assert (sent["orderType"], sent["stopPrice"], sent["pegDifference"]) == ("TrailingStop", 21850, 20)
