"""Recorded positions from stored fills: replay from the last moment when everything was flat, keep the rows that still hold.

A row keeps its id as long as its first fill is the same; one whose first fill changed (an earlier one turned up) is matched
by order. So what users link to and notifications name stays, however late the facts come.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection

from brokers.domain import ZERO, Side
from brokers.models import Instrument
from recorder import sql
from recorder.bulk import update_rows
from recorder.matching import (
    Execution,
    ExitReason,
    Ledger,
    Match,
    build_round_trips,
    venue_order,
)
from recorder.models import Fill, RecordedPosition
from recorder.positions import Context, Writer
from recorder.scope import Pair
from strategies.models import BracketLeg, Order
from tradeproject.common.events import Event

Start = tuple[datetime, str]
"""Where a replay begins: time and venue id of the first fill to take."""

CHUNK = 100
_LEG_REASON = {
    BracketLeg.Kind.TAKE_PROFIT.value: ExitReason.TAKE_PROFIT,
    BracketLeg.Kind.STOP_LOSS.value: ExitReason.STOP_LOSS,
}


@dataclass(slots=True)
class Rebuilt:
    events: list[Event] = field(default_factory=list)
    reassigned: dict[UUID, tuple[UUID | None, str]] = field(default_factory=dict)
    """Fills that no order is proven for, whose owner the replay found: strategy and match."""
    changed: int = 0


@dataclass(frozen=True, slots=True)
class StoredFill:
    """What a replay reads of a fill, in the order of ``sql.FILLS``. The leg's strategy is that of its entry."""

    pk: UUID
    venue_fill_id: str
    executed_at: datetime
    side: str
    quantity: Decimal
    price: Decimal
    commission: Decimal | None
    fees: Decimal | None
    match: str
    strategy: UUID | None
    broker_account: UUID
    instrument: int
    order: UUID | None
    order_purpose: str | None
    order_strategy: UUID | None
    signal: UUID | None
    signal_price: str | None
    leg_kind: str | None
    leg_strategy: UUID | None

    @property
    def is_free(self) -> bool:
        """No strategy's order is behind it, so the open positions decide whose it is."""
        if self.leg_kind is not None:
            return False
        if self.order is not None:
            return self.order_strategy is None
        return self.match in {Match.EXTERNAL, Match.WINDOW}

    def to_execution(self) -> Execution:
        return Execution(
            id=self.pk,
            venue_id=self.venue_fill_id,
            executed_at=self.executed_at,
            side=Side(self.side),
            quantity=self.quantity,
            price=self.price,
            costs=(self.commission or ZERO) + (self.fees or ZERO),
            owner=self._owner(),
            whole=self.order_purpose == Order.Purpose.ENTRY,
            reason=self._reason(),
            order=self.order,
            signal=self.signal,
        )

    def _owner(self) -> UUID | None:
        if self.leg_kind is not None:
            return self.leg_strategy
        if self.order is not None:
            return self.order_strategy
        return None if self.is_free else self.strategy

    def _reason(self) -> ExitReason:
        if self.leg_kind is not None:
            return _LEG_REASON[self.leg_kind]
        return ExitReason.SIGNAL if self.signal is not None else ExitReason.MANUAL


def rebuild(
    changes: Mapping[Pair, datetime | None],
    user_id: UUID,
    instruments: Mapping[int, Instrument] | None = None,
) -> Rebuilt:
    """Bring the recorded positions of one user in step with the fills at these accounts and contracts.

    A value is the time of the earliest change there; None replays everything. ``instruments`` are those already read.
    Must run inside a transaction that holds the recorder's lock of the login.
    """
    known = dict(instruments or {})
    known |= Instrument.objects.in_bulk({instrument for _, instrument in changes} - known.keys())
    result = Rebuilt()
    pairs = list(changes)
    for start in range(0, len(pairs), CHUNK):
        part = {pair: changes[pair] for pair in pairs[start : start + CHUNK]}
        _Rebuild(part, user_id, known, result).run()
    return result


