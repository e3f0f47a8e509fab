"""From a request to a stored signal: who is it for, what does it say, is it new, then one durable statement.

Raw psycopg instead of the ORM, because the time until the commit is time until the order: two round trips, no
transaction block, nothing else. Every function here may be repeated after a lost connection with the same signal id.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
from django.conf import settings

from strategies.events import SignalStored
from strategies.webhooks import answers, statements
from strategies.webhooks.alert import Alert, describe
from strategies.webhooks.answers import Answer
from strategies.webhooks.database import Connection, Database, conninfo
from strategies.webhooks.formats import AUTO
from strategies.webhooks.gauge import RateGauge
from strategies.webhooks.parser import Parsed, ParseError, parse
from strategies.webhooks.verdict import Situation, Verdict, judge
from tradeproject.common.crashpoints import crash_point
from tradeproject.common.crypto import seal
from tradeproject.common.ids import digest_secret, uuid7
from tradeproject.common.money import parse_plain

logger = logging.getLogger(__name__)

WORK_SECONDS = 0.05  # on top of the wait for a connection: the sender has its 503 within half a second
STRONG_KEY_SECONDS = 7 * 86_400
WEAK_KEY_SECONDS = 40  # a sender repeats within 27 s: three waits of 5 s and four time limits of 3 s
WEAK_KEY = (
    "weak dedupe key: the alert has no fire time and no id, so an equal one within 40 s counts as a repeat; "
    "add {{timenow}}"
)

Preview = Callable[[UUID], Mapping[str, Any]]

_gauge = RateGauge()


@dataclass(frozen=True, slots=True)
class RawAlert:
    """A request as it came. ``received_at`` is when its first byte was there; ``body`` holds at most 16 KiB."""

    body: bytes
    received_at: datetime
    content_type: str = ""
    source_address: str | None = None
    dry_run: bool = False
    too_large: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """Where it was sent: a strategy's key, optionally with the strategy's id; or no key, then the body says who."""

    key: str | None = None
    strategy_id: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """The outcome once the row is committed. ``preview`` asks for the plan of a dry run to complete the answer."""

    answer: Answer
    preview: UUID | None = None


async def receive(database: Database, raw: RawAlert, target: Target, preview: Preview) -> Answer:
    """Take one alert in. Never raises for a database that is away or slow: that is the answer 503, in time.

    When the time is up the storing goes on by itself. Should it still succeed, the alert is carried out, and the
    sender's repetition is answered as a duplicate.
    """
    if target.key is None and raw.too_large:
        return answers.TOO_LARGE
    deadline = await database.enter()
    if deadline is None:
        return _unavailable("queue")
    task = asyncio.ensure_future(_take_in(database, raw, target, uuid7(), deadline))
    task.add_done_callback(lambda done: _leave(database, done))
    _at_work.add(task)
    seconds = deadline + WORK_SECONDS - asyncio.get_running_loop().time()
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if not done:
        return _unavailable("time")
    try:
        stored = task.result()
    except psycopg.Error as error:
        return _unavailable(type(error).__name__)
    if stored.preview is None:
        return stored.answer
    return await _with_plan(stored.answer, stored.preview, preview)


_at_work: set[asyncio.Task[Stored]] = set()  # the loop itself keeps only weak references


def _leave(database: Database, task: asyncio.Task[Stored]) -> None:
    _at_work.discard(task)
    database.leave()
    if not task.cancelled():
        task.exception()  # taken notice of: whoever waited has answered for it


def _unavailable(why: str) -> Answer:
    logger.error("an alert could not be stored", extra={"why": why})
    return answers.UNAVAILABLE


async def _with_plan(answer: Answer, signal_id: UUID, preview: Preview) -> Answer:
    """A dry run's answer with the orders that would be sent. It is stored by now, so no failure may become a 5xx."""
    orders: Sequence[Any] = ()
    try:
        plan = await asyncio.to_thread(preview, signal_id)
        orders, warnings = plan["orders"], list(plan["warnings"])
    except Exception:
        logger.exception("the plan of a dry run failed", extra={"signal_id": str(signal_id)})
        warnings = ["the plan could not be made; the server's log says why"]
    return answers.dry_run(answer.body["intent"], orders, [*answer.body["warnings"], *warnings])


async def _take_in(
    database: Database, raw: RawAlert, target: Target, signal_id: UUID, deadline: float
) -> Stored:
    async def work(connection: Connection) -> Stored:
        parsed, situation = await _identify(connection, raw, target)
        if situation is None:
            return Stored(answers.UNKNOWN_KEY)
        return await _store(connection, raw, parsed, situation, signal_id)

    return await database.run(work, deadline)


