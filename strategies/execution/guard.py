"""Which entries stand without the stop that was asked for. Pure: no Django, no I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from brokers.domain import Side
from strategies.execution.terms import ZERO

WORKS = frozenset({"submitted", "unknown", "accepted", "partially_filled", "pending_cancel"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One order of ours at an account and contract, oldest first. ``closed`` is what its stop and target executed;
    ``stop`` the state of its stop, None when none was asked for."""

    order_id: UUID
    is_entry: bool
    closes_all: bool
    side: Side
    filled: Decimal
    closed: Decimal = ZERO
    stop: str | None = None
    stop_quantity: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Need:
    """An entry that needs a stop, for this much."""

    order_id: UUID
    quantity: Decimal


@dataclass(slots=True)
class Open:
    """An entry, and how much of it is still in the position."""

    entry: Entry
    left: Decimal


def naked_entries(net: Decimal, orders: Iterable[Entry]) -> list[Need]:
    """What of the position ``net`` (signed) is to be protected and is not, the newest entries first.

    Never more than the account holds, and never more than our own entries opened: what was traded past us, no strategy
    asked to protect.
    """
    if not net:
        return []
    side, held = Side.of(net), abs(net)
    still = [one for one in still_open(orders) if one.entry.side is side]
    covered = sum((min(o.left, o.entry.stop_quantity) for o in still if o.entry.stop in WORKS), ZERO)
    room = min(held, sum((one.left for one in still), ZERO)) - covered
    needs = []
    for one in reversed(still):
        quantity = min(one.left, room)
        if one.entry.stop is not None and one.entry.stop not in WORKS and quantity > 0:
            needs.append(Need(one.entry.order_id, quantity))
            room -= quantity
    return needs


def still_open(orders: Iterable[Entry]) -> list[Open]:
    """Entries with what is left of them: exits close the oldest first, an opposite entry closes before it opens."""
    found: list[Open] = []
    for order in orders:
        if order.closes_all:
            found = []
        elif order.is_entry:
            rest = order.filled - _take(found, order.side.opposite, order.filled)
            if rest - order.closed > 0:
                found.append(Open(order, rest - order.closed))
        else:
            _take(found, order.side.opposite, order.filled)
    return found


def _take(found: list[Open], side: Side, quantity: Decimal) -> Decimal:
    """Close up to ``quantity`` of what is open on ``side``. Returns how much that was."""
    taken = ZERO
    for one in found:
        if one.entry.side is side:
            part = min(one.left, quantity - taken)
            one.left -= part
            taken += part
    found[:] = [one for one in found if one.left > 0]
    return taken
