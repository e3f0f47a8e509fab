"""The dashboard's figures for the API: the head, and a record broken down by strategy and account."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Q, QuerySet, Sum

from brokers.models import BrokerConnection
from dashboard.positions import position_rows
from dashboard.valuation import valued_now
from recorder.models import RecordedPosition
from recorder.selectors import dashboard_totals
from tradeproject.common.clock import utc_now
from tradeproject.common.money import plain

if TYPE_CHECKING:
    from accounts.models import User

ZERO = Decimal(0)
_RATE = Decimal("0.0001")


def summary(user: User, zone: tzinfo, now: datetime | None = None) -> dict[str, Any]:
    """The dashboard's head: counts, money net of costs, what is open and where its price comes from."""
    totals = dashboard_totals(user, timezone=zone, now=now or utc_now())
    positions = valued_now(position_rows(user))
    wins = trades_of(user).filter(net_pnl__gt=0).count()
    connections = _connections(user)
    return {
        "total_strategies": totals["total_strategies"],
        "active_strategies": totals["active_strategies"],
        "active_positions": len(positions),
        "total_trades": totals["total_trades"],
        "win_rate": plain(_rate(wins, totals["total_trades"])),
        "total_pnl": plain(totals["total_pnl"]),
        "today_pnl": plain(totals["today_pnl"]),
        "open_pnl": plain(open_pnl(positions, totals["open_pnl"])),
        "price_source": _source(positions),
        "connections": connections,
        "total_connections": sum(connections.values()),
    }


def open_pnl(positions: list[dict[str, Any]], told: Decimal | None) -> Decimal | None:
    """What open positions are worth, from their prices; the brokers' own sum where no position has one."""
    known = [Decimal(row["unrealized_pnl"]) for row in positions if row["unrealized_pnl"] is not None]
    if known:
        return sum(known, ZERO)
    return told if positions else ZERO


def _source(positions: list[dict[str, Any]]) -> str:
    found = {row["price_source"] for row in positions}
    return "none" if not found else found.pop() if len(found) == 1 else "mixed"


def _connections(user: User) -> dict[str, int]:
    rows = BrokerConnection.objects.owned_by(user).order_by().values_list("state").annotate(Count("pk"))
    return {**dict.fromkeys(BrokerConnection.State.values, 0), **dict(rows)}


def _rate(part: int, whole: int) -> Decimal | None:
    return (Decimal(100 * part) / whole).quantize(_RATE) if whole else None


def trades_of(user: User, filters: Mapping[str, Any] | None = None) -> QuerySet[RecordedPosition]:
    """Finished round trips of the user's strategies, the latest exit first. ``since`` and ``until`` bound the exit."""
    given = filters or {}
    wanted = {
        "strategy": given.get("strategy"),
        "broker_account": given.get("broker_account"),
        "exit_timestamp__gte": given.get("since"),
        "exit_timestamp__lt": given.get("until"),
    }
    rows = RecordedPosition.objects.owned_by(user).closed().filter(strategy__isnull=False)
    found = rows.filter(**{name: value for name, value in wanted.items() if value is not None})
    return found.order_by("-exit_timestamp", "-pk")


def by_strategy(user: User, filters: Mapping[str, Any]) -> list[dict[str, Any]]:
    return _breakdown(trades_of(user, filters), "strategy", "strategy__name")


def by_account(user: User, filters: Mapping[str, Any]) -> list[dict[str, Any]]:
    return _breakdown(trades_of(user, filters), "broker_account", "broker_account__name")


def _breakdown(rows: QuerySet[RecordedPosition], key: str, name: str) -> list[dict[str, Any]]:
    """One line per ``key``, the best first."""
    found = (
        rows.order_by()
        .values(key, name)
        .annotate(
            trades=Count("pk"),
            wins=Count("pk", filter=Q(net_pnl__gt=0)),
            net=Sum("net_pnl"),
            gross=Sum("pnl"),
            costs=Sum("commission"),
        )
        .order_by("-net", key)
    )
    return [
        {
            key: str(row[key]),
            "name": row[name],
            "total_trades": row["trades"],
            "win_rate": plain(_rate(row["wins"], row["trades"])),
            "total_pnl": plain(row["net"]),
            "gross_pnl": plain(row["gross"]),
            "fees": plain(row["costs"]),
        }
        for row in found
    ]
