"""The HTTP client over connections that misbehave: what may have been sent is never sent again, and the error says so."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import httpx
import pytest

from tradeproject.common.http import NEVER_SENT, make_client

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
Manner = Callable[[asyncio.StreamWriter, int], Awaitable[None]]


class Server:
    """Counts what arrives; ``manner`` says what becomes of each request, by its number on the connection."""

    def __init__(self, manner: Manner) -> None:
        self.manner = manner
        self.requests: list[bytes] = []
        self.connections = 0
        self.url = ""
        self.asked = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = 0
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                number += 1
                self.requests.append(head)
                self.asked.set()
                await self.manner(writer, number)
        writer.close()


@contextlib.asynccontextmanager
async def serving(manner: Manner):
    server = Server(manner)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    async with listener:
        yield server


async def answer(writer, number):
    writer.write(OK)
    await writer.drain()


async def hang_up(writer, number):
    writer.close()


async def reset(writer, number):
    writer.transport.abort()


async def say_nothing(writer, number):
    await asyncio.sleep(2)


async def break_off(writer, number):
    writer.write(HALF)
    await writer.drain()
    writer.close()


async def break_off_hard(writer, number):
    writer.write(HALF)
    await writer.drain()
    await asyncio.sleep(0.02)
    writer.transport.abort()


async def stall(writer, number):
    writer.write(HALF)
    await writer.drain()
    await asyncio.sleep(2)


LOST = [hang_up, reset, say_nothing, break_off, break_off_hard, stall]


@pytest.fixture
async def http():
    async with make_client(connect_seconds=1.0, read_seconds=0.2) as client:
        yield client


@pytest.mark.parametrize("manner", LOST)
async def test_it_sends_a_dropped_post_once(http, manner):
    async with serving(manner) as server:
        with pytest.raises(httpx.TransportError):
            await http.post(f"{server.url}/order")
    assert len(server.requests) == 1


@pytest.mark.parametrize("manner", LOST)
async def test_it_does_not_claim_that_a_dropped_post_was_never_sent(http, manner):
    async with serving(manner) as server:
        with pytest.raises(httpx.TransportError) as caught:
            await http.post(f"{server.url}/order")
    assert not isinstance(caught.value, NEVER_SENT)


@pytest.mark.parametrize("manner", LOST)
async def test_it_sends_a_post_once_that_is_dropped_on_a_kept_connection(http, manner):
    async def first_well(writer, number):
        await (answer if number == 1 else manner)(writer, number)

    async with serving(first_well) as server:
        await http.post(f"{server.url}/first")
        with pytest.raises(httpx.TransportError) as caught:
            await http.post(f"{server.url}/second")
    assert [head.split()[1] for head in server.requests] == [b"/first", b"/second"]
    assert server.connections == 1
    assert not isinstance(caught.value, NEVER_SENT)


async def test_it_says_that_a_post_was_never_sent_when_nobody_listens(http):
    async with serving(answer) as server:
        pass
    with pytest.raises(httpx.ConnectError):
        await http.post(f"{server.url}/order")


async def test_it_says_that_a_post_was_never_sent_when_no_connection_is_free():
    async with (
        make_client(max_connections=1, connect_seconds=0.1, read_seconds=1) as http,
        serving(say_nothing) as server,
    ):
        first = asyncio.create_task(http.post(f"{server.url}/first"))
        await server.asked.wait()
        with pytest.raises(NEVER_SENT):
            await http.post(f"{server.url}/second")
        first.cancel()
    assert len(server.requests) == 1


async def test_it_follows_no_redirect(http):
    async def point_elsewhere(writer, number):
        writer.write(b"HTTP/1.1 307 Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with serving(point_elsewhere) as server:
        assert (await http.post(f"{server.url}/order")).status_code == 307
    assert len(server.requests) == 1


async def test_it_takes_no_proxy_from_the_environment(monkeypatch):
    async with serving(answer) as server, serving(answer) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        async with make_client() as http:
            await http.get(f"{server.url}/account")
    assert (len(server.requests), len(proxy.requests)) == (1, 0)


async def test_it_goes_through_the_proxy_it_is_given():
    async with serving(answer) as proxy, make_client(proxy=proxy.url) as http:
        await http.get("http://venue.test/account")
    assert proxy.requests[0].startswith(b"GET http://venue.test/account ")


async def test_it_keeps_its_connection_open(http):
    async with serving(answer) as server:
        for _ in range(3):
            await http.post(f"{server.url}/order")
    assert (server.connections, len(server.requests)) == (1, 3)
