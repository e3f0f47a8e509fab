"""Listening: uvicorn in this process, with the two protocol classes that let a fault break a connection."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from brokers.simulators.tradovate.framing import ARRIVAL, TRANSPORT

BACKLOG = 4096
STOP_SECONDS = 0.5
SOCKET_MESSAGE_CAP = 1_000_000
Application = Callable[[Any, Any, Any], Awaitable[None]]


class BreakableHttp(HttpToolsProtocol):
    """Hands the TCP transport to the application, and the moment when the request was complete."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        cast(Any, self.scope)["extensions"] = {TRANSPORT: self.transport}

    def on_message_complete(self) -> None:
        cast(Any, self.scope)["extensions"][ARRIVAL] = time.monotonic_ns()
        super().on_message_complete()


class BreakableSocket(WebSocketsSansIOProtocol):
    """The same for sockets; and it does not stop reading after every single message, which costs two system calls each."""

    async def run_asgi(self) -> None:
        cast(Any, self.scope)["extensions"][TRANSPORT] = self.transport
        await super().run_asgi()

    def send_receive_event_to_app(self) -> None:
        self.read_paused = True
        super().send_receive_event_to_app()
        self.read_paused = False
        waiting = self.queue._queue  # type: ignore[attr-defined]
        if waiting:
            waiting[-1][ARRIVAL] = time.monotonic_ns()


def _config(app: Application) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=BreakableHttp,
        ws=BreakableSocket,
        ws_per_message_deflate=False,
        ws_ping_interval=None,  # the venue has its own heartbeat
        ws_max_size=SOCKET_MESSAGE_CAP,
        access_log=False,
        proxy_headers=False,
        log_config=None,
        server_header=False,
        date_header=True,
        backlog=BACKLOG,
        timeout_keep_alive=75,
        lifespan="on",
    )


def bind(host: str, port: int) -> socket.socket:
    """A listening address; port 0 takes a free one. Raises OSError if it is taken."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    return listener


class Server:
    """One listening application in the running loop."""

    def __init__(self, app: Application, listener: socket.socket) -> None:
        logging.getLogger("uvicorn").setLevel(logging.WARNING)
        config = _config(app)
        config.load()
        self._server = uvicorn.Server(config)
        self._server.lifespan = config.lifespan_class(config)
        self._listener = listener
        self._ticks: asyncio.Task[None] | None = None
        host, port = listener.getsockname()[:2]
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def start(self) -> None:
        await self._server.startup(sockets=[self._listener])
        self._ticks = asyncio.get_running_loop().create_task(self._server.main_loop())

    async def stop(self) -> None:
        """Within a moment, whoever is connected."""
        self._server.should_exit = self._server.force_exit = True
        if self._ticks is not None:
            await self._ticks
        for connection in list(self._server.server_state.connections):
            transport = connection.transport
            connection.shutdown()
            if transport is not None:
                transport.abort()
        for server in self._server.servers:
            server.close()
        await self._end_tasks()
        await self._server.lifespan.shutdown()
        self._listener.close()

    async def _end_tasks(self) -> None:
        """They end by themselves when their client is gone; what does not is ended."""
        tasks = list(self._server.server_state.tasks)
        if tasks:
            _, left = await asyncio.wait(tasks, timeout=STOP_SECONDS)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)


@asynccontextmanager
async def listening(app: Application, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """The application on a socket of its own for the length of the block. Gives its URL."""
    server = Server(app, bind(host, port))
    await server.start()
    try:
        yield server.url
    finally:
        await server.stop()
