"""Guards of the web's own server against clients that send without end: too slowly, or too much.

A proxy in front does the same; these hold where there is none, for every connection a stranger keeps is one less for alerts.
"""

from __future__ import annotations

import asyncio
import json
import resource
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[..., Awaitable[Any]]

HEAD_SECONDS = 10.0
HEAD_BYTES = 64 * 1024
BODY_SECONDS = 20.0
BODY_BYTES = 1024 * 1024


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP, which hangs up on a request whose head is not complete within HEAD_SECONDS or HEAD_BYTES."""

    head_seconds = HEAD_SECONDS
    _timer: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._timer is not None:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._timer is not None and self._head_bytes > HEAD_BYTES:
            self.transport.abort()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._timer is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        super().on_headers_complete()

    def _await_head(self) -> None:
        self._head_bytes = 0
        self._timer = self.loop.call_later(self.head_seconds, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Refused(Exception):
    """The body is not read to its end. The arguments are the answer's status, code and message."""


class BodyGuard:
    """ASGI: a request whose body is larger than ``most`` bytes, or not there within ``seconds``, gets 413 or 408.

    Without it a body of any size would be put down on disk before anybody looks at who sent it.
    """

    def __init__(self, app: Application, *, most: int = BODY_BYTES, seconds: float = BODY_SECONDS) -> None:
        self._app = app
        self._most, self._seconds = most, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answered = False

        async def tell(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self._app(scope, self._guarded(scope, receive), tell)
        except _Refused as refused:
            if not answered:
                await _refuse(send, *refused.args)

    def _guarded(self, scope: Scope, receive: Receive) -> Receive:
        size, ended = 0, False
        deadline = asyncio.get_running_loop().time() + self._seconds

        async def take() -> Message:
            nonlocal size, ended
            if ended:
                return await receive()  # waiting for the client to go: that may take as long as it likes
            if _told_length(scope) > self._most:
                raise self._too_large()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                sentence = "The request's body did not arrive in time. Send it again."
                raise _Refused(408, "too_slow", sentence) from None
            size += len(message.get("body", b""))
            if size > self._most:
                raise self._too_large()
            ended = not message.get("more_body")
            return message

        return take

    def _too_large(self) -> _Refused:
        return _Refused(
            413, "too_large", f"The request is larger than {self._most // 1024} KiB. Send less at once."
        )


def _told_length(scope: Scope) -> int:
    """What the client says the body's length is; 0 when it does not say."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:20])
    return 0


async def _refuse(send: Send, status: int, code: str, message: str) -> None:
    body = json.dumps({"code": code, "message": message, "errors": {}}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def allow_many_connections() -> None:
    """As many open files as this system allows an ordinary process to have: the usual 1024 are few for websockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
