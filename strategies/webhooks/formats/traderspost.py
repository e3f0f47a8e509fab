"""Alerts written for TradersPost: its fields, its older aliases and its message codes.

Its ``price`` is the price when the alert fired, never a limit. ``sentiment`` says what may be held afterwards without
saying how much, so such an alert stays an order with a guard.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from brokers.domain import OrderType
from strategies.webhooks.alert import Action, Alert, Position
from strategies.webhooks.fields import Fields, is_blank
from strategies.webhooks.formats import base
from strategies.webhooks.formats.protective import read_stop_loss, read_take_profit
from strategies.webhooks.formats.terms import Codes, Terms, check_trail, read_quantity_kind, read_waits
from strategies.webhooks.refusal import Refusal, shown

# Names only this format has. They are case-sensitive there, which tells them from everybody else's snake_case.
_OWN = frozenset(
    [
        "sentiment",
        "signalPrice",
        "quantityType",
        "orderType",
        "limitPrice",
        "stopPrice",
        "trailAmount",
        "trailPercent",
        "timeInForce",
        "extendedHours",
        "ignoreTradingWindows",
        "cancel",
        "cancelOrderType",
        "cancelAfter",
        "delay",
        "breakevenOffset",
        "bidAskSpreadFilter",
        "marketPriceType",
        "expiresAt",
        "optionType",
        "intrinsicValue",
        "expiration",
        "strikeCount",
        "strikesAway",
        "strikePrice",
        "takeProfit",
        "stopLoss",
        "extras",
        "time",
    ]
)
_OTHERS = frozenset(
    [
        "v",
        "contracts",
        "marketposition",
        "marketpositionsize",
        "positionsize",
        "prevmarketposition",
        "prevmarketpositionsize",
        "timenow",
    ]
)
_CODES = Codes(
    quantity="invalid-quantity",
    quantity_type="invalid-quantity-type",
    quantity_type_here="invalid-quantity-type-for-asset-class",
    quantity_required="quantity-type-requires-quantity",
    percent_of_position="invalid-percent-of-position-action",
    order_price="invalid-order-type",
    trailing="invalid-trailing-stop",
)
_PAYLOAD = "invalid-payload"
_OPTION_WORDS = {
    "optiontype": ("invalid-option-type", ("both", "call", "put")),
    "intrinsicvalue": ("invalid-intrinsic-value", ("itm", "otm")),
}
_OPTION_NUMBERS = {
    "strikecount": "invalid-strike-count",
    "strikesaway": "invalid-strikes-away",
    "strikeprice": "invalid-strike-price",
}
_NOT_ACTED_ON = {
    "cancel_order_type": "cancelOrderType is kept but working orders of every type are canceled",
    "ignore_windows": "ignoreTradingWindows is kept but the strategy's own session still counts",
    "extended_hours": "extendedHours means nothing to futures and was not used",
}


def looks_like(keys: frozenset[str], names: frozenset[str]) -> bool:
    """``keys`` as sent, ``names`` normalised. Ticker and action, something of its own, nothing of our template."""
    return {"ticker", "action"} <= names and bool(keys & _OWN) and not names & _OTHERS


def read(fields: Fields) -> Alert:
    action = _read_action(fields)
    instrument = base.read_instrument(fields, "ticker")
    quantity = fields.number(
        "quantity", code=_CODES.quantity, asked=action in {Action.BUY, Action.SELL, Action.ADD}
    )
    kind = read_quantity_kind(fields, action, quantity, _CODES)
    _refuse_options(fields)
    alert = Alert(
        format=FORMAT.name,
        action=action,
        sentiment=_read_sentiment(fields, action),
        quantity=quantity,
        quantity_kind=kind,
        **instrument,
        **_read_prices(fields),
        **_read_protection(fields),
        **_read_flags(fields, action),
        alert_time=fields.moment("time"),
        expires_at=_read_expiry(fields),
        interval=fields.free_text("interval", limit=16),
        strategy_name=fields.free_text("strategy"),
        explicit_id=base.read_explicit_id(fields, "id"),
        extras={},
    )
    fields.warnings.extend(text for name, text in _NOT_ACTED_ON.items() if getattr(alert, name))
    _refuse_spread_filter(fields, alert)
    return alert


def _read_action(fields: Fields) -> Action:
    action = fields.choice(base.ORDER_ACTIONS, "action", code="invalid-action", known=base.ACTION_WORDS)
    if action is None:
        raise Refusal("invalid-action", f"The alert has no action. Send one of: {base.ACTION_WORDS}.")
    return action


def _read_sentiment(fields: Fields, action: Action) -> Position | None:
    sentiment = fields.choice(
        base.SENTIMENTS, "sentiment", code="invalid-sentiment", known="bullish, bearish, flat"
    )
    if sentiment is not None and action not in {Action.BUY, Action.SELL}:
        raise Refusal(
            "invalid-sentiment-action",
            f"sentiment goes with buy and sell only, not with {action}. Leave it out.",
        )
    return sentiment


def _read_prices(fields: Fields) -> dict[str, Any]:
    """The order's type and prices. A missing price of a limit or stop order is the price when the alert fired."""
    order_type = fields.choice(
        base.ORDER_TYPES, "ordertype", code="invalid-order-type", known=base.ORDER_TYPE_WORDS
    )
    limit = fields.number("limitprice", asked=order_type in {OrderType.LIMIT, OrderType.STOP_LIMIT})
    stop = fields.number("stopprice", asked=order_type in {OrderType.STOP, OrderType.STOP_LIMIT})
    signal = fields.number("signalprice", "price") or limit or stop
    terms = Terms(
        order_type,
        limit,
        stop,
        fields.number("trailamount", code=_CODES.trailing),
        fields.number("trailpercent", code=_CODES.trailing),
    )
    check_trail(terms, _CODES.trailing)
    for name in terms.unused(order_type):
        fields.warnings.append(f"the {name} is not used by a {order_type or 'market'} order")
    kept = terms.kept(order_type)
    for name in terms.missing(order_type):
        if signal is None:
            raise Refusal(
                _CODES.order_price, f"A {order_type} order needs its {name}. Add it, or send signalPrice."
            )
        fields.warnings.append(f"the {name} is missing; the signal's price is used")
        kept[name.replace(" ", "_")] = signal
    force = base.read_time_in_force(fields, "invalid-time-in-force")
    return {**kept, "signal_price": signal, "time_in_force": force}


