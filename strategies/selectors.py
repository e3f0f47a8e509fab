"""Reading strategies, signals and orders, always scoped to an owner."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, DecimalField, Prefetch, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.selectors import get_owned_or_404, owned
from brokers.domain import OrderStatus, Side
from brokers.models import BrokerAccount, Instrument
from strategies.execution.adds import Step
from strategies.execution.guard import Entry
from strategies.models import Allocation, Order, OrderEvent, Signal, Strategy, WebhookKey
from tradeproject.common.clock import iso

if TYPE_CHECKING:
    from accounts.models import User

    Viewer = User | AnonymousUser

__all__ = [
    "orders_of",
    "orders_related",
    "signals_of",
    "steps_of",
    "strategies_of",
    "strategies_related",
    "strategy_logs",
    "strategy_of_or_404",
    "webhook_url_of",
]

NEVER_SENT = ("denied", "pending", "rejected")
LIVE_KEYS = "live_keys"
MAX_LOGS = 200
NOTED_EVENTS = ("denied", "rejected", "expired", "found", "resend", "cancel", "cancel_requested", "requested")
_PROBLEMS = {"denied", "rejected", "expired"}


# --- strategies -----------------------------------------------------------------------------------------------------


def strategies_related(rows: QuerySet[Strategy]) -> QuerySet[Strategy]:
    """With everything that a strategy's JSON shows, in a fixed number of queries."""
    keys = WebhookKey.objects.filter(retires_at__isnull=True).order_by("-created_at")
    allocations = Allocation.objects.select_related("broker_account")
    return rows.select_related("user", "demo_account").prefetch_related(
        Prefetch("webhook_keys", queryset=keys, to_attr=LIVE_KEYS),
        Prefetch("allocations", queryset=allocations),
    )


def strategies_of(user: Viewer) -> QuerySet[Strategy]:
    return owned(strategies_related(Strategy.objects.order_by("name")), user)


def strategy_of_or_404(user: Viewer, pk: Any) -> Strategy:
    return get_owned_or_404(strategies_related(Strategy.objects.all()), user, pk=pk)


def webhook_url_of(strategy: Strategy) -> str:
    """The strategy's secret address, or "" when it has none."""
    keys: list[WebhookKey] | None = getattr(strategy, LIVE_KEYS, None)
    if keys is None:
        return strategy.webhook_url
    return f"{settings.SITE_URL}/webhook/{keys[0].secret}" if keys else ""


# --- signals, orders --------------------------------------------------------------------------------------------------


