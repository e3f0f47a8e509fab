"""Rows of recorded positions: what a round trip looks like as a row, and the difference between rows as it is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from brokers.domain import LegKind, LegSpec, Side
from brokers.models import Instrument
from recorder.bulk import insert_rows, update_rows
from recorder.events import PositionChanged, PositionClosed, PositionOpened, PositionWithdrawn
from recorder.matching import RoundTrip
from recorder.models import RecordedPosition
from strategies.execution.sizing import leg_price
from strategies.models import BracketLeg
from tradeproject.common.clock import utc_now
from tradeproject.common.events import Event
from tradeproject.common.money import to_decimal

SIDE_NAMES = {Side.BUY: "Buy", Side.SELL: "Sell"}
WRITTEN = (
    "strategy",
    "symbol",
    "side",
    "quantity",
    "open_quantity",
    "entry_price",
    "entry_timestamp",
    "exit_price",
    "exit_timestamp",
    "exit_reason",
    "pnl",
    "commission",
    "net_pnl",
    "pnl_percent",
    "stop_loss_price",
    "take_profit_price",
    "slippage",
    "status",
    "signal",
    "exit_signal",
    "first_fill",
    "from_flat",
)
_REFERENCES = {"strategy", "signal", "exit_signal", "first_fill"}
_COMPARED = [f"{name}_id" if name in _REFERENCES else name for name in WRITTEN]


@dataclass(frozen=True, slots=True)
class Context:
    """What round trips show beside their numbers: the legs of their entry orders and the prices of their signals."""

    legs: Mapping[UUID, list[BracketLeg]]
    prices: Mapping[UUID, Decimal | None]

    @classmethod
    def load(cls, trips: Collection[RoundTrip], signal_prices: Mapping[UUID, str | None]) -> Context:
        orders = {trip.first.order for trip in trips if trip.first.order}
        legs: dict[UUID, list[BracketLeg]] = defaultdict(list)
        for leg in BracketLeg.objects.filter(order__in=orders):
            legs[leg.order_id].append(leg)
        return cls(legs, {pk: _number(price) for pk, price in signal_prices.items()})

    def describe(self, trip: RoundTrip, base: RecordedPosition) -> RecordedPosition:
        """The row, unsaved, that says what this round trip is."""
        instrument, first, last = base.instrument, trip.first, trip.closed_by
        figures = trip.figures(
            instrument.point_value, self.prices.get(first.signal) if first.signal else None
        )
        legs = self.legs.get(first.order, []) if first.order else []
        stop, target = (
            _protective_price(legs, kind, trip.side, figures.entry_price, instrument)
            for kind in (LegKind.STOP_LOSS, LegKind.TAKE_PROFIT)
        )
        return RecordedPosition(
            user_id=base.user_id,
            broker_account_id=base.broker_account_id,
            instrument=instrument,
            strategy_id=trip.owner,
            symbol=instrument.venue_symbol,
            side=SIDE_NAMES[trip.side],
            quantity=trip.largest,
            open_quantity=trip.open_quantity,
            entry_price=figures.entry_price,
            entry_timestamp=first.executed_at,
            exit_price=figures.exit_price if last else None,
            exit_timestamp=last.executed_at if last else None,
            exit_reason=last.reason.value if last else "",
            pnl=figures.pnl,
            commission=figures.costs,
            net_pnl=figures.net_pnl,
            pnl_percent=figures.pnl_percent,
            stop_loss_price=stop,
            take_profit_price=target,
            slippage=figures.slippage,
            status=trip.status.value,
            signal_id=first.signal,
            exit_signal_id=last.signal if last else None,
            first_fill_id=first.id,
            from_flat=trip.from_flat,
        )


def _number(value: Any) -> Decimal | None:
    try:
        return to_decimal(value)
    except ValueError:
        return None


def _protective_price(
    legs: Iterable[BracketLeg], kind: LegKind, side: Side, entry: Decimal, instrument: Instrument
) -> Decimal | None:
    """Where a leg stands: its own price, else its offset from the entry."""
    leg = next((leg for leg in legs if leg.kind == kind.value), None)
    if leg is None or (leg.price is None and leg.offset is None):
        return None
    return leg_price(LegSpec(kind, leg.price, leg.offset), side, entry, instrument.to_domain())


class Writer:
    """Compares rows as they are with rows as they should be, and writes the difference."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._gone: list[RecordedPosition] = []
        self._changed: list[RecordedPosition] = []
        self._new: list[RecordedPosition] = []

    def take(self, stored: Collection[RecordedPosition], wanted: Collection[RecordedPosition]) -> None:
        kept: set[UUID] = set()
        for row, old in _pair_up(stored, wanted):
            if old is None:
                self._new.append(row)
                self._tell_new(row)
                continue
            kept.add(old.pk)
            if any(getattr(old, name) != getattr(row, name) for name in _COMPARED):
                row.pk, row.venue_position_id = old.pk, old.venue_position_id
                self._changed.append(row)
                self._tell_changed(old, row)
        self._gone += [row for row in stored if row.pk not in kept]

    def _tell_new(self, row: RecordedPosition) -> None:
        self.events.append(PositionOpened(**_facts(row)))
        if row.status != RecordedPosition.Status.OPEN:
            self.events.append(_closed(row))

    def _tell_changed(self, old: RecordedPosition, row: RecordedPosition) -> None:
        is_closing = old.status == RecordedPosition.Status.OPEN != row.status
        self.events.append(_closed(row) if is_closing else PositionChanged(**_facts(row)))

    def write(self) -> int:
        """Deletes first, then what is closed, then what is open: a strategy has one open position per contract.

        Returns how many rows were written or deleted.
        """
        if self._gone:
            RecordedPosition.objects.filter(pk__in=[row.pk for row in self._gone]).delete()
        now = utc_now()
        for row in (*self._changed, *self._new):
            row.updated_at = now
        is_open = RecordedPosition.Status.OPEN
        for rows in (
            [row for row in self._changed if row.status != is_open],
            [row for row in self._changed if row.status == is_open],
        ):
            update_rows(rows, [*WRITTEN, "updated_at"])
        insert_rows(self._new)
        self.events += [_withdrawn(row) for row in self._gone]
        return len(self._gone) + len(self._changed) + len(self._new)


