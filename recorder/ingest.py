"""The one door: everything a broker says comes in here, whatever brought it, and comes in as often as it likes.

One call is one transaction. It holds a lock per login and environment, so two processes that hear the same at the same time
take turns, and it is a no-op for what is known already.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from brokers.domain import FillReport, OrderReport, PositionReport, StreamItem, StreamSnapshot
from brokers.models import BrokerAccount, BrokerConnection
from brokers.selectors import instruments_by_venue_id
from recorder.bulk import hold_lock, in_transaction
from recorder.fills import FillBook
from recorder.holdings import Holdings, take_account_reports
from recorder.orders import OurOrders
from recorder.roundtrips import rebuild
from recorder.scope import Complete, Pair, Scope, Sorted
from tradeproject.common.events import publish

logger = logging.getLogger(__name__)

Source = Literal["stream", "poll", "sync"]
ResolveMissing = Callable[[BrokerConnection, str, set[str]], None]
LOCK = "recorder"


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What one call did. ``unresolved`` are the fills and positions of contracts not known here yet: nothing of them was
    stored. Store the instruments named in ``missing_instruments``, then ingest these items again."""

    fills: int = 0
    duplicates: int = 0
    orders: int = 0
    positions: int = 0
    holdings: int = 0
    accounts: int = 0
    dropped: int = 0
    unresolved: tuple[StreamItem, ...] = ()

    @property
    def missing_instruments(self) -> set[str]:
        return Sorted.of(self.unresolved).needed_instruments()


def ingest(
    connection: BrokerConnection,
    environment: str,
    items: Sequence[StreamItem],
    *,
    source: Source,
    complete_accounts: Collection[str] | None = None,
    asked_at: datetime | None = None,
    resolve_missing: ResolveMissing | None = None,
) -> IngestResult:
    """Store what a login reported, in one transaction.

    ``complete_accounts``: the venue's ids of the accounts whose positions are all in ``items``; whatever else they were
    recorded to hold is set to flat. ``asked_at`` is when they were asked (default: now). A StreamSnapshot is complete for
    ``complete_accounts``, else for every account of the login that was known before it, as far as it covers them. A failed
    query must never come here.
    ``resolve_missing(connection, environment, venue_ids)`` is called before the transaction to store unknown instruments.

    Inside a caller's transaction it joins that one; on its own it is repeated after a deadlock.
    """
    found = Sorted.of(items)
    named = found.named_instruments()
    if resolve_missing is not None:
        known = instruments_by_venue_id(connection.broker, environment, named)
        missing = found.needed_instruments() - known.keys()
        if missing:
            resolve_missing(connection, environment, missing)

    def work() -> IngestResult:
        hold_lock(LOCK, connection.pk, environment)
        scope = Scope.load(connection, environment, source, named)
        return _store(scope, found, _held(scope, found, complete_accounts, asked_at))

    return in_transaction(work)


def _held(
    scope: Scope, found: Sorted, complete_accounts: Collection[str] | None, asked_at: datetime | None
) -> list[PositionReport | Complete]:
    """The position reports in their order, those of one complete answer together."""
    if complete_accounts is not None and not found.has_snapshot:
        return [Complete(asked_at or scope.now, frozenset(complete_accounts), tuple(found.positions()))]
    return [
        item if isinstance(item, PositionReport) else _answer_of(scope, item, complete_accounts)
        for item in found.held
    ]


def _answer_of(scope: Scope, snapshot: StreamSnapshot, complete_accounts: Collection[str] | None) -> Complete:
    # The session that took the snapshot knew only the accounts of its time, and the login no longer sees a missing one: of
    # those it says nothing, and nothing said is not flat.
    known = (
        key
        for key, account in scope.accounts.items()
        if account.created_at <= snapshot.at and account.state != BrokerAccount.State.MISSING
    )
    accounts = frozenset(known if complete_accounts is None else complete_accounts)
    if snapshot.covered is not None:
        accounts &= frozenset(snapshot.covered)
    return Complete(snapshot.at, accounts, snapshot.positions, in_stream=True)


def _store(scope: Scope, found: Sorted, held: list[PositionReport | Complete]) -> IngestResult:
    ours = OurOrders(scope)
    told: list[OrderReport | FillReport] = [*found.orders, *found.fills]
    ours.load(
        venue_ids={item.venue_order_id for item in told},
        client_ids={item.client_order_id for item in told},
        parent_ids={order.parent_venue_order_id for order in found.orders},
    )
    ours.take_reports(found.orders)
    fills = FillBook(scope, ours)
    taken = fills.take(found.fills)
    orders = ours.write()
    changes: dict[Pair, datetime | None] = dict.fromkeys(ours.moved, scope.now)
    changes.update(taken.changed)
    instruments = {instrument.pk: instrument for instrument in scope.instruments.values()}
    rebuilt = rebuild(changes, scope.connection.user_id, instruments)
    holdings = Holdings(scope).take(held)
    accounts = take_account_reports(scope, found.accounts)
    publish(*fills.events(rebuilt.reassigned), *scope.events, *rebuilt.events)
    if scope.dropped:
        logger.info(
            "reports of unknown accounts dropped",
            extra={"connection": str(scope.connection.pk), "count": scope.dropped},
        )
    return IngestResult(
        fills=len(taken.new),
        duplicates=taken.duplicates,
        orders=orders,
        positions=rebuilt.changed,
        holdings=holdings,
        accounts=accounts,
        dropped=scope.dropped,
        unresolved=tuple(scope.unresolved),
    )