def signals_of(
    user: Viewer,
    *,
    strategy: Strategy | UUID | None = None,
    status: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[Signal]:
    """Newest first, with how many orders each had and how many of them came to nothing; raw bodies are left unread."""
    rows = owned(Signal.objects.order_by("-id"), user).select_related("strategy").defer("raw_body")
    wanted = {"strategy": strategy, "status": status, "received_at__gte": since, "received_at__lt": until}
    return with_order_counts(
        rows.filter(**{name: value for name, value in wanted.items() if value is not None})
    )


def with_order_counts(rows: QuerySet[Signal]) -> QuerySet[Signal]:
    filled = Q(orders__status=OrderStatus.FILLED.value)
    refused = Q(orders__status__in=[OrderStatus.DENIED.value, OrderStatus.REJECTED.value])
    return rows.annotate(
        order_count=Count("orders"),
        filled_count=Count("orders", filter=filled),
        refused_count=Count("orders", filter=refused),
    )


def orders_related(rows: QuerySet[Order]) -> QuerySet[Order]:
    return rows.select_related("broker_account", "strategy").prefetch_related("legs")


def orders_of(
    user: Viewer,
    *,
    signal: Signal | UUID | None = None,
    strategy: Strategy | UUID | None = None,
    broker_account: Any = None,
    status: str | None = None,
) -> QuerySet[Order]:
    """Newest first."""
    wanted = {"signal": signal, "strategy": strategy, "broker_account": broker_account, "status": status}
    rows = owned(Order.objects.order_by("-id"), user)
    return orders_related(rows.filter(**{name: value for name, value in wanted.items() if value is not None}))


# --- what happened to a strategy ----------------------------------------------------------------------------------------


def strategy_logs(strategy: Strategy, limit: int = 50) -> list[dict[str, Any]]:
    """The latest alerts, order troubles and edits, newest first: ``{at, level, kind, message, signal, order}``."""
    limit = min(limit, MAX_LOGS)
    found = [
        *map(_signal_log, Signal.objects.filter(strategy=strategy).defer("raw_body").order_by("-id")[:limit]),
        *map(_event_log, _noted_events(strategy)[:limit]),
        *map(_edit_log, _edits(strategy)[:limit]),
    ]
    newest = sorted(found, key=lambda entry: entry["at"], reverse=True)[:limit]
    return [{**entry, "at": iso(entry["at"])} for entry in newest]


def _noted_events(strategy: Strategy) -> QuerySet[OrderEvent]:
    events = OrderEvent.objects.filter(order__strategy=strategy, kind__in=NOTED_EVENTS)
    return events.select_related("order__broker_account").order_by("-id")


def _edits(strategy: Strategy) -> QuerySet[AuditEntry]:
    return AuditEntry.objects.filter(object_type="strategy", object_id=str(strategy.pk)).order_by("-id")


def _log(at: datetime, level: str, kind: str, message: str, **ids: Any) -> dict[str, Any]:
    return {"at": at, "level": level, "kind": kind, "message": message, "signal": None, "order": None, **ids}


def _signal_log(signal: Signal) -> dict[str, Any]:
    levels = {Signal.Status.REJECTED: "problem", Signal.Status.IGNORED: "warning"}
    level = levels.get(Signal.Status(signal.status), "warning" if signal.warnings else "info")
    words = signal.intent if not signal.message else f"{signal.intent or 'not understood'}: {signal.message}"
    return _log(signal.received_at, level, f"signal_{signal.status}", words, signal=str(signal.pk))


def _event_log(event: OrderEvent) -> dict[str, Any]:
    level = "problem" if event.kind in _PROBLEMS else "info"
    message = f"{event.order.broker_account}: {event.order}: {event.message}"
    signal = event.order.signal_id
    ids = {"order": str(event.order_id), "signal": str(signal) if signal else None}
    return _log(event.at, level, f"order_{event.kind}", message, **ids)


def _edit_log(entry: AuditEntry) -> dict[str, Any]:
    what = entry.action.removeprefix("strategy_").replace("_", " ")
    changed = ", ".join(sorted(entry.detail)) if what == "edited" else ""
    message = (
        f"Strategy {what}"
        + (f" ({changed})" if changed else "")
        + f" by {entry.actor_email or 'the operator'}."
    )
    return _log(entry.at, "info", entry.action, message)


def steps_of(strategy: Strategy, account: BrokerAccount, instrument: Instrument) -> list[Step]:
    """What the strategy's orders of the last month did at one account and contract, oldest first."""
    rows = (
        Order.objects.filter(broker_account=account, instrument=instrument)
        .filter(Q(strategy=strategy) | Q(purpose=Order.Purpose.FLATTEN))
        .exclude(status__in=NEVER_SENT)
        .filter(planned_at__gt=timezone.now() - timedelta(days=30))
        .annotate(
            closed=Coalesce(Sum("legs__filled_quantity"), Value(Decimal(0), output_field=DecimalField()))
        )
        .order_by("pk")
    )
    return [
        Step(
            Entry(
                order_id=row.pk,
                is_entry=row.purpose == Order.Purpose.ENTRY,
                closes_all=row.purpose == Order.Purpose.FLATTEN,
                side=Side(row.side),
                filled=row.filled_quantity,
                closed=row.closed,
            ),
            signal=row.signal_id,
            price=row.average_price,
            works=not row.is_final,
        )
        for row in rows
    ]
