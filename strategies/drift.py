"""Whether accounts hold what their strategies want, and bringing back those that do not.

``check`` runs every few seconds and whenever positions change. It decides nothing itself (``execution.drift`` does), stores
each verdict and tells what changed. ``drift_policy.watch`` adds the strategies that are brought back without being asked.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.selectors import get_owned_or_404, owned
from accounts.services import record_audit
from strategies import holdings, preview
from strategies.drift_reading import Reading, Subject
from strategies.events import DriftChanged, SignalStored
from strategies.execution.bringback import ASKED, BY_ITSELF, bring_back_alert
from strategies.execution.drift import QUIET, Look, Sync, Verdict, judge
from strategies.models import Allocation, Drift, Signal, Strategy
from strategies.webhooks.alert import Alert, describe
from tradeproject.common.api import Problem
from tradeproject.common.clock import iso, utc_now
from tradeproject.common.events import notify, publish
from tradeproject.common.locks import advisory_lock
from tradeproject.common.money import plain

if TYPE_CHECKING:
    from accounts.models import User

SIGNALS_CHANNEL = "signals"
UNFINISHED = [Signal.Progress.QUEUED, Signal.Progress.EXECUTING]
STORED = (
    "instrument", "state", "why", "wanted", "held", "external", "since", "mismatches", "seen_at", "checked_at",
    "left_to_human_at",
)  # fmt: skip
SEEN = ("state", "why", "wanted", "held", "external", "since")
REFRESH = timedelta(
    seconds=30
)  # a row that did not change is written this often, to show that it is looked at


# --- looking ------------------------------------------------------------------------------------------------------------


def check(now: datetime | None = None) -> int:
    """Look at every allocation. Returns how many verdicts changed. A look that still runs is not doubled."""
    with advisory_lock("strategies", "drift", wait=False) as is_mine:
        if not is_mine:
            return 0
        return _check(now or utc_now())


def _check(now: datetime) -> int:
    rows = Allocation.objects.filter(
        enabled=True, broker_account__enabled=True, broker_account__connection__deleted_at__isnull=True
    ).select_related("strategy", "broker_account__connection")
    reading = Reading(rows, now)
    stored = {(row.allocation_id, row.root): row for row in Drift.objects.all()}
    kept: list[tuple[Drift, Subject, Drift | None]] = []
    for subject, look in reading.looks():
        old = stored.pop((subject.allocation.pk, subject.topic.root), None)
        kept.append((_row(old, subject, judge(_verdict(old), look), look), subject, old))
    _put_external([(row, subject) for row, subject, _ in kept])
    with transaction.atomic():
        Drift.objects.filter(pk__in=[row.pk for row in stored.values()]).delete()
        return _store(kept)


def _verdict(row: Drift | None) -> Verdict | None:
    if row is None:
        return None
    return Verdict(Sync(row.state), row.since, row.wanted, row.held, row.why, row.mismatches, row.seen_at)


def _row(old: Drift | None, subject: Subject, verdict: Verdict, look: Look) -> Drift:
    row = Drift(allocation=subject.allocation, root=subject.topic.root)
    if old is not None:
        row.pk, row.signal_id, row.left_to_human_at = old.pk, old.signal_id, old.left_to_human_at
    row.instrument, row.state, row.why = subject.instrument, verdict.state.value, verdict.why
    row.wanted, row.held, row.since = verdict.wanted, verdict.held, verdict.since
    row.mismatches, row.seen_at, row.checked_at = verdict.mismatches, verdict.seen_at, look.at
    if verdict.state is Sync.SYNCED:
        row.left_to_human_at = None
    return row


def _put_external(rows: Iterable[tuple[Drift, Subject]]) -> None:
    """What was traded past us since the strategy's last word, where that may explain a drift. It is named, never adopted."""
    wrong = [(row, subject) for row, subject in rows if row.state == Sync.DRIFTED]
    if not wrong:
        return
    accounts = {subject.account.pk for _, subject in wrong}
    fills = holdings.external_fills(accounts, min(subject.topic.since for _, subject in wrong))
    for row, subject in wrong:
        row.external = sum(
            (
                fill.signed
                for fill in fills
                if (fill.broker_account, fill.instrument) == (subject.account.pk, row.instrument_id)
                and fill.at >= subject.topic.since
            ),
            start=row.external * 0,
        )


