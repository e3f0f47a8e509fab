"""What the matching engine works with: terms, events, and the queues of one instrument. Pure, Decimal throughout."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from brokers.domain import ZERO, OrderType, Side, TimeInForce

OrderKey = int | str
Entry = tuple[Decimal, int, int, OrderKey]  # sort price, age, version, order

LIMITED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})
AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})


class EventKind(StrEnum):
    ACCEPTED = "accepted"
    """Taken. A child is suspended, everything else works."""
    ACTIVATED = "activated"
    """The parent filled; the child works from now on."""
    TRIGGERED = "triggered"
    FILL = "fill"
    RESIZED = "resized"
    """The engine itself changed the quantity; ``quantity`` is what is left to fill."""
    REPLACED = "replaced"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Touch:
    """The best prices of one instrument. Anything may be unknown; an unknown size means "enough"."""

    bid: Decimal | None = None
    ask: Decimal | None = None
    last: Decimal | None = None
    bid_size: Decimal | None = None
    ask_size: Decimal | None = None


@dataclass(frozen=True, slots=True)
class NewOrder:
    """The terms of one order. ``trail_offset`` is a positive distance in price points.

    ``oco_group`` is shared by orders that exclude one another. ``max_fill`` is the most that one matching step fills.
    ``held`` accepts the order without matching it until it is released.
    """

    order_id: OrderKey
    instrument: Hashable
    side: Side
    quantity: Decimal
    order_type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_offset: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.DAY
    parent_id: OrderKey | None = None
    oco_group: OrderKey | None = None
    max_fill: Decimal | None = None
    held: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """``quantity`` and ``price`` belong to FILL (this fill only), ``quantity`` to RESIZED, ``price`` to TRIGGERED."""

    kind: EventKind
    order_id: OrderKey
    quantity: Decimal = ZERO
    price: Decimal | None = None
    reason: str = ""


@dataclass(slots=True)
class Live:
    """An order that has not ended. An entry in a queue with another ``version`` is out of date."""

    order: NewOrder
    seq: int
    remaining: Decimal
    filled: Decimal = ZERO
    used: Decimal = ZERO  # filled here and by the other legs: what counts against the parent
    cap: Decimal | None = None  # what the parent has filled so far; None = no parent, or the parent has ended
    suspended: bool = False
    held: bool = False
    triggered: bool = False
    trigger: Decimal | None = None
    version: int = 0

    @property
    def is_awake(self) -> bool:
        """It trades at the next fitting price: it never was a stop, or it has triggered."""
        return self.triggered or self.order.order_type not in STOPS


def watched_price(side: Side, touch: Touch) -> Decimal | None:
    """The price a stop of that side is watched against: the last trade, else what it would take."""
    return touch.last if touch.last is not None else taken_price(side, touch)


def taken_price(side: Side, touch: Touch) -> Decimal | None:
    """The price a market order of that side gets."""
    return touch.ask if side is Side.BUY else touch.bid


def is_reached(side: Side, stop_price: Decimal, touch: Touch) -> bool:
    """Whether a stop at that price would trigger at once: it stands on the wrong side of the market."""
    price = watched_price(side, touch)
    return price is not None and (price >= stop_price if side is Side.BUY else price <= stop_price)


def fault_in(order: NewOrder) -> str:
    """The field that makes these terms unworkable; empty if they are fine."""
    if order.quantity <= 0:
        return "quantity"
    if order.order_type in LIMITED and order.limit_price is None:
        return "limit_price"
    if order.order_type in {OrderType.STOP, OrderType.STOP_LIMIT} and order.stop_price is None:
        return "stop_price"
    if order.order_type is OrderType.TRAILING_STOP and not (order.trail_offset or ZERO) > 0:
        return "trail_offset"
    return ""


def _by_side() -> dict[Side, list[Entry]]:
    return {Side.BUY: [], Side.SELL: []}


@dataclass(slots=True)
class Book:
    """One instrument: its touch, and its orders queued by the price that wakes them."""

    touch: Touch = field(default_factory=Touch)
    bid_left: Decimal | None = None
    ask_left: Decimal | None = None
    limits: dict[Side, list[Entry]] = field(default_factory=_by_side)
    stops: dict[Side, list[Entry]] = field(default_factory=_by_side)
    trailing: dict[OrderKey, None] = field(default_factory=dict)
    eager: dict[OrderKey, None] = field(
        default_factory=dict
    )  # would fill now, waits for size or for its next piece
    count: int = 0

    def show(self, touch: Touch) -> None:
        self.touch = touch
        self.bid_left, self.ask_left = touch.bid_size, touch.ask_size

    def size_for(self, side: Side) -> Decimal | None:
        return self.ask_left if side is Side.BUY else self.bid_left

    def consume(self, side: Side, quantity: Decimal) -> None:
        if side is Side.BUY and self.ask_left is not None:
            self.ask_left -= quantity
        elif side is Side.SELL and self.bid_left is not None:
            self.bid_left -= quantity

    def queue(self, live: Live) -> None:
        """Put it where the next quote that concerns it finds it."""
        order = live.order
        entry = (live.seq, live.version, order.order_id)
        sign = order.side.sign
        if not live.is_awake and order.order_type is OrderType.TRAILING_STOP:
            self.trailing[order.order_id] = None
        elif not live.is_awake:
            heapq.heappush(self.stops[order.side], (sign * (order.stop_price or ZERO), *entry))
        elif order.order_type in LIMITED:
            heapq.heappush(self.limits[order.side], (-sign * (order.limit_price or ZERO), *entry))
        else:
            self.eager[order.order_id] = None

    def forget(self, live: Live) -> None:
        """Take it out of every queue; what lies in a heap goes out of date."""
        live.version += 1
        self.trailing.pop(live.order.order_id, None)
        self.eager.pop(live.order.order_id, None)

    @property
    def is_cluttered(self) -> bool:
        """Most of what lies in the heaps is out of date: orders far from the market that were canceled."""
        return sum(map(len, (*self.limits.values(), *self.stops.values()))) > 4 * self.count + 64

    def prune(self, is_current: Callable[[Entry], bool]) -> None:
        for heap in (*self.limits.values(), *self.stops.values()):
            heap[:] = filter(is_current, heap)
            heapq.heapify(heap)

    def reached_stops(self, side: Side) -> list[Entry]:
        price = watched_price(side, self.touch)
        return [] if price is None else _pop(self.stops[side], side.sign * price)

    def reached_limits(self, side: Side) -> list[Entry]:
        price = taken_price(side, self.touch)
        return [] if price is None else _pop(self.limits[side], -side.sign * price)


def _pop(heap: list[Entry], reached: Decimal) -> list[Entry]:
    found = []
    while heap and heap[0][0] <= reached:
        found.append(heapq.heappop(heap))
    return found
