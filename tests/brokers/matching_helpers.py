"""Short ways to say orders and quotes in the tests of the matching engine."""

from __future__ import annotations

from decimal import Decimal

from brokers.domain import OrderType, Side
from brokers.matching import Event, EventKind, MatchingEngine, NewOrder, Touch

BUY, SELL = Side.BUY, Side.SELL


def touch(bid, ask, last=None, bid_size=None, ask_size=None) -> Touch:
    figures = (None if one is None else Decimal(str(one)) for one in (bid, ask, last, bid_size, ask_size))
    return Touch(*figures)


def order(order_id, side=BUY, quantity=1, **terms) -> NewOrder:
    numbers = {"limit_price", "stop_price", "trail_offset", "max_fill"}
    terms = {name: Decimal(str(value)) if name in numbers else value for name, value in terms.items()}
    return NewOrder(order_id, "ES", side, Decimal(str(quantity)), **terms)


def limit(order_id, side=BUY, price=100, quantity=1, **terms) -> NewOrder:
    return order(order_id, side, quantity, order_type=OrderType.LIMIT, limit_price=price, **terms)


def stop(order_id, side=SELL, price=100, quantity=1, **terms) -> NewOrder:
    return order(order_id, side, quantity, order_type=OrderType.STOP, stop_price=price, **terms)


def engine_at(bid=99.75, ask=100, last=None) -> MatchingEngine:
    engine = MatchingEngine()
    engine.on_quote("ES", touch(bid, ask, last))
    return engine


def story(events: list[Event]) -> list[str]:
    """One short line an event: what, to which order, how much at what price, why."""
    return [_line(event) for event in events]


def _line(event: Event) -> str:
    line = f"{event.kind} {event.order_id}"
    if event.kind is EventKind.FILL:
        line += f" {event.quantity}@{event.price}"
    if event.kind is EventKind.RESIZED:
        line += f" {event.quantity}"
    return f"{line} {event.reason}".strip()


def fills(events: list[Event], order_id=None) -> list[Event]:
    return [e for e in events if e.kind is EventKind.FILL and order_id in {None, e.order_id}]
