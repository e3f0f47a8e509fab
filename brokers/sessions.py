"""Supervised broker sessions: one per login and environment, open before it is needed, healed when it breaks.

A session owns its adapter's socket, keeps the account state the stream tells (positions, orders), and hands every item on.
It decides nothing. After each (re)connection the venue's snapshot replaces everything known before.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from brokers.addresses import Addresses
from brokers.books import OrderBook, PositionBook, PositionKey
from brokers.breaker import Breakers, Circuit
from brokers.domain import Call, FillReport, OrderReport, PositionReport, StreamItem, StreamSnapshot
from brokers.errors import (
    AuthError,
    AuthPenalty,
    AuthRevoked,
    BrokerError,
    ProtocolSurprise,
    RateLimited,
    Unavailable,
)
from brokers.protocol import BrokerAdapter
from brokers.ratelimit import LoginBudget
from tradeproject.common.aio import end_tasks

logger = logging.getLogger(__name__)
T = TypeVar("T")
K = TypeVar("K")

BACKOFF_SECONDS = (0.3, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
STABLE_SECONDS = (
    10.0  # a session that held this long was well; one that falls sooner counts as another failure
)
WOKEN_SECONDS = (
    1.0  # who wants the session may shorten its back-off to this, never the wait a venue asked for
)
OPEN_SECONDS = (
    20.0  # for connecting, and again for the first snapshot: a venue that hangs must not keep its slot
)
CLOSE_SECONDS = 5.0
QUERY_SECONDS = 8.0
QUERY_SHARED_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class SessionKey:
    connection_id: UUID
    environment: str


class SessionState(StrEnum):
    OPENING = "opening"
    SYNCED = "synced"
    DOWN = "down"
    LOGIN_NEEDED = "login_needed"
    STOPPED = "stopped"


Opener = Callable[[SessionKey], Awaitable[BrokerAdapter]]
OnItems = Callable[["BrokerSession", list[StreamItem]], None]
OnState = Callable[["BrokerSession"], None]


class BrokerSession:
    def __init__(
        self,
        key: SessionKey,
        opener: Opener,
        budget: LoginBudget,
        on_items: OnItems,
        on_state: OnState,
        connect_slots: asyncio.Semaphore,
        breakers: Breakers | None = None,
        addresses: Addresses | None = None,
    ) -> None:
        self.key = key
        self.budget = budget
        self._breakers = breakers or Breakers(asyncio.get_event_loop().time)
        self._addresses = addresses or Addresses()
        self.circuit = self._circuit("")
        self.positions = PositionBook()
        self.orders = OrderBook()
        self.adapter: BrokerAdapter | None = None
        self.state = SessionState.OPENING
        self.reason = ""
        self.last_used = 0.0
        self.in_use = 0  # commands under way; such a session is not the one to make room
        self.failures = 0
        self._opener, self._on_items, self._on_state = opener, on_items, on_state
        self._slots = connect_slots
        self._synced = asyncio.Event()
        self._synced_at = 0.0
        self._wake = asyncio.Event()
        self._changed: dict[PositionKey, set[asyncio.Future[None]]] = {}
        self._ended: dict[str, set[asyncio.Future[None]]] = {}
        self._query: asyncio.Task[PositionBook] | None = None
        self._query_at = 0.0
        self._task: asyncio.Task[None] | None = None

    # --- life ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._supervise(), name=f"session {self.key.connection_id}")

    async def stop(self) -> None:
        if self._task is not None:
            await end_tasks([self._task], CLOSE_SECONDS)
        self._synced.clear()
        self._release_all()
        await self._close_adapter()
        self._set_state(SessionState.STOPPED)

    def retry_now(self) -> None:
        """Do not sit out the back-off: a signal wants this login."""
        self._wake.set()

    async def ready(self, seconds: float) -> bool:
        """Whether the account state is (or becomes, within ``seconds``) the venue's own."""
        if self._synced.is_set():
            return True
        self.retry_now()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._synced.wait()
        return self._synced.is_set()

    @property
    def is_synced(self) -> bool:
        return self._synced.is_set()

    async def _supervise(self) -> None:
        while True:
            asked_for = 0.0  # how long the venue itself told us to stay away
            try:
                adapter = await self._replace_adapter()
                await self._let_through()
                async with self._slots:
                    self._set_state(SessionState.OPENING)
                    await self._connect(adapter)
                await self._follow(adapter)
            except AuthPenalty as error:
                asked_for = error.retry_after
                self.budget.slow_down()
                self._fell(SessionState.DOWN, error)
            except AuthRevoked as error:
                asked_for = 3600.0  # only the owner can mend it; a reconnect starts a new session
                self._fell(SessionState.LOGIN_NEEDED, error)
            except RateLimited as error:
                asked_for = error.retry_after or 30.0
                self.budget.slow_down(asked_for)
                self._fell(SessionState.DOWN, error)
            except BrokerError as error:
                self._fell(SessionState.DOWN, error)
            except Exception as error:
                logger.exception("session crashed", extra={"connection": str(self.key.connection_id)})
                self._fell(SessionState.DOWN, BrokerError(f"The session failed: {type(error).__name__}."))
            await self._back_off(asked_for)

    async def _replace_adapter(self) -> BrokerAdapter:
        """A new adapter in the place of the broken one, which served plain requests until now."""
        old, self.adapter = self.adapter, await self._opener(self.key)
        if old is not None:
            await self._close(old)
        self.budget.declare(self.adapter.limits, self.adapter.adaptation)
        self.budget.share_address(self._addresses.of(self.adapter, self.key.environment))
        self.circuit = self._circuit(self.adapter.kind)
        return self.adapter

    def _circuit(self, kind: str) -> Circuit:
        return self._breakers.circuit(self.key, (kind, self.key.environment))

    async def _let_through(self) -> None:
        """While the host is down for everybody, one login at a time asks whether it is back."""
        host = self.circuit.host
        while not host.begin():
            self._set_state(SessionState.DOWN, self.circuit.reason())
            await asyncio.sleep(min(max(host.seconds_left(), 0.2), 2.0) * random.uniform(0.7, 1.3))  # noqa: S311

    async def _connect(self, adapter: BrokerAdapter) -> None:
        try:
            await _in_time(adapter.open(), OPEN_SECONDS, "The broker did not answer the connection.")
        except Unavailable:
            self.circuit.host.failed()
            raise
        except BaseException:
            self.circuit.host.give_back()
            raise
        self.circuit.answered()

    async def _back_off(self, asked_for: float) -> None:
        """Wait longer after every failure in a row. A wake-up shortens that, but allows no reconnect storm."""
        step = BACKOFF_SECONDS[min(max(self.failures - 1, 0), len(BACKOFF_SECONDS) - 1)]
        jitter = random.uniform(0.7, 1.3)  # noqa: S311
        least = max(asked_for, min(step, WOKEN_SECONDS) * jitter)
        await asyncio.sleep(least)
        rest = step * jitter - least
        if rest > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(rest):
                    await self._wake.wait()
        self._wake.clear()

    async def _follow(self, adapter: BrokerAdapter) -> None:
        stream = adapter.stream()
        first = await _in_time(
            anext(stream, None), OPEN_SECONDS, "The broker sent no account state after the connection."
        )
        if first is not None:
            self._take(first)
            async for item in stream:
                self._take(item)
        raise BrokerError("The broker's stream ended. It will be opened again.")

    def _take(self, item: StreamItem) -> None:
        self._apply(item)
        self._on_items(self, [item])

    def _fell(self, state: SessionState, error: BrokerError) -> None:
        held = asyncio.get_running_loop().time() - self._synced_at
        was_well = self._synced.is_set() and held >= STABLE_SECONDS
        self.failures = 1 if was_well else self.failures + 1
        self._synced.clear()
        self._set_state(state, error.message)
        if isinstance(error, ProtocolSurprise | AuthError):
            logger.warning(
                "session down", extra={"connection": str(self.key.connection_id), "reason": error.message}
            )

    def _set_state(self, state: SessionState, reason: str = "") -> None:
        if (state, reason) != (self.state, self.reason):
            self.state, self.reason = state, reason
            self._on_state(self)

    async def _close_adapter(self) -> None:
        if self.adapter is not None:
            adapter, self.adapter = self.adapter, None
            await self._close(adapter)

    async def _close(self, adapter: BrokerAdapter) -> None:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await adapter.close()
        except Exception:  # what is thrown away may fail; the login goes on with another one
            logger.warning(
                "adapter not closed", extra={"connection": str(self.key.connection_id)}, exc_info=True
            )

    # --- account state ------------------------------------------------------------------------------------------

    def _apply(self, item: StreamItem) -> None:
        now = asyncio.get_running_loop().time()
        if isinstance(item, StreamSnapshot):
            self.positions.replace(item.positions, item.covered)
            self.orders.replace(item.orders, item.fills)
            self._synced_at = now
            self._synced.set()
            self._set_state(SessionState.SYNCED)
            self._release_all()
        elif isinstance(item, PositionReport):
            self.positions.put(item)
            _release(self._changed.pop((item.account_id, item.venue_instrument_id), set()))
        elif isinstance(item, OrderReport | FillReport):
            if self.orders.put(item):
                self.positions.doubt((item.account_id, item.venue_instrument_id), now)
            if isinstance(item, OrderReport) and item.status.is_final:
                _release(self._ended.pop(item.venue_order_id, set()))

    def _release_all(self) -> None:
        """Whoever waits looks again: at the new snapshot, or at nothing because the session stopped."""
        for waiting in (*self._changed.values(), *self._ended.values()):
            _release(waiting)
        self._changed.clear()
        self._ended.clear()

    def net(self, account_id: str, venue_instrument_id: str) -> Decimal | None:
        """The signed position from the stream; None while the stream is not in step with the venue, or does not tell of this
        account.
        """
        key = (account_id, venue_instrument_id)
        return self.positions.net(key) if self.is_synced and self.positions.knows(key) else None

    async def position_changed(self, key: PositionKey, since: int, seconds: float) -> bool:
        """Wait until a position report newer than version ``since`` arrived. False when none came in time."""
        if self.positions.version(key) == since:
            await _wait_among(self._changed, key, seconds)
        return self.positions.version(key) != since

    async def order_ended(self, venue_order_id: str, seconds: float) -> OrderReport | None:
        """The order's last report once it is final; None when the stream did not tell so in time."""
        known = self.orders.get(venue_order_id)
        if known is None or not known.status.is_final:
            await _wait_among(self._ended, venue_order_id, seconds)
            known = self.orders.get(venue_order_id)
        return known if known is not None and known.status.is_final else None

    async def query_net(
        self, account_id: str, venue_instrument_id: str, *, since: float = 0.0
    ) -> Decimal | None:
        """The signed position asked of the venue now; None when the query failed (never "flat" then)."""
        book = await self.query_book(since=since)
        return None if book is None else book.net((account_id, venue_instrument_id))

    async def query_book(self, *, since: float = 0.0) -> PositionBook | None:
        """All positions of the login asked of the venue now; None when the query failed.

        Accounts of one login share a query that is less than half a second old, unless it was asked before ``since``
        (loop time): what was asked before an order ended says nothing about the position after it.
        """
        if self.adapter is None:
            return None
        now = asyncio.get_running_loop().time()
        is_old = self._query is None or self._query_at < since
        if is_old or (
            self._query is not None and self._query.done() and now - self._query_at > QUERY_SHARED_SECONDS
        ):
            self.budget.count(Call.READS)
            self._query, self._query_at = asyncio.create_task(self._query_positions(self.adapter)), now
        query = self._query
        try:
            return await asyncio.shield(query) if query is not None else None
        except BrokerError as error:
            logger.warning(
                "position query failed",
                extra={"connection": str(self.key.connection_id), "reason": error.message},
            )
            if self._query is query:
                self._query = None
            return None

    @staticmethod
    async def _query_positions(adapter: BrokerAdapter) -> PositionBook:
        book = PositionBook()
        try:
            reports = await _in_time(
                adapter.position_reports(), QUERY_SECONDS, "The broker did not tell the positions in time."
            )
        except BrokerError:
            raise
        except Exception as error:
            logger.exception("adapter crashed while asking for positions")
            raise Unavailable(f"The adapter failed with {type(error).__name__}.") from error
        book.replace(reports)
        return book


async def _in_time(work: Awaitable[T], seconds: float, message: str) -> T:
    """Raises Unavailable instead of waiting for ever."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError as error:
        raise Unavailable(message) from error


async def _wait_among(waiting: dict[K, set[asyncio.Future[None]]], key: K, seconds: float) -> None:
    """Wait until ``key`` is released, or until the time is up; nothing is left behind."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiting.setdefault(key, set()).add(future)
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await future
    finally:
        among = waiting.get(key, set())
        among.discard(future)
        if not among:
            waiting.pop(key, None)


def _release(waiting: Iterable[asyncio.Future[None]]) -> None:
    for future in waiting:
        if not future.done():
            future.set_result(None)
