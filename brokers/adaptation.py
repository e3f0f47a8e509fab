"""How a budget gives way: lowered when the venue asks to slow down, raised again step by step while it does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Adaptation:
    """Each request to slow down multiplies the budget by ``lower``, down to ``floor``; every ``every`` quiet seconds give back
    ``step`` of the whole. Requests within ``grace`` seconds are one: a burst in flight is refused many times over.
    """

    lower: float = 0.5
    floor: float = 0.1
    step: float = 0.1
    every: float = 60.0
    grace: float = 2.0


class Adapted:
    """The factor at a moment. Pure: it knows no clock but the one it is given, in seconds."""

    def __init__(self, clock: Callable[[], float], rule: Adaptation | None = None) -> None:
        self._clock, self.rule = clock, rule or Adaptation()
        self._lowered_to, self._lowered_at = 1.0, float("-inf")

    def factor(self) -> float:
        if self._lowered_to >= 1.0:
            return 1.0
        steps = int((self._clock() - self._lowered_at) / self.rule.every)
        return min(1.0, self._lowered_to + steps * self.rule.step)

    def lower(self) -> None:
        now = self._clock()
        if now - self._lowered_at < self.rule.grace:
            return
        self._lowered_to = max(self.rule.floor, self.factor() * self.rule.lower)
        self._lowered_at = now
