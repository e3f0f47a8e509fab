"""Outcomes, timelines and events go to the database in bulk: one transaction for whatever came together."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb
from psycopg_pool import PoolTimeout

from brokers.domain import LegKind, Outcome, SubmitResult
from brokers.rush import NO_RUSH, Rush
from strategies.engine import sql
from strategies.events import OrdersAnswered
from strategies.execution.denials import DENIALS, explain
from tradeproject.common.aio import end_tasks
from tradeproject.common.clock import iso, utc_now
from tradeproject.common.crashpoints import crash_point
from tradeproject.common.events import Event, stored_form
from tradeproject.common.postgres import Pool

logger = logging.getLogger(__name__)

COALESCE_SECONDS = 0.004
RETRY_SECONDS = 0.5
_STATUS_OF = {Outcome.ACCEPTED: "accepted", Outcome.REJECTED: "rejected", Outcome.UNKNOWN: "unknown"}


def text(value: Any) -> str | None:
    return None if value is None else format(value, "f")


def storable(words: str, length: int = 500) -> str:
    """Somebody else's words in a form that PostgreSQL takes: no NUL, no half of a surrogate pair, not too long."""
    return words.replace("\x00", "").encode("utf-8", "replace").decode()[:length]


def leg_row(order_id: UUID, kind: LegKind | str, status: str, **values: Any) -> dict[str, Any]:
    """What is known of a leg, as the statement takes it; what is left out stays as it is."""
    row: dict[str, Any] = {"order_id": str(order_id), "kind": str(kind), "status": status, "replaces": False}
    for name, value in values.items():
        row[name] = text(value) if name in {"price", "quantity"} else value
    if row.get("reason"):
        row["reason"] = storable(row["reason"])
    return row


def status_of(result: SubmitResult) -> str:
    """What an answer makes of its order. What provably never was taken ends as expired: the venue refused nothing for good."""
    return "expired" if result.not_taken else _STATUS_OF[result.outcome]


def deny_code_of(result: SubmitResult) -> str:
    if not result.not_taken:
        return ""
    return result.code if result.code in DENIALS else "NOT_SENT_IN_TIME"


@dataclass(slots=True)
class Answer:
    """One order's outcome on its way into the database."""

    order_id: UUID
    fence: int
    user_id: UUID
    signal_id: UUID | None
    strategy_id: UUID | None
    account: str
    result: SubmitResult
    sent_at: float | None
    """Loop time, like ``answered_at``; it becomes the database's time when it is written."""
    answered_at: float | None
    on_stored: Callable[[], None] | None = None
    """Called once its fate in the database is decided."""


@dataclass(slots=True)
class Batch:
    answers: list[Answer] = field(default_factory=list)
    legs: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    denied: list[dict[str, Any]] = field(default_factory=list)
    finished: list[UUID] = field(default_factory=list)
    told: list[Event] = field(default_factory=list)

    def __bool__(self) -> bool:
        return any((self.answers, self.legs, self.events, self.denied, self.finished, self.told))

    def parts(self) -> Iterator[Batch]:
        """The same, each thing by itself."""
        yield from (Batch(answers=[answer]) for answer in self.answers)
        yield from (Batch(legs=[leg]) for leg in self.legs)
        yield from (Batch(events=[event]) for event in self.events)
        yield from (Batch(denied=[denial]) for denial in self.denied)
        yield from (Batch(finished=[signal]) for signal in self.finished)
        yield from (Batch(told=[event]) for event in self.told)

    def stored(self) -> None:
        for answer in self.answers:
            if answer.on_stored is not None:
                answer.on_stored()


