"""Reading the record. Everything is scoped to an owner; ``user=None`` means all owners and is for staff only.

What was traded outside of every strategy has no strategy. It shows up only where ``include_external`` asks for it: it is
nobody's track record.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Q, QuerySet, Sum

from brokers.models import BrokerAccount
from recorder.analytics import Trade, analyse
from recorder.models import Fill, PositionSnapshot, RecordedPosition
from strategies.models import Strategy
from tradeproject.common.clock import utc_now

if TYPE_CHECKING:
    from accounts.models import User

ZERO = Decimal(0)
Ref = UUID
OPEN = RecordedPosition.Status.OPEN


def recorded_positions(
    user: User | None,
    *,
    strategy: Strategy | Ref | None = None,
    broker_account: BrokerAccount | Ref | None = None,
    status: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    include_external: bool = False,
) -> QuerySet[RecordedPosition]:
    """Open and closed round trips, newest first. ``since`` and ``until`` bound the entry, ``until`` exclusively.

    ``status`` is one of the four, or ``closed`` in the wider sense when given as ``finished`` (everything not open).
    """
    rows = _owned(user, include_external)
    if strategy is not None:
        rows = rows.filter(strategy=strategy)
    if broker_account is not None:
        rows = rows.filter(broker_account=broker_account)
    if status == "finished":
        rows = rows.closed()
    elif status:
        rows = rows.filter(status=status)
    if since is not None:
        rows = rows.filter(entry_timestamp__gte=since)
    if until is not None:
        rows = rows.filter(entry_timestamp__lt=until)
    return rows.select_related("instrument")


def _owned(user: User | None, include_external: bool = False) -> Any:
    rows = RecordedPosition.objects.all() if user is None else RecordedPosition.objects.owned_by(user)
    return rows if include_external else rows.filter(strategy__isnull=False)


def closed_trades(
    user: User | None,
    *,
    strategy: Strategy | Ref | None = None,
    broker_account: BrokerAccount | Ref | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    include_external: bool = False,
) -> list[Trade]:
    """Finished round trips as analytics needs them, by time of exit; ``since`` and ``until`` bound the exit."""
    wanted = Q(exit_timestamp__isnull=False)
    for name, value in (
        ("strategy", strategy),
        ("broker_account", broker_account),
        ("exit_timestamp__gte", since),
        ("exit_timestamp__lt", until),
    ):
        if value is not None:
            wanted &= Q(**{name: value})
    rows = _owned(user, include_external).closed().filter(wanted).order_by("exit_timestamp", "pk")
    columns = ("entry_timestamp", "exit_timestamp", "pnl", "commission", "slippage")
    return [Trade(*row) for row in rows.values_list(*columns)]


def analytics_for(
    user: User | None,
    *,
    strategy: Strategy | Ref | None = None,
    broker_account: BrokerAccount | Ref | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    timezone: tzinfo,
) -> dict[str, Any]:
    """All analytics fields (see ``recorder.analytics.analyse``) of the trades that ended in the period."""
    trades = closed_trades(user, strategy=strategy, broker_account=broker_account, since=since, until=until)
    return analyse(trades, timezone)


def dashboard_totals(user: User | None, *, timezone: tzinfo, now: datetime | None = None) -> dict[str, Any]:
    """The dashboard's head: counts, and money net of costs.

    ``total_pnl`` and ``today_pnl`` add up what closed trades of strategies earned, ever and since midnight in
    ``timezone``. ``open_pnl`` is the brokers' own unrealised figure over the accounts that tell one, None when none does.
    """
    moment = (now or utc_now()).astimezone(timezone)
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    finished = _owned(user).closed()
    sums = finished.aggregate(
        total=Sum("net_pnl"), today=Sum("net_pnl", filter=Q(exit_timestamp__gte=midnight))
    )
    strategies = Strategy.objects.all() if user is None else Strategy.objects.owned_by(user)
    accounts = BrokerAccount.objects.all() if user is None else BrokerAccount.objects.owned_by(user)
    return {
        "total_strategies": strategies.count(),
        "active_strategies": strategies.filter(active=True).count(),
        "active_positions": _owned(user).filter(status=OPEN).count(),
        "total_trades": finished.count(),
        "total_pnl": sums["total"] or ZERO,
        "today_pnl": sums["today"] or ZERO,
        "open_pnl": accounts.filter(enabled=True).aggregate(total=Sum("open_pnl"))["total"],
    }


def fills_of(user: User | None, *, strategy: Strategy | Ref | None = None) -> QuerySet[Fill]:
    """Executions, newest first."""
    rows = Fill.objects.all() if user is None else Fill.objects.filter(user=user)
    if strategy is not None:
        rows = rows.filter(strategy=strategy)
    return rows.select_related("instrument").order_by("-executed_at", "-pk")


def open_snapshots(user: User | None) -> QuerySet[PositionSnapshot]:
    """What accounts hold now according to their venues, flat ones left out."""
    rows = PositionSnapshot.objects.exclude(net_quantity=0)
    if user is not None:
        rows = rows.filter(broker_account__user=user)
    return rows.select_related("broker_account", "instrument")
