"""Some logins are served by a host of their own: found by redirect, remembered, and never one of a stranger."""

from __future__ import annotations

import contextlib
from decimal import Decimal

import httpx
import pytest
from websockets.asyncio.server import serve

from brokers.domain import OrderIntent, Outcome, Side
from brokers.errors import Unavailable
from tests.brokers.adapters.tradovate.venue import ACCOUNT, MNQ, FakeTokens, FakeVenue, envelope

API = "https://demo.tradovateapi.com/v1"
OWN = "https://demo-acme.tradovateapi.com/v1"
INTENT = OrderIntent("sig-1", ACCOUNT, MNQ, Side.BUY, Decimal(1))


class TwoHosts(FakeVenue):
    """A venue whose shared host sends this login elsewhere."""

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place
        self.hosts: list[str] = []

    def _on_http(self, request: httpx.Request) -> httpx.Response:
        self.hosts.append(request.url.host)
        if request.url.host == "demo.tradovateapi.com":
            location = f"{self.place}{request.url.path}" if self.place else ""
            return httpx.Response(307, headers={"Location": location} if location else {})
        return super()._on_http(request)


async def test_it_takes_the_token_along_and_remembers_the_host():
    venue = TwoHosts("https://demo-acme.tradovateapi.com")
    venue.answers["order/placeorder"] = envelope("http_placeorder")
    adapter = venue.adapter(api=API)
    assert (await adapter.submit(INTENT)).outcome is Outcome.ACCEPTED
    assert (await adapter.submit(INTENT)).outcome is Outcome.ACCEPTED
    assert venue.hosts == ["demo.tradovateapi.com", *["demo-acme.tradovateapi.com"] * 2]
    assert {call.token for call in venue.calls} == {"AT-first"}


@pytest.mark.parametrize(
    "place", ["https://evil.test", "http://demo-acme.tradovateapi.com", "https://[x", ""]
)
async def test_it_does_not_take_the_token_to_a_stranger(place):
    venue = TwoHosts(place)
    result = await venue.adapter(api=API).submit(INTENT)
    assert (result.outcome, result.code, venue.calls) == (Outcome.REJECTED, "WRONG_HOST", [])
    with pytest.raises(Unavailable):
        await venue.adapter(api=API).position_reports()


async def test_it_does_not_go_in_circles():
    venue = TwoHosts("https://demo.tradovateapi.com")
    assert (await venue.adapter(api=API).submit(INTENT)).code == "WRONG_HOST"


async def test_it_starts_at_the_host_that_was_remembered_with_the_token():
    venue = TwoHosts("https://demo-acme.tradovateapi.com")
    venue.answers["order/placeorder"] = envelope("http_placeorder")
    tokens = FakeTokens(extra={"host.demo": OWN})
    await venue.adapter(tokens, api=API).submit(INTENT)
    assert venue.hosts == ["demo-acme.tradovateapi.com"]


async def test_it_does_not_follow_a_remembered_host_of_a_stranger():
    venue = TwoHosts("https://demo-acme.tradovateapi.com")
    tokens = FakeTokens(extra={"host.demo": "https://evil.test/v1"})
    await venue.adapter(tokens, api=API).position_reports()
    assert venue.hosts[0] == "demo.tradovateapi.com"


async def test_it_does_not_follow_a_redirect_of_the_socket(live):
    """The library would, and the token is the first thing said on a socket."""

    def redirect(connection, request):
        response = connection.respond(307, "")
        response.headers["Location"] = live.url
        return response

    async def never(connection):
        raise AssertionError

    async with serve(never, "127.0.0.1", 0, process_request=redirect) as server:
        elsewhere = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/websocket"
        live.url, url = elsewhere, live.url
        adapter = live.adapter()
        with contextlib.suppress(Unavailable):
            await adapter.open()
        assert url
    assert live.sockets == []


async def test_it_says_when_the_socket_is_at_the_wrong_host_and_nobody_tells_the_right_one(venue):
    def wrong(connection, request):
        return connection.respond(421, "")

    async def never(connection):
        raise AssertionError

    async with serve(never, "127.0.0.1", 0, process_request=wrong) as server:
        venue.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/websocket"
        with pytest.raises(Unavailable, match="Another Tradovate server"):
            await venue.adapter().open()
    assert venue.named("auth/me")


async def test_it_opens_its_socket_at_the_host_that_rest_was_sent_to(live):
    """421 names no host: the next REST call does."""
    own = live.url.replace("ws://", "http://").removesuffix("/websocket")

    def on_http(request):
        if request.url.port == 9:
            return httpx.Response(307, headers={"Location": f"{own}/auth/me"})
        return live._on_http(request)

    def wrong(connection, request):
        return connection.respond(421, "")

    async def never(connection):
        raise AssertionError

    http = httpx.AsyncClient(transport=httpx.MockTransport(on_http))
    async with serve(never, "127.0.0.1", 0, process_request=wrong) as server:
        live.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/websocket"
        adapter = live.adapter(http=http, api="http://127.0.0.1:9/v1")
        await adapter.open()
        assert len(live.sockets) == 1
        await adapter.close()