def _store(rows: list[tuple[Drift, Subject, Drift | None]]) -> int:
    new = [row for row, _, old in rows if old is None]
    changed = [(row, old) for row, _, old in rows if old is not None and _differs(row, old)]
    Drift.objects.bulk_create(new, ignore_conflicts=True)
    Drift.objects.bulk_update([row for row, _ in changed], STORED, batch_size=500)
    told = [row for row in new if row.state != Sync.SYNCED] + [
        row for row, old in changed if any(getattr(row, name) != getattr(old, name) for name in SEEN)
    ]
    before = {old.pk: old.state for _, _, old in rows if old is not None}
    publish(*(_changed_event(row, before.get(row.pk, "")) for row in told))
    return len(told)


def _differs(row: Drift, old: Drift) -> bool:
    names = (*SEEN, "mismatches", "seen_at", "instrument_id", "left_to_human_at")
    return row.checked_at - old.checked_at >= REFRESH or any(
        getattr(row, name) != getattr(old, name) for name in names
    )


def _changed_event(row: Drift, before: str) -> DriftChanged:
    allocation = row.allocation
    return DriftChanged(
        user_id=allocation.strategy.user_id,
        drift=row.pk,
        strategy=allocation.strategy_id,
        strategy_name=allocation.strategy.name,
        broker_account=allocation.broker_account_id,
        account=str(allocation.broker_account),
        symbol=row.instrument.venue_symbol,
        before=before,
        state=str(row.state),
        wanted=row.wanted,
        held=row.held,
    )


# --- reading what was found ---------------------------------------------------------------------------------------------


def drifts_of(user: User, strategy: Strategy | None = None) -> QuerySet[Drift]:
    """Every verdict on the user's allocations: what is wrong first."""
    rows = Drift.objects.select_related(
        "allocation__strategy", "allocation__broker_account__connection", "instrument", "signal"
    )
    if strategy is not None:
        rows = rows.filter(allocation__strategy=strategy)
    return owned(rows, user, path="allocation__strategy__user").order_by(
        "state", "allocation__strategy__name", "allocation__broker_account__name", "root"
    )


def drift_or_404(user: Any, pk: Any) -> Drift:
    rows = Drift.objects.select_related(
        "allocation__strategy__user", "allocation__broker_account__connection", "instrument", "signal"
    )
    return get_owned_or_404(rows, user, path="allocation__strategy__user", pk=pk)


def drift_json(row: Drift) -> dict[str, Any]:
    allocation = row.allocation
    return {
        "id": str(row.pk),
        "strategy": str(allocation.strategy_id),
        "strategy_name": allocation.strategy.name,
        "broker_account": str(allocation.broker_account_id),
        "account_name": str(allocation.broker_account),
        "symbol": row.root,
        "venue_symbol": row.instrument.venue_symbol,
        "state": str(row.state),
        "wanted": plain(row.wanted),
        "held": plain(row.held),
        "external": plain(row.external),
        "why": row.why,
        "since": iso(row.since),
        "left_to_you": row.left_to_human_at is not None,
        "signal": str(row.signal_id) if row.signal_id else None,
        "is_moving": is_moving(row),
    }


def is_moving(row: Drift) -> bool:
    """Whether an order that brings it back is on its way."""
    return row.signal is not None and row.signal.progress in UNFINISHED


# --- bringing back ------------------------------------------------------------------------------------------------------


def preview_of(row: Drift) -> dict[str, Any]:
    """The orders that would bring it back, through the planner and the gate: ``{"orders", "warnings"}``. Sends nothing."""
    strategy, alert = row.allocation.strategy, _alert_of(row)
    signal = Signal(strategy=strategy, user_id=strategy.user_id, received_at=utc_now(), source=ASKED)
    return preview.plan(signal, strategy, alert)


