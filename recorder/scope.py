"""What one ingest works on: a login's accounts at one environment, the contracts named, and the events to publish."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from brokers.domain import (
    AccountReport,
    FillReport,
    OrderReport,
    PositionReport,
    Report,
    StreamItem,
    StreamSnapshot,
)
from brokers.models import BrokerAccount, BrokerConnection, Instrument
from brokers.selectors import instruments_by_venue_id
from tradeproject.common.clock import utc_now
from tradeproject.common.events import Event

Pair = tuple[UUID, int]
"""A broker account and an instrument, by primary key."""


@dataclass(frozen=True, slots=True)
class Complete:
    """All positions that some accounts (by the venue's ids) held when the venue was asked; the rest of them is flat.

    ``in_stream``: it stands in the stream's own order, so that everything the stream told before is older.
    """

    asked_at: datetime
    accounts: frozenset[str]
    positions: tuple[PositionReport, ...]
    in_stream: bool = False


@dataclass(slots=True)
class Sorted:
    """The items of one call by what they are; positions and snapshots keep their order among one another."""

    orders: list[OrderReport] = field(default_factory=list)
    fills: list[FillReport] = field(default_factory=list)
    accounts: list[AccountReport] = field(default_factory=list)
    held: list[PositionReport | StreamSnapshot] = field(default_factory=list)

    @classmethod
    def of(cls, items: Iterable[StreamItem]) -> Sorted:
        result = cls()
        bins: dict[type, Callable[..., None]] = {
            OrderReport: result.orders.append,
            FillReport: result.fills.append,
            PositionReport: result.held.append,
            AccountReport: result.accounts.append,
            StreamSnapshot: result._add_snapshot,
        }
        for item in items:
            bins[type(item)](item)
        return result

    def _add_snapshot(self, snapshot: StreamSnapshot) -> None:
        self.held.append(snapshot)
        self.orders += snapshot.orders
        self.fills += snapshot.fills
        self.accounts += snapshot.accounts

    def named_instruments(self) -> set[str]:
        """The venue's ids of the contracts that fills and positions are about."""
        return {item.venue_instrument_id for item in self._of_contracts()}

    def needed_instruments(self) -> set[str]:
        """Those that must be known: being flat in a contract that was never seen is nothing to remember."""
        return {
            item.venue_instrument_id
            for item in self._of_contracts()
            if isinstance(item, FillReport) or item.net_quantity
        }

    def _of_contracts(self) -> Iterator[FillReport | PositionReport]:
        yield from self.fills
        yield from self.positions()

    def positions(self) -> Iterator[PositionReport]:
        for item in self.held:
            if isinstance(item, PositionReport):
                yield item
            else:
                yield from item.positions

    @property
    def has_snapshot(self) -> bool:
        return any(isinstance(item, StreamSnapshot) for item in self.held)


@dataclass(slots=True)
class Scope:
    connection: BrokerConnection
    environment: str
    source: str
    accounts: dict[str, BrokerAccount]
    instruments: dict[str, Instrument]
    now: datetime = field(default_factory=utc_now)
    events: list[Event] = field(default_factory=list)
    unresolved: list[StreamItem] = field(default_factory=list)
    dropped: int = 0

    @classmethod
    def load(
        cls, connection: BrokerConnection, environment: str, source: str, venue_ids: Collection[str]
    ) -> Scope:
        rows = BrokerAccount.objects.filter(connection=connection, environment=environment)
        return cls(
            connection=connection,
            environment=environment,
            source=source,
            accounts={account.external_id: account for account in rows},
            instruments=instruments_by_venue_id(connection.broker, environment, set(venue_ids)),
        )

    @property
    def account_ids(self) -> list[UUID]:
        return [account.pk for account in self.accounts.values()]

    def account_of(self, report: Report) -> BrokerAccount | None:
        """The stored account of a report; None (and counted) when this login has no such account here."""
        account = self.accounts.get(report.account_id)
        if account is None:
            self.dropped += 1
        return account
