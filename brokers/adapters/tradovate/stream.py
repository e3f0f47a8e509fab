"""The socket dialect: text frames in the SockJS manner, requests and answers matched by number, events in between.

Server frames: ``o`` opened, ``h`` heartbeat, ``a[…]`` messages (several are normal), ``c[code,text]`` closed.
Client frames: ``endpoint\\nnumber\\nquery\\nbody``; ``[]`` is the heartbeat and is due every 2.5 s whatever else is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Callable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, WebSocketException
from websockets.protocol import State

from brokers.adapters.tradovate.constants import FRAME_BYTES, TIMINGS, Timings
from brokers.adapters.tradovate.wire import Answer, AnswerLost, Entity, NotSent, decode
from brokers.errors import RateLimited, Unavailable
from brokers.rush import NO_RUSH, Rush
from tradeproject.common.crashpoints import crash_point

# At DEBUG the library logs every frame, and the first one is the token: this logger never gets that talkative.
_quiet = logging.getLogger(f"{__name__}.frames")
_quiet.setLevel(logging.INFO)

OnEvent = Callable[[Entity], None]
# Events we put among the venue's: where a marked request's answer stood, and that nothing follows.
MARK = "answered"
ENDED = "ended"
# What tells frames apart before they are read: answers carry a status, events a kind. Who closes says so in an event.
_STATUS, _EVENT, _SHUTDOWN = b'"s"', b'"e"', b"shutdown"


class WrongHost(Unavailable):
    """The socket server says (421) that another host serves this login."""

    code = "WRONG_HOST"


class _PlainConnect(connect):
    """websockets' connect, without following redirects: a token must not end up at a host nobody chose."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class Socket:
    """One connection. Requests may run side by side: each is written at once and awaits its own answer."""

    def __init__(
        self,
        connection: ClientConnection,
        on_event: OnEvent,
        timings: Timings = TIMINGS,
        rush: Rush = NO_RUSH,
    ) -> None:
        self.authorized = False
        self.synced = False
        self.reason = ""
        self.ended = asyncio.Event()
        self._ws = connection
        self._on_event = on_event
        self._timings = timings
        self._rush = rush
        self._held: list[bytes] = []
        self._later: asyncio.Task[None] | None = None
        self._numbers = itertools.count(1)
        self._pending: dict[int, asyncio.Future[Answer]] = {}
        self._marked: set[int] = set()
        self._leaving = False
        self._opened = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._heard = self._loop.time()
        self._tasks = [
            asyncio.create_task(self._read(), name="tradovate socket reader"),
            asyncio.create_task(self._beat(), name="tradovate socket heartbeat"),
        ]

    @classmethod
    async def connect(
        cls, url: str, on_event: OnEvent, timings: Timings = TIMINGS, rush: Rush = NO_RUSH
    ) -> Socket:
        """An open connection, not yet authorised. Raises Unavailable, WrongHost or RateLimited."""
        try:
            connection = await _PlainConnect(
                url,
                compression=None,
                max_size=FRAME_BYTES,
                max_queue=None,
                ping_interval=None,
                open_timeout=timings.connect,
                close_timeout=1.0,
                proxy=None,
                logger=_quiet,
            )
        except InvalidStatus as error:
            raise _handshake_error(error.response.status_code) from error
        except (OSError, TimeoutError, InvalidHandshake, WebSocketException) as error:
            raise Unavailable(
                f"Tradovate's order socket cannot be reached ({type(error).__name__}). It will be tried again."
            ) from error
        socket = cls(connection, on_event, timings, rush)
        await socket._await_open()
        return socket

    async def _await_open(self) -> None:
        try:
            async with asyncio.timeout(self._timings.connect):
                await self._opened.wait()
        except TimeoutError as error:
            await self.close()
            raise Unavailable(
                "Tradovate's socket connected but did not greet. It will be tried again."
            ) from error
        except asyncio.CancelledError:
            await self.close()
            raise
        if self.ended.is_set():
            raise Unavailable(f"Tradovate closed the socket at once: {self.reason}")

    @property
    def usable(self) -> bool:
        """Whether a request may be given: open, and neither side is about to close."""
        return not self._leaving and not self.ended.is_set() and self._ws.state is State.OPEN

    async def authorize(self, token: str) -> Answer:
        """Give the raw token. The answer's status tells whether it was taken."""
        answer = await self.request("authorize", body=token.encode())
        self.authorized = answer.ok and "p-ticket" not in answer.fields
        return answer

    async def request(
        self, endpoint: str, query: str = "", body: bytes = b"", *, seconds: float = 0.0, mark: bool = False
    ) -> Answer:
        """Send one request and await its answer. Raises NotSent (nothing left) or AnswerLost (it may have arrived).

        ``mark`` puts an event ``{"e": "answered"}`` among the others, where the answer stood.
        """
        if not self.usable:
            raise NotSent("Tradovate's order socket is closed: nothing was sent.")
        number = next(self._numbers)
        self._pending[number] = future = self._loop.create_future()
        if mark:
            self._marked.add(number)
        try:
            async with asyncio.timeout(seconds or self._timings.answer):
                await self._ws.send(
                    b"%b\n%d\n%b\n%b" % (endpoint.encode(), number, query.encode(), body), text=True
                )
                if body and self.authorized:
                    crash_point("after_socket_write")  # of a command
                return await future
        except (TimeoutError, ConnectionClosed) as error:
            # websockets looked at the connection before us and found it open: some of the bytes may have left.
            raise self._lost(error) from error
        finally:
            self._pending.pop(number, None)
            self._marked.discard(number)
            if future.done() and not future.cancelled():
                future.exception()  # it may have been set while send() was still failing

    def _lost(self, error: Exception) -> AnswerLost:
        why = self.reason or (
            "no answer in time" if isinstance(error, TimeoutError) else type(error).__name__
        )
        return AnswerLost(f"Tradovate's answer did not arrive ({why}). It will be looked up, not repeated.")

    # --- reading ------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        try:
            while not self.ended.is_set():
                frame = await self._ws.recv(decode=False)
                self._heard = self._loop.time()
                self._take(frame)
        except ConnectionClosed as error:
            self._end(f"the connection was closed ({error.rcvd.code if error.rcvd else 'without goodbye'})")
        except ValueError:
            self._unreadable()
        finally:
            self._end("the connection was given up")
            await self._shut()

    def _take(self, frame: bytes) -> None:
        kind = frame[:1]
        if kind == b"a":
            if self._may_wait(frame):
                self._hold(frame)
                return
            if _EVENT in frame:
                self._take_held()  # events keep their order
            self._take_messages(frame)
        elif kind == b"o":
            self._opened.set()
        elif kind == b"c":
            self._end(f"Tradovate closed it: {frame[1:200].decode(errors='replace') or 'no reason given'}")

    def _take_messages(self, frame: bytes) -> None:
        messages = decode(frame[1:])
        if not isinstance(messages, list):
            raise ValueError("not a list of messages")
        for message in messages:
            if isinstance(message, dict):
                self._hear(message)

    def _may_wait(self, frame: bytes) -> bool:
        """Whether a frame holds nothing but events, while orders go first. A marked answer stands among the events: then none
        of them waits.
        """
        return (
            self._rush.is_on
            and not self._marked
            and _EVENT in frame
            and _STATUS not in frame
            and _SHUTDOWN not in frame
        )

    def _hold(self, frame: bytes) -> None:
        self._held.append(frame)
        if self._later is None or self._later.done():
            self._later = asyncio.create_task(self._take_later(), name="tradovate socket catching up")

    async def _take_later(self) -> None:
        try:
            await self._rush.over()
            self._take_held()
        except ValueError:
            self._unreadable()
            await self._shut()

    def _take_held(self) -> None:
        held, self._held = self._held, []
        for frame in held:
            self._take_messages(frame)

    def _unreadable(self) -> None:
        """Something was said that we could not read: only a new snapshot can tell what it was."""
        self._end("a message could not be read")

    def _hear(self, message: dict[str, Any]) -> None:
        number = message.get("i")
        if isinstance(number, int) and "s" in message:
            self._answer(number, message)
        elif "e" in message:
            if message["e"] == "shutdown":
                self._say_goodbye(message.get("d"))
            self._on_event(message)

    def _answer(self, number: int, message: dict[str, Any]) -> None:
        if number in self._marked:
            self._on_event({"e": MARK})
        future = self._pending.get(number)
        if future is None or future.done():
            return  # too late: whoever asked has given up and will look it up
        status, body = message["s"], message.get("d")
        words = body if isinstance(body, str) else ""
        known = isinstance(status, int)
        future.set_result(Answer(status if known else 0, body, words[:300], readable=known))

    def _say_goodbye(self, detail: Any) -> None:
        """The server announces its end: no new requests, and a moment for the answers still due."""
        told = detail if isinstance(detail, dict) else {}
        self._leaving = True
        self.reason = (
            f"Tradovate is closing it: {told.get('reasonCode') or 'shutdown'} {told.get('reason') or ''}"
        )
        self._tasks.append(asyncio.create_task(self.leave()))

    # --- keeping alive ------------------------------------------------------------------------------------------

    async def _beat(self) -> None:
        """Our heartbeat, and a look whether the other side still lives: silence, then a ping, then the end."""
        probed = 0.0
        with contextlib.suppress(ConnectionClosed):
            while not self.ended.is_set():
                await asyncio.sleep(self._timings.heartbeat)
                await self._rush.over()
                await self._ws.send("[]")
                quiet = self._loop.time() - self._heard
                if quiet < self._timings.silence:
                    probed = 0.0
                elif not probed:
                    probed = self._loop.time()
                    asyncio.ensure_future(await self._ws.ping()).add_done_callback(self._pong)
                elif self._loop.time() - probed > self._timings.probe:
                    self._end(f"nothing was heard for {quiet:.0f} s")
                    await self._shut()

    def _pong(self, waiter: asyncio.Future[float]) -> None:
        if not waiter.cancelled() and waiter.exception() is None:
            self._heard = self._loop.time()

    # --- ending -------------------------------------------------------------------------------------------------

    def _end(self, reason: str) -> None:
        if self.ended.is_set():
            return
        with contextlib.suppress(ValueError):  # it ends anyway
            self._take_held()
        self.reason = self.reason or reason
        self.ended.set()
        self._opened.set()
        for future in self._pending.values():
            if not future.done():
                future.set_exception(self._lost(ConnectionError(reason)))
        self._on_event({"e": ENDED})

    async def _shut(self) -> None:
        with contextlib.suppress(OSError, WebSocketException):
            await self._ws.close()

    async def leave(self) -> None:
        """Take no new request, wait shortly for the answers still due, then close."""
        self._leaving = True
        waiting = [future for future in self._pending.values() if not future.done()]
        if waiting:
            await asyncio.wait(waiting, timeout=self._timings.drain)
        await self.close()

    async def close(self) -> None:
        """End the connection now. Never raises; safe to call twice."""
        self._end("we closed it")
        current = asyncio.current_task()
        others = [task for task in (*self._tasks, self._later) if task is not None and task is not current]
        for task in others:
            task.cancel()
        await self._shut()
        await asyncio.gather(*others, return_exceptions=True)


def _handshake_error(status: int) -> Unavailable | RateLimited:
    if status == 421:
        return WrongHost("Another Tradovate server serves this login. It will be asked for and tried again.")
    if status in {423, 429}:
        return RateLimited("Tradovate asks to slow down before opening another socket.", retry_after=None)
    return Unavailable(
        f"Tradovate's order socket refused the connection (HTTP {status}). It will be tried again."
    )
