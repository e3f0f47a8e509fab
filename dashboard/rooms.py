"""What a socket can subscribe to: how each room is read, and which events make it worth reading again."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any

from accounts.models import User
from brokers.domain import Quote
from brokers.models import BrokerConnection
from brokers.selectors import connections_of
from dashboard.diff import State, in_order
from dashboard.grouping import summaries
from dashboard.positions import PositionRow, position_rows, value
from notifications.selectors import latest_unread, unread_count
from notifications.shapes import notification_json
from recorder.selectors import dashboard_totals, recorded_positions
from recorder.shapes import position_json
from strategies.control import effective_state
from strategies.drift import drift_json, drifts_of
from strategies.halts import halt_json, halts_of
from strategies.selectors import orders_of, signals_of
from strategies.shapes import order_json, signal_json
from tradeproject.common.clock import iso
from tradeproject.common.money import plain

QUOTES = "quotes:"
LATEST = 50
_SYMBOL = re.compile(r"^[A-Z0-9][A-Z0-9 ._:!&/-]{0,39}$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Room:
    """``read`` gives what is needed for the state, in a thread; ``events`` are prefixes of event types."""

    read: Callable[[User], Any]
    events: tuple[str, ...]

    def told_by(self, event: str) -> bool:
        return event.startswith(self.events)


def _signals(user: User) -> State:
    return {"signals": in_order(signal_json(row) for row in signals_of(user)[:LATEST])}


def _orders(user: User) -> State:
    return {"orders": in_order(order_json(row) for row in orders_of(user)[:LATEST])}


def _trades(user: User) -> State:
    return {"trades": in_order(position_json(row) for row in recorded_positions(user)[:LATEST])}


def _notifications(user: User) -> State:
    rows = [notification_json(row) for row in latest_unread(user)]
    return {"notifications": in_order(rows), "unread": unread_count(user)}


def _connections(user: User) -> State:
    rows = connections_of(user).prefetch_related(None)
    switch = effective_state(user)
    return {
        "connections": in_order(_connection(row) for row in rows),
        "control": switch.state,
        "control_scope": switch.scope,
        "halts": in_order(halt_json(halt) for halt in halts_of(user)),
    }


def _connection(row: BrokerConnection) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "label": str(row),
        "state": row.state,
        "state_reason": row.state_reason,
        "stream_state": row.stream_state,
        "token_expires_at": iso(row.token_expires_at),
    }


@dataclass(frozen=True, slots=True)
class Holding:
    """Open positions and what is already earned, as read; prices are put to it later."""

    rows: list[PositionRow]
    totals: dict[str, Any]


def zone_of(user: User) -> tzinfo:
    try:
        return zoneinfo.ZoneInfo(user.timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def read_holding(user: User) -> Holding:
    return Holding(list(position_rows(user)), dashboard_totals(user, timezone=zone_of(user)))


def _drift(user: User) -> State:
    """What is not in step. A card is fetched anew when it changes."""
    rows = [drift_json(row) for row in drifts_of(user)]
    wrong = [row for row in rows if row["state"] != "synced"]
    return {"drifts": in_order(wrong), "synced": len(rows) - len(wrong)}


_POSITION_EVENTS = ("position.", "account.", "strategy.", "connection.accounts", "drift.")
ROOMS: dict[str, Room] = {
    "dashboard": Room(read_holding, _POSITION_EVENTS),
    "positions": Room(read_holding, _POSITION_EVENTS),
    "orders": Room(_orders, ("order.", "signal.")),
    "signals": Room(_signals, ("signal.", "order.")),
    "drift": Room(_drift, ("drift.", "signal.", "strategy.")),
    "trades": Room(_trades, ("position.",)),
    "notifications": Room(_notifications, ("notification.",)),
    "connections": Room(_connections, ("connection.", "control.")),
}
HOLDING_ROOMS = frozenset({"dashboard", "positions"})


def is_room(name: Any) -> bool:
    if not isinstance(name, str):
        return False
    return name in ROOMS or (name.startswith(QUOTES) and bool(_SYMBOL.match(name.removeprefix(QUOTES))))


# --- open positions with their prices -------------------------------------------------------------------------------


class Book:
    """One user's open positions, valued. Rows whose price did not change keep the very object they had."""

    def __init__(self) -> None:
        self._holding: Holding | None = None
        self._valued: dict[Any, dict[str, Any]] = {}

    def read(self, user: User, rooms: Collection[str]) -> dict[str, Any]:
        """The named rooms, from the database. Blocking; changes nothing here."""
        found = {room: ROOMS[room].read(user) for room in rooms if room not in HOLDING_ROOMS}
        if HOLDING_ROOMS & set(rooms):
            found["holding"] = read_holding(user)
        return found

    def states(self, read: Mapping[str, Any], prices: Mapping[str, Quote], now: datetime) -> dict[str, State]:
        """What was read, as states. Open positions are valued at ``prices``."""
        states = {room: state for room, state in read.items() if room != "holding"}
        if "holding" in read:
            self._holding = read["holding"]
            self._valued = {row.id: _valued(row, prices, now) for row in self._holding.rows}
            states |= self._holding_states()
        return states

    def revalued(
        self, moved: Collection[str], prices: Mapping[str, Quote], now: datetime
    ) -> dict[str, State]:
        """The states of open positions after some quotes changed; nothing when none of them matters."""
        if self._holding is None:
            return {}
        touched = [row for row in self._holding.rows if row.venue_symbol in moved]
        if not touched:
            return {}
        self._valued = {**self._valued, **{row.id: _valued(row, prices, now) for row in touched}}
        return self._holding_states()

    def symbols(self) -> set[str]:
        """The contracts whose prices matter now."""
        return {row.venue_symbol for row in self._holding.rows} if self._holding is not None else set()

    def _holding_states(self) -> dict[str, State]:
        totals = self._holding.totals if self._holding is not None else {}
        rows = in_order(self._valued.values())
        summary = {
            "positions": rows,
            "groups": in_order(summaries(rows)),
            "open_pnl": plain(open_pnl(rows)),
            "day_pnl": plain(totals.get("today_pnl")),
            "total_pnl": plain(totals.get("total_pnl")),
            "active_positions": len(rows),
            "price_source": price_source(rows),
        }
        return {"dashboard": summary, "positions": {"positions": rows}}


def _valued(row: PositionRow, prices: Mapping[str, Quote], now: datetime) -> dict[str, Any]:
    return value(row, prices.get(row.venue_symbol), now)


def open_pnl(rows: Iterable[Mapping[str, Any]]) -> Decimal | None:
    """The sum of what is known; None when nothing is."""
    known = [Decimal(row["unrealized_pnl"]) for row in rows if row.get("unrealized_pnl") is not None]
    return sum(known, Decimal(0)) if known else None


def price_source(rows: Iterable[Mapping[str, Any]]) -> str:
    """Where open profit comes from: one source, ``mixed``, or ``none`` when no position has a price."""
    sources = {str(row.get("price_source") or "none") for row in rows}
    if not sources:
        return "none"
    return sources.pop() if len(sources) == 1 else "mixed"


def quote_state(room: str, prices: Mapping[str, Quote]) -> State:
    """A quotes room. Values are null until somebody quotes the symbol."""
    symbol = room.removeprefix(QUOTES)
    quote = prices.get(symbol)
    figures = (quote.bid, quote.ask, quote.last, quote.price) if quote else (None,) * 4
    names = ("bid", "ask", "last", "price")
    return {
        "symbol": symbol,
        **{name: plain(figure) for name, figure in zip(names, figures, strict=True)},
        "as_of": iso(quote.as_of) if quote else None,
    }
