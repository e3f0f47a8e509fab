"""The venue's socket dialect: ``o``, ``h``, ``a[…]``, ``c[…]``, one request a frame, a client that must keep beating."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from brokers.simulators.tradovate.options import Options
from brokers.simulators.tradovate.sessions import Session
from brokers.simulators.tradovate.wire import Refused, Reply, decode, encode

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

GOODBYE_SECONDS = 2.0
GOING_AWAY = 'c[3000,"Go away!"]'
TRANSPORT = "simulator.transport"
"""Where the server puts the TCP transport into the scope, so that a fault can cut it without a goodbye."""

ARRIVAL = "simulator.arrival"
"""When the last byte of a request came in, in monotonic nanoseconds, as the server saw it."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One request: endpoint, id, arguments (query and body together), the body as it came, and when."""

    path: str
    id: int
    args: Any
    body: str
    arrival_ns: int = 0


class BadFrame(Refused):
    """A request that cannot be read; its id as far as it could be."""

    def __init__(self, request_id: int, text: str) -> None:
        super().__init__(400, text)
        self.request_id = request_id


def parse_frame(text: str, arrival_ns: int = 0) -> Frame:
    """Raises BadFrame with what is wrong."""
    path, number, query, body = (*text.split("\n", 3), "", "", "")[:4]
    if not number.strip().isdigit():
        raise BadFrame(0, "A request is endpoint, id, query and body, separated by newlines")
    name = path.strip().lstrip("/").lower()
    try:
        args = merged(query, body if name != "authorize" else "")
    except Refused as refusal:
        raise BadFrame(int(number), refusal.text) from refusal
    return Frame(name, int(number), args, body, arrival_ns)


def merged(query: str, body: str | bytes) -> Any:
    """Query and JSON body as one mapping; a body that is no object is handed on as it is."""
    told: Any = dict(parse_qsl(query)) if query else {}
    if body.strip():
        value = decode(body)
        return {**told, **value} if isinstance(value, dict) else value
    return told


def response(request_id: int, reply: Reply) -> bytes:
    """The answer inside an ``a`` frame: the REST body under ``d``, or a string for what is not 2xx."""
    if reply.status != 200:
        told: dict[str, Any] = {"s": reply.status, "i": request_id}
        if reply.body:
            told["d"] = reply.body.decode()
        return encode(told)
    if not reply.body:
        return b'{"s":200,"i":%d}' % request_id
    return b'{"s":200,"i":%d,"d":%s}' % (request_id, reply.body)


class Connection:
    """One socket. Messages are pushed without waiting; a flush sends them in order, as one frame or several."""

    def __init__(
        self, scope: Message, receive: Receive, send: Send, options: Options, on_frame: Callable[[], None]
    ) -> None:
        self._receive, self._send, self._options, self._on_frame = receive, send, options, on_frame
        self._transport = (scope.get("extensions") or {}).get(TRANSPORT)
        client = scope.get("client")
        self.address = str(client[0]) if client else "local"
        self.session: Session | None = None
        self.token = ""
        self.is_open = False
        self.muted_until = 0.0
        self.last_sent = self.last_beat = time.monotonic()
        self._outbox: list[list[bytes]] = []
        self._flushing: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()  # the loop itself keeps only weak references

    # --- life ---------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        await self._receive()
        await self._send({"type": "websocket.accept"})
        await self._send({"type": "websocket.send", "text": "o"})
        self.is_open = True

    async def texts(self) -> AsyncIterator[tuple[str, int]]:
        """The client's frames and when they arrived, without its heartbeats, until it goes."""
        while self.is_open:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                break
            text = message.get("text")
            if text is None:
                continue
            if text.strip() == "[]":
                self.last_beat = time.monotonic()
            else:
                yield text, message.get(ARRIVAL) or time.monotonic_ns()
        self.is_open = False

    def beat(self, now: float) -> None:
        """Called a few times a second: say that we live, and drop a client that does not."""
        if not self.is_open or now < self.muted_until:
            return
        if now - self.last_beat > self._options.silence_seconds:
            self.close()
        elif now - self.last_sent >= self._options.heartbeat_seconds:
            self.last_sent = now
            self._spawn(self._send_text("h"))

    def close(self, goodbye: str = GOING_AWAY, code: int = 1000) -> None:
        if self.is_open:
            self.is_open = False
            self._spawn(self._say_goodbye(goodbye, code))

    def mute(self, seconds: float) -> None:
        """Say nothing for a while, not even the heartbeat, and do not close: a line that went dead."""
        self.muted_until = time.monotonic() + seconds

    def cut(self) -> None:
        """End it the hard way: the TCP connection just breaks."""
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()
        else:
            self._spawn(self._say_goodbye("", 1006))

    async def _say_goodbye(self, text: str, code: int) -> None:
        """A client that reads nothing any more is cut off after a moment."""
        try:
            await asyncio.wait_for(self._end(text, code), GOODBYE_SECONDS)
        except TimeoutError:
            self.cut()

    async def _end(self, text: str, code: int) -> None:
        if self._flushing is not None:
            await self._flushing
        if text:
            await self._send_text(text)
        await self._guarded({"type": "websocket.close", "code": code})

    # --- sending ------------------------------------------------------------------------------------------------

    def push(self, *messages: bytes) -> None:
        """Messages that belong together."""
        if not self.is_open or not messages or time.monotonic() < self.muted_until:
            return
        self._outbox.append(list(messages))
        if self._flushing is None or self._flushing.done():
            self._flushing = self._spawn(self._drain())

    async def _drain(self) -> None:
        while self._outbox:
            batches, self._outbox = self._outbox, []
            for messages in self._framed(batches):
                await self._send_text((b"a[" + b",".join(messages) + b"]").decode())

    def _framed(self, batches: list[list[bytes]]) -> list[list[bytes]]:
        if self._options.frames == "merged":
            return [[message for batch in batches for message in batch]]
        if self._options.frames == "single":
            return [[message] for batch in batches for message in batch]
        return batches

    async def _send_text(self, text: str) -> None:
        self.last_sent = time.monotonic()
        self._on_frame()
        await self._guarded({"type": "websocket.send", "text": text})

    async def _guarded(self, message: Message) -> None:
        """The client may be gone between two frames; then there is nobody to tell."""
        try:
            await self._send(message)
        except (OSError, RuntimeError):
            self.is_open = False

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
