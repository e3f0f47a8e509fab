"""Order reports onto our orders and bracket legs: status by the one table of states, fills monotone, every step on the trace.

Rows are read under lock and written once at the end, so that several reports and fills of one order cost one UPDATE.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TypeVar
from uuid import UUID

from django.db.models import QuerySet

from brokers.domain import OrderReport, OrderStatus, OrderType, Side
from recorder.bulk import insert_rows, update_rows
from recorder.events import OrderUpdated
from recorder.matching import OrderRef
from recorder.scope import Pair, Scope
from strategies.execution.lifecycle import next_status
from strategies.models import BracketLeg, Order, OrderEvent
from tradeproject.common.money import plain

logger = logging.getLogger(__name__)

Row = Order | BracketLeg
R = TypeVar("R", Order, BracketLeg)
REASON_LENGTH = 500
LEG_NAMES = {BracketLeg.Kind.TAKE_PROFIT: "Take-profit", BracketLeg.Kind.STOP_LOSS: "Stop-loss"}
_PRICE_UNIT = Decimal("1E-10")
_UNANSWERED = {OrderStatus.PENDING, OrderStatus.SUBMITTED, OrderStatus.UNKNOWN}
_LEG_KIND = {
    OrderType.LIMIT: BracketLeg.Kind.TAKE_PROFIT,
    OrderType.STOP: BracketLeg.Kind.STOP_LOSS,
    OrderType.STOP_LIMIT: BracketLeg.Kind.STOP_LOSS,
    OrderType.TRAILING_STOP: BracketLeg.Kind.STOP_LOSS,
}


@dataclass(frozen=True, slots=True)
class FillTotals:
    """What the stored fills of one order or leg say together."""

    quantity: Decimal
    value: Decimal
    last_at: datetime


@dataclass(slots=True)
class _Touched:
    row: Row
    status: str
    filled: Decimal
    fields: set[str] = field(default_factory=set)


class OurOrders:
    """The orders and legs that one ingest is about, found by the venue's ids, by ours, or by their parent."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._accounts = {account.pk: account for account in scope.accounts.values()}
        self.orders: dict[UUID, Order] = {}
        self.legs: dict[UUID, BracketLeg] = {}
        self.by_venue_id: dict[UUID, dict[str, OrderRef]] = defaultdict(dict)
        self.by_client_id: dict[UUID, dict[str, OrderRef]] = defaultdict(dict)
        self.bound: set[UUID] = set()
        self.newly_bound_ids: set[str] = set()
        self.moved: set[Pair] = set()
        self._touched: dict[UUID, _Touched] = {}

    # --- finding ------------------------------------------------------------------------------------------------

    def load(
        self, venue_ids: Collection[str], client_ids: Collection[str] = (), parent_ids: Collection[str] = ()
    ) -> None:
        """Read and lock what these ids name at the scope's accounts. May be called again for more."""
        venue_ids = {i for i in venue_ids if i}
        parents = {i for i in parent_ids if i}
        clients = {i for i in client_ids if i}
        known = Order.objects.filter(broker_account__in=self._scope.account_ids)
        found: list[Order] = []
        if venue_ids | parents:
            found += _locked(known.filter(venue_order_id__in=venue_ids | parents))
        if clients:
            found += _locked(known.filter(client_order_id__in=clients))
        for order in found:
            self._remember_order(order)
        self._load_legs(venue_ids, clients, [o.pk for o in found if o.venue_order_id in parents])

    def _load_legs(self, venue_ids: set[str], client_ids: set[str], parents: list[UUID]) -> None:
        ours = BracketLeg.objects.select_related("order").filter(
            order__broker_account__in=self._scope.account_ids
        )
        others = venue_ids - {order.venue_order_id for order in self.orders.values()}
        if others:
            self._remember_legs(_locked(ours.filter(venue_order_id__in=others)))
        if parents:
            self._remember_legs(_locked(ours.filter(order__in=parents)))
        missing = client_ids - {client for known in self.by_client_id.values() for client in known}
        if missing:
            self._remember_legs(_locked(ours.filter(client_order_id__in=missing)))

    def _remember_order(self, order: Order) -> None:
        self.orders.setdefault(order.pk, order)
        ref = OrderRef(order.pk, order.strategy_id)
        if order.venue_order_id:
            self.by_venue_id[order.broker_account_id].setdefault(order.venue_order_id, ref)
        self.by_client_id[order.broker_account_id].setdefault(order.client_order_id, ref)

    def _remember_legs(self, legs: Iterable[BracketLeg]) -> None:
        for leg in legs:
            self.legs.setdefault(leg.pk, leg)
            account, ref = leg.order.broker_account_id, OrderRef(leg.order_id, leg.order.strategy_id, leg.pk)
            if leg.venue_order_id:
                self.by_venue_id[account].setdefault(leg.venue_order_id, ref)
            if leg.client_order_id:
                self.by_client_id[account].setdefault(leg.client_order_id, ref)

    def row_of(self, ref: OrderRef) -> Row:
        return self.legs[ref.leg] if ref.leg is not None else self.orders[ref.order]

    def _find(self, account_id: UUID, report: OrderReport) -> OrderRef | None:
        return (
            self.by_venue_id[account_id].get(report.venue_order_id)
            or (self.by_client_id[account_id].get(report.client_order_id) if report.client_order_id else None)
            or self._find_by_parent(account_id, report)
        )

    def _find_by_parent(self, account_id: UUID, report: OrderReport) -> OrderRef | None:
        """A leg whose own id we never learnt (the answer to the bracket was lost), by the entry it hangs on."""
        parent = self.by_venue_id[account_id].get(report.parent_venue_order_id)
        kind = _LEG_KIND.get(report.order_type) if report.order_type else None
        if parent is None or kind is None:
            return None
        fitting = (
            leg
            for leg in self.legs.values()
            if leg.order_id == parent.order and leg.kind == kind and not leg.venue_order_id
        )
        leg = next(fitting, None)
        return OrderRef(parent.order, parent.strategy, leg.pk) if leg is not None else None

    # --- taking reports -----------------------------------------------------------------------------------------

    def take_reports(self, reports: Iterable[OrderReport]) -> None:
        for report in sorted(reports, key=lambda item: item.updated_at):
            account = self._scope.account_of(report)
            ref = self._find(account.pk, report) if account is not None else None
            if account is not None and ref is not None and self.bind(account.pk, ref, report.venue_order_id):
                self._take(self.row_of(ref), report)

    def bind(self, account_id: UUID, ref: OrderRef, venue_order_id: str) -> bool:
        """Give a row the venue's id if it has none. False when it already goes by another one."""
        row = self.row_of(ref)
        if row.venue_order_id == venue_order_id:
            return True
        if row.venue_order_id:
            logger.warning(
                "two venue orders claim one order of ours",
                extra={"order": str(ref.order), "known": row.venue_order_id, "reported": venue_order_id},
            )
            return False
        self._set(row, "venue_order_id", venue_order_id)
        self.by_venue_id[account_id][venue_order_id] = ref
        self.bound.add(ref.order)
        self.newly_bound_ids.add(venue_order_id)
        return True

    def _take(self, row: Row, report: OrderReport) -> None:
        filled = report.filled_quantity
        if filled > row.filled_quantity or (filled == row.filled_quantity and row.average_price is None):
            self._set(row, "filled_quantity", filled)
            if report.average_price is not None:
                self._set(row, "average_price", report.average_price)
        reported = report.status
        if reported is OrderStatus.ACCEPTED and row.filled_quantity > 0:
            reported = OrderStatus.PARTIALLY_FILLED
        if report.reason:
            self._take_reason(row, report)
        self._move(row, reported, report.updated_at)
        if isinstance(row, BracketLeg) and report.status.is_working:
            self._take_terms(row, report)

    def _take_reason(self, row: Row, report: OrderReport) -> None:
        reason = report.reason[:REASON_LENGTH]
        if report.status is OrderStatus.REJECTED:
            self._set(row, "reject_reason", reason)
        elif isinstance(row, Order):
            self._set(row, "venue_message", reason)

    def _take_terms(self, leg: BracketLeg, report: OrderReport) -> None:
        """Where the leg stands at the venue now: it may have been moved there, or it trails."""
        is_target = leg.kind == BracketLeg.Kind.TAKE_PROFIT
        price = report.limit_price if is_target else report.stop_price
        if price is not None and price != leg.price:
            self._set(leg, "price", price)
            if leg.order.instrument_id is not None:
                self.moved.add((leg.order.broker_account_id, leg.order.instrument_id))
        if report.quantity is not None and report.quantity != leg.quantity:
            self._set(leg, "quantity", report.quantity)

    def take_totals(self, totals: Mapping[UUID, FillTotals]) -> None:
        """Apply what fills add up to, by primary key of order or leg; it counts when it is more than was reported."""
        for key, total in totals.items():
            row = self.orders.get(key) or self.legs[key]
            if total.quantity < row.filled_quantity:
                continue
            average = (total.value / total.quantity).quantize(_PRICE_UNIT, ROUND_HALF_EVEN)
            if average != row.average_price:
                self._set(row, "average_price", average)
            wanted = _wanted_quantity(row)
            if total.quantity > row.filled_quantity:
                self._set(row, "filled_quantity", total.quantity)
                self._check_overfill(row, wanted)
            complete = total.quantity >= wanted > 0
            self._move(row, OrderStatus.FILLED if complete else OrderStatus.PARTIALLY_FILLED, total.last_at)

    def _check_overfill(self, row: Row, wanted: Decimal) -> None:
        """More than was ordered: a fact is never dropped, but somebody should look."""
        if row.filled_quantity > wanted > 0:
            logger.error(
                "overfill",
                extra={"order": str(row.pk), "ordered": str(wanted), "filled": str(row.filled_quantity)},
            )

    # --- changing rows ------------------------------------------------------------------------------------------

    def _set(self, row: Row, name: str, value: object) -> None:
        touched = self._touched.get(row.pk)
        if touched is None:
            touched = self._touched[row.pk] = _Touched(row, row.status, row.filled_quantity)
        setattr(row, name, value)
        touched.fields.add(name)

    def _move(self, row: Row, reported: OrderStatus, at: datetime) -> None:
        current = OrderStatus(row.status)
        status = next_status(current, reported)
        if status is current:
            return
        self._set(row, "status", status.value)
        if isinstance(row, Order):
            self._stamp(row, status, at)

    def _stamp(self, order: Order, status: OrderStatus, at: datetime) -> None:
        """The venue's time, kept between our sending and our hearing of it: its clock is not ours."""
        moment = min(at, self._scope.now)
        moment = max(moment, order.sent_at) if order.sent_at else moment
        if order.answered_at is None and status not in _UNANSWERED:
            self._set(order, "answered_at", moment)
        if status is OrderStatus.FILLED and order.filled_at is None:
            self._set(order, "filled_at", moment)
        if status.is_final and order.settled_at is None:
            self._set(order, "settled_at", moment)

    # --- writing ------------------------------------------------------------------------------------------------

    def write(self) -> int:
        """Store what changed, its trace and its events. Returns how many orders and legs changed."""
        self._write_rows([t for t in self._touched.values() if isinstance(t.row, Order)])
        self._write_rows([t for t in self._touched.values() if isinstance(t.row, BracketLeg)])
        told = [t for t in self._touched.values() if _is_news(t)]
        insert_rows([_trace_of(item.row, self._scope.now) for item in told])
        self._scope.events += [self._event_of(item.row) for item in told]
        return len(self._touched)

    def _write_rows(self, touched: list[_Touched]) -> None:
        fields = sorted(set().union(*(item.fields for item in touched)))
        for item in touched:
            item.row.updated_at = self._scope.now
        update_rows([item.row for item in touched], [*fields, "updated_at"])

    def _event_of(self, row: Row) -> OrderUpdated:
        order, leg = (row.order, row.kind) if isinstance(row, BracketLeg) else (row, "")
        side = Side(order.side)
        return OrderUpdated(
            user_id=order.user_id,
            order=order.pk,
            leg=leg,
            strategy=order.strategy_id,
            signal=order.signal_id,
            broker_account=order.broker_account_id,
            symbol=order.venue_symbol or order.symbol,
            side=(side.opposite if leg else side).value,
            status=row.status,
            quantity=_wanted_quantity(row),
            filled_quantity=row.filled_quantity,
            average_price=row.average_price,
            reason=row.reject_reason,
        )


