"""A small matching engine: orders against quotes. Pure: no I/O, no clock, no randomness, Decimal throughout.

The caller names orders and instruments with keys of its own, feeds quotes in, and gets a list of events back for every
call, in the order in which they happened. The same calls always give the same events.

Rules, the ones a futures venue follows:

- a buy takes the ask, a sell the bid; a limit order fills at the quote or better than its limit, never worse;
- a stop is watched against the last trade (the ask or bid it would take if there is none) and becomes a market order, or a
  limit order for a stop limit, when that price reaches it; a trailing stop follows the best price at a fixed distance;
- legs of one ``oco_group`` share one quantity: what one fills, the others lose;
- a child waits, suspended, until its parent fills, and never does more than the parent has filled so far;
- sizes in a quote limit what it fills; without sizes it fills everything. ``max_fill`` limits one step of one order, so that
  partial fills can be asked for; the rest follows with the next quote or with ``advance``.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace
from decimal import Decimal

from brokers.domain import ZERO, OrderType, Side, TimeInForce
from brokers.orderbook import (
    AT_ONCE,
    LIMITED,
    STOPS,
    Book,
    Entry,
    Event,
    EventKind,
    Live,
    NewOrder,
    OrderKey,
    Touch,
    fault_in,
    is_reached,
    taken_price,
    watched_price,
)


class UnknownOrder(LookupError):
    """The engine holds no living order of that key: it ended, or never was here."""


class InvalidChange(ValueError):
    """The new terms of an order make no sense; the order is as it was."""


class MatchingEngine:
    """Every public method that changes anything returns the events it caused."""

    def __init__(self) -> None:
        self._live: dict[OrderKey, Live] = {}
        self._books: dict[Hashable, Book] = {}
        self._groups: dict[OrderKey, list[OrderKey]] = {}
        self._children: dict[OrderKey, list[OrderKey]] = {}
        self._seq = 0
        self._events: list[Event] = []

    # --- what it holds ------------------------------------------------------------------------------------------

    def __contains__(self, order_id: OrderKey) -> bool:
        return order_id in self._live

    def busy_instruments(self) -> list[Hashable]:
        """Instruments with living orders: the ones whose quotes matter."""
        return [key for key, book in self._books.items() if book.count]

    def remaining(self, order_id: OrderKey) -> Decimal:
        return self._get(order_id).remaining

    def trigger_price(self, order_id: OrderKey) -> Decimal | None:
        """Where a stop stands now (a trailing one moves)."""
        live = self._get(order_id)
        return live.trigger if live.trigger is not None else live.order.stop_price

    def is_suspended(self, order_id: OrderKey) -> bool:
        return self._get(order_id).suspended

    def would_fill(self, order_id: OrderKey) -> bool:
        """Whether one more step (``advance``, the next quote at the same price) fills something."""
        live = self._get(order_id)
        return not (live.suspended or live.held) and live.is_awake and self._price_for(live) is not None

    # --- commands -----------------------------------------------------------------------------------------------

    def submit(self, *orders: NewOrder) -> list[Event]:
        """Take orders that belong together in one call (an entry before its children, both legs of a pair)."""
        taken = [live for live in map(self._register, orders) if live is not None]
        for live in taken:
            if self._is_alive(live) and live.version == 0:
                self._work(live)
        return self._flush()

    def restore(
        self, order: NewOrder, *, filled: Decimal = ZERO, triggered: bool = False, suspended: bool = False
    ) -> None:
        """Put back an order that already lived before a restart. No events; matched from the next quote on.

        ``order.quantity`` is the whole quantity, ``filled`` what of it is done. Restore parents before children.
        """
        live = self._enter(order)
        live.filled = live.used = filled
        live.remaining = order.quantity - filled
        live.triggered, live.suspended = triggered, suspended
        parent = self._live.get(order.parent_id) if order.parent_id is not None else None
        live.cap = parent.filled if parent is not None else None
        if not suspended and not live.held:
            self._book(order.instrument).queue(live)

    def cancel(self, order_id: OrderKey, reason: str = "requested") -> list[Event]:
        self._end(self._get(order_id), EventKind.CANCELED, reason)
        return self._flush()

    def change(self, order_id: OrderKey, **terms: object) -> list[Event]:
        """New terms by the names of NewOrder's fields (the whole quantity, not the rest). It loses its place.

        Raises InvalidChange and leaves the order alone if the terms make no sense.
        """
        live = self._get(order_id)
        order = replace(live.order, **terms)  # type: ignore[arg-type]
        fault = fault_in(order)
        if fault or order.quantity <= live.filled:
            raise InvalidChange(fault or "quantity")
        if order.order_type in STOPS and order.stop_price != live.order.stop_price:
            live.triggered = False
        live.order, live.trigger = order, None
        live.remaining = order.quantity - live.filled
        live.seq = self._next()
        self._emit(EventKind.REPLACED, live)
        self._work(live)
        return self._flush()

    def release(self, order_id: OrderKey) -> list[Event]:
        """Let a held order meet the market."""
        live = self._get(order_id)
        live.held = False
        self._work(live)
        return self._flush()

    def advance(self, order_id: OrderKey) -> list[Event]:
        """One more matching step of an order that fills in pieces."""
        live = self._get(order_id)
        if live.is_awake:
            self._work(live)
        return self._flush()

    def expire(self, which: Callable[[NewOrder], bool]) -> list[Event]:
        """End every living order for which ``which`` is true, the oldest first."""
        for live in sorted(self._live.values(), key=lambda one: one.seq):
            if self._is_alive(live) and which(live.order):
                self._end(live, EventKind.EXPIRED, "expired")
        return self._flush()

    def on_quote(self, instrument: Hashable, touch: Touch) -> list[Event]:
        """The market moved: stops trigger (trailing ones follow first), then what waits for size, then limits."""
        book = self._book(instrument)
        book.show(touch)
        if not book.count:
            return []
        waiting = list(book.eager)
        for live in self._awake_stops(book):
            self._trigger(live)
        for live in self._living(waiting):
            self._work(live)
        for side in (Side.BUY, Side.SELL):
            for live in self._current(book.reached_limits(side)):
                self._work(live)
        return self._flush()

    # --- registering --------------------------------------------------------------------------------------------

    def _next(self) -> int:
        self._seq += 1
        return self._seq

    def _book(self, instrument: Hashable) -> Book:
        book = self._books.get(instrument)
        if book is None:
            book = self._books[instrument] = Book()
        return book

    def _get(self, order_id: OrderKey) -> Live:
        live = self._live.get(order_id)
        if live is None:
            raise UnknownOrder(order_id)
        return live

    def _is_alive(self, live: Live) -> bool:
        return live.order.order_id in self._live

    def _living(self, order_ids: Iterable[OrderKey]) -> Iterable[Live]:
        """Those still alive when their turn comes: an earlier one may have ended a later one."""
        for order_id in order_ids:
            live = self._live.get(order_id)
            if live is not None:
                yield live

    def _current(self, entries: Iterable[Entry]) -> Iterable[Live]:
        """The orders of queue entries that are still up to date when their turn comes."""
        for entry in entries:
            if self._is_current(entry):
                yield self._live[entry[3]]

    def _is_current(self, entry: Entry) -> bool:
        live = self._live.get(entry[3])
        return live is not None and live.version == entry[2]

    def _register(self, order: NewOrder) -> Live | None:
        fault = "duplicate" if order.order_id in self._live else fault_in(order)
        if not fault and order.parent_id is not None and order.parent_id not in self._live:
            fault = "parent"
        if fault:
            self._events.append(Event(EventKind.REJECTED, order.order_id, reason=fault))
            return None
        live = self._enter(order)
        if order.parent_id is not None:
            live.cap = self._live[order.parent_id].filled
            live.suspended = live.cap == 0
        self._emit(EventKind.ACCEPTED, live)
        return live

    def _enter(self, order: NewOrder) -> Live:
        live = Live(order=order, seq=self._next(), remaining=order.quantity, held=order.held)
        self._live[order.order_id] = live
        self._book(order.instrument).count += 1
        if order.oco_group is not None:
            self._groups.setdefault(order.oco_group, []).append(order.order_id)
        if order.parent_id is not None:
            self._children.setdefault(order.parent_id, []).append(order.order_id)
        return live

    # --- matching -----------------------------------------------------------------------------------------------

    def _work(self, live: Live) -> None:
        """Match what can be matched now; queue or end the rest."""
        if live.suspended or live.held:
            return
        book = self._book(live.order.instrument)
        book.forget(live)
        if not live.is_awake:
            self._follow(live, book)
            if live.trigger is None or not is_reached(live.order.side, live.trigger, book.touch):
                book.queue(live)
                return
            self._emit(EventKind.TRIGGERED, live, price=live.trigger)
            live.triggered = True
        self._take(live, book)
        if self._is_alive(live):
            self._keep_or_end(live, book)

    def _keep_or_end(self, live: Live, book: Book) -> None:
        order = live.order
        if order.time_in_force in AT_ONCE:
            self._end(live, EventKind.CANCELED, "unfilled")
        elif order.order_type not in LIMITED and taken_price(order.side, book.touch) is None:
            self._end(live, EventKind.REJECTED, "no_quote")
        elif order.max_fill is not None and self._price_for(live) is not None:
            book.eager[order.order_id] = None
        else:
            book.queue(live)

    def _follow(self, live: Live, book: Book) -> None:
        """Move a trailing stop behind the best price; it never moves back. Other stops stand where they were put."""
        order = live.order
        if live.trigger is None:
            live.trigger = order.stop_price
        price = watched_price(order.side, book.touch)
        if order.order_type is not OrderType.TRAILING_STOP or price is None:
            return
        wanted = price + order.side.sign * (order.trail_offset or ZERO)
        if live.trigger is None or (wanted - live.trigger) * order.side.sign < 0:
            live.trigger = wanted

    def _awake_stops(self, book: Book) -> list[Live]:
        woken = []
        for live in self._living(book.trailing):
            self._follow(live, book)
            if live.trigger is not None and is_reached(live.order.side, live.trigger, book.touch):
                woken.append(live)
        for side in (Side.BUY, Side.SELL):
            woken += self._current(book.reached_stops(side))
        return sorted(woken, key=lambda one: one.seq)

    def _trigger(self, live: Live) -> None:
        if self._is_alive(live):
            live.triggered = True
            self._emit(EventKind.TRIGGERED, live, price=live.trigger or live.order.stop_price)
            self._work(live)

    def _price_for(self, live: Live) -> Decimal | None:
        """What the order would get now; None if it would not fill."""
        order = live.order
        price = taken_price(order.side, self._book(order.instrument).touch)
        if price is None or order.order_type not in LIMITED or order.limit_price is None:
            return price
        return price if (order.limit_price - price) * order.side.sign >= 0 else None

    def _fillable(self, live: Live, book: Book) -> Decimal:
        bounds = [live.remaining, book.size_for(live.order.side), live.order.max_fill]
        bounds.append(None if live.cap is None else live.cap - live.used)
        quantity = min(bound for bound in bounds if bound is not None)
        if live.order.time_in_force is TimeInForce.FOK and quantity < live.remaining:
            return ZERO
        return max(quantity, ZERO)

    def _take(self, live: Live, book: Book) -> None:
        price, quantity = self._price_for(live), self._fillable(live, book)
        if price is None or quantity <= 0:
            return
        book.consume(live.order.side, quantity)
        live.remaining -= quantity
        live.filled += quantity
        live.used += quantity
        self._emit(EventKind.FILL, live, quantity, price)
        if live.remaining == 0:  # before its partners end: one of them may be what it hangs on
            self._leave(live)
        self._shrink_partners(live, quantity)
        self._serve_children(live)

    # --- links --------------------------------------------------------------------------------------------------

    def _shrink_partners(self, live: Live, quantity: Decimal) -> None:
        """What one leg of a pair has done, the other must not do again."""
        group = live.order.oco_group
        for partner in self._living(list(self._groups.get(group, ())) if group is not None else ()):
            if partner is not live:
                partner.used += quantity
                self._shrink(partner, partner.remaining - quantity, "oco")

    def _shrink(self, live: Live, remaining: Decimal, reason: str) -> None:
        if remaining <= 0:
            self._end(live, EventKind.CANCELED, reason)
        elif remaining < live.remaining:
            live.remaining = remaining
            live.order = replace(live.order, quantity=live.filled + remaining)
            self._emit(EventKind.RESIZED, live, remaining, reason=reason)

    def _serve_children(self, parent: Live) -> None:
        complete = parent.remaining == 0
        for child in self._living(list(self._children.get(parent.order.order_id, ()))):
            child.cap = None if complete else parent.filled
            if child.suspended:
                child.suspended = False
                self._emit(EventKind.ACTIVATED, child)
            self._work(child)
        if complete:
            self._children.pop(parent.order.order_id, None)

    def _leave(self, live: Live) -> None:
        order, book = live.order, self._book(live.order.instrument)
        del self._live[order.order_id]
        book.count -= 1
        book.forget(live)
        if order.oco_group is not None:
            members = self._groups[order.oco_group]
            members.remove(order.order_id)
            if not members:
                del self._groups[order.oco_group]
        if book.is_cluttered:
            book.prune(self._is_current)

    def _end(self, live: Live, kind: EventKind, reason: str) -> None:
        """Finish without (further) fills; the children keep what the parent did fill."""
        self._leave(live)
        self._emit(kind, live, reason=reason)
        for child in self._living(self._children.pop(live.order.order_id, [])):
            child.cap = None
            if kind is EventKind.REJECTED and live.filled == 0:
                self._end(child, EventKind.REJECTED, "parent")
            else:
                self._shrink(child, min(child.remaining, live.filled - child.used), "parent")

    # --- events -------------------------------------------------------------------------------------------------

    def _emit(
        self,
        kind: EventKind,
        live: Live,
        quantity: Decimal = ZERO,
        price: Decimal | None = None,
        reason: str = "",
    ) -> None:
        self._events.append(Event(kind, live.order.order_id, quantity, price, reason))

    def _flush(self) -> list[Event]:
        events, self._events = self._events, []
        return events
