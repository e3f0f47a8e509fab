"""The trace of one signal: what came in, what was understood, and what became of it at every account."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from accounts.selectors import get_owned_or_404
from brokers.models import BrokerAccount
from strategies import holdings
from strategies.execution.denials import explain
from strategies.masking import mask_body
from strategies.models import Order, OrderEvent, Signal
from strategies.selectors import with_order_counts
from strategies.shapes import order_json, signal_json
from tradeproject.common.clock import iso, milliseconds_between
from tradeproject.common.logging import mask
from tradeproject.common.money import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

STEPS = ("received", "stored", "planned", "sent", "answered", "filled")


def signal_trace(user: User | AnonymousUser, signal_id: Any) -> dict[str, Any]:
    """Everything about one signal of this user's, as JSON. Raises Http404 for any other.

    The list's fields, and: ``raw_body`` (secrets masked), ``content_type``, ``source_address``, ``alert`` (as understood),
    ``planned_at``, ``finished_at``, ``timeline`` and ``accounts``: per account its ``decision`` in words, ``orders`` (each
    with ``deny_message``, ``broker_message``, ``fills``, ``events``, ``timeline``). A timeline is one entry per step,
    ``{"step","at","ms"}`` with milliseconds since receipt, null for what has not happened.
    """
    rows = with_order_counts(Signal.objects.select_related("strategy", "user"))
    return trace_of(get_owned_or_404(rows, user, pk=signal_id))


def trace_of(signal: Signal) -> dict[str, Any]:
    """The trace of a signal whose reader was checked by the caller."""
    orders = list(
        Order.objects.filter(signal=signal)
        .select_related("broker_account__connection", "strategy")
        .prefetch_related("legs")
        .order_by("broker_account__name", "broker_account_id", "leg")
    )
    return {
        **signal_json(signal),
        "raw_body": shown_body(signal),
        "content_type": signal.content_type,
        "source_address": signal.source_address,
        "alert": mask(signal.alert),
        "planned_at": iso(signal.planned_at),
        "finished_at": iso(signal.finished_at),
        "timeline": _timeline(signal, orders),
        "accounts": _accounts(signal, orders),
    }


def shown_body(signal: Signal) -> str:
    """The raw alert without the secrets of its owner."""
    known = [signal.user.webhook_secret]
    if signal.strategy is not None:
        known += [key.secret for key in signal.strategy.webhook_keys.all()]
    return mask_body(signal.body, known)


# --- accounts -------------------------------------------------------------------------------------------------------


def _accounts(signal: Signal, orders: Sequence[Order]) -> list[dict[str, Any]]:
    """Every account that had a part in the signal: those with orders, then those that had nothing to do."""
    grouped: dict[UUID, list[Order]] = defaultdict(list)
    for order in orders:
        grouped[order.broker_account_id].append(order)
    ids = [order.pk for order in orders]
    fills, events = holdings.fills_of(ids), _events(ids)
    idle: Mapping[str, str] = (signal.plan or {}).get("accounts") or {}
    found = [
        _account(signal, own[0].broker_account, own, idle.get(str(key), ""), fills, events)
        for key, own in grouped.items()
    ]
    return [*found, *_idle_accounts(signal, idle, grouped)]


def _account(
    signal: Signal,
    account: BrokerAccount,
    orders: Sequence[Order],
    note: str,
    fills: Mapping[UUID, list[dict[str, Any]]],
    events: Mapping[UUID, list[dict[str, Any]]],
) -> dict[str, Any]:
    return {
        **_account_names(account),
        "decision": note or " ".join(map(_decision, orders)),
        "orders": [_order(signal, order, fills.get(order.pk, []), events[order.pk]) for order in orders],
        "timeline": _timeline(signal, orders),
    }


def _account_names(account: BrokerAccount) -> dict[str, Any]:
    return {
        "broker_account": str(account.pk),
        "name": account.name,
        "label": account.label,
        "broker": account.connection.broker,
        "environment": account.environment,
    }


def _idle_accounts(signal: Signal, idle: Mapping[str, str], busy: Mapping[UUID, Any]) -> list[dict[str, Any]]:
    ids = [key for key in idle if UUID(key) not in busy]
    rows = BrokerAccount.objects.filter(pk__in=ids, user_id=signal.user_id).select_related("connection")
    return [
        {
            **_account_names(row),
            "decision": idle[str(row.pk)],
            "orders": [],
            "timeline": _timeline(signal, []),
        }
        for row in rows.order_by("name", "pk")
    ]


def _decision(order: Order) -> str:
    """What was decided for one order, in a sentence."""
    if order.deny_code:
        return f"Denied ({order.deny_code}): {explain(order.deny_code, order.deny_context)}"
    what = {"entry": "Enter", "exit": "Exit", "flatten": "Close"}[order.purpose]
    legs = [f"{leg.get_kind_display().lower()} {_leg_place(leg)}" for leg in order.legs.all()]
    return f"{what}: {order}" + (f" with {' and '.join(legs)}." if legs else ".")


def _leg_place(leg: Any) -> str:
    if leg.price is not None:
        return f"at {plain(leg.price)}"
    return f"{plain(leg.offset)} points away" if leg.offset is not None else "asked for"


def _order(
    signal: Signal, order: Order, fills: list[dict[str, Any]], events: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        **order_json(order),
        "deny_message": explain(order.deny_code, order.deny_context) if order.deny_code else "",
        "deny_context": order.deny_context,
        "broker_message": order.venue_message or order.reject_reason,
        "fills": fills,
        "events": events,
        "timeline": _timeline(signal, [order]),
    }


def _events(order_ids: Sequence[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    found: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for event in OrderEvent.objects.filter(order__in=order_ids).order_by("id"):
        found[event.order_id].append(
            {"at": iso(event.at), "kind": event.kind, "message": event.message, "data": mask(event.data)}
        )
    return found


# --- timeline -------------------------------------------------------------------------------------------------------


def _timeline(signal: Signal, orders: Sequence[Order]) -> list[dict[str, Any]]:
    """The steps of a signal, or of one order of it: first sending, last answer, last fill."""
    planned = [order.planned_at for order in orders]
    moments: dict[str, datetime | None] = {
        "received": signal.received_at,
        "stored": signal.stored_at,
        "planned": _pick(min, planned) or signal.planned_at,
        "sent": _pick(min, (order.sent_at for order in orders)),
        "answered": _pick(max, (order.answered_at for order in orders)),
        "filled": _pick(max, (order.filled_at for order in orders)),
    }
    return [
        {
            "step": step,
            "at": iso(moments[step]),
            "ms": milliseconds_between(signal.received_at, moments[step]),
        }
        for step in STEPS
    ]


def _pick(choose: Any, moments: Iterable[datetime | None]) -> datetime | None:
    found: datetime | None = choose((moment for moment in moments if moment is not None), default=None)
    return found