class _Rebuild:
    def __init__(
        self,
        changes: Mapping[Pair, datetime | None],
        user_id: UUID,
        instruments: Mapping[int, Instrument],
        result: Rebuilt,
    ) -> None:
        self._changes, self._user_id, self._instruments, self._result = changes, user_id, instruments, result

    def run(self) -> None:
        starts = self._starts()
        wanted = _document({pair: start[0] if start else None for pair, start in starts.items()})
        fills = self._fills(wanted, starts)
        rows = self._rows(wanted, starts)
        ledgers = {
            pair: build_round_trips(fill.to_execution() for fill in fills.get(pair, ()))
            for pair in self._changes
        }
        self._reassign(fills, ledgers)
        context = Context.load([trip for ledger in ledgers.values() for trip in ledger.trips], _prices(fills))
        writer = Writer()
        for pair, ledger in ledgers.items():
            instrument = self._instruments[pair[1]]
            base = RecordedPosition(user_id=self._user_id, broker_account_id=pair[0], instrument=instrument)
            writer.take(rows.get(pair, []), [context.describe(trip, base) for trip in ledger.trips])
        self._result.changed += writer.write()
        self._result.events += writer.events

    # --- reading ------------------------------------------------------------------------------------------------

    def _starts(self) -> dict[Pair, Start | None]:
        starts: dict[Pair, Start | None] = dict.fromkeys(self._changes)
        with connection.cursor() as cursor:
            cursor.execute(sql.STARTS, [_document(self._changes)])
            starts |= {
                (account, instrument): (at, fill) for account, instrument, at, fill in cursor.fetchall()
            }
        return starts

    @staticmethod
    def _fills(wanted: str, starts: Mapping[Pair, Start | None]) -> dict[Pair, list[StoredFill]]:
        found: dict[Pair, list[StoredFill]] = defaultdict(list)
        with connection.cursor() as cursor:
            cursor.execute(sql.FILLS, [wanted])
            for values in cursor.fetchall():
                fill = StoredFill(*values)
                pair = (fill.broker_account, fill.instrument)
                if _is_after(starts[pair], fill.executed_at, fill.venue_fill_id):
                    found[pair].append(fill)
        return found

    @staticmethod
    def _rows(wanted: str, starts: Mapping[Pair, Start | None]) -> dict[Pair, list[RecordedPosition]]:
        found: dict[Pair, list[RecordedPosition]] = defaultdict(list)
        for row in RecordedPosition.objects.raw(sql.TRIPS, [wanted]):
            pair = (row.broker_account_id, row.instrument_id)
            first: str | None = row.first_venue_fill_id  # type: ignore[attr-defined]  # a column of the statement
            if first is None or _is_after(starts[pair], row.entry_timestamp, first):
                found[pair].append(row)
        return found

    # --- owners -------------------------------------------------------------------------------------------------

    def _reassign(self, fills: Mapping[Pair, list[StoredFill]], ledgers: Mapping[Pair, Ledger]) -> None:
        """A free fill belongs to the strategy whose position it closed, else to nobody."""
        moved: list[Fill] = []
        for pair, found in fills.items():
            for fill in found:
                if not fill.is_free:
                    continue
                owner = ledgers[pair].owners[fill.pk]
                match = fill.match
                if fill.order is None:
                    match = (Match.EXTERNAL if owner is None else Match.WINDOW).value
                if (owner, match) != (fill.strategy, fill.match):
                    moved.append(Fill(pk=fill.pk, strategy_id=owner, match=match))
                    self._result.reassigned[fill.pk] = (owner, match)
        update_rows(moved, ["strategy", "match"])


def _document(moments: Mapping[Pair, datetime | None]) -> str:
    rows = [{"account": pair[0], "instrument": pair[1], "since": at} for pair, at in moments.items()]
    return json.dumps(rows, default=str)


def _prices(fills: Mapping[Pair, Iterable[StoredFill]]) -> dict[UUID, str | None]:
    return {fill.signal: fill.signal_price for found in fills.values() for fill in found if fill.signal}


def _is_after(start: Start | None, moment: datetime, venue_fill_id: str) -> bool:
    """Whether a fill comes at or after the first fill of the round trip to replay from; several share a moment."""
    return start is None or venue_order(moment, venue_fill_id) >= venue_order(*start)
