"""The product's own rows, read from its database: alive while its other parts are being killed."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import namedtuple_row

PATIENCE = 60.0  # while PostgreSQL is being restarted


@dataclass(frozen=True)
class SignalRow:
    id: UUID
    status: str
    progress: str
    code: str
    decided: tuple[str, ...]
    """Accounts for which the planner decided that there is nothing to do."""


@dataclass(frozen=True)
class OrderRow:
    id: UUID
    signal: UUID
    account: str
    status: str
    attempt: int
    handle: str
    venue_id: str
    side: str
    filled: Decimal
    deny_code: str
    reason: str
    doubts: int
    """How many events of its timeline tell of an outcome that was not known."""

    @property
    def signed_fill(self) -> Decimal:
        return self.filled if self.side == "buy" else -self.filled


@dataclass
class Records:
    """One strategy's rows."""

    has_stop: bool
    signals: list[SignalRow]
    orders: list[OrderRow]
    fills: dict[str, list[tuple[str, Decimal]]] = field(default_factory=dict)

    def of(self, signals: set[UUID]) -> list[OrderRow]:
        return [order for order in self.orders if order.signal in signals]


_SIGNALS = """
SELECT id, status, progress, code, coalesce(plan -> 'accounts', '{}'::jsonb) AS decided
  FROM strategies_signal WHERE strategy_id = %s ORDER BY id
"""
_ORDERS = """
SELECT o.id, coalesce(o.signal_id, o.id) AS signal, o.broker_account_id, o.status, o.attempt, o.client_order_id,
       o.venue_order_id, o.side, o.filled_quantity, o.deny_code, o.reject_reason,
       (SELECT count(*) FROM strategies_orderevent AS e
         WHERE e.order_id = o.id AND e.kind IN ('unknown', 'lookup', 'found', 'resend', 'expired')) AS doubts
  FROM strategies_order AS o WHERE o.strategy_id = %s ORDER BY o.id
"""
_FILLS = """
SELECT broker_account_id, venue_fill_id, quantity FROM recorder_fill WHERE broker_account_id = ANY(%s)
"""


def read_records(database: str, strategy: str, accounts: list[str], *, has_stop: bool) -> Records:
    signals, orders, fills = _ask(
        database, ((_SIGNALS, [strategy]), (_ORDERS, [strategy]), (_FILLS, [accounts]))
    )
    by_account: dict[str, list[tuple[str, Decimal]]] = {}
    for row in fills:
        by_account.setdefault(str(row[0]), []).append((row[1], row[2]))
    return Records(
        has_stop,
        [SignalRow(r.id, r.status, r.progress, r.code, tuple(r.decided)) for r in signals],
        [OrderRow(r[0], r[1], str(r[2]), *r[3:]) for r in orders],
        by_account,
    )


def _ask(database: str, questions: tuple[tuple[str, list[Any]], ...]) -> list[list[Any]]:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with psycopg.connect(database, row_factory=namedtuple_row, connect_timeout=5) as connection:
                return [connection.execute(*question).fetchall() for question in questions]
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)


def terminate_sessions(database: str, pids: set[int]) -> int:
    """End the sessions of some processes at the server, as a network that went away does. Returns how many."""
    query = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid = ANY(%s)"
    return int(_ask(database, ((query, [list(pids)]),))[0][0][0])


def sessions_named(database: str, *names: str) -> set[int]:
    query = "SELECT pid FROM pg_stat_activity WHERE application_name = ANY(%s)"
    return {row[0] for row in _ask(database, ((query, [list(names)]),))[0]}
