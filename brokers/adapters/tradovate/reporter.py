"""From the book to reports: each change once, and nothing that was told before."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from brokers.adapters.tradovate.book import Book
from brokers.adapters.tradovate.parse import (
    cash_report,
    fill_report,
    order_report,
    position_report,
    unknown_report,
)
from brokers.adapters.tradovate.wire import Entity
from brokers.domain import (
    AccountReport,
    FillReport,
    OrderReport,
    PositionReport,
    Report,
    StreamSnapshot,
)
from brokers.errors import ProtocolSurprise

logger = logging.getLogger(__name__)
R = TypeVar("R", bound=Report)


def readable(make: Callable[[], R]) -> R | None:
    """The report, or None when the venue said something we do not know: that one is left out, loudly."""
    try:
        return make()
    except ProtocolSurprise as error:
        logger.error("tradovate report not understood", extra={"reason": error.message})
        return None


def _same(old: Report | None, new: Report) -> bool:
    """Whether ``new`` says nothing but a later time."""
    if isinstance(old, OrderReport) and isinstance(new, OrderReport):
        return replace(old, updated_at=new.updated_at) == new
    return old == new


class Reporter:
    """Builds reports from a book and remembers what it has told."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self._told: dict[Hashable, Report] = {}

    def orders(self) -> list[OrderReport]:
        """Reports of our orders; those we do not understand are left out, and logged."""
        return list(self._orders(self.book.our_orders(), keep_unknown=False))

    def fills(self) -> list[FillReport]:
        return list(self._fills(self.book.fills.values()))

    def snapshot(self, at: datetime, covered: Collection[str]) -> StreamSnapshot:
        """The whole truth about the ``covered`` accounts.

        Raises ProtocolSurprise for an unreadable position: left out it would be taken for flat.
        """
        book = self.book
        positions = [
            position_report(row)
            for row in book.positions.values()
            if book.is_ours(row) and row.get("netPos") != 0
        ]
        snapshot = StreamSnapshot(
            at=at,
            positions=tuple(positions),
            orders=tuple(self._orders(book.our_orders(), keep_unknown=True)),
            fills=tuple(self._fills(book.fills.values())),
            accounts=tuple(self._money(book.cash)),
            covered=tuple(sorted(covered)),
        )
        told: list[Report] = [*snapshot.orders, *snapshot.fills, *snapshot.positions, *snapshot.accounts]
        self._told.update((_key(report), report) for report in told)
        self._settle()
        return snapshot

    def changes(self) -> list[Report]:
        """Reports of everything that changed since the last call, orders before their fills."""
        book = self.book
        orders = [book.orders[order_id] for order_id in book.changed_orders if order_id in book.orders]
        fills = {fill_id: book.fills[fill_id] for fill_id in book.changed_fills if fill_id in book.fills}
        for order in orders:
            fills.update(book.fills_of(order["id"]))
        made: list[Report] = [
            *self._orders((row for row in orders if book.is_ours(row)), keep_unknown=False),
            *self._fills(fills.values()),
            *self._positions(book.changed_positions),
            *self._money(book.changed_cash),
        ]
        self._settle()
        return [report for report in made if self._is_news(report)]

    def _settle(self) -> None:
        book = self.book
        for changed in (book.changed_orders, book.changed_fills, book.changed_positions, book.changed_cash):
            changed.clear()

    def _is_news(self, report: Report) -> bool:
        key = _key(report)
        if _same(self._told.get(key), report):
            return False
        self._told[key] = report
        return True

    def _orders(self, rows: Iterable[Entity], *, keep_unknown: bool) -> Iterator[OrderReport]:
        for row in rows:
            parts = self.book.parts(row)
            report = readable(lambda parts=parts: order_report(parts))  # type: ignore[misc]
            if report is None and keep_unknown:
                client_id = self.book.client_id(row)
                report = readable(lambda row=row, name=client_id: unknown_report(row, name))  # type: ignore[misc]
            if report is not None:
                yield report

    def _fills(self, rows: Iterable[Entity]) -> Iterator[FillReport]:
        book = self.book
        for row in rows:
            order = book.orders.get(row["orderId"])
            if order is None or not book.is_ours(order):
                continue
            fee, client_id = book.fees.get(row["id"]), book.client_id(order)
            report = readable(lambda r=row, o=order, f=fee, c=client_id: fill_report(r, o, f, c))  # type: ignore[misc]
            if report is not None:
                yield report

    def _positions(self, keys: Iterable[tuple[int, int]]) -> Iterator[PositionReport]:
        for key in keys:
            row = self.book.positions[key]
            report = readable(lambda row=row: position_report(row)) if self.book.is_ours(row) else None  # type: ignore[misc]
            if report is not None:
                yield report

    def _money(self, keys: Iterable[tuple[int, int]]) -> Iterator[AccountReport]:
        for key in keys:
            row = self.book.cash[key]
            if not self.book.is_ours(row) or not self._is_main_currency(key):
                continue
            report = readable(lambda row=row: cash_report(row))  # type: ignore[misc]
            if report is not None:
                yield report

    def _is_main_currency(self, key: tuple[int, int]) -> bool:
        """An account may hold cash in several currencies; the one with the smallest number (1 = USD) is reported."""
        account, currency = key
        return all(currency <= other for owner, other in self.book.cash if owner == account)


def _key(report: Report) -> Hashable:
    match report:
        case OrderReport():
            return "order", report.venue_order_id
        case FillReport():
            return "fill", report.venue_fill_id
        case PositionReport():
            return "position", report.account_id, report.venue_instrument_id
        case AccountReport():
            return "account", report.account_id
