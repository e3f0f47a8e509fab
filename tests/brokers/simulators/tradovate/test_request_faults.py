"""Requests treated badly on command, over REST and over the socket."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest

from tests.brokers.simulators.tradovate.people import Socket


@pytest.fixture
async def wire(url, trader):
    """REST over a real connection, so that it can break."""
    headers = {"Authorization": f"Bearer {trader.token}"}
    async with httpx.AsyncClient(base_url=f"{url}/demo/v1/", headers=headers, timeout=0.5) as client:
        yield client


def fault(venue, kind, **more):
    return venue.control.call("faults", {"kind": kind, "path": "order/*", **more})


async def orders(trader) -> int:
    return len(await trader.rows("command"))


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_it_fails_before_or_after_taking_the_order(venue, trader, status):
    for when, taken in (("before", 0), ("after", 1)):
        fault(venue, "status", status=status, when=when)
        assert (await trader.send("order/placeorder", trader.order())).status_code == status
        assert await orders(trader) == taken
    assert "orderId" in await trader.post("order/placeorder", **trader.order())


async def test_it_limits_with_an_empty_429(venue, trader, synced):
    fault(venue, "rate_limit", count=2)
    answer = await trader.send("order/placeorder", trader.order())
    assert (answer.status_code, answer.content) == (429, b"")
    assert answer.headers["content-length"] == "0"
    number = await synced.say("order/placeorder", trader.order())
    assert await synced.answer(number) == {"s": 429, "i": number}
    assert await orders(trader) == 0


async def test_it_asks_for_a_wait_and_then_takes_the_ticket(venue, trader):
    fault(venue, "penalty", count=None, seconds=4)
    ticket = await trader.post("order/placeorder", **trader.order())
    assert (ticket["p-time"], ticket["p-captcha"]) == (4, False)
    body = trader.order(**{"p-ticket": ticket["p-ticket"]})
    assert "p-ticket" in await trader.post("order/placeorder", **body)
    venue.simulator.clock.advance(4)
    assert "orderId" in await trader.post("order/placeorder", **body)


async def test_it_never_lets_a_captcha_pass(venue, trader):
    fault(venue, "penalty", captcha=True, count=2)
    ticket = await trader.post("order/placeorder", **trader.order())
    assert ticket["p-captcha"] is True
    venue.simulator.clock.advance(4000)
    await trader.log_in()
    body = trader.order(**{"p-ticket": ticket["p-ticket"]})
    assert "p-ticket" in await trader.post("order/placeorder", **body)


@pytest.mark.parametrize(
    ("kind", "text"), [("denied", "Access is denied"), ("expired", "Expired Access Token")]
)
async def test_it_says_401_in_both_ways(venue, trader, synced, kind, text):
    fault(venue, kind, count=2)
    answer = await trader.send("order/placeorder", trader.order())
    assert (answer.status_code, answer.text) == (401, text)
    told = await synced.ask("order/placeorder", trader.order())
    assert (told["s"], told["d"]) == (401, text)


@pytest.mark.parametrize(("when", "taken"), [("before", 0), ("after", 1)])
async def test_it_never_answers(venue, trader, wire, when, taken):
    fault(venue, "hang", when=when)
    with pytest.raises(httpx.ReadTimeout):
        await wire.post("order/placeorder", json=trader.order())
    assert await orders(trader) == taken


@pytest.mark.parametrize(("when", "taken"), [("before", 0), ("after", 1)])
async def test_it_breaks_the_connection(venue, trader, wire, when, taken):
    fault(venue, "drop", when=when)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await wire.post("order/placeorder", json=trader.order())
    assert await orders(trader) == taken


@pytest.mark.parametrize(("when", "taken"), [("before", 0), ("after", 1)])
async def test_it_breaks_the_socket_in_the_middle_of_an_order(venue, trader, synced, when, taken):
    fault(venue, "drop", when=when)
    await synced.say("order/placeorder", trader.order())
    assert await synced.closed() is None, "no close frame: the line just broke"
    assert await orders(trader) == taken


async def test_it_swallows_an_answer_on_the_socket_but_tells_the_events(venue, trader, synced):
    fault(venue, "hang", when="after")
    number = await synced.say("order/placeorder", trader.order())
    await synced.event("fill")
    assert not any(told.get("i") == number for told in synced.messages)


async def test_it_cuts_the_json_short(venue, trader):
    fault(venue, "truncate", keep=8)
    answer = await trader.send("order/placeorder", trader.order())
    assert (answer.status_code, answer.text) == (200, '{"orderI')
    assert await orders(trader) == 1


async def test_it_waits_before_and_after(venue, trader):
    fault(venue, "delay", ms=60, after_ms=60)
    began = time.monotonic()
    await trader.place()
    assert time.monotonic() - began >= 0.12


async def test_it_keeps_a_general_latency(venue, trader):
    venue.control.call("settings", {"latency_ms": 500})
    began = time.monotonic()
    await asyncio.gather(*(trader.place() for _ in range(20)))
    assert 0.5 <= time.monotonic() - began < 8, "requests wait side by side"


async def test_it_invents_violations_and_error_texts(venue, trader):
    fault(venue, "violation", constraint="orderQty", description="too many")
    told = await trader.post("order/placeorder", **trader.order())
    assert told["violations"] == [{"constraint": "orderQty", "value": "", "description": "too many"}]
    fault(venue, "error_text", text="nope")
    assert await trader.post("order/placeorder", **trader.order()) == {"errorText": "nope"}
    assert await orders(trader) == 0


async def test_it_strikes_only_what_it_is_told_to(venue, url, trader, stranger):
    strike = {"kind": "status", "status": 500, "count": None}
    filters = [
        {"user": trader.login.name},
        {"account": trader.account.id},
        {"path": "ORDER/placeorder", "host": "demo", "symbol": trader.order()["symbol"], "user": "sim-1"},
    ]
    for chosen in filters:
        venue.control.call("faults", {**strike, **chosen})
        assert (await trader.send("order/placeorder", trader.order())).status_code == 500
        assert (await stranger.send("order/placeorder", stranger.order())).status_code == 200
        venue.control.call("faults/clear", {})
    venue.control.call("faults", {**strike, "transport": "socket"})
    assert (await trader.send("order/list")).status_code == 200
    socket = await Socket.open(url)
    await socket.ask("authorize", trader.token)
    assert (await socket.ask("order/list"))["s"] == 500
    await socket.wire.close()


async def test_it_strikes_as_often_as_told(venue, trader):
    fault(venue, "status", status=500, count=2, skip=1)
    seen = [(await trader.send("order/list")).status_code for _ in range(5)]
    assert seen == [200, 500, 500, 200, 200]
    fault(venue, "status", status=500, count=None, probability=0.5)
    seen = [(await trader.send("order/list")).status_code for _ in range(60)]
    assert 10 < seen.count(500) < 50


async def test_it_fails_logins_too(venue, trader):
    venue.control.call("faults", {"kind": "status", "status": 503, "path": "auth/*"})
    assert (
        await trader.send("auth/accesstokenrequest", {"name": "sim-1", "password": "x"})
    ).status_code == 503
