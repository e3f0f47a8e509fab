"""Fill reports into Fill rows: one row per execution, linked to whatever of ours it executed.

A fill may come before the order it belongs to is known by the venue's id. It is then kept with the best claim there is, and
asked about again as soon as that id is known (for a day: by then every order of ours has been decided).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from brokers.domain import FillReport, Side
from brokers.models import BrokerAccount, Instrument
from recorder import sql
from recorder.bulk import insert_rows, update_rows
from recorder.events import FillRecorded
from recorder.matching import FillFacts, Match, Owner
from recorder.models import Fill
from recorder.orders import FillTotals, OurOrders
from recorder.ownership import Claims
from recorder.scope import Pair, Scope

logger = logging.getLogger(__name__)

RELINK_FOR = timedelta(days=1)
_QUANTITY_UNIT, _PRICE_UNIT = Decimal("1E-8"), Decimal("1E-10")


@dataclass(slots=True)
class FillsTaken:
    new: list[Fill] = field(default_factory=list)
    duplicates: int = 0
    changed: dict[Pair, datetime] = field(default_factory=dict)
    """Where round trips must be rebuilt, and the time of the earliest fill that changed."""

    def mark(self, fill: Fill) -> None:
        pair = (fill.broker_account_id, fill.instrument_id)
        self.changed[pair] = min(self.changed.get(pair, fill.executed_at), fill.executed_at)


class FillBook:
    """Takes the fill reports of one ingest."""

    def __init__(self, scope: Scope, ours: OurOrders) -> None:
        self._scope, self._ours = scope, ours
        self.taken = FillsTaken()
        self._updated: dict[UUID, Fill] = {}
        # Orders and legs whose fills are to be added up again.
        self._executed_orders: set[UUID] = set()
        self._executed_legs: set[UUID] = set()

    def take(self, reports: Iterable[FillReport]) -> FillsTaken:
        wanted = [found for report in reports if (found := self._place(report)) is not None]
        known = self._stored(wanted)
        relinked = self._unproven_to_ask_again()
        self._ours.load({fill.venue_order_id for fill in relinked})
        claims = Claims(self._scope, self._ours.by_venue_id, self._ours.by_client_id, self._ours.bound)
        for account, instrument, report in wanted:
            fill = known.get((account.pk, report.venue_fill_id))
            if fill is None:
                known[account.pk, report.venue_fill_id] = self._add(account, instrument, report, claims)
            else:
                self._complete(fill, report)
        for fill in relinked:
            self._relink(fill, claims)
        self._write()
        return self.taken

    def _place(self, report: FillReport) -> tuple[BrokerAccount, Instrument, FillReport] | None:
        account = self._scope.account_of(report)
        if account is None:
            return None
        instrument = self._scope.instruments.get(report.venue_instrument_id)
        if instrument is None:
            self._scope.unresolved.append(report)
            return None
        return account, instrument, report

    @staticmethod
    def _stored(
        wanted: Iterable[tuple[BrokerAccount, Instrument, FillReport]],
    ) -> dict[tuple[UUID, str], Fill]:
        accounts = {account.pk for account, _, _ in wanted}
        ids = {report.venue_fill_id for _, _, report in wanted}
        rows = Fill.objects.filter(broker_account__in=accounts, venue_fill_id__in=ids) if ids else []
        return {(fill.broker_account_id, fill.venue_fill_id): fill for fill in rows}

    # --- one report ---------------------------------------------------------------------------------------------

    def _add(
        self, account: BrokerAccount, instrument: Instrument, report: FillReport, claims: Claims
    ) -> Fill:
        facts = FillFacts(
            report.venue_order_id, report.side, report.quantity, report.executed_at, report.client_order_id
        )
        fill = Fill(
            user_id=account.user_id,
            broker_account=account,
            instrument=instrument,
            venue_fill_id=report.venue_fill_id,
            venue_order_id=report.venue_order_id,
            side=report.side.value,
            quantity=report.quantity,
            price=report.price,
            commission=report.commission,
            fees=report.fees,
            executed_at=report.executed_at,
            recorded_at=self._scope.now,
            source=self._scope.source,
            voided=report.voided,
        )
        self._link(fill, claims.decide(account.pk, instrument, facts))
        self.taken.new.append(fill)
        self.taken.mark(fill)
        return fill

    def _link(self, fill: Fill, owner: Owner) -> None:
        ref = owner.ref
        fill.match, fill.strategy_id = owner.match.value, owner.strategy
        fill.order_id = ref.order if ref is not None and ref.leg is None else None
        fill.leg_id = ref.leg if ref is not None else None
        if ref is not None and owner.match is Match.ORDER:
            (self._executed_orders if ref.leg is None else self._executed_legs).add(ref.leg or ref.order)
            self._ours.bind(fill.broker_account_id, ref, fill.venue_order_id)

    def _complete(self, fill: Fill, report: FillReport) -> None:
        """The same execution again: only what was missing is taken from it."""
        self.taken.duplicates += 1
        told = {name: getattr(report, name) for name in ("commission", "fees")}
        missing = {n: value for n, value in told.items() if value is not None and getattr(fill, n) is None}
        if report.voided and not fill.voided:
            missing["voided"] = True
            logger.warning(
                "the venue took a fill back",
                extra={"fill": fill.venue_fill_id, "account": str(fill.broker_account_id)},
            )
        if _differs(fill, report):
            logger.warning(
                "a fill was reported again with other data; the first report stands",
                extra={"fill": fill.venue_fill_id, "account": str(fill.broker_account_id)},
            )
        if not missing:
            return
        for name, value in missing.items():
            setattr(fill, name, value)
        self._changed(fill)

    def _changed(self, fill: Fill) -> None:
        self._updated[fill.pk] = fill
        self.taken.mark(fill)

    # --- fills that came before their order's id ----------------------------------------------------------------

    def _unproven_to_ask_again(self) -> list[Fill]:
        wanted: dict[str, Any] = {
            "accounts": self._scope.account_ids,
            "since": self._scope.now - RELINK_FOR,
            "bound": list(self._ours.newly_bound_ids),
        }
        with connection.cursor() as cursor:
            cursor.execute(sql.ASK_AGAIN, wanted)
            keys = [row[0] for row in cursor.fetchall()]
        return list(Fill.objects.filter(pk__in=keys).select_related("instrument")) if keys else []

    def _relink(self, fill: Fill, claims: Claims) -> None:
        facts = FillFacts(fill.venue_order_id, Side(fill.side), fill.quantity, fill.executed_at)
        before = (fill.match, fill.order_id, fill.leg_id)
        owner = claims.decide(fill.broker_account_id, fill.instrument, facts)
        self._link(fill, owner)
        if before != (fill.match, fill.order_id, fill.leg_id):
            self._changed(fill)

    # --- writing ------------------------------------------------------------------------------------------------

    def _write(self) -> None:
        insert_rows(self.taken.new, ignore_conflicts=True)
        new = {fill.pk for fill in self.taken.new}
        update_rows(
            [fill for key, fill in self._updated.items() if key not in new],
            ["commission", "fees", "voided", "match", "strategy", "order", "leg"],
        )
        self._ours.take_totals(_totals(self._executed_orders, self._executed_legs))

    def events(self, reassigned: dict[UUID, tuple[UUID | None, str]]) -> list[FillRecorded]:
        """One event per new fill, with the owner that the round trips gave it."""
        return [
            _event_of(fill, *reassigned.get(fill.pk, (fill.strategy_id, fill.match)))
            for fill in self.taken.new
        ]


def _differs(fill: Fill, report: FillReport) -> bool:
    same = (
        fill.side == report.side.value
        and fill.quantity == report.quantity.quantize(_QUANTITY_UNIT, ROUND_HALF_EVEN)
        and fill.price == report.price.quantize(_PRICE_UNIT, ROUND_HALF_EVEN)
        and fill.executed_at == report.executed_at
        and fill.venue_order_id == report.venue_order_id
    )
    costs = ((fill.commission, report.commission), (fill.fees, report.fees))
    return not same or any(old is not None and new is not None and old != new for old, new in costs)


def _totals(orders: set[UUID], legs: set[UUID]) -> dict[UUID, FillTotals]:
    if not orders and not legs:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(sql.TOTALS, [list(orders), list(legs)])
        return {key: FillTotals(quantity, value, at) for key, quantity, value, at in cursor.fetchall()}


def _event_of(fill: Fill, strategy: UUID | None, match: str) -> FillRecorded:
    return FillRecorded(
        user_id=fill.user_id,
        fill=fill.pk,
        order=fill.order_id,
        strategy=strategy,
        broker_account=fill.broker_account_id,
        symbol=fill.instrument.venue_symbol,
        side=fill.side,
        quantity=fill.quantity,
        price=fill.price,
        executed_at=fill.executed_at,
        match=match,
    )