async def _identify(connection: Connection, raw: RawAlert, target: Target) -> tuple[Parsed, Situation | None]:
    """Whose alert it is, and what it says. A wrong key costs what a right one costs: one digest, one query."""
    if target.key is not None:
        query = {"digest": digest_secret(target.key), "strategy": target.strategy_id}
        finding = asyncio.ensure_future(_find(connection, statements.BY_KEY, query, raw))
        try:
            await asyncio.sleep(
                0
            )  # now the question is on its way: the alert is read while the database thinks
            parsed = Parsed() if raw.too_large else _parse(raw.body)
            return parsed, await finding
        finally:
            finding.cancel()
    parsed = _parse(raw.body)
    query = {"digest": digest_secret(parsed.secret), "strategy": parsed.strategy_name}
    return parsed, await _find(connection, statements.BY_USER, query, raw)


async def _find(
    connection: Connection, statement: str, query: Mapping[str, Any], raw: RawAlert
) -> Situation | None:
    cursor = await connection.execute(statement, query, prepare=True)
    row = await cursor.fetchone()
    if row is None:
        return None
    user_id, strategy_id, name, symbol, active, alert_format, age, state, scope, reason = row
    return Situation(
        user_id=user_id,
        strategy_id=strategy_id,
        name=name or "",
        symbol=symbol or "",
        active=bool(active),
        alert_format=alert_format or AUTO,
        max_age=_max_age(age),
        control=state or "running",
        control_scope=scope or "",
        control_reason=reason or "",
        recent=_gauge.count(strategy_id, raw.received_at.timestamp()) if strategy_id else 0,
        max_per_minute=settings.WEBHOOK_ALERTS_PER_MINUTE,
    )


def _max_age(own: str | None) -> Decimal:
    """The stricter of the strategy's own limit and the server's, in seconds."""
    limit = Decimal(settings.SIGNAL_MAX_AGE_SECONDS)
    try:
        return limit if own is None else min(limit, parse_plain(own))
    except ValueError:
        return limit


# --- what is stored ---------------------------------------------------------------------------------------------------


def _parse(body: bytes, *, pinned: str = AUTO, symbol: str = "") -> Parsed:
    """The parser, fenced: a fault of ours must cost an answer, not an alert that nobody can see."""
    try:
        return parse(body, pinned=pinned, symbol=symbol)
    except Exception:
        logger.exception("an alert could not be read because of a fault")
        message = "This server failed to read the alert. Its operator finds the reason in the log."
        return Parsed(error=ParseError("internal_error", message))


async def _store(
    connection: Connection, raw: RawAlert, parsed: Parsed, situation: Situation, signal_id: UUID
) -> Stored:
    row = _common(raw, situation, signal_id)
    if raw.too_large:
        answer = answers.TOO_LARGE.body
        return await _reject(
            connection, row, ParseError("too_large", answer["message"]), Parsed(), status=413
        )
    if situation.strategy_id is None:
        return await _reject(connection, row, _unknown_strategy(parsed), parsed)
    if (
        parsed.alert is None or situation.alert_format != AUTO
    ):  # else the strategy's settings change nothing in it
        parsed = _parse(raw.body, pinned=situation.alert_format, symbol=situation.symbol)
    alert = parsed.alert
    if alert is None:
        error = parsed.error or ParseError("internal_error", "The alert was not understood.")
        return await _reject(connection, row, error, parsed)
    parsed = replace(parsed, warnings=(*parsed.warnings, *_name_warnings(parsed, situation)))
    return await _store_alert(connection, raw, parsed, alert, situation, row)


def _unknown_strategy(parsed: Parsed) -> ParseError:
    if not parsed.strategy_name:
        return ParseError(
            "missing_strategy",
            "The alert does not say which strategy it is for. Send the strategy's name in the field strategy.",
        )
    return ParseError(
        "unknown_strategy",
        "You have no strategy of the name in the field strategy. Check its spelling, capitals included.",
    )


def _name_warnings(parsed: Parsed, situation: Situation) -> tuple[str, ...]:
    """The address decides; a message that names another strategy was probably pasted into the wrong alert."""
    named = parsed.strategy_name
    if not named or "{{" in named or named in {situation.name, str(situation.strategy_id)}:
        return ()
    return (f"the alert names another strategy than {situation.name}, whose address it was sent to",)


def _common(raw: RawAlert, situation: Situation, signal_id: UUID) -> dict[str, Any]:
    return {
        "id": signal_id,
        "user": situation.user_id,
        "strategy": situation.strategy_id,
        "received_at": raw.received_at,
        "raw_body": seal(raw.body.decode("utf-8", "surrogateescape")),
        "content_type": raw.content_type[:120],
        "source_address": raw.source_address,
        "source": "test" if raw.dry_run else "webhook",
        "code": "",
        "message": "",
        "alert": "{}",
        "intent": "",
        "alert_time": None,
        "delay": None,
        "progress": "none",
    }


