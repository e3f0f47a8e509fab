"""One order at a time per account and contract: a lane is taken before the position is read and given back when it settled.

Different lanes run side by side; a lane's places are served in the order they were taken.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

LaneKey = tuple[UUID, int | None]


class Ticket:
    """One place in a lane's queue. ``owner`` is the strategy it is for, if any."""

    def __init__(self, lane: Lane, owner: UUID | None = None) -> None:
        self.lane, self.owner = lane, owner
        self._called: asyncio.Future[None] | None = None

    @property
    def is_served(self) -> bool:
        return self.lane.holder is self

    async def wait(self) -> None:
        """Until the lane is ours. Who gives up waiting must ``leave``."""
        if not self.is_served:
            self._called = asyncio.get_running_loop().create_future()
            await self._called

    def call(self) -> None:
        if self._called is not None and not self._called.done():
            self._called.set_result(None)

    def leave(self) -> None:
        """Give the lane to the next, or step out of the queue. Safe to call twice."""
        self.lane.drop(self)


@dataclass(slots=True, eq=False)
class Lane:
    """``expected`` is the position that our own orders must have led to; while it is set, the stream's book may still lag
    behind them and is believed only when it agrees. ``lost_track`` means that an order's end is not known: ask the venue.
    ``touched_at`` (loop time) is when it was last given back: what was read from the database before is old.
    """

    key: LaneKey
    holder: Ticket | None = None
    queue: deque[Ticket] = field(default_factory=deque)
    expected: Decimal | None = None
    expected_at: float = 0.0
    expected_until: float = 0.0
    lost_track: bool = False
    touched_at: float = 0.0

    def join(self, owner: UUID | None = None) -> Ticket:
        """Take the lane, or a place in its queue, at once."""
        ticket = Ticket(self, owner)
        if self.holder is None:
            self.holder = ticket
        else:
            self.queue.append(ticket)
        return ticket

    def drop(self, ticket: Ticket) -> None:
        if self.holder is ticket:
            self.touched_at = asyncio.get_running_loop().time()
            self.holder = self.queue.popleft() if self.queue else None
            if self.holder is not None:
                self.holder.call()
        elif ticket in self.queue:
            self.queue.remove(ticket)

    def expect(self, net: Decimal, now: float, seconds: float) -> None:
        self.expected, self.expected_at, self.expected_until = net, now, now + seconds

    def agrees(self, net: Decimal | None) -> bool:
        return self.expected is not None and net == self.expected and not self.lost_track

    def believes(self, net: Decimal | None, now: float) -> bool:
        """Whether a position from the stream may be acted on."""
        if net is None or self.lost_track:
            return False
        if self.expected is None or net == self.expected or now > self.expected_until:
            self.expected = None
            return True
        return False

    def found(self) -> None:
        """The venue itself told the position: nothing is expected or in doubt any more."""
        self.expected, self.lost_track = None, False


class Lanes:
    def __init__(self) -> None:
        self._lanes: dict[LaneKey, Lane] = {}

    def get(self, key: LaneKey) -> Lane:
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(key)
        return lane

    def busy(self) -> int:
        return sum(lane.holder is not None for lane in self._lanes.values())


@dataclass(slots=True, eq=False)
class Holding:
    """Keeps a lane for as long as somebody needs it: who plans, every order that is not settled, what is being protected."""

    ticket: Ticket | None = None
    holders: int = 0

    @property
    def lane(self) -> Lane | None:
        return self.ticket.lane if self.ticket is not None else None

    def hold(self) -> None:
        self.holders += 1

    def let_go(self) -> None:
        self.holders -= 1
        if self.holders <= 0 and self.ticket is not None:
            ticket, self.ticket = self.ticket, None
            ticket.leave()
