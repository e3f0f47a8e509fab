"""Every strategy's earnings and last signal at a glance, in one query each."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Count, Q, Sum

from recorder.models import RecordedPosition
from strategies.models import Signal

if TYPE_CHECKING:
    from accounts.models import User

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Earnings:
    """Closed round trips of one strategy: money net of costs, ever and since midnight, and how many are open."""

    total: Decimal
    today: Decimal
    trades: int
    open: int


def earnings_of(user: User, midnight: datetime) -> dict[UUID, Earnings]:
    """By strategy; one that never traded is missing."""
    finished = ~Q(status=RecordedPosition.Status.OPEN)
    rows = (
        RecordedPosition.objects.owned_by(user)
        .filter(strategy__isnull=False)
        .order_by()
        .values_list("strategy_id")
        .annotate(
            total=Sum("net_pnl", filter=finished),
            today=Sum("net_pnl", filter=finished & Q(exit_timestamp__gte=midnight)),
            trades=Count("pk", filter=finished),
            open=Count("pk", filter=~finished),
        )
    )
    return {
        key: Earnings(total or ZERO, today or ZERO, trades, open) for key, total, today, trades, open in rows
    }


def last_signals_of(strategies: Collection[UUID]) -> dict[UUID, Signal]:
    """The newest signal of each strategy; ids are in order of time."""
    rows = Signal.objects.filter(strategy_id__in=list(strategies)).defer("raw_body")
    newest = rows.order_by("strategy_id", "-id").distinct("strategy_id")
    return {signal.strategy_id: signal for signal in newest if signal.strategy_id is not None}
