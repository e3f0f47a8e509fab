"""A login's call budget: what the venue meters, kept below its limits, with exits never waiting behind entries.

The process that owns a login's sockets owns most of its budget; reads by the background worker have a share of their own
(``brokers.sharedlimits``), so that no network round trip stands between an order and its permission.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from brokers.adaptation import Adaptation, Adapted
from brokers.domain import Call, RateLimit
from brokers.lanes import Lane
from brokers.windows import Windows, sizes

if TYPE_CHECKING:
    from brokers.addresses import AddressBudget

READ_SHARE = 0.3  # of the minute's and the hour's calls, for the poller in the background worker
BORROWED_MINUTES = 3
MINUTE, HOUR = 60, 3600
# How an adapter says in an order's outcome that the venue asks to slow down.
SLOW_DOWN_CODES = frozenset({"RATE_LIMITED", "SLOW_DOWN", "PENALTY_TICKET", "AUTH_PENALTY"})
OF_A_LOGIN = {Call.ORDERS: 1.0, Call.READS: 0.5}
"""What a venue may count apart, and the executor's share of it: readers place no orders, and it reads little itself."""


def declared(limits: Iterable[RateLimit]) -> tuple[int | None, int | None]:
    """Calls of any kind that a venue allows one login in a minute and in an hour; None where it names no number."""
    found = [limit for limit in limits if (limit.scope, limit.endpoint) == ("login", "*")]

    def least(seconds: int) -> int | None:
        return min((limit.calls for limit in found if limit.seconds == seconds), default=None)

    return least(MINUTE), least(HOUR)


def _orders_share(total: int | None) -> int | None:
    return None if total is None else max(1, int(total * (1 - READ_SHARE)))


def _least(own: int, other: int | None) -> int:
    return own if other is None else min(own, other)


