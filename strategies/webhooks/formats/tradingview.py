"""Our own alert message, and what people write by hand: any usual name for a field is understood.

The template carries the strategy's position before and after the order, which makes the alert a target: "be long 2".
Without a position it is an order: "buy 2".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from brokers.domain import OrderType
from strategies.webhooks.alert import Action, Alert, Position, ProtectiveSpec
from strategies.webhooks.fields import Fields, is_blank
from strategies.webhooks.formats import base
from strategies.webhooks.formats.protective import Code, read_stop_loss, read_take_profit, single_measure
from strategies.webhooks.formats.terms import Codes, Terms, check_trail, read_quantity_kind, read_waits
from strategies.webhooks.refusal import Refusal, shown

_CODES = Codes(
    quantity="invalid_number",
    quantity_type="invalid_quantity_type",
    quantity_type_here="unsupported_quantity_type",
    quantity_required="invalid_quantity_type",
    percent_of_position="invalid_quantity_type",
    order_price="missing_price",
    trailing="missing_price",
)
_ACTION_NAMES = ("action", "side", "orderaction")
_OTHER_ACTION_NAMES = ("signal", "data", "command", "type")
_QUANTITY_NAMES = (
    "contracts",
    "quantity",
    "qty",
    "size",
    "amount",
    "volume",
    "amountpertrade",
    "ordercontracts",
)
_STRUCTURE = frozenset(
    [
        "value-required",
        "relative-and-absolute",
        "amount-and-percent",
        "type",
        "trail-value",
        "trail-value-required",
    ]
)


@dataclass(frozen=True, slots=True)
class _State:
    """A position as told: which side, and how much when that was told too."""

    side: Position | None
    size: Decimal | None


def read(fields: Fields) -> Alert:
    fields.take("v")
    action = _read_action(fields)
    after = _read_state(fields, "", asked=True)
    before = _read_state(fields, "prev", asked=False)
    sentiment = _read_sentiment(fields, action, after)
    if after.side is not None and after.size is None and after.side is not Position.FLAT:
        fields.warnings.append(
            "market_position without its size guards the side only; send market_position_size"
        )
        sentiment, after = after.side, _State(None, None)
    action = action or _derived_action(fields, after, before)
    opens = after.side is None and action in {Action.BUY, Action.SELL, Action.ADD}
    quantity = fields.number(*_QUANTITY_NAMES, asked=opens, zero=after.side is not None)
    return Alert(
        format=FORMAT.name,
        action=action,
        position_after=after.side,
        position_after_size=after.size,
        position_before=before.side,
        position_before_size=before.size,
        sentiment=sentiment,
        quantity=quantity,
        quantity_kind=read_quantity_kind(fields, action, quantity, _CODES),
        **base.read_instrument(fields, "ticker", "symbol", "instrument", "tvinstrument", "paircode"),
        **_read_prices(fields, action),
        take_profit=_read_target(fields),
        stop_loss=_read_stop(fields),
        **read_waits(fields, action, "invalid_number"),
        **_read_context(fields),
    )


# --- action and position ------------------------------------------------------------------------------------------


def _read_action(fields: Fields) -> Action | None:
    """The action's word. Beside a position "long" and "short" are refused: they could mean either."""
    positioned = fields.has("marketposition", "positionsize", "marketpositionsize")
    words = base.ACTIONS if positioned else base.ORDER_ACTIONS
    action = fields.choice(words, *_ACTION_NAMES, code="invalid_action", known=base.ACTION_WORDS)
    for name in _OTHER_ACTION_NAMES:
        if action is not None:
            return action
        action = fields.choice(words, name, code="invalid_action", known=base.ACTION_WORDS)
    if action is None and not positioned:
        raise Refusal("missing_action", f"The alert has no action. Send one of: {base.ACTION_WORDS}.")
    return action


def _derived_action(fields: Fields, after: _State, before: _State) -> Action:
    """The side that leads to the position told, for an alert that tells the position alone."""
    if after.side is None:
        raise Refusal("missing_action", f"The alert has no action. Send one of: {base.ACTION_WORDS}.")
    fields.warnings.append("the alert has no action; its position alone was followed")
    if after.side is Position.FLAT:
        return Action.EXIT
    goal = (after.size or Decimal(0)) * after.side.sign
    start = (before.size or Decimal(0)) * before.side.sign if before.side else Decimal(0)
    return Action.BUY if goal > start or (goal == start and goal > 0) else Action.SELL


