"""The web's own server hangs up on clients that send without end, and lets everybody else through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from tests.strategies.engine.desk import eventually
from tradeproject.common.httpserver import BodyGuard, GuardedProtocol

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"


class Impatient(GuardedProtocol):
    head_seconds = 0.3


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the length of the body."""
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    text = str(size).encode()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(text))]}
    )
    await send({"type": "http.response.body", "body": text})


@asynccontextmanager
async def serving(**guards: Any) -> AsyncIterator[int]:
    app = BodyGuard(echo, **guards)
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, http=Impatient, lifespan="off", log_config=None, access_log=False)
    )
    server.install_signal_handlers = lambda: None
    task = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task


async def ask(port: int, *pieces: bytes, pause: float = 0.0, seconds: float = 3.0) -> bytes:
    """Everything that comes back until the server hangs up. Raises TimeoutError when it does not."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(pause)
        async with asyncio.timeout(seconds):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize("pieces", [[b""], [b"POST"], [HEAD], [HEAD, b"X-A: 1\r\n", b"X-B: 2\r\n"]])
async def test_it_hangs_up_on_a_head_that_does_not_end(pieces):
    async with serving() as port:
        assert await ask(port, *pieces) == b""


async def test_it_hangs_up_on_a_second_head_that_does_not_end():
    async with serving() as port:
        answer = await ask(port, HEAD + b"Content-Length: 2\r\n\r\nab", HEAD, pause=0.1)
        assert answer.endswith(b"\r\n\r\n2")


async def test_it_hangs_up_on_an_endless_header():
    async with serving() as port:
        assert await ask(port, HEAD + b"X-A: " + b"a" * 200_000, seconds=0.2) == b""


async def test_a_slow_client_that_comes_to_an_end_is_served():
    async with serving() as port:
        last = b"Connection: close\r\nContent-Length: 4\r\n\r\n"
        answer = await ask(port, HEAD, last, b"ab", b"cd", pause=0.2)
        assert answer.endswith(b"\r\n\r\n4")


@pytest.mark.parametrize(
    "length",
    [
        b"Content-Length: 2001\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n" + b"400\r\n" + b"a" * 1024 + b"\r\n",
    ],
)
async def test_a_large_body_is_refused_unread(length):
    async with serving(most=1000) as port:
        answer = await ask(port, HEAD + length)
        assert answer.startswith(b"HTTP/1.1 413") and b'"code": "too_large"' in answer


async def test_a_body_of_just_the_size_is_taken():
    async with serving(most=1000) as port:
        answer = await ask(port, HEAD + b"Connection: close\r\nContent-Length: 1000\r\n\r\n" + b"a" * 1000)
        assert answer.endswith(b"\r\n\r\n1000")


async def test_a_body_that_does_not_come_is_not_waited_for():
    async with serving(seconds=0.3) as port:
        answer = await ask(port, HEAD + b"Content-Length: 10\r\n\r\nabc")
        assert answer.startswith(b"HTTP/1.1 408") and b'"code": "too_slow"' in answer