def _locked(rows: QuerySet[R]) -> list[R]:
    # No key is changed, so inserts that refer to these rows need not wait. One order of locking for everybody: by key.
    return list(rows.select_for_update(no_key=True, of=("self",)).order_by("pk"))


def _wanted_quantity(row: Row) -> Decimal:
    return row.quantity or row.order.quantity if isinstance(row, BracketLeg) else row.quantity


def _is_news(touched: _Touched) -> bool:
    return touched.row.status != touched.status or touched.row.filled_quantity != touched.filled


def _trace_of(row: Row, now: datetime) -> OrderEvent:
    """One line of the timeline: what kind of order, how much of it is done, and the venue's own words."""
    if isinstance(row, BracketLeg):
        order_id, parts, words = row.order_id, [LEG_NAMES[BracketLeg.Kind(row.kind)]], row.reject_reason
    else:
        order_id, parts, words = row.pk, [], row.reject_reason or row.venue_message
    if row.filled_quantity:
        price = f" at {plain(row.average_price)}" if row.average_price is not None else ""
        parts.append(f"{plain(row.filled_quantity)} of {plain(_wanted_quantity(row))} filled{price}")
    if words and row.status != OrderStatus.FILLED:
        parts.append(words)
    data = {"leg": row.kind} if isinstance(row, BracketLeg) else {}
    return OrderEvent(
        order_id=order_id, at=now, kind=row.status, message=": ".join(parts)[:REASON_LENGTH], data=data
    )
