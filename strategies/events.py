"""Events of the strategies app."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from tradeproject.common.events import Event, event


@event("signal.stored")
@dataclass(frozen=True, kw_only=True)
class SignalStored(Event):
    """An alert was stored: accepted, ignored or rejected."""

    signal: UUID
    strategy: UUID | None
    status: str
    intent: str
    code: str


@event("signal.answered")
@dataclass(frozen=True, kw_only=True)
class OrdersAnswered(Event):
    """Some of a signal's orders were answered. ``counts`` is status → number; ``problems`` lists what did not go through."""

    signal: UUID | None
    strategy: UUID | None
    counts: dict[str, int]
    problems: list[dict[str, Any]] = field(default_factory=list)


@event("order.undecided")
@dataclass(frozen=True, kw_only=True)
class OrderUndecided(Event):
    """Nobody knows what became of an order for longer than it should take (``waiting``); it was given up with its reason
    (``expired``); it is known after all (``found``)."""

    order: UUID
    signal: UUID | None
    strategy: UUID | None
    account: str
    symbol: str
    outcome: str
    message: str


@event("control.changed")
@dataclass(frozen=True, kw_only=True)
class ControlChanged(Event):
    """A trading switch was turned."""

    scope: str
    object_id: str
    state: str
    reason: str


@event("strategy.changed")
@dataclass(frozen=True, kw_only=True)
class StrategyChanged(Event):
    """A strategy was made, edited, switched or removed."""

    strategy: UUID
    name: str
    change: str


@event("drift.changed")
@dataclass(frozen=True, kw_only=True)
class DriftChanged(Event):
    """An account came into step with its strategy, fell out of it, or can no longer be told. ``held`` None = not known."""

    drift: UUID
    strategy: UUID
    strategy_name: str
    broker_account: UUID
    account: str
    symbol: str
    before: str
    state: str
    wanted: Decimal
    held: Decimal | None


@event("drift.left")
@dataclass(frozen=True, kw_only=True)
class DriftLeft(Event):
    """The automatic mode has used its tries of the hour up; the account is still out of step."""

    drift: UUID
    strategy: UUID
    strategy_name: str
    account: str
    symbol: str
    wanted: Decimal
    held: Decimal | None
    tries: int


@event("guard.acted")
@dataclass(frozen=True, kw_only=True)
class GuardActed(Event):
    """A position stood without the stop that its strategy demands; ``text`` says what was done about it."""

    order: UUID
    strategy: UUID | None
    account: str
    symbol: str
    text: str


@event("control.progress")
@dataclass(frozen=True, kw_only=True)
class HaltProgress(Event):
    """A halt got on: ``phase`` is where it stands now, ``problems`` what needs a human."""

    halt: UUID
    scope: str
    object_id: str
    name: str
    phase: str
    problems: list[str] = field(default_factory=list)
