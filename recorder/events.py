"""What the recorder tells the world, always in the transaction of the fact itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from tradeproject.common.events import Event, event


@dataclass(frozen=True, kw_only=True)
class _PositionEvent(Event):
    """A round trip as it stands now. ``strategy`` is None for what was traded outside of every strategy."""

    position: UUID
    strategy: UUID | None
    broker_account: UUID
    symbol: str
    side: str
    quantity: Decimal
    open_quantity: Decimal
    entry_price: Decimal
    pnl: Decimal
    net_pnl: Decimal
    status: str
    signal: UUID | None


@event("position.opened")
@dataclass(frozen=True, kw_only=True)
class PositionOpened(_PositionEvent):
    """A strategy, or a person, went from flat to a position."""


@event("position.changed")
@dataclass(frozen=True, kw_only=True)
class PositionChanged(_PositionEvent):
    """Contracts were added or taken off, a stop or target moved, or a late fact corrected the record."""


@event("position.closed")
@dataclass(frozen=True, kw_only=True)
class PositionClosed(_PositionEvent):
    """A round trip ended. ``exit_reason`` is Take Profit, Stop Loss, Manual or Signal."""

    exit_price: Decimal | None
    exit_reason: str


@event("position.withdrawn")
@dataclass(frozen=True, kw_only=True)
class PositionWithdrawn(Event):
    """A recorded round trip turned out not to have happened: its fill was voided, or belongs to another strategy."""

    position: UUID
    strategy: UUID | None
    broker_account: UUID
    symbol: str


@event("position.reported")
@dataclass(frozen=True, kw_only=True)
class HoldingChanged(Event):
    """The venue says that an account holds another quantity than before (signed; 0 = flat)."""

    broker_account: UUID
    symbol: str
    net_quantity: Decimal
    average_price: Decimal | None


@event("order.updated")
@dataclass(frozen=True, kw_only=True)
class OrderUpdated(Event):
    """The venue told something new of an order of ours, or of one of its legs (``leg`` is its kind, else empty)."""

    order: UUID
    leg: str
    strategy: UUID | None
    signal: UUID | None
    broker_account: UUID
    symbol: str
    side: str
    status: str
    quantity: Decimal
    filled_quantity: Decimal
    average_price: Decimal | None
    reason: str


@event("fill.recorded")
@dataclass(frozen=True, kw_only=True)
class FillRecorded(Event):
    """An execution was stored for the first time."""

    fill: UUID
    order: UUID | None
    strategy: UUID | None
    broker_account: UUID
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    executed_at: datetime
    match: str


@event("record.differs")
@dataclass(frozen=True, kw_only=True)
class RecordDiffers(Event):
    """For a minute already an account holds another quantity than its recorded fills add up to."""

    broker_account: UUID
    account_name: str
    symbol: str
    held: Decimal
    recorded: Decimal


@event("account.updated")
@dataclass(frozen=True, kw_only=True)
class AccountUpdated(Event):
    """An account's balance, equity or open P&L is another than before."""

    broker_account: UUID
    currency: str
    balance: Decimal | None
    equity: Decimal | None
    open_pnl: Decimal | None
