"""What the record answers to the app below it, which must not know it: ``strategies.holdings`` asks, this provides."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import QuerySet

from recorder import earnings
from recorder.models import Fill, PositionCover, PositionSnapshot, RecordedPosition
from recorder.shapes import fills_by_order
from strategies import holdings


def held_now(broker_accounts: Collection[UUID]) -> holdings.Holdings:
    """What the venue last said each of these accounts holds; flat and known to be is zero."""
    rows = PositionSnapshot.objects.filter(broker_account__in=list(broker_accounts))
    found = rows.values_list("broker_account", "instrument", "net_quantity")
    return {(account, instrument): net for account, instrument, net in found}


def held_by_others(broker_account: UUID, instrument: int, strategy: UUID) -> Decimal:
    """The signed quantity that other strategies hold there according to the record."""
    rows = RecordedPosition.objects.filter(
        broker_account=broker_account,
        instrument=instrument,
        status=RecordedPosition.Status.OPEN,
        strategy__isnull=False,
    ).exclude(strategy=strategy)
    return sum(
        (size if side == "Buy" else -size for side, size in rows.values_list("side", "open_quantity")),
        Decimal(0),
    )


def open_positions_of(strategy: UUID) -> int:
    """How many recorded positions of the strategy are open."""
    return RecordedPosition.objects.filter(strategy=strategy, status=RecordedPosition.Status.OPEN).count()


def covered_at(broker_accounts: Collection[UUID]) -> dict[UUID, datetime]:
    """When each account's positions were last told completely."""
    rows = PositionCover.objects.filter(broker_account__in=list(broker_accounts))
    return dict(rows.values_list("broker_account", "answered_at"))


def protective_fills(broker_accounts: Collection[UUID], since: datetime) -> list[holdings.Execution]:
    """What our stops and targets executed."""
    return _executions(Fill.objects.filter(leg__isnull=False), broker_accounts, since)


def external_fills(broker_accounts: Collection[UUID], since: datetime) -> list[holdings.Execution]:
    """What was executed under no order of ours, whoever's record it stands in."""
    return _executions(Fill.objects.filter(order=None, leg=None), broker_accounts, since, owned=False)


def _executions(
    rows: QuerySet[Fill], broker_accounts: Collection[UUID], since: datetime, *, owned: bool = True
) -> list[holdings.Execution]:
    found = rows.filter(broker_account__in=list(broker_accounts), executed_at__gte=since, voided=False)
    columns = ("broker_account", "instrument", "strategy", "side", "quantity", "executed_at")
    return [
        holdings.Execution(
            account, instrument, strategy if owned else None, quantity if side == "buy" else -quantity, at
        )
        for account, instrument, strategy, side, quantity, at in found.values_list(*columns)
    ]


def connect() -> None:
    holdings.provide_facts(covered=covered_at, protective=protective_fills, external=external_fills)
    holdings.provide(snapshot=held_now, others=held_by_others, open_positions=open_positions_of)
    holdings.provide_fills(fills_by_order)
    holdings.provide_earnings(earnings.earned_by)
