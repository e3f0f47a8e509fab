"""The least that any durable relay must do: parse the JSON, commit one row, send one frame. Run as a process of its own.

Two roles: ``relay`` (an ASGI application behind uvicorn) and ``sink`` (a websocket server that notes when a frame is whole).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from typing import Any

import psycopg
import uvicorn
import websockets
from psycopg_pool import AsyncConnectionPool
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve


class Relay:
    def __init__(self, database: str, sink: str) -> None:
        self._database, self._sink = database, sink
        self._socket: Any = None
        self._pool: AsyncConnectionPool[psycopg.AsyncConnection[Any]] | None = None

    async def _ready(self) -> AsyncConnectionPool[psycopg.AsyncConnection[Any]]:
        if self._pool is None:
            self._pool = AsyncConnectionPool(
                self._database, min_size=2, max_size=4, open=False, kwargs={"autocommit": True}
            )
            await self._pool.open(wait=True)
            self._socket = await connect(self._sink, compression=None)
        return self._pool

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        message = await receive()
        alert = json.loads(message["body"])
        pool = await self._ready()
        async with pool.connection() as connection:
            await connection.execute("INSERT INTO bench_relay (body) VALUES (%s)", [message["body"].decode()])
        order = {
            "accountId": 1,
            "action": alert["action"],
            "symbol": "MNQZ6",
            "orderQty": 1,
            "orderType": "Market",
        }
        await self._socket.send(f"order/placeorder\n1\n\n{json.dumps(order)}")
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


async def run_sink(port: int) -> None:
    """Print the monotonic arrival of every frame; the parent reads the lines."""

    async def take(socket: websockets.asyncio.server.ServerConnection) -> None:
        with contextlib.suppress(websockets.ConnectionClosedError):  # the relay ends without a word
            async for _ in socket:
                sys.stdout.write(f"{time.monotonic_ns()}\n")
                sys.stdout.flush()

    async with serve(take, "127.0.0.1", port, compression=None):
        await asyncio.Event().wait()


def main(role: str, port: str) -> None:
    if role == "sink":
        asyncio.run(run_sink(int(port)))
        return
    app = Relay(os.environ["DATABASE_URL"], os.environ["SINK_URL"])
    uvicorn.run(app, host="127.0.0.1", port=int(port), lifespan="off", log_level="warning", access_log=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
