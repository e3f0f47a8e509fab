"""What one user's open pages show, kept current: one hub per process and user, shared by all of their sockets.

A hub reads a room once when somebody first looks at it, again when a domain event of that user arrives through the channel
layer, and every LOOK_SECONDS anyway, for a message may be lost. Open positions are valued anew, without reading them
again, whenever one of their quotes changes. Viewers compare what they sent last with what is there now (``dashboard.diff``),
so a slow one skips what was in between and nobody waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import weakref
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from accounts.models import User
from brokers.domain import Quote
from brokers.marketdata.quotes import QuoteListener, connect, want
from dashboard.diff import State, apply, delta
from dashboard.relay import group_of
from dashboard.rooms import QUOTES, ROOMS, Book, quote_state
from tradeproject.common.clock import utc_now

logger = logging.getLogger(__name__)

__all__ = ["Hub", "Viewer", "apply", "delta", "hub_for"]

TICK_SECONDS = 0.25
LOOK_SECONDS = 10.0
WANT_SECONDS = 20.0
RETRY_SECONDS = 1.0
EASE = 4  # a read may take at most one part in five of the time


@dataclass(slots=True)
class Shown:
    """A room as it stands now. ``version`` counts its changes."""

    version: int
    state: State
    _deltas: dict[int, dict[str, Any]] = field(default_factory=dict)

    def since(self, version: int, old: State) -> dict[str, Any]:
        """What changed since an older version; computed once for all viewers that stand at it."""
        if version not in self._deltas:
            self._deltas[version] = delta(old, self.state)
        return self._deltas[version]


@dataclass(eq=False, slots=True)
class Viewer:
    """One socket's interest in a hub: ``changed`` is set when one of its rooms did."""

    rooms: set[str] = field(default_factory=set)
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class QuoteBoard:
    """The quotes of one process and loop, listened to for as long as some hub needs them."""

    def __init__(self) -> None:
        self.listener = QuoteListener()
        self._users = 0

    @property
    def prices(self) -> dict[str, Quote]:
        return self.listener.prices

    def join(self, hub: Hub) -> None:
        self._users += 1
        self.listener.add(hub.take_quotes)
        self.listener.start()

    async def leave(self, hub: Hub) -> None:
        self._users -= 1
        self.listener.remove(hub.take_quotes)
        if not self._users:
            await self.listener.stop()