def _pair_up(
    stored: Collection[RecordedPosition], wanted: Collection[RecordedPosition]
) -> Iterator[tuple[RecordedPosition, RecordedPosition | None]]:
    """Each wanted row with the stored one it continues: the one with its first fill, else the next of the same owner."""
    by_fill = {(row.strategy_id, row.first_fill_id): row for row in stored}
    matched = [by_fill.pop((row.strategy_id, row.first_fill_id), None) for row in wanted]
    spare: dict[UUID | None, list[RecordedPosition]] = defaultdict(list)
    for row in sorted(by_fill.values(), key=lambda row: row.entry_timestamp, reverse=True):
        spare[row.strategy_id].append(row)
    for row, old in zip(wanted, matched, strict=True):
        left = spare[row.strategy_id]
        yield row, old or (left.pop() if left else None)


def _facts(row: RecordedPosition) -> dict[str, Any]:
    return {
        "user_id": row.user_id,
        "position": row.pk,
        "strategy": row.strategy_id,
        "broker_account": row.broker_account_id,
        "symbol": row.symbol,
        "side": row.side,
        "quantity": row.quantity,
        "open_quantity": row.open_quantity,
        "entry_price": row.entry_price,
        "pnl": row.pnl,
        "net_pnl": row.net_pnl,
        "status": row.status,
        "signal": row.signal_id,
    }


def _closed(row: RecordedPosition) -> PositionClosed:
    return PositionClosed(**_facts(row), exit_price=row.exit_price, exit_reason=row.exit_reason)


def _withdrawn(row: RecordedPosition) -> PositionWithdrawn:
    return PositionWithdrawn(
        user_id=row.user_id,
        position=row.pk,
        strategy=row.strategy_id,
        broker_account=row.broker_account_id,
        symbol=row.symbol,
    )
