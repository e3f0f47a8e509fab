from __future__ import annotations

import pytest

from tests.brokers.simulators.tradovate.people import Socket, front, set_price


@pytest.fixture
async def feed(venue, url, trader):
    """A market data socket with the right to subscribe."""
    venue.simulator.options.market_data = True
    socket = await Socket.open(url, "md/v1/websocket")
    await socket.ask("authorize", trader.md_token)
    yield socket
    await socket.wire.close()


def quote(contract_id=None, wanted=lambda _quote: True):
    def fits(message):
        told = message.get("d", {}).get("quotes", [{}])[0] if message.get("e") == "md" else {}
        return bool(told) and contract_id in {None, told["contractId"]} and wanted(told)

    return fits


@pytest.mark.parametrize("path", ["md/v1/websocket", "md-demo/v1/websocket"])
@pytest.mark.parametrize("use", ["token", "md_token"])
async def test_it_authorizes_both_tokens_and_refuses_without_the_right(venue, url, trader, path, use):
    socket = await Socket.open(url, path)
    assert (await socket.ask("authorize", getattr(trader, use)))["s"] == 200
    for request in ("md/subscribeQuote", "md/subscribeDOM", "md/getChart"):
        told = await socket.ask(request, {"symbol": front(venue, "MNQ").name})
        assert (told["s"], told["d"]) == (401, "Access is denied")
    await socket.wire.close()


async def test_it_grants_the_right_to_one_login(venue, url, trader):
    venue.control.call("rights", {"username": "sim-1", "market_data": True})
    socket = await Socket.open(url, "md/v1/websocket")
    await socket.ask("authorize", trader.md_token)
    assert (await socket.ask("md/subscribeQuote", {"symbol": front(venue, "MNQ").name}))["s"] == 200
    await socket.wire.close()


async def test_it_sends_a_full_quote_first_and_then_what_moves(venue, feed):
    contract = front(venue, "MNQ")
    assert (await feed.ask("md/subscribeQuote", {"symbol": contract.name}))["s"] == 200
    first = (await feed.find(quote(contract.id)))["d"]["quotes"][0]
    assert first["entries"]["Bid"]["price"] == 25000
    assert first["entries"]["Offer"]["price"] == 25000.25
    assert {"Trade", "OpeningPrice", "HighPrice", "LowPrice", "OpenInterest"} <= set(first["entries"])
    set_price(venue, 25010)
    told = await feed.find(quote(contract.id, lambda q: q["entries"]["Bid"]["price"] == 25010))
    assert "OpeningPrice" not in told["d"]["quotes"][0]["entries"]


async def test_it_takes_the_id_as_symbol_too(venue, feed):
    contract = front(venue, "ES")
    assert (await feed.ask("md/subscribeQuote", {"symbol": contract.id}))["s"] == 200
    await feed.find(quote(contract.id))


async def test_it_moves_by_itself_while_somebody_looks(venue, feed):
    venue.simulator.options.frozen = False
    await feed.ask("md/subscribeQuote", {"symbol": front(venue, "MNQ").name})
    for volume in range(1, 4):
        await feed.find(quote(None, lambda q, v=volume: q["entries"]["TotalTradeVolume"]["size"] >= 7 * v))


async def test_it_stops_when_told_to(venue, feed):
    name = front(venue, "MNQ").name
    await feed.ask("md/subscribeQuote", {"symbol": name})
    await feed.ask("md/unsubscribeQuote", {"symbol": name})
    count = len(feed.messages)
    set_price(venue, 25010)
    assert (await feed.ask("md/unsubscribeQuote", {"symbol": name}))["s"] == 200
    assert [m for m in feed.messages[count:] if m.get("e") == "md"] == []
    assert venue.simulator.market_data.watched() == set()


async def test_it_sends_depth(venue, feed):
    contract = front(venue, "MNQ")
    await feed.ask("md/subscribeDOM", {"symbol": contract.name})
    told = (await feed.find(lambda m: m.get("e") == "md" and "doms" in m["d"]))["d"]["doms"][0]
    assert told["bids"][0]["price"] == 25000
    assert [level["price"] for level in told["offers"][:2]] == [25000.25, 25000.5]


def chart(contract, kind="MinuteBar", size=1, count=30):
    return {
        "symbol": contract.name,
        "chartDescription": {
            "underlyingType": kind,
            "elementSize": size,
            "elementSizeUnit": "UnderlyingUnits",
            "withHistogram": False,
        },
        "timeRange": {"asMuchAsElements": count},
    }


async def test_it_draws_history_to_an_end_mark_and_then_goes_on(venue, feed):
    ids = (await feed.ask("md/getChart", chart(front(venue, "MNQ"))))["d"]
    end = await feed.find(lambda m: m.get("e") == "chart" and m["d"]["charts"][0].get("eoh"))
    assert end["d"]["charts"][0]["id"] == ids["historicalId"]
    bars = feed.messages[-2]["d"]["charts"][0]["bars"]
    assert len(bars) == 30
    assert all(bar["low"] <= min(bar["open"], bar["close"]) for bar in bars)
    assert [bar["timestamp"] for bar in bars] == sorted({bar["timestamp"] for bar in bars})
    set_price(venue, 25010)
    live = await feed.find(lambda m: m.get("e") == "chart" and m["d"]["charts"][0]["id"] == ids["realtimeId"])
    assert live["d"]["charts"][0]["bars"][-1]["close"] == 25010


@pytest.mark.parametrize(("kind", "size", "minutes"), [("MinuteBar", 5, 5), ("DailyBar", 1, 1440)])
async def test_it_draws_longer_bars(venue, feed, kind, size, minutes):
    await feed.ask("md/getChart", chart(front(venue, "MNQ"), kind, size, 2))
    told = await feed.find(lambda m: m.get("e") == "chart" and "bars" in m["d"]["charts"][0])
    bars = told["d"]["charts"][0]["bars"]
    assert 1 <= len(bars) <= 2
    assert (minutes == 1440 and bars[0]["timestamp"].endswith("T00:00Z")) or minutes == 5


async def test_it_draws_ticks(venue, feed):
    ids = (await feed.ask("md/getChart", chart(front(venue, "MNQ"), "Tick")))["d"]
    set_price(venue, 25010)
    told = await feed.find(lambda m: m.get("e") == "chart" and "tks" in m["d"]["charts"][0])
    packet = told["d"]["charts"][0]
    assert packet["id"] == ids["realtimeId"]
    assert (packet["bp"] + packet["tks"][0]["p"]) * packet["ts"] == 25010


async def test_it_cancels_a_chart_once(venue, feed):
    ids = (await feed.ask("md/getChart", chart(front(venue, "MNQ"))))["d"]
    assert (await feed.ask("md/cancelChart", {"subscriptionId": ids["realtimeId"]}))["s"] == 200
    assert (await feed.ask("md/cancelChart", {"subscriptionId": ids["realtimeId"]}))["s"] == 404


async def test_it_says_what_is_wrong(venue, feed):
    assert (await feed.ask("md/subscribeQuote", {"symbol": "XXXX9"}))["s"] == 404
    assert (await feed.ask("md/subscribeQuote", {}))["s"] == 404
    assert (await feed.ask("md/getChart", {"symbol": front(venue, "MNQ").name}))["s"] == 400
    assert (await feed.ask("account/list"))["s"] == 404
    assert (await feed.ask("md/getChart", "{"))["s"] == 400