def _alert_of(row: Drift) -> Alert:
    said = (
        Signal.objects.filter(strategy=row.allocation.strategy_id, planned_at__isnull=False)
        .filter(plan__kind__in=["target", "enter"])
        .order_by("-id")
        .values_list("alert", flat=True)[:1]
    )
    last = Alert.from_json(said[0]) if said else None
    held = row.held if row.held is not None else row.wanted
    ticker = last.contract or last.ticker if last is not None else row.allocation.strategy.symbol
    return bring_back_alert(
        row.allocation_id,
        ticker,
        row.wanted,
        held,
        last.stop_loss if last is not None else None,
        last.take_profit if last is not None else None,
        last.signal_price if last is not None else None,
    )


@transaction.atomic
def bring_back(row: Drift, actor: User | None, *, request: HttpRequest | None = None) -> Signal:
    """Have the account brought to what its strategy wants: a target order on the way of every alert.

    Asked again while the first is under way, or a moment after, the answer is the first one's signal. Raises Problem 409
    when there is nothing to bring back. ``actor`` None is the automatic mode.
    """
    row = (
        Drift.objects.select_for_update(of=("self",))
        .select_related("allocation__strategy__user", "allocation__broker_account", "instrument", "signal")
        .get(pk=row.pk)
    )
    now, earlier = utc_now(), row.signal
    if earlier is not None and (is_moving(row) or now - earlier.received_at < QUIET):
        return earlier
    if row.state != Sync.DRIFTED:
        raise Problem("not_drifted", _WHY_NOT[Sync(row.state)], status_code=409)
    signal = _store_signal(row, actor, now)
    row.signal = signal
    row.save(update_fields=["signal"])
    strategy = row.allocation.strategy
    record_audit(
        "position_brought_back",
        actor=actor,
        owner=strategy.user,
        object_type="strategy",
        object_id=strategy.pk,
        detail={
            "broker_account": str(row.allocation.broker_account),
            "symbol": row.instrument.venue_symbol,
            "wanted": plain(row.wanted),
            "held": plain(row.held),
            "signal": str(signal.pk),
        },
        request=request,
    )
    return signal


_WHY_NOT = {
    Sync.SYNCED: "This account holds what its strategy wants; there is nothing to bring back.",
    Sync.UNKNOWN: "What this account holds is not known at the moment, so nothing is sent. Try again when it is.",
}


def _store_signal(row: Drift, actor: User | None, now: datetime) -> Signal:
    alert, strategy = _alert_of(row), row.allocation.strategy
    asked = {
        "bring_back": str(row.allocation.broker_account),
        "wanted": plain(row.wanted),
        "held": plain(row.held),
        "asked_by": actor.email if actor is not None else "automatic mode",
    }
    signal = Signal.objects.create(
        user=strategy.user,
        strategy=strategy,
        received_at=now,
        raw_body=json.dumps(asked),
        content_type="application/json",
        source=ASKED if actor is not None else BY_ITSELF,
        format=ASKED,
        status=Signal.Status.ACCEPTED,
        alert=alert.to_json(),
        intent=f"bring back {row.allocation.broker_account}: {describe(alert)}"[:300],
    )
    publish(
        SignalStored(
            user_id=strategy.user_id,
            signal=signal.pk,
            strategy=strategy.pk,
            status=signal.status,
            intent=signal.intent,
            code="",
        )
    )
    notify(SIGNALS_CHANNEL, str(signal.pk))
    return signal


def states_by_pair(accounts: Collection[UUID]) -> dict[tuple[UUID, int, UUID], str]:
    """(broker account, instrument, strategy) → state, for pages that show positions."""
    rows = Drift.objects.filter(allocation__broker_account__in=list(accounts))
    columns = ("allocation__broker_account", "instrument", "allocation__strategy", "state")
    return {
        (account, instrument, strategy): str(state)
        for account, instrument, strategy, state in rows.values_list(*columns)
    }
