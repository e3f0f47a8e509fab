"""Our intents as the venue's order bodies. Pure. What cannot be expressed safely is refused here, before anything is sent.

``isAutomated`` is always true: exchanges require it of orders that no human entered.
"""

from __future__ import annotations

from decimal import Decimal

from brokers.adapters.tradovate.constants import (
    ACTIONS,
    MULTI_BRACKET_STRATEGY,
    ORDER_TYPE_WORDS,
    TIF_WORDS,
)
from brokers.adapters.tradovate.legs import (
    TEXT_LENGTH,
    Body,
    Protection,
    base_price,
    checked,
    entry_leg,
    limit_on_tick,
    protective_leg,
    signed_distance,
    text,
)
from brokers.adapters.tradovate.wire import encode
from brokers.domain import AccountRef, Instrument, LegKind, OrderChange, OrderIntent, OrderType
from brokers.errors import Rejected
from tradeproject.common.money import ceil_to_step, normal, round_to_step


def needs_strategy(intent: OrderIntent) -> bool:
    """Whether the legs can only be given as distances: no price to measure them from is known yet."""
    return any(leg.price is None for leg in intent.legs) and base_price(intent) is None


# --- plain orders and brackets ----------------------------------------------------------------------------------


def order_body(intent: OrderIntent) -> Body:
    """``placeorder``. Raises Rejected for what the venue has no words for."""
    return {
        "accountSpec": intent.account.name,
        "accountId": account_number(intent.account),
        "clOrdId": intent.client_order_id,
        "action": ACTIONS[intent.side],
        "symbol": intent.instrument.venue_symbol,
        "orderQty": contracts(intent.quantity),
        "orderType": ORDER_TYPE_WORDS[intent.order_type],
        **_entry_prices(intent),
        "timeInForce": TIF_WORDS[intent.time_in_force],
        **text(intent.tag),
        "isAutomated": True,
    }


def bracket_body(intent: OrderIntent) -> Body:
    """``placeoso``: the entry with one or two legs, which are OCO to each other and follow the entry's quantity."""
    legs = [entry_leg(intent, leg) for leg in checked(intent.legs)]
    return {**order_body(intent), **{f"bracket{n}": leg for n, leg in enumerate(legs, start=1)}}


def _entry_prices(intent: OrderIntent) -> Body:
    tick, side = intent.instrument.tick_size, intent.side
    kind = intent.order_type
    body: Body = {}
    if kind in {OrderType.LIMIT, OrderType.STOP_LIMIT}:
        body["price"] = limit_on_tick(needed(intent.limit_price, "limit price"), side, tick)
    if kind in {OrderType.STOP, OrderType.STOP_LIMIT}:
        body["stopPrice"] = round_to_step(needed(intent.stop_price, "stop price"), tick)
    if kind is OrderType.TRAILING_STOP:
        body.update(_trailing_prices(intent))
    return body


def _trailing_prices(intent: OrderIntent) -> Body:
    """Trigger and distance of a trailing stop; either is computed from the other when the market's price is known."""
    tick, base = intent.instrument.tick_size, intent.reference_price
    stop, trail = intent.stop_price, intent.trail_offset
    if trail is None and stop is not None and base is not None:
        trail = abs(base - stop)
    if stop is None and trail is not None and base is not None:
        stop = base + trail * intent.side.sign
    if stop is None:
        return {"pegDifference": max(ceil_to_step(needed(trail, "trailing distance"), tick), tick)}
    body: Body = {"stopPrice": round_to_step(stop, tick)}
    return body if trail is None else {**body, "pegDifference": max(ceil_to_step(trail, tick), tick)}


def needed(value: Decimal | None, what: str) -> Decimal:
    if value is None:
        raise Rejected(f"This order type needs a {what}. Set one; nothing was sent.", code="PRICE_MISSING")
    return value


