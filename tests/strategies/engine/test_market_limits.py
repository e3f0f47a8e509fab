"""Limits that need the market: asked for only where a limit needs it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from brokers.domain import Quote
from strategies.engine.quotes import MarketPrices
from tests.fakes.venue import MNQ


@pytest.fixture
def quoted(monkeypatch):
    """The market stands at 20000, if anybody asks; ``asked`` tells who did."""
    asked: list[str] = []

    async def ask(self, symbols):
        asked.extend(symbols)
        price = Decimal(20000)
        return {s: Quote(s, datetime.now(UTC), bid=price, ask=price + 1, last=price) for s in symbols}

    monkeypatch.setattr(MarketPrices, "_ask", ask)
    return asked


async def test_a_collar_is_measured_from_the_market(open_desk, quoted):
    desk = await open_desk(risk={"price_collar_percent": "1"})
    await desk.start()
    far = await desk.signal(quantity="1", order_type="limit", limit_price="19000", order_id="a")
    (order,) = await desk.until_status(far, "denied")
    assert (order.deny_code, order.deny_context["market"]) == ("PRICE_OUTSIDE_COLLAR", "20000")
    near = await desk.signal(quantity="1", order_type="limit", limit_price="19900", order_id="b")
    await desk.until_status(near, "accepted")
    assert set(quoted) == {MNQ.venue_symbol}


async def test_nobody_asks_for_prices_that_no_limit_needs(open_desk, quoted):
    desk = await open_desk(risk={"max_position": "5"})
    await desk.start()
    await desk.until_status(await desk.target(1), "filled")
    assert quoted == []


async def test_no_price_refuses_where_one_is_demanded(open_desk, monkeypatch):
    async def nothing(self, symbols):
        return {}

    monkeypatch.setattr(MarketPrices, "_ask", nothing)
    desk = await open_desk(risk={"max_quote_age": 5})
    await desk.start()
    (order,) = await desk.until_status(await desk.target(1), "denied")
    assert order.deny_code == "QUOTE_MISSING"
