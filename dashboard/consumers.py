"""The two websockets of the contract: ``/ws`` (rooms by name) and ``/ws/dashboard`` (one room, subscribed at once).

Written against ASGI itself, because one task reads while others write: whichever ends first ends the socket, also when a
reader has stopped reading. Messages are described in ``docs/api.md``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from channels.db import database_sync_to_async

from accounts.models import User
from accounts.sockets import CLOSED_UNAUTHENTICATED, still_valid
from dashboard.diff import State
from dashboard.live import TICK_SECONDS, Hub, Shown, Viewer, hub_for
from dashboard.rooms import ROOMS, is_room
from tradeproject.common.clock import iso, utc_now

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MAX_CONNECTIONS = 10  # of one user, in one process
MAX_ROOMS = 50
MAX_MESSAGES = 20  # a second
MAX_BYTES = 8 * 1024
HEARTBEAT_SECONDS = 30.0
RECHECK_SECONDS = 5.0
SEND_SECONDS = 10.0

CLOSED_NOT_FOUND = 4404
CLOSED_SLOW = 4408
CLOSED_LIMIT = 4429

_open: Counter[UUID] = Counter()


class SocketClosed(Exception):
    """The socket is over. ``code`` and ``reason`` are told to the other side when there still is one."""

    def __init__(self, code: int | None = None, reason: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(slots=True)
class Sent:
    """What a viewer has of one room: ``seq`` counts its messages, ``state`` is what it should see by now."""

    seq: int = 0
    version: int = 0
    state: State | None = None


class LiveSocket:
    """One application for both paths; ``rooms`` are subscribed to at once."""

    def __init__(
        self, *rooms: str, heartbeat: float = HEARTBEAT_SECONDS, recheck: float = RECHECK_SECONDS
    ) -> None:
        self._rooms = rooms
        self._heartbeat = heartbeat
        self._recheck = recheck

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        await send({"type": "websocket.accept"})
        user: User = scope["user"]
        _open[user.pk] += 1
        try:
            await self._serve(scope, user, receive, send)
        except SocketClosed as closed:
            if closed.code is not None:
                await _say_goodbye(send, closed)
        finally:
            _open[user.pk] -= 1
            if not _open[user.pk]:
                del _open[user.pk]

    async def _serve(self, scope: Scope, user: User, receive: Receive, send: Send) -> None:
        if _open[user.pk] > MAX_CONNECTIONS:
            raise SocketClosed(
                CLOSED_LIMIT, f"More than {MAX_CONNECTIONS} connections. Close some and come back."
            )
        shown = await database_sync_to_async(shown_user)(user, scope.get("query_string", b""))
        if shown is None:
            raise SocketClosed(CLOSED_NOT_FOUND, "There is no such user.")
        async with hub_for(shown) as hub:
            session = Session(scope, hub, receive, send)
            for room in self._rooms:
                session.subscribe(room)
            await session.run(self._heartbeat, self._recheck)


async def no_such_socket(scope: Scope, receive: Receive, send: Send) -> None:
    """Any other address: refused in the handshake."""
    await receive()  # websocket.connect; a close in answer to it is HTTP 403
    await send({"type": "websocket.close", "code": CLOSED_NOT_FOUND})


async def _say_goodbye(send: Send, closed: SocketClosed) -> None:
    """A close frame with the reason, if the other side takes it within two seconds."""
    with contextlib.suppress(Exception):
        message = {"type": "websocket.close", "code": closed.code, "reason": closed.reason[:120]}
        async with asyncio.timeout(2.0):
            await send(message)


def shown_user(viewer: User, query: bytes) -> User | None:
    """Whose rooms are shown: the viewer's own; staff may name another user with ``?user=``. None: not for them."""
    wanted = parse_qs(query.decode("latin-1"), max_num_fields=20).get("user", [""])[0]
    if wanted in ("", str(viewer.pk)):
        return viewer
    if not viewer.is_staff:
        return None
    try:
        return User.objects.filter(pk=UUID(wanted)).first()
    except ValueError:
        return None


