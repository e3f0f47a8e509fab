"""What a strategy wants an account to hold, and whether the broker agrees. Pure: no Django, no I/O.

``wanted_after`` replays what the strategy said and what became of it; ``judge`` compares it with the broker's position. One
look proves nothing: our own orders change both sides at different moments, so only two looks in a row, apart in time and with
nothing of ours under way, make a drift. What cannot be known is *unknown*, never flat.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from brokers.domain import Side
from strategies.execution.terms import ZERO
from tradeproject.common.money import sign

QUIET = timedelta(seconds=5)
"""No mismatch counts this soon after an order of ours changed."""
APART = timedelta(seconds=2)
"""Two looks that are closer together are one."""
NEEDED = 2


class Sync(StrEnum):
    SYNCED = "synced"
    DRIFTED = "drifted"
    UNKNOWN = "unknown"


# --- what is wanted -----------------------------------------------------------------------------------------------------


class Move(StrEnum):
    BE = "be"  # hold exactly ``amount`` from now on
    AT_MOST = "at most"  # an exit to ``amount``: never more than what is wanted already
    OUT = "out"  # everything out, or what is held against ``side``
    ENTER = "enter"  # the opposite side out, then ``amount`` more of ``side`` really filled
    CLOSE = "close"  # ``amount`` less, as far as there is any: partial exits, stops and targets


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that moved the wanted position of one account, at its time. ``amount`` is signed for BE and AT_MOST."""

    at: datetime
    move: Move
    amount: Decimal = ZERO
    side: Side | None = None


def wanted_after(steps: Iterable[Step]) -> Decimal | None:
    """The signed position that is wanted after all steps, in the order of their times; None when nothing was ever said."""
    wanted: Decimal | None = None
    for step in sorted(steps, key=lambda step: step.at):
        wanted = _apply(wanted if wanted is not None else ZERO, step)
    return wanted


def _apply(wanted: Decimal, step: Step) -> Decimal:
    match step.move:
        case Move.BE:
            return step.amount
        case Move.AT_MOST:
            keep = abs(step.amount) if sign(step.amount) == sign(wanted) else ZERO
            return sign(wanted) * min(abs(wanted), keep)
        case Move.OUT:
            return wanted if step.side is not None and sign(wanted) == step.side.sign else ZERO
        case Move.ENTER:
            direction = step.side.sign if step.side is not None else 1
            return (ZERO if sign(wanted) == -direction else wanted) + direction * step.amount
        case Move.CLOSE:
            return sign(wanted) * max(ZERO, abs(wanted) - step.amount)


# --- what it comes to ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Look:
    """One comparison. ``held`` None = it could not be known, for ``why``. ``working`` is what our resting entries may still
    add, signed; ``acted_at`` when an order of ours last changed there; ``is_busy`` while one is under way."""

    at: datetime
    wanted: Decimal
    held: Decimal | None
    why: str = ""
    working: Decimal = ZERO
    acted_at: datetime | None = None
    is_busy: bool = False

    @property
    def agrees(self) -> bool:
        """Held is what is wanted, or on its way there: an entry that rests at the broker is no drift."""
        if self.held is None:
            return False
        low, high = sorted((self.wanted, self.wanted - self.working))
        return low <= self.held <= high

    @property
    def is_quiet(self) -> bool:
        return not self.is_busy and (self.acted_at is None or self.at - self.acted_at >= QUIET)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where an account stands: ``since`` the state (a drift: since its first mismatch), and how often it was seen wrong."""

    state: Sync
    since: datetime
    wanted: Decimal
    held: Decimal | None
    why: str = ""
    mismatches: int = 0
    seen_at: datetime | None = None
    """When a mismatch was counted last."""


def judge(before: Verdict | None, look: Look) -> Verdict:
    """The verdict after one more look."""
    if look.held is None:
        return _settled(before, look, Sync.UNKNOWN, look.why)
    if look.agrees:
        return _settled(before, look, Sync.SYNCED)
    if not look.is_quiet:
        return _waiting(before, look)
    return _mismatch(before, look)


def _settled(before: Verdict | None, look: Look, state: Sync, why: str = "") -> Verdict:
    same = before is not None and before.state is state
    since = before.since if before is not None and same else look.at
    return Verdict(state, since, look.wanted, look.held, why)


def _waiting(before: Verdict | None, look: Look) -> Verdict:
    """Our own order is under way: what was true stays so, and what was not known is still not."""
    if before is None:
        return Verdict(Sync.UNKNOWN, look.at, look.wanted, look.held, SETTLING)
    if before.state is Sync.DRIFTED:
        return replace(before, wanted=look.wanted, held=look.held)
    return replace(before, wanted=look.wanted, held=look.held, mismatches=0, seen_at=None)


def _mismatch(before: Verdict | None, look: Look) -> Verdict:
    if before is not None and before.state is Sync.DRIFTED:
        same = (before.wanted, before.held) == (look.wanted, look.held)
        since = before.since if same else look.at
        return Verdict(Sync.DRIFTED, since, look.wanted, look.held, "", NEEDED, look.at)
    seen = before.mismatches if before is not None else 0
    last = before.seen_at if before is not None else None
    if seen and last is not None and look.at - last < APART:
        assert before is not None  # noqa: S101 - a count has a verdict
        return replace(before, wanted=look.wanted, held=look.held)
    if seen + 1 >= NEEDED:
        return Verdict(Sync.DRIFTED, last or look.at, look.wanted, look.held, "", NEEDED, look.at)
    state = before.state if before is not None else Sync.UNKNOWN
    since = before.since if before is not None else look.at
    why = SETTLING if state is Sync.UNKNOWN else ""
    return Verdict(state, since, look.wanted, look.held, why, seen + 1, look.at)


SETTLING = "settling"


# --- bringing it back by itself -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Budget:
    """How often the automatic mode may act: at most ``per_hour``, and not sooner than ``apart`` after its last try."""

    per_hour: int
    apart: timedelta = timedelta(seconds=30)


class Try(StrEnum):
    NOW = "now"
    LATER = "later"
    HUMAN = "human"


def may_try(budget: Budget, tries: Iterable[datetime], now: datetime) -> Try:
    """Whether the automatic mode acts now, waits, or has used its tries up and leaves it to a human."""
    lately = [at for at in tries if now - at < timedelta(hours=1)]
    if len(lately) >= budget.per_hour:
        return Try.HUMAN
    if lately and now - max(lately) < budget.apart:
        return Try.LATER
    return Try.NOW
