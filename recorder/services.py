"""What is done with the record: switch recording on and off, take in waiting reports, keep equity points, clear up."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

from django.db import OperationalError, models, transaction
from django.db.models import Q

from accounts.idempotency import purge_idempotency_keys
from accounts.services import record_audit
from brokers.domain import StreamItem
from brokers.models import BrokerAccount, BrokerConnection, Instrument, ReportBatch
from brokers.reportcodec import decode, encode
from recorder.bulk import hold_lock, in_transaction, try_lock
from recorder.ingest import LOCK, IngestResult, ingest
from recorder.models import EquityPoint, Fill
from recorder.roundtrips import rebuild
from recorder.scope import Pair
from strategies.models import AlertDigest, Strategy
from tradeproject.common.clock import utc_now
from tradeproject.common.crashpoints import crash_point
from tradeproject.common.events import publish
from tradeproject.common.models import DomainEvent

if TYPE_CHECKING:
    from django.http import HttpRequest

    from accounts.models import User

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
BATCHES_AT_ONCE = 50
PRUNE_CHUNK = 5000
KEEP_EVENTS = timedelta(days=7)
KEEP_ASIDE = timedelta(days=30)


# --- recording on and off -------------------------------------------------------------------------------------------


def start_recording(
    strategy: Strategy, *, actor: User | None = None, request: HttpRequest | None = None
) -> None:
    """From now on what happens on the strategy's recorded account is its own.

    Recording is about trades of others: what this product's own orders do is always recorded, for a record with holes
    would not be an honest one.
    """
    _set_recording(strategy, True, actor, request)


def stop_recording(
    strategy: Strategy, *, actor: User | None = None, request: HttpRequest | None = None
) -> None:
    """Trades on the recorded account no longer count for the strategy; what was recorded stays."""
    _set_recording(strategy, False, actor, request)


def _set_recording(strategy: Strategy, on: bool, actor: User | None, request: HttpRequest | None) -> None:
    with transaction.atomic():
        changed = Strategy.objects.filter(pk=strategy.pk, recording_enabled=not on).update(
            recording_enabled=on, updated_at=utc_now()
        )
        strategy.recording_enabled = on
        if changed:
            record_audit(
                "recording_started" if on else "recording_stopped",
                actor=actor,
                owner=strategy.user,
                object_type="strategy",
                object_id=strategy.pk,
                request=request,
            )


# --- reports waiting to be taken in -----------------------------------------------------------------------------------


def drain_report_batches(limit: int = 500) -> int:
    """Take in waiting report batches, in their order per login. Returns how many were taken.

    Each login is one transaction that ingests its rows and deletes them, so a report is taken exactly once. Logins that
    another process is at are passed over. A batch that fails is tried again alone; after the third time it is set aside and
    does not hold up the others (its facts come again with the next poll). One that names unknown contracts waits until
    they are stored, and its login is polled as soon as possible, which stores them.
    """
    _release_known()
    done = 0
    for connection_id in _logins_waiting():
        if done >= limit:
            break
        done += _drain_login(connection_id, min(limit - done, BATCHES_AT_ONCE))
    return done


def _ready() -> models.QuerySet[ReportBatch]:
    return ReportBatch.objects.filter(attempts__lt=MAX_ATTEMPTS, waiting_for=[])


def _logins_waiting() -> list[Any]:
    """The logins with something to take, the longest waiting first."""
    oldest = _ready().values("connection").annotate(first=models.Min("pk")).order_by("first")
    return [row["connection"] for row in oldest]


def _drain_login(connection_id: Any, limit: int) -> int:
    try:
        taken = in_transaction(lambda: _take_rows(connection_id, limit))
    except OperationalError:
        logger.warning("reports wait for the database", exc_info=True)
        return 0
    except Exception:
        # The edge of one login: whatever is wrong with its reports, the others go on (law 8).
        logger.exception("report batches failed together", extra={"connection": str(connection_id)})
        return _drain_singly(connection_id, limit)
    if taken:
        crash_point("after_ingest_commit")
    return taken


def _take_rows(connection_id: Any, limit: int) -> int:
    if not try_lock(LOCK, "drain", connection_id):
        return 0
    rows = list(
        _ready().filter(connection=connection_id).select_for_update(skip_locked=True).order_by("pk")[:limit]
    )
    connection = BrokerConnection.objects.get(pk=connection_id) if rows else None
    for batch in _runs(rows):
        if connection is not None:
            _take_run(connection, batch)
    if rows:
        crash_point("before_ingest_commit")
    return len(rows)


@dataclass(frozen=True, slots=True)
class _Run:
    """Neighbouring rows of one environment that are taken in together."""

    rows: list[ReportBatch]

    @property
    def items(self) -> list[StreamItem]:
        return [item for row in self.rows for item in decode(row.payload["items"])]

    @property
    def complete_accounts(self) -> list[str] | None:
        return self.rows[0].payload.get("complete_accounts")


def _runs(rows: Sequence[ReportBatch]) -> Iterator[_Run]:
    """Rows grouped by environment, in order; one that tells which accounts it is complete for stands alone."""

    def kind(row: ReportBatch) -> tuple[str, int]:
        return row.environment, row.pk if "complete_accounts" in row.payload else 0

    for _, run in groupby(rows, kind):
        yield _Run(list(run))


def _take_run(connection: BrokerConnection, run: _Run) -> None:
    environment = run.rows[0].environment
    result = ingest(
        connection, environment, run.items, source="stream", complete_accounts=run.complete_accounts
    )
    ReportBatch.objects.filter(pk__in=[row.pk for row in run.rows]).delete()
    if result.unresolved:
        _keep_unresolved(connection, environment, result)


def _keep_unresolved(connection: BrokerConnection, environment: str, result: IngestResult) -> None:
    ReportBatch.objects.create(
        connection=connection,
        environment=environment,
        payload={"items": encode(result.unresolved)},
        waiting_for=sorted(result.missing_instruments),
    )
    BrokerConnection.objects.filter(pk=connection.pk).update(last_polled_at=None)


def _release_known() -> None:
    """Let go of batches whose contracts are stored by now."""
    for row in ReportBatch.objects.exclude(waiting_for=[]).select_related("connection"):
        known = Instrument.objects.filter(
            broker=row.connection.broker, environment=row.environment, venue_id__in=row.waiting_for
        )
        if known.count() >= len(set(row.waiting_for)):
            ReportBatch.objects.filter(pk=row.pk).update(waiting_for=[])


def _drain_singly(connection_id: Any, limit: int) -> int:
    """Row by row, so that only what fails is held back."""
    done = 0
    keys = _ready().filter(connection=connection_id).order_by("pk").values_list("pk", flat=True)[:limit]
    for key in list(keys):
        try:
            done += in_transaction(lambda key=key: _take_single(connection_id, key))  # type: ignore[misc]
        except OperationalError:
            logger.warning("reports wait for the database", exc_info=True)
            return done
        except Exception:
            logger.exception(
                "report batch %s failed, attempt %s of %s", key, _count_failure(key), MAX_ATTEMPTS
            )
    return done


def _take_single(connection_id: Any, key: int) -> int:
    row = _ready().filter(pk=key).select_for_update(skip_locked=True).first()
    if row is None:
        return 0
    _take_run(BrokerConnection.objects.get(pk=connection_id), _Run([row]))
    return 1


def _count_failure(key: int) -> int:
    ReportBatch.objects.filter(pk=key).update(attempts=models.F("attempts") + 1)
    attempts = ReportBatch.objects.filter(pk=key).values_list("attempts", flat=True).first() or 0
    if attempts >= MAX_ATTEMPTS:
        logger.critical("report batch %s is set aside; its facts come again with the next poll", key)
    return attempts


# --- rebuilding -------------------------------------------------------------------------------------------------------


def rebuild_all(strategy: Strategy | None = None, report: Callable[[str], None] | None = None) -> int:
    """Recompute all recorded positions, or those at the accounts and contracts of one strategy, from the stored fills.

    Returns how many rows changed; none do when the record was right. Each login is one transaction.
    """
    fills = Fill.objects.all() if strategy is None else Fill.objects.filter(Q(strategy=strategy))
    found = fills.order_by().values_list(
        "broker_account__connection_id", "broker_account__environment", "broker_account_id", "instrument_id"
    )
    by_login: dict[tuple[Any, str], list[Pair]] = {}
    for connection_id, environment, account_id, instrument_id in found.distinct():
        by_login.setdefault((connection_id, environment), []).append((account_id, instrument_id))
    changed = 0
    for (connection_id, environment), pairs in by_login.items():
        changed += in_transaction(lambda: _rebuild_login(connection_id, environment, pairs))  # noqa: B023 - run at once
        if report is not None:
            report(f"{connection_id} {environment}: {len(pairs)} positions checked")
    return changed


def _rebuild_login(connection_id: Any, environment: str, pairs: Sequence[Pair]) -> int:
    hold_lock(LOCK, connection_id, environment)
    user_id = BrokerConnection.objects.values_list("user_id", flat=True).get(pk=connection_id)
    rebuilt = rebuild(dict.fromkeys(pairs), user_id)
    publish(*rebuilt.events)
    return rebuilt.changed


# --- equity points, clearing up ---------------------------------------------------------------------------------------


def record_equity_points() -> int:
    """A point per account whose balance or equity is another than at its last point. Returns how many."""
    now = utc_now().replace(second=0, microsecond=0)
    last = EquityPoint.objects.filter(broker_account=models.OuterRef("pk")).order_by("-at")
    accounts = BrokerAccount.objects.exclude(balance__isnull=True, equity__isnull=True).annotate(
        last_balance=models.Subquery(last.values("balance")[:1]),
        last_equity=models.Subquery(last.values("equity")[:1]),
    )
    points = [
        EquityPoint(broker_account_id=pk, at=now, balance=balance, equity=equity)
        for pk, balance, equity, last_balance, last_equity in accounts.values_list(
            "pk", "balance", "equity", "last_balance", "last_equity"
        )
        if (balance, equity) != (last_balance, last_equity)
    ]
    EquityPoint.objects.bulk_create(points, ignore_conflicts=True)
    return len(points)


def prune() -> dict[str, int]:
    """Delete what nobody needs any more, a few thousand rows at a time. Returns how many of each kind."""
    now = utc_now()
    return {
        "events": _delete_in_chunks(
            DomainEvent.objects.filter(relayed_at__isnull=False, created_at__lt=now - KEEP_EVENTS)
        ),
        "report_batches": _delete_in_chunks(ReportBatch.objects.filter(created_at__lt=now - KEEP_ASIDE)),
        "alert_digests": _delete_in_chunks(AlertDigest.objects.filter(expires_at__lt=now)),
        "idempotency_keys": purge_idempotency_keys(),
    }


def _delete_in_chunks(rows: models.QuerySet[Any]) -> int:
    total = 0
    while True:
        keys = list(rows.order_by("pk").values_list("pk", flat=True)[:PRUNE_CHUNK])
        rows.model._default_manager.filter(pk__in=keys).delete()
        total += len(keys)
        if len(keys) < PRUNE_CHUNK:
            return total