class Session:
    """One open socket."""

    def __init__(self, scope: Scope, hub: Hub, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._hub = hub
        self._receive = receive
        self._send = send
        self._viewer = Viewer()
        self._sent: dict[str, Sent] = {}
        self._writing = asyncio.Lock()
        self._budget = float(MAX_MESSAGES)
        self._budget_at = time.monotonic()

    async def run(self, heartbeat: float, recheck: float) -> None:
        """Serve until one side has had enough. Raises SocketClosed."""
        self._hub.join(self._viewer)
        parts = (self._read(), self._write(), self._beat(heartbeat), self._check(recheck))
        tasks = [asyncio.ensure_future(part) for part in parts]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._hub.leave(self._viewer)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # --- to the browser --------------------------------------------------------------------------------------------

    async def _say(self, message: MutableMapping[str, Any]) -> None:
        """One message, whole. A reader that does not take it in time has lost its place."""
        text = json.dumps(message, separators=(",", ":"), ensure_ascii=False)
        try:
            async with asyncio.timeout(SEND_SECONDS), self._writing:
                await self._send({"type": "websocket.send", "text": text})
        except TimeoutError:
            raise SocketClosed(CLOSED_SLOW, "You read too slowly. Connect again for a snapshot.") from None
        except OSError as error:
            raise SocketClosed from error

    async def _write(self) -> None:
        """Send what changed, at most once in TICK_SECONDS; what happens while sending waits and becomes one delta."""
        while True:
            await self._viewer.changed.wait()
            self._viewer.changed.clear()
            for room, sent in list(self._sent.items()):
                message = self._news(room, sent)
                if message is not None:
                    await self._say(message)
            await asyncio.sleep(TICK_SECONDS)

    def _news(self, room: str, sent: Sent) -> dict[str, Any] | None:
        shown = self._hub.shown(room)
        if shown is None or shown.version == sent.version:
            return None
        kind, data = _content(shown, sent)
        sent.version, sent.state = shown.version, shown.state
        if not data:
            return None
        sent.seq += 1
        return {"type": kind, "room": room, "seq": sent.seq, "data": data}

    async def _beat(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            await self._say({"type": "heartbeat", "at": iso(utc_now())})

    async def _check(self, seconds: float) -> None:
        """The socket ends with the login it was opened with, and with the right to look at somebody else."""
        while True:
            await asyncio.sleep(seconds)
            if not await still_valid(self._scope):
                raise SocketClosed(CLOSED_UNAUTHENTICATED, "Signed out. Sign in again.")
            viewer: User = self._scope["user"]
            if self._hub.user.pk != viewer.pk and not await database_sync_to_async(_is_staff)(viewer.pk):
                raise SocketClosed(CLOSED_NOT_FOUND, "There is no such user.")

    # --- from the browser ------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                raise SocketClosed
            self._spend()
            await self._obey(message.get("text") or "")

    def _spend(self) -> None:
        """A bucket of MAX_MESSAGES that refills within a second."""
        now = time.monotonic()
        self._budget = min(MAX_MESSAGES, self._budget + (now - self._budget_at) * MAX_MESSAGES)
        self._budget_at = now
        if self._budget < 1:
            raise SocketClosed(CLOSED_LIMIT, f"More than {MAX_MESSAGES} messages a second.")
        self._budget -= 1

    async def _obey(self, text: str) -> None:
        order = _parsed(text)
        action = order.get("action") if order is not None else None
        if action == "ping":
            await self._say({"type": "pong", "at": iso(utc_now())})
        elif action in ("subscribe", "unsubscribe") and order is not None:
            await self._change_rooms(str(action), order.get("rooms"))
        else:
            await self._complain('Send {"action": "subscribe" | "unsubscribe" | "ping"}; rooms is a list.')

    async def _change_rooms(self, action: str, rooms: Any) -> None:
        if not isinstance(rooms, list):
            await self._complain(f'To {action}, send "rooms": a list of names.')
            return
        if len(rooms) > MAX_ROOMS:
            raise SocketClosed(CLOSED_LIMIT, f"More than {MAX_ROOMS} subscriptions.")
        for room in rooms:
            if not is_room(room):
                known = ", ".join(ROOMS)
                await self._complain(f"There is no room {str(room)[:60]!r}. Known: {known}, quotes:<symbol>.")
            elif action == "subscribe":
                self.subscribe(room)
            else:
                self._sent.pop(room, None)
                self._viewer.rooms.discard(room)

    def subscribe(self, room: str) -> None:
        """Send the room's snapshot, again when it was subscribed to before, and then its changes."""
        known = self._sent.get(room)
        self._sent[room] = Sent(seq=known.seq if known else 0)
        if len(self._sent) > MAX_ROOMS:
            raise SocketClosed(CLOSED_LIMIT, f"More than {MAX_ROOMS} subscriptions.")
        self._hub.watch(self._viewer, room)

    async def _complain(self, message: str) -> None:
        await self._say({"type": "error", "message": message})


def _content(shown: Shown, sent: Sent) -> tuple[str, Any]:
    if sent.state is None:
        return "snapshot", shown.state
    return "delta", shown.since(sent.version, sent.state)


def _is_staff(user_id: UUID) -> bool:
    return User.objects.filter(pk=user_id, is_active=True, is_staff=True).exists()


def _parsed(text: str) -> dict[str, Any] | None:
    if len(text) > MAX_BYTES:
        return None
    try:
        order = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return order if isinstance(order, dict) else None