class Writer:
    """Collects from all signals and flushes every few milliseconds; while PostgreSQL is away it keeps and retries."""

    def __init__(self, pool: Pool, worker: str, first_lookup: float = 1.5, rush: Rush = NO_RUSH) -> None:
        self._pool, self._worker, self._first_lookup, self._rush = pool, worker, first_lookup, rush
        self._batch = Batch()
        self._stopping = False
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="outcome writer")

    async def stop(self, seconds: float = 3.0) -> None:
        """Write what is left. What cannot be written in time is looked up at the broker after the next start."""
        self._stopping = True
        self._wake.set()
        if self._task is None:
            return
        await asyncio.wait({self._task}, timeout=seconds)
        if not self._task.done():
            logger.error("outcomes not written before the stop; their orders will be looked up at the broker")
        await end_tasks([self._task], 1.0)

    def answer(self, answer: Answer) -> None:
        self._batch.answers.append(answer)
        result = answer.result
        data = {"code": result.code, "venue_order_id": result.venue_order_id}
        if answer.sent_at is not None:
            self.event(answer.order_id, "sent", at=answer.sent_at)
        self.event(answer.order_id, status_of(result), _words(result), data, at=answer.answered_at)

    def leg(self, order_id: UUID, kind: LegKind | str, status: str, **values: Any) -> None:
        self.legs([leg_row(order_id, kind, status, **values)])

    def legs(self, rows: Sequence[dict[str, Any]]) -> None:
        self._batch.legs.extend(rows)
        self._wake.set()

    async def legs_now(self, rows: Sequence[dict[str, Any]]) -> None:
        """Our own decisions about legs, written at once for whoever looks next; queued only if the database is away."""
        try:
            async with self._pool.connection() as connection:
                await connection.execute(sql.RECORD_LEGS, {"rows": Jsonb(list(rows))})
        except Exception:
            logger.warning("protective orders are written down later", exc_info=True)
            self.legs(rows)

    def event(
        self,
        order_id: UUID,
        kind: str,
        message: str = "",
        data: dict[str, Any] | None = None,
        at: float | None = None,
    ) -> None:
        """``at`` is loop time; left out: now."""
        self._batch.events.append(
            {
                "order_id": str(order_id),
                "at": asyncio.get_running_loop().time() if at is None else at,
                "kind": kind,
                "message": storable(message),
                "data": data or {},
            }
        )
        self._wake.set()

    def denied(
        self, user_id: UUID, signal_id: UUID | None, strategy_id: UUID | None, problem: dict[str, Any]
    ) -> None:
        self._batch.denied.append(
            {"user": user_id, "signal": signal_id, "strategy": strategy_id, "problem": problem}
        )
        self._wake.set()

    def tell(self, event: Event) -> None:
        """Publish an event with what is written next."""
        self._batch.told.append(event)
        self._wake.set()

    def finish(self, signal_id: UUID) -> None:
        self._batch.finished.append(signal_id)
        self._wake.set()

    async def _run(self) -> None:
        while not self._stopping or self._batch:
            await self._wake.wait()
            if not self._stopping:
                await asyncio.sleep(COALESCE_SECONDS)
                await self._rush.over()
                self._wake.clear()
            batch, self._batch = self._batch, Batch()
            if batch:
                await self._through(batch)

    async def _through(self, batch: Batch, *, alone: bool = False) -> None:
        """Write a batch, waiting for a database that is away. What it refuses is written piece by piece."""
        while True:
            try:
                await self._flush(batch)
                return
            except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as error:
                logger.warning("outcomes wait for the database", extra={"reason": str(error)[:200]})
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:  # one order's poison must not take the others with it (law 8)
                logger.exception("outcomes could not be written", extra={"alone": alone})
                break
        if alone:
            batch.stored()  # never again; an order without its answer is looked up at the broker
            return
        for part in batch.parts():
            await self._through(part, alone=True)

    async def _flush(self, batch: Batch) -> None:
        if batch.answers:
            crash_point("before_outcome_commit")
        async with self._pool.connection() as connection, connection.pipeline():  # one transaction
            await connection.execute(sql.NO_HURRY)
            if batch.answers:
                # In the order in which the recorder takes the same rows, so that neither waits for the other.
                answers = sorted((_row(a) for a in batch.answers), key=itemgetter("id"))
                rows = {"rows": Jsonb(answers), "lookup": self._first_lookup}
                await connection.execute(sql.RECORD_OUTCOMES, rows)
            if batch.legs:
                legs = sorted(batch.legs, key=itemgetter("order_id"))
                await connection.execute(sql.RECORD_LEGS, {"rows": Jsonb(legs)})
            if batch.events:
                await connection.execute(
                    sql.INSERT_EVENTS,
                    {"rows": Jsonb([{**event, "ago": ago(event["at"])} for event in batch.events])},
                )
            if batch.finished:
                await connection.execute(
                    sql.FINISH_SIGNALS, {"signals": batch.finished, "worker": self._worker}
                )
            if batch.answers or batch.denied or batch.told:
                told = [_event_row(event) for event in _events(batch)] + [
                    stored_form(event) for event in batch.told
                ]
                await connection.execute(sql.INSERT_DOMAIN_EVENTS, {"rows": Jsonb(told)})
                await connection.execute(sql.TELL, {"channel": "domain_events"})
        if batch.answers:
            crash_point("after_outcome_commit")
        batch.stored()


