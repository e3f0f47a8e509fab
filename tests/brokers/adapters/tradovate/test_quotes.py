"""Quotes: the right token, subscriptions that follow the wish, and a clear word when there is no right."""

from __future__ import annotations

import asyncio
import contextlib
from decimal import Decimal as D

import pytest

from brokers.errors import RateLimited, StreamClosed, Unsupported
from tests.brokers.adapters.tradovate.venue import FakeTokens, envelope, fixture, until


@pytest.fixture
def market(live):
    live.tables = {
        "contract": envelope("http_contract_suggest")[1],
        "contractMaturity": envelope("http_contractMaturity_items")[1],
        "product": [envelope("http_product_item")[1]],
        "exchange": [envelope("http_exchange_item")[1]],
    }
    live.answers |= {"md/subscribeQuote": (200, {}), "md/unsubscribeQuote": (200, {})}
    return live


def quotes(venue, wanted, tokens=None):
    adapter = venue.adapter(tokens or FakeTokens(market_data_token="MDT-first"), market_data=venue.url)
    return contextlib.aclosing(adapter.quotes(wanted))


def subscribed(venue, verb="md/subscribeQuote"):
    return [call.body["symbol"] for call in venue.named(verb)]


async def pulled(venue, stream):
    item = asyncio.create_task(anext(stream))
    await until(lambda: subscribed(venue))
    return item


async def test_it_authorises_with_the_market_data_token_and_yields_quotes(market):
    async with quotes(market, lambda: {"MNQZ6"}) as stream:
        item = await pulled(market, stream)
        await market.tell(market.sockets[0], fixture("ws_md_quotes"))
        quote = await item
    assert market.frames[0] == "authorize\n1\n\nMDT-first"
    assert (quote.venue_symbol, quote.bid, quote.ask, quote.last) == (
        "MNQZ6",
        D(21870),
        D("21870.25"),
        D("21870.25"),
    )


async def test_it_keeps_the_last_known_price_of_what_a_message_leaves_out(market):
    event = fixture("ws_md_quotes")
    partial = fixture("ws_md_quotes")
    partial["d"]["quotes"][0]["entries"] = {"Bid": {"price": 21869.75}, "Offer": {"size": 3}, "Trade": {}}
    async with quotes(market, lambda: {"MNQZ6"}) as stream:
        item = await pulled(market, stream)
        await market.tell(market.sockets[0], event)
        await item
        await market.tell(market.sockets[0], partial)
        quote = await anext(stream)
    assert (quote.bid, quote.ask, quote.last) == (D("21869.75"), D("21870.25"), D("21870.25"))


async def test_it_follows_the_wish(market):
    wish = {"MNQZ6"}
    async with quotes(market, lambda: set(wish)) as stream:
        item = await pulled(market, stream)
        wish.add("MNQH7")
        wish.discard("MNQZ6")
        await until(lambda: subscribed(market) == ["MNQZ6", "MNQH7"])
        await until(lambda: subscribed(market, "md/unsubscribeQuote") == ["MNQZ6"])
        await market.tell(market.sockets[0], fixture("ws_md_quotes"))
        await asyncio.sleep(0.05)
        assert not item.done()
        item.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await item


async def test_it_asks_once_for_a_symbol_nobody_knows(market):
    async with quotes(market, lambda: {"NOPEZ6", "MNQZ6"}) as stream:
        item = await pulled(market, stream)
        await asyncio.sleep(0.1)
        item.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await item
    assert (subscribed(market), len(market.named("contract/find"))) == (["MNQZ6"], 2)


async def test_it_falls_back_to_the_access_token(market):
    tokens = FakeTokens(market_data_token="MDT-unknown")
    async with quotes(market, lambda: {"MNQZ6"}, tokens) as stream:
        item = await pulled(market, stream)
        item.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await item
    authorised = [frame.split("\n")[3] for frame in market.frames if frame.startswith("authorize")]
    assert authorised == ["MDT-unknown", "AT-first"]


@pytest.mark.parametrize("status", [401, 403])
async def test_it_says_that_the_right_is_missing(market, status):
    market.answers["md/subscribeQuote"] = (status, "Access is denied")
    async with quotes(market, lambda: {"MNQZ6"}) as stream:
        with pytest.raises(Unsupported, match="market data"):
            await anext(stream)


async def test_it_says_so_when_neither_token_is_taken(market):
    async with quotes(market, lambda: {"MNQZ6"}, FakeTokens("AT-bad", market_data_token="MDT-bad")) as stream:
        with pytest.raises(Unsupported):
            await anext(stream)


async def test_it_says_so_when_there_is_no_address(venue):
    async with contextlib.aclosing(venue.adapter().quotes(set)) as stream:
        with pytest.raises(Unsupported, match="TRADOVATE_MD_WS_URL"):
            await anext(stream)


async def test_it_ends_when_the_socket_does(market):
    async with quotes(market, lambda: {"MNQZ6"}) as stream:
        item = await pulled(market, stream)
        market.sockets[0].transport.abort()
        with pytest.raises(StreamClosed):
            await item


@pytest.mark.parametrize(("status", "error"), [(429, RateLimited), (423, RateLimited)])
async def test_it_slows_down_when_asked_to_at_the_authorisation(market, status, error):
    async def refuse(connection, frame):
        await market.tell(connection, {"s": status, "i": 1})

    market._on_frame = refuse
    async with quotes(market, lambda: {"MNQZ6"}) as stream:
        with pytest.raises(error):
            await anext(stream)


@pytest.mark.parametrize(
    "row",
    [
        7,
        {"contractId": 1, "timestamp": "2026-11-20T14:31Z", "entries": {"Bid": {"price": 1}}},
        {"contractId": 3570918, "timestamp": "later", "entries": {"Bid": {"price": 1}}},
        {"contractId": 3570918, "timestamp": "2026-11-20T14:31Z", "entries": {"EmptyBook": {}}},
        {"contractId": 3570918, "timestamp": "2026-11-20T14:31Z", "entries": {"Bid": {"price": "x"}}},
        {"contractId": 3570918, "timestamp": "2026-11-20T14:31Z"},
    ],
)
async def test_it_passes_over_what_is_no_price(market, row):
    event = fixture("ws_md_quotes")
    event["d"]["quotes"].insert(0, row)
    async with quotes(market, lambda: {"MNQZ6"}) as stream:
        item = await pulled(market, stream)
        await market.tell(market.sockets[0], event)
        assert (await item).bid == D(21870)
