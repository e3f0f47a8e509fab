"""Keeping and bringing back everything the venue knows, through the journal."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from brokers.simulators.tradovate.catalog import Scope
from brokers.simulators.tradovate.journal import Journal, Line, line
from brokers.simulators.tradovate.people import Directory, LoginOrder
from brokers.simulators.tradovate.prices import Prices
from brokers.simulators.tradovate.sessions import Session, Sessions, Token
from brokers.simulators.tradovate.store import Ids, Store
from brokers.simulators.tradovate.venue import RECORD_KINDS, ROW_KINDS, Venue
from brokers.simulators.tradovate.wire import encode


class KeptLogins(msgspec.Struct, kw_only=True):
    prefix: str
    count: int
    accounts_per_login: int
    live: str
    prop_firm: str

    def order(self) -> LoginOrder:
        return LoginOrder(self.prefix, self.count, self.accounts_per_login, self.live, self.prop_firm)


class KeptPrice(msgspec.Struct, kw_only=True):
    walk: str
    price: Decimal
    frozen: bool


class KeptDevice(msgspec.Struct, kw_only=True):
    username: str
    device_id: str


_SHARED: dict[str, Any] = {
    "logins": KeptLogins,
    "price": KeptPrice,
    "session": Session,
    "token": Token,
    "device": KeptDevice,
}
NOT_COUNTED = frozenset({"account", "user", "accountRiskStatus", "marginSnapshot", "userAccountAutoLiq"})
"""Their ids are those of people and accounts, not drawn from the counter."""
_DECODERS = {
    name: msgspec.json.Decoder(kind) for name, kind in {**ROW_KINDS, **RECORD_KINDS, **_SHARED}.items()
}


class Memory:
    """``orders`` are the wishes that made logins; making them again is how logins come back."""

    def __init__(
        self,
        journal: Journal,
        venues: dict[str, Venue],
        directory: Directory,
        sessions: Sessions,
        prices: Prices,
        ids: Ids,
    ) -> None:
        self._journal, self._venues = journal, venues
        self._directory, self._sessions, self._prices, self._ids = directory, sessions, prices, ids
        self.orders: dict[str, LoginOrder] = {}

    # --- bringing back ------------------------------------------------------------------------------------------

    def load(self) -> None:
        for entry in self._journal.read():
            row = _DECODERS[entry.kind].decode(entry.row)
            if entry.host:
                self._load_row(self._venues[entry.host].store, entry, row)
            else:
                self._load_shared(row)
        for venue in self._venues.values():
            venue.reload()
        self._journal.rewrite(self.lines())

    def _load_row(self, store: Store, entry: Line, row: Any) -> None:
        if entry.kind not in NOT_COUNTED:
            self._ids.last = max(self._ids.last, row.id)
        if entry.archived:
            table = store.tables[entry.kind]
            table.archive[row.id] = row
            table.owner[row.id] = entry.account_id
        else:
            store.load(entry.kind, row, entry.account_id)

    def _load_shared(self, row: Any) -> None:
        if isinstance(row, KeptLogins):
            self.orders[row.prefix] = row.order()
            self._directory.ensure(row.order())
        elif isinstance(row, KeptPrice) and row.walk in self._prices.walks:
            walk = self._prices.walks[row.walk]
            walk.price, walk.frozen = row.price, row.frozen
        elif isinstance(row, Session):
            self._ids.last = max(self._ids.last, row.id)
            self._sessions.load_session(row)
        elif isinstance(row, Token):
            self._sessions.load_token(row)
        elif isinstance(row, KeptDevice) and row.username in self._directory.by_name:
            self._directory.by_name[row.username].devices.add(row.device_id)

    # --- keeping ------------------------------------------------------------------------------------------------

    def rewrite(self) -> None:
        self._journal.rewrite(self.lines())

    def keep_logins(self, order: LoginOrder) -> None:
        self.orders[order.prefix] = order
        self._journal.append([_shared("logins", _kept(order))])

    def keep_session(self, row: Session | Token) -> None:
        self._journal.append([_shared("session" if isinstance(row, Session) else "token", row)])

    def keep_device(self, username: str, device_id: str) -> None:
        self._journal.append([_shared("device", KeptDevice(username=username, device_id=device_id))])

    def keep_prices(self, walks: set[str]) -> None:
        self._journal.append(self._price_lines(walks))

    def _price_lines(self, walks: set[str]) -> Iterator[bytes]:
        for name in sorted(walks):
            walk = self._prices.walks[name]
            yield _shared("price", KeptPrice(walk=name, price=walk.price, frozen=walk.frozen))

    def lines(self) -> Iterator[bytes]:
        """The whole state."""
        yield from (_shared("logins", _kept(order)) for order in self.orders.values())
        for login in self._directory.by_name.values():
            kept = (KeptDevice(username=login.name, device_id=one) for one in sorted(login.devices))
            yield from (_shared("device", row) for row in kept)
        yield from (_shared("session", row) for row in self._sessions.sessions.values())
        yield from (_shared("token", row) for row in self._sessions.tokens.values())
        yield from self._price_lines(set(self._prices.walks))
        for venue in self._venues.values():
            yield from _store_lines(venue.store)


def _kept(order: LoginOrder) -> KeptLogins:
    return KeptLogins(
        prefix=order.prefix,
        count=order.count,
        accounts_per_login=order.accounts_per_login,
        live=order.live,
        prop_firm=order.prop_firm,
    )


def _shared(kind: str, row: Any) -> bytes:
    return line("", kind, 0, encode(row))


def _store_lines(store: Store) -> Iterator[bytes]:
    for kind, table in store.tables.items():
        if table.spec.scope is Scope.LIBRARY:
            continue
        for row in table.rows.values():
            yield line(store.host, kind, table.owner[row.id], encode(row))
        for row in table.archive.values():
            yield line(store.host, kind, table.owner[row.id], encode(row), archived=True)
    for kind, records in store.records.items():
        for row in records.values():
            yield line(store.host, kind, getattr(row, "account_id", 0), encode(row))