def ago(moment: float | None) -> float | None:
    """Seconds since a moment of the loop's clock, which the database takes off its own: ours may be hours off, or jump."""
    return None if moment is None else max(0.0, asyncio.get_running_loop().time() - moment)


def _row(answer: Answer) -> dict[str, Any]:
    return {
        "id": str(answer.order_id),
        "fence": answer.fence,
        "status": status_of(answer.result),
        "deny_code": deny_code_of(answer.result),
        "venue_order_id": answer.result.venue_order_id,
        "message": storable(_words(answer.result)),
        "sent_ago": ago(answer.sent_at),
        "answered_ago": ago(answer.answered_at),
    }


def _words(result: SubmitResult) -> str:
    """The venue's own words, with its code when that says more; for what was never taken, what that means."""
    if result.outcome is Outcome.ACCEPTED or (result.not_taken and result.code in DENIALS):
        return result.message
    words = (
        f"{result.code}: {result.message}"
        if result.code and result.message
        else result.message or result.code
    )
    return explain("NOT_SENT_IN_TIME", {"reason": words}) if result.not_taken else words


def _events(batch: Batch) -> Sequence[OrdersAnswered]:
    """One event per signal for everything that came together, however many accounts it was."""
    counts: dict[tuple[UUID, UUID | None, UUID | None], Counter[str]] = defaultdict(Counter)
    problems: dict[tuple[UUID, UUID | None, UUID | None], list[dict[str, Any]]] = defaultdict(list)
    for answer in batch.answers:
        key = (answer.user_id, answer.signal_id, answer.strategy_id)
        status = status_of(answer.result)
        counts[key][status] += 1
        if answer.result.outcome is not Outcome.ACCEPTED:
            problems[key].append(
                {"account": answer.account, "status": status, "message": storable(_words(answer.result), 200)}
            )
    for denial in batch.denied:
        key = (denial["user"], denial["signal"], denial["strategy"])
        counts[key]["denied"] += 1
        problems[key].append({"status": "denied", **denial["problem"]})
    return [
        OrdersAnswered(
            user_id=key[0], signal=key[1], strategy=key[2], counts=dict(count), problems=problems[key][:50]
        )
        for key, count in counts.items()
    ]


def _event_row(event: OrdersAnswered) -> dict[str, Any]:
    return {
        "type": event.type,
        "user_id": str(event.user_id),
        "data": {
            "signal": str(event.signal) if event.signal else None,
            "strategy": str(event.strategy) if event.strategy else None,
            "counts": event.counts,
            "problems": event.problems,
            "at": iso(utc_now()),
        },
    }
