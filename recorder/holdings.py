"""What the venue says accounts hold and own: position snapshots, balances.

Two clocks meet here. Single reports are put in order by the venue's time (``as_of``). A complete answer is true for the moment
*we* asked: a poll overrules whatever has not changed here since (``changed_at``, our clock), a stream's snapshot everything
that the stream told before it. What it sets is dated a few seconds back: a venue whose clock runs behind ours must not have
its next report taken for an old one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from brokers.domain import ZERO, AccountReport, PositionReport
from brokers.models import BrokerAccount
from recorder.bulk import update_rows
from recorder.events import AccountUpdated, HoldingChanged
from recorder.models import PositionCover, PositionSnapshot
from recorder.scope import Complete, Pair, Scope

CLOCK_SKEW = timedelta(seconds=5)
POLL = "poll"
NUMBERS = ("balance", "equity", "open_pnl")


class Holdings:
    """The position snapshots of one ingest."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._instruments = {instrument.pk: instrument for instrument in scope.instruments.values()}
        self._accounts = {account.pk: account for account in scope.accounts.values()}
        self._rows: dict[Pair, PositionSnapshot] = {}
        self._changed: dict[Pair, PositionSnapshot] = {}
        self._news: set[Pair] = set()
        self._covered: dict[UUID, datetime] = {}

    def take(self, items: Sequence[PositionReport | Complete]) -> int:
        """Store what is newer than what we have. Returns how many holdings became another quantity or price."""
        if not items:
            return 0
        rows = PositionSnapshot.objects.filter(broker_account__in=self._accounts).select_related("instrument")
        for row in rows:
            self._rows[row.broker_account_id, row.instrument_id] = row
            self._instruments[row.instrument_id] = row.instrument
        for item in items:
            if isinstance(item, PositionReport):
                self._take_one(item)
            else:
                self._take_complete(item)
        self._write()
        return len(self._news)

    def _place(self, report: PositionReport) -> Pair | None:
        account = self._scope.account_of(report)
        if account is None:
            return None
        instrument = self._scope.instruments.get(report.venue_instrument_id)
        if instrument is not None:
            return account.pk, instrument.pk
        if report.net_quantity:
            self._scope.unresolved.append(report)
        return None  # flat in something we never heard of: nothing to remember

    def _take_one(self, report: PositionReport) -> None:
        pair = self._place(report)
        if pair is None:
            return
        row = self._rows.get(pair)
        if row is None or report.as_of >= row.as_of:
            self._put(pair, report)

    def _take_complete(self, answer: Complete) -> None:
        told: set[Pair] = set()
        for report in answer.positions:
            pair = self._place(report)
            if pair is not None:
                told.add(pair)
                row = self._rows.get(pair)
                if row is None or report.as_of >= row.as_of or _overrules(answer, row):
                    self._put(pair, report, answer)
        asked = {account.pk for key, account in self._scope.accounts.items() if key in answer.accounts}
        self._covered |= dict.fromkeys(asked, answer.asked_at)
        for pair, row in list(self._rows.items()):
            is_left_out = pair[0] in asked and pair not in told and row.net_quantity
            if is_left_out and _overrules(answer, row):
                self._put(pair, _flat(row, answer), answer)

    def _put(self, pair: Pair, report: PositionReport, answer: Complete | None = None) -> None:
        row = self._rows.get(pair) or PositionSnapshot(
            broker_account_id=pair[0], instrument_id=pair[1], net_quantity=ZERO, as_of=report.as_of
        )
        as_of = max(report.as_of, row.as_of, answer.asked_at - CLOCK_SKEW) if answer else report.as_of
        before = (row.net_quantity, row.average_price)
        if before != (report.net_quantity, report.average_price):
            row.changed_at = self._scope.now
            self._news.add(pair)
        elif pair in self._rows and as_of == row.as_of:
            return
        row.net_quantity, row.average_price, row.as_of = report.net_quantity, report.average_price, as_of
        row.source = self._scope.source
        self._rows[pair] = self._changed[pair] = row

    def _write(self) -> None:
        PositionSnapshot.objects.bulk_create(
            [row for row in self._changed.values() if row.pk is None],
            update_conflicts=True,
            unique_fields=["broker_account", "instrument"],
            update_fields=["net_quantity", "average_price", "as_of", "source", "changed_at"],
        )
        update_rows(
            [row for row in self._changed.values() if row.pk is not None],
            ["net_quantity", "average_price", "as_of", "source", "changed_at"],
        )
        self._write_cover()
        self._scope.events += [self._event_of(pair, self._rows[pair]) for pair in self._news]

    def _write_cover(self) -> None:
        """In the order of the accounts, so that two ingests at once do not wait for one another."""
        PositionCover.objects.bulk_create(
            [PositionCover(broker_account_id=pk, answered_at=at) for pk, at in sorted(self._covered.items())],
            update_conflicts=True,
            unique_fields=["broker_account"],
            update_fields=["answered_at"],
        )

    def _event_of(self, pair: Pair, row: PositionSnapshot) -> HoldingChanged:
        return HoldingChanged(
            user_id=self._accounts[pair[0]].user_id,
            broker_account=pair[0],
            symbol=self._instruments[pair[1]].venue_symbol,
            net_quantity=row.net_quantity,
            average_price=row.average_price,
        )


def _overrules(answer: Complete, row: PositionSnapshot) -> bool:
    if answer.in_stream and row.source != POLL:
        return True
    return row.changed_at < answer.asked_at


def _flat(row: PositionSnapshot, answer: Complete) -> PositionReport:
    return PositionReport("", "", ZERO, None, max(row.as_of, answer.asked_at - CLOCK_SKEW))


def take_account_reports(scope: Scope, reports: Iterable[AccountReport]) -> int:
    """Balances onto the accounts; an untold number leaves the stored one. Returns how many accounts changed."""
    touched: dict[str, BrokerAccount] = {}
    changed: set[str] = set()
    for report in sorted(reports, key=lambda item: item.as_of):
        account = scope.account_of(report)
        if account is None:
            continue
        touched[report.account_id] = account
        account.last_synced_at = scope.now
        for name in NUMBERS:
            value = getattr(report, name)
            if value is not None and value != getattr(account, name):
                setattr(account, name, value)
                changed.add(report.account_id)
        if report.currency and report.currency != account.currency:
            account.currency = report.currency
            changed.add(report.account_id)
    update_rows(list(touched.values()), [*NUMBERS, "currency", "last_synced_at"])
    scope.events += [_account_event(touched[key]) for key in sorted(changed)]
    return len(changed)


def _account_event(account: BrokerAccount) -> AccountUpdated:
    return AccountUpdated(
        user_id=account.user_id,
        broker_account=account.pk,
        currency=account.currency,
        balance=account.balance,
        equity=account.equity,
        open_pnl=account.open_pnl,
    )
