"""Asking the broker what is true: the poll that makes up for whatever a stream did not bring.

A poll asks for positions, orders, fills and balances and brings all of it through the same door as the stream, where what is
known already is a no-op. What failed is left out: an answer that did not come is never taken for "nothing there".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db.models import F, Q

from brokers.domain import AccountRef, AccountReport, Instrument, InstrumentQuery, StreamItem
from brokers.errors import BrokerError, ProtocolSurprise, RateLimited
from brokers.models import BrokerAccount, BrokerConnection, ReportBatch
from brokers.protocol import BrokerAdapter
from brokers.readgate import ReadPutOff
from brokers.selectors import instruments_by_venue_id
from recorder.ingest import IngestResult, ingest
from tradeproject.common.clock import utc_now

logger = logging.getLogger(__name__)

ACCOUNTS_AT_ONCE = 4
# A balance costs one call per account; with these two a login of many accounts stays well inside its budget.
ACCOUNTS_PER_POLL = 10
ACCOUNT_IS_FRESH_FOR = timedelta(seconds=50)
# Longer than any trading session, so that nothing of the present one can be missed; older facts are gone at some venues.
LOOK_BACK = timedelta(hours=26)
STREAM_DOWN_SECONDS = 5
SYNCED = "synced"


@dataclass(slots=True)
class Answers:
    """What one poll learnt. ``complete_accounts`` is None when the positions could not be had."""

    asked_at: datetime
    items: list[StreamItem] = field(default_factory=list)
    complete_accounts: frozenset[str] | None = None
    failure: BrokerError | None = None


async def poll_connection(connection_id: UUID, environment: str, adapter: BrokerAdapter) -> IngestResult:
    """Ask one login about its accounts at one environment and store the answers.

    ``adapter`` is open and stays open. What was learnt before a failure is stored; the failure is then noted on the
    connection and raised, so that the caller can leave the login's other environments alone.
    """
    connection = await sync_to_async(BrokerConnection.objects.get)(pk=connection_id)
    accounts = await sync_to_async(_accounts_to_ask)(connection, environment)
    answers = await ask_everything(adapter, accounts)
    result = await store_answers(connection, environment, adapter, answers)
    await _note(connection_id, answers)
    return result


async def _note(connection_id: UUID, answers: Answers) -> None:
    from brokers.services import note_failure, note_success

    if answers.failure is None:
        await sync_to_async(note_success)(connection_id)
        return
    if isinstance(answers.failure, ReadPutOff):  # our own limits; it says nothing about the login
        raise answers.failure
    # Told to slow down after the positions were had: the login is well, the rest comes with the next poll.
    if answers.complete_accounts is None or not isinstance(answers.failure, RateLimited):
        await sync_to_async(note_failure)(connection_id, answers.failure)
    raise answers.failure


def _accounts_to_ask(connection: BrokerConnection, environment: str) -> list[BrokerAccount]:
    ready = connection.accounts.filter(environment=environment, state=BrokerAccount.State.READY)
    return list(ready.order_by(F("last_synced_at").asc(nulls_first=True)))


async def ask_everything(adapter: BrokerAdapter, accounts: Sequence[BrokerAccount]) -> Answers:
    """Positions first, for they are what matters most; then fills, orders, balances. Stops at the first refusal."""
    answers = Answers(asked_at=utc_now())
    since = _since(accounts, answers.asked_at)
    try:
        answers.items += await adapter.position_reports()
        answers.complete_accounts = frozenset(account.external_id for account in accounts)
        answers.items += await adapter.fill_reports(since)
        answers.items += await adapter.order_reports(since)
        due = [account.ref for account in accounts if _is_due(account, answers.asked_at)]
        await _ask_balances(adapter, due[:ACCOUNTS_PER_POLL], answers)
    except BrokerError as error:
        answers.failure = error
    return answers


def _since(accounts: Sequence[BrokerAccount], now: datetime) -> datetime | None:
    """How far back to ask: over every gap since the accounts were last heard of, and everything if they never were."""
    heard = [account.last_synced_at for account in accounts]
    if not heard or None in heard:
        return None
    return min(now, *(moment for moment in heard if moment is not None)) - LOOK_BACK


def _is_due(account: BrokerAccount, now: datetime) -> bool:
    return account.last_synced_at is None or now - account.last_synced_at > ACCOUNT_IS_FRESH_FOR


async def _ask_balances(adapter: BrokerAdapter, refs: Sequence[AccountRef], answers: Answers) -> None:
    """A few at a time. One account's trouble is its own; a login that is told to slow down stops asking."""
    slots = asyncio.Semaphore(ACCOUNTS_AT_ONCE)
    stopped = asyncio.Event()

    async def ask(ref: AccountRef) -> AccountReport | None:
        async with slots:
            if stopped.is_set():
                return None
            try:
                return await adapter.account_report(ref)
            except ProtocolSurprise as error:
                logger.warning("account report not understood", extra={"reason": error.message})
                return None
            except BrokerError as error:
                stopped.set()
                answers.failure = answers.failure or error
                return None

    reports = await asyncio.gather(*(ask(ref) for ref in refs))
    answers.items += [report for report in reports if report is not None]