def _read_state(fields: Fields, prefix: str, *, asked: bool) -> _State:
    """The position after the order (prefix "") or before it ("prev"), from a side, a size, or one signed size."""
    side = fields.choice(
        base.POSITIONS, f"{prefix}marketposition", f"{prefix}position", code="invalid_position"
    )
    needed = asked and side in {Position.LONG, Position.SHORT}
    size = fields.number(f"{prefix}marketpositionsize", zero=True, signed=True, asked=needed)
    signed = fields.number(f"{prefix}positionsize", zero=True, signed=True, asked=needed)
    if size is not None and signed is not None and abs(size) != abs(signed):
        raise Refusal(
            "conflicting_fields", "market_position_size and position_size differ. Send only one of them."
        )
    known = signed if signed is not None else size
    if side is None:
        side = _side_of(known, certain=signed is not None, asked=asked)
    if side is None or known is None:
        return _State(side, None)
    if (known < 0 and side is not Position.SHORT) or (known == 0) != (side is Position.FLAT):
        raise Refusal(
            "contradiction",
            f"The alert says {side} and a position size of {known}, which cannot both be. Check its placeholders.",
        )
    return _State(side, abs(known))


def _side_of(size: Decimal | None, *, certain: bool, asked: bool) -> Position | None:
    """The side of a size that came without one: its sign when it is the signed kind."""
    if size is None:
        return None
    if size == 0:
        return Position.FLAT
    if size < 0:
        return Position.SHORT
    if certain:
        return Position.LONG
    if not asked:
        return None
    raise Refusal(
        "missing_position",
        "market_position_size has no sign, so market_position (long, short or flat) must stand beside it. Add it.",
    )


def _read_sentiment(fields: Fields, action: Action | None, after: _State) -> Position | None:
    sentiment = fields.choice(
        base.SENTIMENTS, "sentiment", code="invalid_sentiment", known="bullish, bearish, flat"
    )
    if sentiment is None:
        return None
    if after.side is not None and sentiment not in {after.side, Position.FLAT}:
        raise Refusal(
            "contradiction",
            f"sentiment says {sentiment} and market_position says {after.side}. Send one of them.",
        )
    if action not in {Action.BUY, Action.SELL}:
        fields.warnings.append("sentiment goes with buy and sell only and was left out")
        return None
    return sentiment


# --- prices -------------------------------------------------------------------------------------------------------


def _read_prices(fields: Fields, action: Action) -> dict[str, Any]:
    order_type = fields.choice(
        base.ORDER_TYPES, "ordertype", "pricetype", code="invalid_order_type", known=base.ORDER_TYPE_WORDS
    ) or _type_by_the_way(fields)
    terms = Terms(
        order_type,
        fields.number("limitprice", asked=order_type in {OrderType.LIMIT, OrderType.STOP_LIMIT}),
        fields.number(
            "stopprice", "triggerprice", asked=order_type in {OrderType.STOP, OrderType.STOP_LIMIT}
        ),
        fields.number("trailamount", "trailoffset", asked=True),
        fields.number("trailpercent", asked=True),
    )
    check_trail(terms, _CODES.trailing)
    order_type = _settled_type(fields, terms, action)
    for name in terms.missing(order_type):
        raise Refusal(_CODES.order_price, f"A {order_type} order needs its {name}. Add it.")
    return {
        **terms.kept(order_type),
        "signal_price": fields.number("signalprice", "price", "orderprice", "close"),
        "time_in_force": base.read_time_in_force(fields, "invalid_time_in_force"),
    }


def _type_by_the_way(fields: Fields) -> OrderType | None:
    """A field named just "type" is the order's type if it holds such a word, else free text."""
    for name, (_, value) in fields.unread():
        word = str(value).strip().lower()
        if name == "type" and word in base.ORDER_TYPES:
            fields.take("type")
            return base.ORDER_TYPES[word]
    return None