def _read_protection(fields: Fields) -> dict[str, Any]:
    target, stop = fields.object("takeprofit"), fields.object("stoploss")
    for name, value in (("take-profit", target), ("stop-loss", stop)):
        if value is not None and not isinstance(value, dict):
            raise Refusal(
                f"invalid-{name}-value-required", f'The {name} must be an object such as {{"amount": 30}}.'
            )
    return {
        "take_profit": None
        if target is None
        else read_take_profit(target, fields.warnings, lambda kind: f"invalid-take-profit-{kind}"),
        "stop_loss": None
        if stop is None
        else read_stop_loss(stop, fields.warnings, lambda kind: f"invalid-stop-loss-{kind}"),
    }


def _read_flags(fields: Fields, action: Action) -> dict[str, Any]:
    fields.take("marketpricetype")  # which quote is "the market": our market orders do not price themselves
    return {
        "cancel_first": fields.boolean("cancel", code=_PAYLOAD),
        "cancel_order_type": fields.choice(base.ORDER_TYPES, "cancelordertype", code="invalid-order-type"),
        **read_waits(fields, action, _PAYLOAD),
        "breakeven_offset": fields.number("breakevenoffset", code=_PAYLOAD, zero=True),
        "extended_hours": fields.boolean("extendedhours", code="invalid-extended-hours") or None,
        "ignore_windows": bool(fields.boolean("ignoretradingwindows", code=_PAYLOAD)),
        "test": bool(fields.boolean("test", code=_PAYLOAD)),
    }


def _read_expiry(fields: Fields) -> datetime | None:
    wanted = fields.has("expiresat")
    moment = fields.moment("expiresat")
    if wanted and moment is None:
        raise Refusal("invalid-expires-at", "expiresAt is not a time. Send it like 2026-10-06T13:42:17Z.")
    return moment


def _refuse_options(fields: Fields) -> None:
    """Fields that choose an option are checked for their values, then refused: we do not trade options yet."""
    chosen = [name for name in (*_OPTION_WORDS, *_OPTION_NUMBERS, "expiration") if fields.has(name)]
    for name, (code, words) in _OPTION_WORDS.items():
        word = fields.text(name, code=code).lower()
        if word and word not in words:
            raise Refusal(code, f"{shown(word)} is not known here. Send one of: {', '.join(words)}.")
    for name, code in _OPTION_NUMBERS.items():
        fields.number(name, code=code, zero=True)
    fields.text("expiration", code="invalid-expiration")
    if chosen:
        raise Refusal(
            "invalid-asset-class",
            f"The alert chooses an option ({', '.join(chosen)}), and options cannot be traded from alerts yet. "
            "Send the instrument itself.",
        )


def _refuse_spread_filter(fields: Fields, alert: Alert) -> None:
    item = fields.take("bidaskspreadfilter")
    if item is None or is_blank(item[1]):
        return
    if alert.is_exit:
        fields.warnings.append("bidAskSpreadFilter is not applied to an exit")
        return
    raise Refusal(
        "unsupported_field",
        "bidAskSpreadFilter cannot be honoured, and an entry is not made without the guard it asks for. Leave it out.",
    )


FORMAT = base.Format("traderspost", "TradersPost", read)