def contracts(quantity: Decimal) -> int:
    """The venue counts whole contracts."""
    if quantity != quantity.to_integral_value() or not 0 < quantity < 2**31:
        raise Rejected(f"Tradovate trades whole contracts, not {normal(quantity)}.", code="QUANTITY")
    return int(quantity)


def account_number(account: AccountRef) -> int:
    return _number(account.id, "account")


def _number(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise Rejected(
            f"{text[:40]!r} is not a Tradovate {what} id. Reconnect the login to read it again.", code="ID"
        )
    return int(text)


# --- strategies: legs as distances ------------------------------------------------------------------------------


def strategy_body(intent: OrderIntent) -> Body:
    """``startorderstrategy``, type 2: legs as signed distances in points from a fill not yet known.

    ``params`` is a JSON text inside the JSON, as the venue wants it.
    """
    legs = checked(intent.legs)
    if any(leg.price is not None for leg in legs):
        raise Rejected(
            "One leg has a price and the other a distance, and no reference price is known to join them. "
            "Give both in the same way, or send a price with the alert.",
            code="LEGS",
        )
    bracket: Body = {"qty": contracts(intent.quantity), "trailingStop": any(leg.trailing for leg in legs)}
    for leg in legs:
        key = "profitTarget" if leg.kind is LegKind.TAKE_PROFIT else "stopLoss"
        bracket[key] = signed_distance(intent, leg)
    entry = {
        "orderQty": contracts(intent.quantity),
        "orderType": ORDER_TYPE_WORDS[intent.order_type],
        **_entry_prices(intent),
        "timeInForce": TIF_WORDS[intent.time_in_force],
    }
    return {
        "accountId": account_number(intent.account),
        "accountSpec": intent.account.name,
        "symbol": intent.instrument.venue_symbol,
        "orderStrategyTypeId": MULTI_BRACKET_STRATEGY,
        "action": ACTIONS[intent.side],
        "params": encode({"entryVersion": entry, "brackets": [bracket]}).decode(),
        "uuid": intent.client_order_id[:TEXT_LENGTH],
        "isAutomated": True,
    }


def protection_body(wanted: Protection) -> Body:
    """``placeoco`` for a stop and a target, ``placeorder`` for either, around a position that exists."""
    first, *others = [protective_leg(wanted, leg) for leg in checked(wanted.legs)]
    body: Body = {
        "accountSpec": wanted.account.name,
        "accountId": account_number(wanted.account),
        "symbol": wanted.instrument.venue_symbol,
        "orderQty": contracts(wanted.quantity),
        **first,
        "isAutomated": True,
    }
    return {**body, "other": others[0]} if others else body


# --- changes ----------------------------------------------------------------------------------------------------


def change_body(change: OrderChange) -> Body:
    """``modifyorder``: quantity and type every time, and the unchanged prices too, or they are lost."""
    tick = change.instrument.tick_size
    body: Body = {
        "orderId": order_number(change.venue_order_id),
        "orderQty": contracts(change.quantity),
        "orderType": ORDER_TYPE_WORDS[change.order_type],
        "timeInForce": TIF_WORDS[change.time_in_force],
        "isAutomated": True,
    }
    if change.limit_price is not None:
        body["price"] = limit_on_tick(change.limit_price, change.side, tick)
    if change.stop_price is not None:
        body["stopPrice"] = round_to_step(change.stop_price, tick)
    if change.trail_offset is not None:
        body["pegDifference"] = ceil_to_step(change.trail_offset, tick)
    return body


def cancel_body(venue_order_id: int) -> Body:
    return {"orderId": venue_order_id, "isAutomated": True}


def liquidate_body(account: AccountRef, instrument: Instrument) -> Body:
    """No customTag50: calls with it were seen to be answered 404."""
    return {
        "accountId": account_number(account),
        "contractId": _number(instrument.venue_id, "contract"),
        "admin": False,
        "isAutomated": True,
    }


def order_number(venue_order_id: str) -> int:
    return _number(venue_order_id, "order")
