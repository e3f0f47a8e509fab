"""The stream of one login: a snapshot that is the whole truth, then every change once."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any

from brokers.adapters.tradovate.book import Book
from brokers.adapters.tradovate.constants import ENTITY_TYPES, SYNCED
from brokers.adapters.tradovate.events import Inbox, entities_of
from brokers.adapters.tradovate.outcomes import TICKET, penalty_seconds
from brokers.adapters.tradovate.reads import load_order
from brokers.adapters.tradovate.reporter import Reporter
from brokers.adapters.tradovate.session import Session
from brokers.adapters.tradovate.stream import ENDED, MARK, Socket
from brokers.adapters.tradovate.wire import Answer, Entity, NotFound, encode
from brokers.domain import Report, StreamItem
from brokers.errors import (
    AuthError,
    AuthExpired,
    AuthPenalty,
    AuthRevoked,
    BrokerError,
    ProtocolSurprise,
    StreamClosed,
)

LOOKUPS = 5


class Feed:
    """One run of the stream over the session's socket."""

    def __init__(self, session: Session, accounts: frozenset[str], now: Callable[[], datetime]) -> None:
        self._session = session
        self._accounts = accounts
        self._now = now
        self._inbox = Inbox()
        self._reporter = Reporter(Book(accounts))
        self._deadlines: dict[int, float] = {}  # fill id → when to look its order up
        self._lookups: set[asyncio.Task[None]] = set()
        self._stuck = False
        self._loop = asyncio.get_running_loop()

    async def run(self) -> AsyncIterator[StreamItem]:
        socket = await self._claim_socket()
        self._session.listen(self._inbox.put)
        try:
            snapshot = await self._first_truth(socket)
            yield snapshot
            while True:
                for report in await self._next():
                    yield report
        except ProtocolSurprise as error:
            raise StreamClosed(f"{error.message} The stream starts again.") from error
        finally:
            self._session.listen(None)
            for task in self._lookups:
                task.cancel()

    async def _claim_socket(self) -> Socket:
        socket = self._session.socket
        if socket is None or not socket.authorized or not socket.usable:
            raise StreamClosed("Tradovate's socket is not open. It will be opened again.")
        if socket.synced:
            # The venue takes one sync for each connection: what was told before cannot be asked for again.
            await socket.leave()
            raise StreamClosed("This Tradovate socket was already streamed from. It will be opened again.")
        socket.synced = True
        return socket

    # --- the snapshot -------------------------------------------------------------------------------------------

    async def _first_truth(self, socket: Socket) -> StreamItem:
        """Ask in the classic way, and when that leaves accounts of ours out, in the newer way that names them."""
        body = await self._sync(socket, {"users": [await self._user_id()]})
        if not self._accounts <= _accounts_in(body):
            body = await self._sync_by_account(socket, body)
        book = self._reporter.book
        for plural, kind in SYNCED.items():
            book.put_all(kind, _rows(body, plural))
        self._apply_early()
        return self._reporter.snapshot(self._now(), self._accounts & _accounts_in(body))

    async def _sync_by_account(self, socket: Socket, classic: Entity) -> Entity:
        """The answer that tells more of our accounts. What an account holds that neither one tells of is not known."""
        wanted = {
            "splitResponses": False,
            "accounts": [int(account) for account in sorted(self._accounts) if account.isdigit()],
            "entityTypes": list(ENTITY_TYPES),
        }
        told = self._accounts & _accounts_in(classic)
        try:
            newer = await self._sync(socket, wanted)
        except BrokerError:
            if not told or not socket.usable:
                raise
            return classic
        told_newer = self._accounts & _accounts_in(newer)
        if not told and not told_newer:
            # An empty snapshot would say that everything is flat. Nothing said is not the same as nothing there.
            raise StreamClosed(
                "Tradovate's stream does not tell of this login's accounts. They are polled until it does."
            )
        return newer if len(told_newer) >= len(told) else classic

    async def _user_id(self) -> int:
        try:
            return await self._session.user_id()
        except AuthError:
            raise
        except BrokerError as error:
            raise StreamClosed(f"{error.message} The stream starts again.") from error

    async def _sync(self, socket: Socket, body: dict[str, Any]) -> Entity:
        try:
            answer = await socket.request(
                "user/syncrequest", body=encode(body), seconds=self._session.timings.snapshot, mark=True
            )
        except BrokerError as error:
            raise StreamClosed(f"{error.message} The stream starts again.") from error
        if not answer.ok or TICKET in answer.fields or not isinstance(answer.body, dict):
            raise _sync_error(answer)
        return answer.fields

    def _apply_early(self) -> None:
        """Events may come before the snapshot they belong to: those must not undo what the snapshot says."""
        events = self._inbox.take_now()
        mark = max((n for n, event in enumerate(events) if event.get("e") == MARK), default=0)
        for event in events[:mark]:
            self._apply(event, early=True)
        self._inbox.put_back(events[mark:])

    # --- changes ------------------------------------------------------------------------------------------------

    async def _next(self) -> list[Report]:
        """Reports of everything that arrived; waits for something to arrive, or for a fill's order to be looked up."""
        if self._inbox.overflowed:
            raise self._closed()  # something is missing: what follows must not be told as if it were not
        events = await self._inbox.take(self._patience())
        await self._session.rush.over()
        events += self._inbox.take_now()
        ended = sum(self._apply(event) for event in events) > 0  # every one is applied
        reports = self._reporter.changes()
        self._place_fills()
        if ended:
            if not reports:
                raise self._closed()
            self._inbox.put({"e": ENDED})  # what was told before the end is handed on first
        return reports

    def _closed(self) -> StreamClosed:
        socket = self._session.socket
        reason = socket.reason if socket is not None and socket.reason else "it was closed"
        if self._inbox.overflowed:
            reason = "more came than could be taken in"
        if self._stuck:
            reason = "the order of a fill could not be looked up"
        return StreamClosed(f"Tradovate's stream ended ({reason}). It will be opened again.")

    def _apply(self, event: Entity, *, early: bool = False) -> bool:
        """Put an event's entities into the book. Returns whether the stream is over."""
        kind, change, rows = entities_of(event)
        book = self._reporter.book
        for row in rows:
            if change == "Deleted":
                book.remove(kind, row)
            else:
                book.put(kind, row, early=early)
        return event.get("e") == ENDED

    # --- fills before their orders ------------------------------------------------------------------------------

    def _patience(self) -> float | None:
        due = min(self._deadlines.values(), default=math.inf)
        return None if due == math.inf else max(0.0, due - self._loop.time())

    def _place_fills(self) -> None:
        """Give a fill's order a moment to arrive, then ask for it: without the order the fill has no account."""
        waiting = self._reporter.book.homeless
        now = self._loop.time()
        for fill_id in self._deadlines.keys() - waiting:
            del self._deadlines[fill_id]
        for fill_id in waiting:
            due = self._deadlines.setdefault(fill_id, now + self._session.timings.fill_waits_for_order)
            if due <= now:
                self._deadlines[fill_id] = math.inf
                task = self._loop.create_task(self._look_up(fill_id))
                self._lookups.add(task)
                task.add_done_callback(self._lookups.discard)

    async def _look_up(self, fill_id: int) -> None:
        """Put the fill's order into the book, trying again with growing pauses; at last start over from a snapshot."""
        book = self._reporter.book
        order_id = book.fills[fill_id]["orderId"]
        for attempt in range(LOOKUPS):
            try:
                await load_order(self._session.reads, book, order_id)
                break
            except NotFound:
                book.forget_fill(fill_id)
                break
            except BrokerError:
                await asyncio.sleep(self._session.timings.fill_waits_for_order * 2**attempt)
        else:
            self._stuck = True
        self._inbox.put({"e": ENDED if self._stuck else "looked up"})


def _rows(body: Entity, key: str) -> list[Entity]:
    rows = body.get(key)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _accounts_in(body: Entity) -> set[str]:
    return {str(row.get("id")) for row in _rows(body, "accounts")}


def _sync_error(answer: Answer) -> BrokerError:
    if TICKET in answer.fields:
        return AuthPenalty(
            "Tradovate asks for a wait before another stream. It will be tried again by itself.",
            retry_after=penalty_seconds(answer.fields),
            captcha=bool(answer.fields.get("p-captcha")),
        )
    if answer.is_expired_token:
        return AuthExpired("Tradovate's token ran out before the stream began. A fresh one will be used.")
    if answer.status in {401, 403}:
        return AuthRevoked(
            f'Tradovate denies this login its stream ("{answer.words}"). The API key needs read permission for Users, '
            "Accounting, Positions and Orders: allow them at Tradovate, then reconnect."
        )
    return StreamClosed(
        f"Tradovate did not give a snapshot (status {answer.status}). The stream starts again."
    )
