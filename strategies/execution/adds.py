"""How a position was built: how many entries are still in it, and at what price on average. Pure: no Django, no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from brokers.domain import Side
from strategies.execution.guard import Entry, still_open
from strategies.execution.terms import ZERO, Built

__all__ = ["Step", "built_by"]


@dataclass(frozen=True, slots=True)
class Step:
    """One order of a strategy at one account and contract. ``signal`` is what it came from: the parts of one entry count once.

    ``price`` is what it filled at; ``works`` means that more of it may still be filled.
    """

    entry: Entry
    signal: UUID | None
    price: Decimal | None
    works: bool


def built_by(steps: Iterable[Step]) -> Mapping[Side, Built]:
    """What is open on either side, oldest first given. An entry that rests unfilled counts too: it may fill any moment."""
    known = {step.entry.order_id: step for step in steps}
    left = {side: dict[UUID, Decimal]() for side in Side}
    for one in still_open(step.entry for step in known.values()):
        left[one.entry.side][one.entry.order_id] = one.left
    return {side: _built(side, left[side], known) for side in Side}


def _built(side: Side, left: Mapping[UUID, Decimal], known: Mapping[UUID, Step]) -> Built:
    resting = {
        key for key, step in known.items() if step.works and step.entry.is_entry and step.entry.side is side
    }
    signals = {known[key].signal or key for key in (*left, *resting)}
    return Built(len(signals), _average([(known[key].price, quantity) for key, quantity in left.items()]))


def _average(parts: list[tuple[Decimal | None, Decimal]]) -> Decimal | None:
    """None when nothing is open, or when one of the prices is not told yet."""
    total = sum((quantity for _, quantity in parts), ZERO)
    if not total:
        return None
    value = ZERO
    for price, quantity in parts:
        if price is None:
            return None
        value += price * quantity
    return value / total