class Hub:
    """The rooms of one user. Use it through ``hub_for``."""

    def __init__(self, user: User, board: QuoteBoard) -> None:
        self.user = user
        self.users = 0
        self._board = board
        self._book = Book()
        self._shown: dict[str, Shown] = {}
        self._viewers: set[Viewer] = set()
        self._stale: set[str] = set()
        self._moved: set[str] = set()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    # --- viewers ---------------------------------------------------------------------------------------------------

    def join(self, viewer: Viewer) -> None:
        self._viewers.add(viewer)

    def leave(self, viewer: Viewer) -> None:
        self._viewers.discard(viewer)

    def watch(self, viewer: Viewer, room: str) -> None:
        """Add a room to a viewer's. Its state comes later, when ``shown`` has it."""
        viewer.rooms.add(room)
        if room.startswith(QUOTES):
            self._put(room, quote_state(room, self._board.prices))
        elif room not in self._shown:
            self._mark({room})
        viewer.changed.set()

    def shown(self, room: str) -> Shown | None:
        return self._shown.get(room)

    def _watched(self) -> set[str]:
        return {room for viewer in self._viewers for room in viewer.rooms}

    def _put(self, room: str, state: State) -> None:
        old = self._shown.get(room)
        if old is not None and old.state == state:
            return
        self._shown[room] = Shown(old.version + 1 if old else 1, state)
        for viewer in self._viewers:
            if room in viewer.rooms:
                viewer.changed.set()

    # --- what changes it -------------------------------------------------------------------------------------------

    def take_event(self, name: str) -> None:
        """A domain event of this user happened: the rooms that tell of it are read again."""
        self._mark({room for room, spec in ROOMS.items() if spec.told_by(name)})

    def take_quotes(self, symbols: set[str]) -> None:
        """Called by the listener for every batch of changes; the work is done by the hub's own task."""
        self._moved |= symbols
        self._wake.set()

    def _mark(self, rooms: Iterable[str]) -> None:
        self._stale.update(rooms)
        self._wake.set()

    # --- its tasks -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._board.join(self)
        create = asyncio.get_running_loop().create_task
        self._tasks = [create(self._refresh()), create(self._listen()), create(self._want())]

    async def stop(self) -> None:
        await self._board.leave(self)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _refresh(self) -> None:
        looked = time.monotonic()
        while True:
            # Not wait_for: in Python 3.11 it can swallow the cancellation that ``stop`` relies on.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._wake.wait()
            self._wake.clear()
            if time.monotonic() - looked >= LOOK_SECONDS:
                self._stale |= self._watched()
                looked = time.monotonic()
            started = time.monotonic()
            worked = await self._read_stale()
            await self._value_moved()
            rest = (time.monotonic() - started) * EASE if worked else RETRY_SECONDS
            await asyncio.sleep(max(TICK_SECONDS, rest))

    async def _read_stale(self) -> bool:
        """Read what may have changed and somebody looks at. Returns whether that worked."""
        rooms = {room for room in self._stale & self._watched() if room in ROOMS}
        self._shown = {room: shown for room, shown in self._shown.items() if room in self._watched()}
        self._stale = set()
        if not rooms:
            return True
        try:
            read = await database_sync_to_async(self._book.read, thread_sensitive=False)(self.user, rooms)
        except Exception:
            # The edge of one user's pages: they keep what they have, and try again.
            logger.exception("a live page could not be read")
            self._mark(rooms)
            return False
        states = await asyncio.to_thread(self._book.states, read, dict(self._board.prices), utc_now())
        for room in rooms & states.keys():
            self._put(room, states[room])
        return True

    async def _value_moved(self) -> None:
        """Put the quotes that changed to what they concern. A thousand positions take a while: the loop, which takes alerts
        in as well, must not wait for them."""
        moved, self._moved = self._moved, set()
        for symbol in moved:
            room = QUOTES + symbol
            if room in self._shown:
                self._put(room, quote_state(room, self._board.prices))
        if moved & self._book.symbols():
            prices = dict(self._board.prices)
            states = await asyncio.to_thread(self._book.revalued, moved, prices, utc_now())
            for room in self._shown.keys() & states.keys():
                self._put(room, states[room])

    async def _listen(self) -> None:
        """Events of this user, from whichever process relays them."""
        while True:
            try:
                layer = get_channel_layer()
                channel = await layer.new_channel()
                await layer.group_add(group_of(self.user.pk), channel)
                self._mark(ROOMS)
                try:
                    while True:
                        self.take_event(str((await layer.receive(channel)).get("name", "")))
                finally:
                    await layer.group_discard(group_of(self.user.pk), channel)
            except (RedisError, OSError) as error:
                logger.warning("live events are not arriving", extra={"reason": str(error)[:200]})
                await asyncio.sleep(RETRY_SECONDS)

    async def _want(self) -> None:
        """Tell the feed, again and again, which symbols are looked at."""
        client = connect()
        try:
            while True:
                quoted = {room.removeprefix(QUOTES) for room in self._watched() if room.startswith(QUOTES)}
                try:
                    await want(client, self._book.symbols() | quoted, utc_now())
                except (RedisError, OSError):
                    logger.warning("the feed could not be asked for quotes")
                await asyncio.sleep(WANT_SECONDS if self._shown else TICK_SECONDS)
        finally:
            with contextlib.suppress(RedisError, OSError):
                await client.aclose()


@dataclass
class _Hubs:
    """All hubs of one event loop."""

    board: QuoteBoard = field(default_factory=QuoteBoard)
    by_user: dict[UUID, Hub] = field(default_factory=dict)


_loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Hubs] = weakref.WeakKeyDictionary()


@asynccontextmanager
async def hub_for(user: User) -> AsyncIterator[Hub]:
    """The user's hub in this loop: started for the first who asks, stopped after the last has left."""
    hubs = _loops.setdefault(asyncio.get_running_loop(), _Hubs())
    hub = hubs.by_user.get(user.pk)
    if hub is None:
        hub = hubs.by_user[user.pk] = Hub(user, hubs.board)
        hub.start()
    hub.users += 1
    try:
        yield hub
    finally:
        hub.users -= 1
        if not hub.users:
            del hubs.by_user[user.pk]
            await hub.stop()