class LoginBudget:
    """Sliding windows of one minute and one hour over one login's calls, for one event loop.

    Entries may borrow from the next minutes (``BORROWED_MINUTES``), up to what the venue declared: a fan-out to many accounts
    of one login comes in a burst, and a late entry costs more than a borrowed call. The hour's limit binds them as it binds
    modifications and reads, which borrow nothing. ``hold(seconds)`` closes the window after the venue itself asked to slow
    down; ``slow_down`` also makes it narrower for a while.

    Where the venue counts orders or reads apart, or all that comes from one address (``share_address``), those windows bind
    the same calls too.
    """

    def __init__(self, per_minute: int, per_hour: int, clock: Callable[[], float] | None = None) -> None:
        self.own = self._limits = (per_minute, per_hour)
        self._venue_minute: int | None = None
        self._minute, self._hour = deque[float](), deque[float]()
        self._clock = clock or asyncio.get_event_loop().time
        self._held_until = 0.0
        self._adapted = Adapted(self._clock)
        self._waiters: list[tuple[int, int, Call, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._timer: asyncio.TimerHandle | None = None
        self._limited_at: float | None = None
        self.classes: dict[Call, Windows] = {}
        self._address: AddressBudget | None = None
        self._also: dict[Call, Sequence[Windows]] = {}

    # --- how much there is --------------------------------------------------------------------------------------------

    def declare(self, limits: Iterable[RateLimit], adaptation: Adaptation) -> None:
        """The venue's own limits, as its adapter declares them: they narrow ours where they are less."""
        minute, hour = (_orders_share(total) for total in declared(limits))
        self._venue_minute = minute
        self.own = _least(self.own[0], minute), _least(self.own[1], hour)
        self._limits = _least(self._limits[0], minute), _least(self._limits[1], hour)
        self._adapted.rule = adaptation
        for call, share in OF_A_LOGIN.items():
            own = sizes(limits, "login", call)
            if own and call not in self.classes:
                self.classes[call] = Windows(own, share, self._clock, adaptation)
        self._gather()

    def share_address(self, address: AddressBudget) -> None:
        """Count what this login does among all that comes from its address."""
        self._address = address
        self._gather()

    def _gather(self) -> None:
        for call in OF_A_LOGIN:
            own = [self.classes[call]] if call in self.classes else []
            self._also[call] = (*own, *(self._address.windows_of(call) if self._address is not None else ()))

    def lend(self, minute: int, hour: int) -> None:
        """What the readers leave over, on top of our own share."""
        self._limits = max(self.own[0], minute), max(self.own[1], hour)
        self._arm()

    def take_back(self) -> None:
        """Nobody can say what the readers use: back to the share that is ours in any case."""
        self._limits = self.own
        for windows in self.classes.values():
            windows.take_back()

    def carry(self, minute: int, hour: int) -> None:
        """Calls that the process before us made of late, counted as if they were made now."""
        now = self._clock()
        self._minute.extend([now] * minute)
        self._hour.extend([now] * max(minute, hour))

    def limits(self, lane: Lane = Lane.READ) -> tuple[int, int]:
        """Calls of that lane in a minute and an hour as things are now, adapted to what the venue bears."""
        factor = self._adapted.factor()
        minute = self._limits[0]
        if lane is Lane.ENTRY:
            minute = max(minute, _least(minute * BORROWED_MINUTES, self._venue_minute))
        return max(1, int(minute * factor)), max(1, int(self._limits[1] * factor))

    def factor(self) -> float:
        return self._adapted.factor()

    # --- slowing down ---------------------------------------------------------------------------------------------------

    def hold(self, seconds: float) -> None:
        self._held_until = max(self._held_until, self._clock() + seconds)

    def slow_down(self, seconds: float = 0.0) -> None:
        """The venue asked for it (a 429, a penalty ticket): wait ``seconds``, and go slower for a while after that."""
        self.hold(seconds)
        self._limited_at = self._clock()
        self._adapted.lower()
        for windows in self.classes.values():
            windows.slow_down()
        if self._address is not None:
            self._address.noticed(self, seconds)

    def held_seconds(self) -> float:
        return max(0.0, self._held_until - self._clock())

    def limited_ago(self) -> float | None:
        """Seconds since the venue last asked to slow down."""
        return None if self._limited_at is None else self._clock() - self._limited_at

    # --- counting ---------------------------------------------------------------------------------------------------------

    def used(self) -> tuple[int, int]:
        """Calls counted in the last minute and the last hour."""
        self._forget_old()
        return len(self._minute), len(self._hour)

    def waiting(self) -> dict[str, int]:
        """How many wait, by lane."""
        return dict(Counter(Lane(lane).name.lower() for lane, _, _, each in self._waiters if not each.done()))

    def wait_seconds(self, lane: Lane = Lane.READ, call: Call = Call.ORDERS) -> float:
        """How long until one more call of that lane fits; 0 = now."""
        if lane <= Lane.CANCEL:
            return 0.0
        self._forget_old()
        now = self._clock()
        waits = [max(0.0, self._held_until - now)]
        minute, hour = self.limits(lane)
        for span, limit, calls in ((MINUTE, minute, self._minute), (HOUR, hour, self._hour)):
            if len(calls) >= limit:
                waits.append(calls[len(calls) - limit] + span - now)
        for windows in self._also.get(call, ()):
            waits.append(windows.wait_seconds(lane))
        return max(waits)

    def _forget_old(self) -> None:
        now = self._clock()
        for span, calls in ((MINUTE, self._minute), (HOUR, self._hour)):
            while calls and calls[0] <= now - span:
                calls.popleft()

    def count(self, call: Call = Call.ORDERS) -> None:
        """A call that is made in any case."""
        now = self._clock()
        self._minute.append(now)
        self._hour.append(now)
        for windows in self._also.get(call, ()):
            windows.count()

    def try_take(self, lane: Lane, call: Call = Call.ORDERS) -> bool:
        """Count one call if it may be made now: there is room for its lane, and nothing as urgent waits before it."""
        if lane > Lane.CANCEL and (self._is_behind(lane) or self.wait_seconds(lane, call) > 0):
            return False
        self.count(call)
        return True

    def _is_behind(self, lane: Lane) -> bool:
        self._drop_given_up()
        return bool(self._waiters) and self._waiters[0][0] <= lane

    def _drop_given_up(self) -> None:
        while self._waiters and self._waiters[0][-1].done():
            heapq.heappop(self._waiters)

    async def take(self, lane: Lane, call: Call = Call.ORDERS) -> None:
        """Count one call, waiting for room first unless it is an exit or a cancel."""
        if self.try_take(lane, call):
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiters, (int(lane), next(self._order), call, future))
        self._arm()
        await future

    def _arm(self) -> None:
        """Wake for whoever is first in line now: a more urgent one may have come, which has to wait less."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._drop_given_up()
        if self._waiters:
            lane, _, call, _ = self._waiters[0]
            wait = max(0.001, self.wait_seconds(Lane(lane), call))
            self._timer = asyncio.get_running_loop().call_later(wait, self._release)

    def _release(self) -> None:
        self._drop_given_up()
        while self._waiters:
            lane, _, call, future = self._waiters[0]
            if self.wait_seconds(Lane(lane), call) > 0:
                break
            heapq.heappop(self._waiters)
            self.count(call)
            future.set_result(None)
            self._drop_given_up()
        self._arm()