def _notes(row: dict[str, Any], parsed: Parsed, warnings: tuple[str, ...]) -> dict[str, Any]:
    return {
        **row,
        "format": parsed.format[:24],
        "repairs": json.dumps(parsed.repairs),
        "warnings": json.dumps([*parsed.warnings, *warnings]),
    }


def _with_event(row: dict[str, Any]) -> dict[str, Any]:
    """The row with the event "signal.stored" beside it, in the fields that the event's class has."""
    event = {
        "signal": str(row["id"]),
        "strategy": row["strategy"] and str(row["strategy"]),
        **{name: row[name] for name in ("status", "intent", "code")},
    }
    return {**row, "event_type": SignalStored.type, "event": json.dumps(event)}


async def _reject(
    connection: Connection, row: dict[str, Any], error: ParseError, parsed: Parsed, *, status: int = 400
) -> Stored:
    row = {
        **_notes(row, parsed, ()),
        "status": "rejected",
        "code": error.code[:64],
        "message": error.message[:500],
    }
    await connection.execute(statements.STORE_REJECTED, _with_event(row), prepare=True)
    return Stored(answers.rejected(row["id"], error.code, error.message, status=status))


async def _store_alert(
    connection: Connection,
    raw: RawAlert,
    parsed: Parsed,
    alert: Alert,
    situation: Situation,
    row: dict[str, Any],
) -> Stored:
    verdict = judge(alert, situation, raw.received_at)
    encoded = alert.to_json()
    row |= {"alert": json.dumps(encoded), "intent": describe(alert)[:300], "alert_time": alert.alert_time}
    if raw.dry_run or alert.test:
        return await _store_dry_run(connection, row, parsed, verdict)
    digest, keep_seconds, weak = dedupe_key(alert, encoded, raw.body)
    warnings = (*verdict.warnings, *weak)
    row = {
        **_notes(row, parsed, warnings),
        "status": "ignored" if verdict.reason else "accepted",
        "code": verdict.reason,
        "message": verdict.message[:500],
        "progress": "none" if verdict.reason else "queued",
        "delay": None if alert.waits is None else float(alert.waits),
        "digest": digest,
        "keep_seconds": keep_seconds,
    }
    first_id = await _store_once(connection, _with_event(row))
    if first_id != row["id"]:
        return Stored(answers.duplicate(first_id))
    if verdict.reason:
        return Stored(answers.ignored(row["id"], verdict.reason))
    return Stored(answers.accepted(row["id"], row["intent"], [*parsed.notes, *warnings]))


async def _store_dry_run(
    connection: Connection, row: dict[str, Any], parsed: Parsed, verdict: Verdict
) -> Stored:
    """A test is planned whatever the switches say, and told what they would have done to it."""
    would = (f"would be ignored ({verdict.reason}): {verdict.message}",) if verdict.reason else ()
    warnings = (*verdict.warnings, *would)
    row = {**_notes(row, parsed, warnings), "status": "dry_run", "source": "test"}
    await connection.execute(statements.STORE_TEST, row, prepare=True)
    return Stored(answers.dry_run(row["intent"], [], [*parsed.notes, *warnings]), preview=row["id"])


async def _store_once(connection: Connection, row: dict[str, Any]) -> UUID:
    """Store the signal unless an equal alert is already there. Returns the id of the one that is."""
    while True:
        crash_point("before_signal_commit")
        stored = await connection.execute(statements.STORE_ONCE, row, prepare=True)
        if await stored.fetchone() is not None:
            crash_point("after_signal_commit")
            return UUID(str(row["id"]))
        first = await connection.execute(statements.COUNT_DUPLICATE, row, prepare=True)
        found = await first.fetchone()
        if found is not None:  # else its digest was cleaned up in between: try again
            return UUID(str(found[0]))


def dedupe_key(alert: Alert, encoded: Mapping[str, Any], body: bytes) -> tuple[str, int, tuple[str, ...]]:
    """What makes an alert the same alert: (digest, seconds it is remembered, warnings).

    With a fire time or an id of its own the whole alert is unique, so its content counts and is remembered for a week.
    Without one, equal bytes may soon be a second signal: they are a repetition only within a sender's resends.
    """
    if alert.alert_time is not None or alert.explicit_id:
        text = json.dumps(encoded, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(b"alert:" + text.encode()).hexdigest(), STRONG_KEY_SECONDS, ()
    return hashlib.sha256(b"body:" + body).hexdigest(), WEAK_KEY_SECONDS, (WEAK_KEY,)


__all__ = ["Preview", "RawAlert", "Target", "conninfo", "dedupe_key", "receive"]