def _settled_type(fields: Fields, terms: Terms, action: Action) -> OrderType | None:
    """The order type, where a lone limit price makes a limit order and other stray prices are not guessed at."""
    order_type = terms.order_type
    if order_type is None and terms.limit is not None and terms.stop is None:
        fields.warnings.append("a limit price without an order type: taken as a limit order")
        return OrderType.LIMIT
    stray = [name for name in terms.unused(order_type) if name != "limit price" or order_type is None]
    if stray and action in {Action.BUY, Action.SELL, Action.ADD, Action.REVERSE}:
        raise Refusal(
            "contradiction",
            f"The alert has a {stray[0]} but no order type that uses it. Send order_type as well; "
            "a protective stop goes into stopLoss.",
        )
    for name in terms.unused(order_type):
        fields.warnings.append(f"the {name} is not used by a {order_type or 'market'} order")
    return order_type


# --- protection ---------------------------------------------------------------------------------------------------


def _code(kind: str, what: str) -> str:
    return f"invalid_{what}" if kind in _STRUCTURE else "invalid_number"


def _target_code(kind: str) -> str:
    return _code(kind, "take_profit")


def _stop_code(kind: str) -> str:
    return _code(kind, "stop_loss")


def _flat_measure(
    fields: Fields, names: Mapping[str, tuple[str, ...]], what: str, code: Code
) -> ProtectiveSpec | None:
    """A target or stop given as plain numbers beside each other."""
    given = {measure: fields.number(*keys, asked=True) for measure, keys in names.items()}
    if all(value is None for value in given.values()):
        return None
    return ProtectiveSpec(**single_measure(given, what, code))


def _object_or_none(
    fields: Fields, names: tuple[str, ...], others: Mapping[str, tuple[str, ...]], code: str
) -> Mapping[str, Any] | None:
    """The object under one of ``names`` (which may also hold a plain price), alone."""
    value = fields.object(*names)
    if isinstance(value, dict):
        if any(fields.has(*keys) for measure, keys in others.items() if measure != "price"):
            raise Refusal(code, f"{shown(names[0])} is given in several ways. Give one of them.")
        return value
    if isinstance(value, list | bool):
        raise Refusal(
            code, f"{shown(names[0])} must be one price or one object; several targets are not supported."
        )
    return None


_TARGETS = {
    "price": ("takeprofit", "tp", "target", "takeprofitprice", "tpprice"),
    "percent": ("percentagetp", "takeprofitpercent", "tppercent"),
    "money": ("dollartp",),
    "offset": ("takeprofitpoints", "tppoints"),
}
_STOPS = {
    "price": ("stoploss", "sl", "stop", "stoplossprice", "slprice"),
    "percent": ("percentagesl", "stoplosspercent", "slpercent"),
    "money": ("dollarsl",),
    "offset": ("stoplosspoints", "slpoints"),
}


def _read_target(fields: Fields) -> ProtectiveSpec | None:
    value = _object_or_none(fields, _TARGETS["price"], _TARGETS, "invalid_take_profit")
    if value is not None:
        return read_take_profit(value, fields.warnings, _target_code)
    return _flat_measure(fields, _TARGETS, "take-profit", _target_code)


def _read_stop(fields: Fields) -> ProtectiveSpec | None:
    value = _object_or_none(fields, _STOPS["price"], _STOPS, "invalid_stop_loss")
    if value is not None:
        return read_stop_loss(value, fields.warnings, _stop_code)
    return _flat_measure(fields, _STOPS, "stop-loss", _stop_code)


# --- the rest -----------------------------------------------------------------------------------------------------


def _read_context(fields: Fields) -> dict[str, Any]:
    if not is_blank(fields.object("riskpercentage")) and fields.number("riskpercentage", zero=True):
        raise Refusal(
            _CODES.quantity_type_here,
            "risk_percentage is not available for futures. Send a quantity instead.",
        )
    fired = ("timenow", "timestamp", "date", "alerttimestamp", "triggeredat")
    return {
        # {{time}} is the bar's, not the alert's: it says nothing about the alert's age.
        "alert_time": base.first_moment(fields, fired),
        "bar_time": fields.moment("time", "bartime"),
        "expires_at": fields.moment("expiresat"),
        "order_id": fields.free_text("orderid"),
        "explicit_id": base.read_explicit_id(fields, "id", "alertid", "idempotencykey"),
        "interval": fields.free_text("interval", "timeframe", "period", limit=16),
        "strategy_name": fields.free_text("strategy", "strategyname", "recorder"),
        "cancel_first": fields.boolean("cancel", "cancelfirst"),
        "breakeven_offset": fields.number("breakevenoffset", zero=True),
        "test": bool(fields.boolean("test", "dryrun")),
    }


FORMAT = base.Format("tradingview", "TradingView", read)
