"""How a halt gets on: blocked → canceling → flattening → verified, or it needs a human. Pure: no Django, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

CANCEL_SECONDS, CLOSE_SECONDS = 15.0, 20.0
MOST_ROUNDS = 3


class Phase(StrEnum):
    BLOCKED = "blocked"
    CANCELING = "canceling"
    FLATTENING = "flattening"
    VERIFIED = "verified"
    NEEDS_YOU = "needs_you"


class Act(StrEnum):
    WAIT = "wait"
    MOVE = "move"  # only on to the next phase
    CANCEL = "cancel"  # ask for the end of every working entry
    LOOK = "look"  # ask the venues what is held now
    CLOSE = "close"  # close what they say is held
    END = "end"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a halt stands. ``held`` is how many positions the venues told a moment ago, ``unknown`` how many accounts could
    not be asked; both None = not asked yet. ``age`` is in seconds since the phase began."""

    phase: Phase
    age: float
    flatten: bool
    rounds: int = 0
    working: int = 0
    closing: int = 0
    held: int | None = None
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class Next:
    """What to do, and the phase that it leads to."""

    act: Act
    phase: Phase


def next_step(now: Standing) -> Next:
    """One step. A phase that takes too long does not hold up the next: what is held is closed whatever still works."""
    if now.phase is Phase.BLOCKED:
        return Next(Act.CANCEL, Phase.CANCELING)
    if now.phase is Phase.CANCELING:
        return _canceling(now)
    if now.phase is Phase.FLATTENING:
        return _flattening(now)
    return Next(Act.WAIT, now.phase)


def _canceling(now: Standing) -> Next:
    if now.working and now.age < CANCEL_SECONDS:
        return Next(Act.WAIT, Phase.CANCELING)
    if now.flatten:
        return Next(Act.MOVE, Phase.FLATTENING)
    return Next(Act.END, Phase.NEEDS_YOU if now.working or now.unknown else Phase.VERIFIED)


def _flattening(now: Standing) -> Next:
    if now.closing and now.age < CLOSE_SECONDS:
        return Next(Act.WAIT, Phase.FLATTENING)
    if now.held is None:
        return Next(Act.LOOK, Phase.FLATTENING)
    if not now.held and not now.unknown:
        return Next(Act.END, Phase.NEEDS_YOU if now.working else Phase.VERIFIED)
    if now.rounds < MOST_ROUNDS:
        return Next(Act.CLOSE, Phase.FLATTENING)
    return Next(Act.END, Phase.NEEDS_YOU)
