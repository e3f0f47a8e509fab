"""What became of signals, in a sentence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Count

from strategies.models import Order, Signal

_ORDER = (
    ("filled", "filled"),
    ("partially_filled", "partly filled"),
    ("accepted", "working"),
    ("submitted", "sent"),
    ("pending", "waiting"),
    ("unknown", "without a clear answer"),
    ("rejected", "rejected by the broker"),
    ("denied", "held back"),
    ("pending_cancel", "being canceled"),
    ("canceled", "canceled"),
    ("expired", "expired"),
)
_STORED = {
    "rejected": "not understood",
    "ignored": "not carried out",
    "dry_run": "dry run, nothing sent",
}


def outcome_words(
    status: str, progress: str, code: str, counts: Mapping[str, int], accounts: int | None = None
) -> str:
    """``status``, ``progress`` and ``code`` of the signal; ``counts``: its orders by status, on so many ``accounts``.

    A reversal has two orders an account, so that the two numbers differ; None = one order on each.
    """
    if status in _STORED:
        reason = code.replace("_", " ")
        return f"{_STORED[status]}: {reason}" if reason else _STORED[status]
    total = sum(counts.values())
    if not total:
        return {"queued": "waiting to be carried out", "executing": "being carried out"}.get(
            progress, "no order was needed"
        )
    if len([count for count in counts.values() if count]) == 1:
        name = next(word for key, word in _ORDER if counts.get(key))
        return f"{name} on {_everywhere(total if accounts is None else accounts)}"
    parts = [f"{counts[key]} {word}" for key, word in _ORDER if counts.get(key)]
    return f"{', '.join(parts)} of {total}"


def _everywhere(accounts: int) -> str:
    return "1 account" if accounts == 1 else f"all {accounts} accounts"


def outcome_tone(status: str, counts: Mapping[str, int]) -> str:
    """``good``, ``busy``, ``warn``, ``bad`` or ``calm``: the worst that happened."""
    if status == "rejected" or counts.get("rejected"):
        return "bad"
    if counts.get("unknown") or counts.get("denied"):
        return "warn"
    if any(
        counts.get(key) for key in ("pending", "submitted", "accepted", "partially_filled", "pending_cancel")
    ):
        return "busy"
    return "good" if counts.get("filled") else "calm"


def with_outcomes(signals: Sequence[Signal]) -> list[dict[str, Any]]:
    """Each signal with what became of it: ``{signal, outcome, tone, counts}``. Two queries for all of them."""
    ids = [signal.pk for signal in signals]
    counts, accounts = order_counts(ids), account_counts(ids)
    return [
        {
            "signal": signal,
            "outcome": outcome_words(
                signal.status, signal.progress, signal.code, counts[signal.pk], accounts.get(signal.pk)
            ),
            "tone": outcome_tone(signal.status, counts[signal.pk]),
            "counts": counts[signal.pk],
        }
        for signal in signals
    ]


def order_counts(signal_ids: Iterable[UUID]) -> dict[UUID, dict[str, int]]:
    """Orders by status, per signal."""
    found: dict[UUID, dict[str, int]] = defaultdict(dict)
    rows = Order.objects.filter(signal_id__in=list(signal_ids)).order_by().values_list("signal_id", "status")
    for signal_id, status, count in rows.annotate(count=Count("pk")):
        found[signal_id][status] = count
    return found


def account_counts(signal_ids: Iterable[UUID]) -> dict[UUID, int]:
    """On how many accounts each signal has orders."""
    rows = Order.objects.filter(signal_id__in=list(signal_ids)).order_by().values_list("signal_id")
    return dict(rows.annotate(count=Count("broker_account", distinct=True)))
