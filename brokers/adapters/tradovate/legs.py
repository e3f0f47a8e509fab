"""Protective orders: where a target and a stop lie, and how the venue wants them written. Pure.

A leg is rounded to the tick away from the entry, so that none is closer than was asked for, and refused on the wrong side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from brokers.adapters.tradovate.constants import ACTIONS, LEG_SUFFIXES, TIF_WORDS
from brokers.domain import (
    AccountRef,
    Instrument,
    LegKind,
    LegSpec,
    OrderIntent,
    OrderType,
    Side,
    TimeInForce,
)
from brokers.errors import Rejected
from tradeproject.common.money import ceil_to_step, floor_to_step, round_to_step

Body = dict[str, Any]
TEXT_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Protection:
    """Legs for a position that exists. ``side`` is the position's own."""

    account: AccountRef
    instrument: Instrument
    side: Side
    quantity: Decimal
    legs: tuple[LegSpec, ...]
    client_order_id: str


def checked(legs: Iterable[LegSpec]) -> list[LegSpec]:
    """The legs, target first. Raises Rejected for what the venue has no words for."""
    found = sorted(legs, key=lambda leg: leg.kind is LegKind.STOP_LOSS)
    kinds = [leg.kind for leg in found]
    if not kinds or len(set(kinds)) != len(kinds):
        raise Rejected("Tradovate takes one target and one stop for an order. Use one of each.", code="LEGS")
    for leg in found:
        if leg.price is None and (leg.offset is None or leg.offset <= 0):
            raise Rejected("A protective leg needs a price, or a distance above zero. Set one.", code="LEGS")
        if leg.trailing and leg.kind is LegKind.TAKE_PROFIT:
            raise Rejected("Tradovate has no trailing target. Use a trailing stop instead.", code="LEGS")
    return found


def base_price(intent: OrderIntent) -> Decimal | None:
    """The price at which the entry is expected to fill, as it will be sent; None when it is not known in advance."""
    tick = intent.instrument.tick_size
    if intent.order_type in {OrderType.LIMIT, OrderType.STOP_LIMIT}:
        return None if intent.limit_price is None else limit_on_tick(intent.limit_price, intent.side, tick)
    if intent.order_type is OrderType.STOP:
        return None if intent.stop_price is None else round_to_step(intent.stop_price, tick)
    return intent.reference_price


def limit_on_tick(price: Decimal, side: Side, tick: Decimal) -> Decimal:
    """A limit on the tick, never worse than the one asked for."""
    return floor_to_step(price, tick) if side is Side.BUY else ceil_to_step(price, tick)


def entry_leg(intent: OrderIntent, leg: LegSpec) -> Body:
    """A bracket's leg. It has no quantity of its own: it follows the entry's."""
    base = base_price(intent)
    price = leg_price(leg, intent.side, base, intent.instrument.tick_size)
    body = _leg_body(leg, intent.side, price, base, intent.instrument.tick_size)
    return {**body, "clOrdId": leg_client_id(intent.client_order_id, leg.kind), **text(intent.tag)}


def protective_leg(wanted: Protection, leg: LegSpec) -> Body:
    """One of the orders around an existing position."""
    tick = wanted.instrument.tick_size
    price = leg_price(leg, wanted.side, None, tick)
    body = _leg_body(leg, wanted.side, price, None, tick)
    return {**body, "clOrdId": leg_client_id(wanted.client_order_id, leg.kind)}


def _leg_body(leg: LegSpec, side: Side, price: Decimal, base: Decimal | None, tick: Decimal) -> Body:
    body: Body = {"action": ACTIONS[side.opposite], "timeInForce": TIF_WORDS[TimeInForce.GTC]}
    if leg.kind is LegKind.TAKE_PROFIT:
        return {**body, "orderType": "Limit", "price": price}
    if not leg.trailing:
        return {**body, "orderType": "Stop", "stopPrice": price}
    body = {**body, "orderType": "TrailingStop", "stopPrice": price}
    distance = leg.offset if leg.offset is not None else (abs(base - price) if base is not None else None)
    # The guide names only the trigger, clients that work send the distance too: both say the same.
    return body if distance is None else {**body, "pegDifference": max(ceil_to_step(distance, tick), tick)}


def leg_price(leg: LegSpec, side: Side, base: Decimal | None, tick: Decimal) -> Decimal:
    """The leg's absolute price on the tick, rounded away from the entry at ``base``.

    Raises Rejected when it would lie on the wrong side of the entry: it would be rejected late, or close at once.
    """
    upwards = is_above(leg.kind, side)
    wanted = leg.price
    if wanted is None:
        if base is None or leg.offset is None:
            raise Rejected("A leg's distance needs a price to measure it from. Send one.", code="LEGS")
        wanted = base + leg.offset if upwards else base - leg.offset
    price = (ceil_to_step if upwards else floor_to_step)(wanted, tick)
    if base is not None and (price <= base if upwards else price >= base):
        where, name = ("above" if upwards else "below"), leg.kind.value.replace("_", " ")
        raise Rejected(
            f"The {name} at {price} must be {where} the entry at {base}. Nothing was sent.", code="LEG_SIDE"
        )
    return price


def signed_distance(intent: OrderIntent, leg: LegSpec) -> Decimal:
    """Points from the entry: positive above it, negative below. A long's target and a short's stop are above."""
    tick = intent.instrument.tick_size
    distance = max(ceil_to_step(leg.offset or tick, tick), tick)
    return distance if is_above(leg.kind, intent.side) else -distance


def is_above(kind: LegKind, side: Side) -> bool:
    return (side is Side.BUY) == (kind is LegKind.TAKE_PROFIT)


def leg_client_id(client_order_id: str, kind: LegKind) -> str:
    return client_order_id[: TEXT_LENGTH - 1] + LEG_SUFFIXES[kind]


def text(tag: str) -> Body:
    return {"text": tag[:TEXT_LENGTH]} if tag else {}


def leg_ids(answer: Mapping[str, Any], legs: Iterable[LegSpec], *keys: str) -> dict[LegKind, str]:
    """Ids of the legs in an answer, ``keys`` naming them in the order in which they were sent."""
    pairs = zip(checked(legs), (answer.get(key) for key in keys), strict=False)
    return {leg.kind: str(value) for leg, value in pairs if value}
