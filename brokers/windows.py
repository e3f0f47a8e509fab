"""Sliding windows over one class of calls: what a venue meters beside a login's calls as a whole.

A venue may count a login's orders or reads by themselves, and all calls that come from one address whoever's they are. Such a
number is the venue's own, not one of ours with room above it. So a part of it is kept for what is urgent: of the calls in a
window entries get 90 %, modifications 80 %, reads 70 %. Exits and cancels are counted and never held back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from brokers.adaptation import Adaptation, Adapted
from brokers.domain import Call, RateLimit
from brokers.lanes import Lane

RESERVES = (0.0, 0.0, 0.1, 0.2, 0.3)
"""The part of a window that a lane leaves to those before it, by ``Lane``."""


def sizes(limits: Iterable[RateLimit], scope: str, call: Call) -> dict[int, int]:
    """Calls by seconds that a venue allows of one class; the least where it names several."""
    found: dict[int, int] = {}
    for limit in limits:
        if limit.scope == scope and limit.counts is call and not limit.failed_only:
            found[limit.seconds] = min(limit.calls, found.get(limit.seconds, limit.calls))
    return found


@dataclass(slots=True)
class _Window:
    seconds: int
    own: int
    limit: int
    calls: deque[float]

    def forget_old(self, now: float) -> None:
        calls, gone = self.calls, now - self.seconds
        while calls and calls[0] <= gone:
            calls.popleft()


class Windows:
    """For one event loop. ``own`` is this process's share of the venue's numbers, by seconds; more may be lent.

    Where it is not ``enforced``, calls are counted and none waits.
    """

    def __init__(
        self,
        total: Mapping[int, int],
        share: float,
        clock: Callable[[], float],
        rule: Adaptation | None = None,
        *,
        enforced: bool = True,
    ) -> None:
        self.total, self.enforced = dict(total), enforced
        self.own = {seconds: max(1, int(calls * share)) for seconds, calls in total.items()}
        self._windows = [_Window(seconds, own, own, deque()) for seconds, own in self.own.items()]
        self._clock = clock
        self._held_until = float("-inf")
        self._adapted = Adapted(clock, rule)

    # --- how much there is --------------------------------------------------------------------------------------------

    def limit(self, seconds: int, lane: Lane = Lane.ENTRY) -> int:
        """Calls that a lane may make in that window as things are now; 0 when nobody counts such a window."""
        part = self._adapted.factor() * (1 - RESERVES[lane])
        return next((max(1, int(w.limit * part)) for w in self._windows if w.seconds == seconds), 0)

    def lend(self, limits: Mapping[int, int]) -> None:
        """What others leave over, on top of our own share."""
        for window in self._windows:
            window.limit = max(window.own, limits.get(window.seconds, window.own))

    def take_back(self) -> None:
        """Nobody can say what others use: back to the share that is ours in any case."""
        self.lend({})

    def carry(self, used: Mapping[int, int]) -> None:
        """Calls that the process before us made of late, counted as if they were made now."""
        now = self._clock()
        for window in self._windows:
            window.calls.extend([now] * used.get(window.seconds, 0))

    # --- slowing down ---------------------------------------------------------------------------------------------------

    def slow_down(self, seconds: float = 0.0) -> None:
        self._held_until = max(self._held_until, self._clock() + seconds)
        self._adapted.lower()

    def factor(self) -> float:
        return self._adapted.factor()

    def held_seconds(self) -> float:
        return max(0.0, self._held_until - self._clock())

    # --- counting -------------------------------------------------------------------------------------------------------

    def used(self, seconds: int) -> int:
        now = self._clock()
        for window in self._windows:
            if window.seconds == seconds:
                window.forget_old(now)
                return len(window.calls)
        return 0

    def count(self) -> None:
        now = self._clock()
        for window in self._windows:
            window.calls.append(now)

    def wait_seconds(self, lane: Lane) -> float:
        """How long until one more call of that lane fits; 0 = now. It stands before every order: no more work than needed."""
        if lane <= Lane.CANCEL or not self.enforced:
            return 0.0
        now = self._clock()
        wait = max(0.0, self._held_until - now)
        part = self._adapted.factor() * (1 - RESERVES[lane])
        for window in self._windows:
            window.forget_old(now)
            limit = int(window.limit * part) or 1
            over = len(window.calls) - limit
            if over >= 0:
                wait = max(wait, window.calls[over] + window.seconds - now)
        return wait

    def room(self, lane: Lane) -> tuple[int, int]:
        """How many calls of that lane fit now, and the seconds of the window that is tightest."""
        free = [(self.limit(w.seconds, lane) - self.used(w.seconds), w.seconds) for w in self._windows]
        left, seconds = min(free)
        return max(0, left), seconds