async def store_answers(
    connection: BrokerConnection, environment: str, adapter: BrokerAdapter, answers: Answers
) -> IngestResult:
    """Ingest; look up the contracts that turned out to be unknown, and ingest again what named them."""

    async def store(items: Sequence[StreamItem], complete: frozenset[str] | None) -> IngestResult:
        return await sync_to_async(ingest)(
            connection,
            environment,
            items,
            source="poll",
            complete_accounts=complete,
            asked_at=answers.asked_at,
        )

    result = await store(answers.items, answers.complete_accounts)
    waiting = await sync_to_async(_contracts_waited_for)(connection, environment)
    if not (result.missing_instruments | waiting):
        return result
    await resolve_instruments(connection, environment, adapter, result.missing_instruments | waiting)
    if result.unresolved:
        again = await store(result.unresolved, None)
        if again.unresolved:
            logger.error(
                "the venue does not know contracts it reported; they will be asked for again",
                extra={"connection": str(connection.pk), "instruments": sorted(again.missing_instruments)},
            )
    return result


def _contracts_waited_for(connection: BrokerConnection, environment: str) -> set[str]:
    """Contracts that the stream's reports of this login wait for."""
    waiting = ReportBatch.objects.filter(connection=connection, environment=environment).exclude(
        waiting_for=[]
    )
    return {venue_id for ids in waiting.values_list("waiting_for", flat=True) for venue_id in ids}


async def resolve_instruments(
    connection: BrokerConnection, environment: str, adapter: BrokerAdapter, venue_ids: Iterable[str]
) -> None:
    """Ask the venue for contracts by its own ids and store them. What it cannot tell stays unknown."""
    from brokers.services import store_instruments

    wanted = set(venue_ids)
    known = await sync_to_async(instruments_by_venue_id)(connection.broker, environment, wanted)
    found: list[Instrument] = []
    for venue_id in sorted(wanted - known.keys()):
        try:
            found += await adapter.instruments(InstrumentQuery(venue_id=venue_id))
        except RateLimited:
            break
        except BrokerError as error:
            logger.warning("contract not found", extra={"venue_id": venue_id, "reason": error.message})
    if found:
        await sync_to_async(store_instruments)(connection.broker, environment, found)


# --- who is due -------------------------------------------------------------------------------------------------------


def claim_due_connections(now: datetime | None = None) -> list[UUID]:
    """Logins whose turn it is, each claimed by compare-and-set: of several callers exactly one gets it.

    Every ``POSITION_POLL_SECONDS``; every 5 s while the stream of a login that trades for a strategy is not in step.
    """
    now = now or utc_now()
    calm = now - timedelta(seconds=settings.POSITION_POLL_SECONDS)
    hurried = now - timedelta(seconds=min(STREAM_DOWN_SECONDS, settings.POSITION_POLL_SECONDS))
    waits = Q(last_polled_at__isnull=True) | Q(last_polled_at__lte=calm)
    stream_is_down = ~Q(stream_state=SYNCED) & Q(accounts__allocations__isnull=False)
    due = (
        BrokerConnection.objects.usable()
        .filter(waits | stream_is_down & Q(last_polled_at__lte=hurried))
        .filter(accounts__state=BrokerAccount.State.READY, deleted_at__isnull=True)
        .values_list("pk", "last_polled_at")
        .distinct()
    )
    return [pk for pk, seen in due if _claim(pk, seen, now)]


def _claim(pk: UUID, seen: datetime | None, now: datetime) -> bool:
    same = Q(last_polled_at__isnull=True) if seen is None else Q(last_polled_at=seen)
    return BrokerConnection.objects.filter(same, pk=pk).update(last_polled_at=now) == 1


def environments_of(connection: BrokerConnection) -> list[str]:
    """Where the login has accounts to ask about."""
    ready = connection.accounts.filter(state=BrokerAccount.State.READY).order_by("environment")
    return list(ready.values_list("environment", flat=True).distinct())
