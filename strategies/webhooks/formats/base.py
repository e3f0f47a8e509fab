"""What a format is, and the fields that all formats read alike. A format decides names, codes and defaults."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from brokers.domain import OrderType, TimeInForce
from strategies.webhooks.alert import Action, Alert, Position
from strategies.webhooks.fields import Fields, is_blank, storable
from strategies.webhooks.refusal import Refusal, shown


@dataclass(frozen=True, slots=True)
class Format:
    """``read`` turns the fields of one object into an alert, or raises Refusal."""

    name: str
    title: str
    read: Callable[[Fields], Alert]


ACTIONS: dict[str, Action] = {
    **dict.fromkeys(("buy", "b", "1"), Action.BUY),
    **dict.fromkeys(("sell", "s", "-1"), Action.SELL),
    **dict.fromkeys(("exit", "close", "flat", "flatten", "0"), Action.EXIT),
    "cancel": Action.CANCEL,
    "add": Action.ADD,
    "reverse": Action.REVERSE,
    "breakeven": Action.BREAKEVEN,
}
# As an order, "long" can only mean buy; beside a position it could mean the position, so it is refused there.
ORDER_ACTIONS = {**ACTIONS, "long": Action.BUY, "short": Action.SELL}
ACTION_WORDS = "buy, sell, exit, cancel, add, reverse, breakeven"

SENTIMENTS: dict[str, Position] = {
    **dict.fromkeys(("bullish", "long"), Position.LONG),
    **dict.fromkeys(("bearish", "short"), Position.SHORT),
    "flat": Position.FLAT,
}
POSITIONS: dict[str, Position] = {position.value: position for position in Position}

ORDER_TYPES: dict[str, OrderType] = {
    **dict.fromkeys(("market", "mkt"), OrderType.MARKET),
    **dict.fromkeys(("limit", "lmt"), OrderType.LIMIT),
    **dict.fromkeys(("stop", "stp", "stop_market", "stopmarket"), OrderType.STOP),
    **dict.fromkeys(("stop_limit", "stoplimit", "stop-limit", "stplmt"), OrderType.STOP_LIMIT),
    **dict.fromkeys(("trailing_stop", "trailingstop", "trailing-stop"), OrderType.TRAILING_STOP),
}
ORDER_TYPE_WORDS = ", ".join(item.value for item in OrderType)
_TIMES_IN_FORCE = {item.value: item for item in TimeInForce}
_OPENING_OR_CLOSING = {"opg", "cls"}  # auction orders, which none of our venues takes through its API

_TICKER = re.compile(r"[A-Z0-9][A-Z0-9._!&\- ]{0,63}", re.ASCII)
_DELAYED = re.compile(r"_DLY?$")


def read_instrument(fields: Fields, *names: str) -> dict[str, Any]:
    """ticker, exchange, delayed and contract. The ticker is "" when the alert leaves it to the strategy."""
    text = fields.text(*names, code="invalid_ticker", limit=96).upper()
    prefix, _, ticker = text.rpartition(":")
    if ticker and not _TICKER.fullmatch(ticker):
        raise Refusal(
            "invalid_ticker",
            f"The ticker {shown(ticker)} is not one instrument; spreads and formulas cannot be traded. "
            "Send a plain symbol such as MNQ1!.",
        )
    exchange = (prefix or fields.free_text("exchange", "tvexchange", "exchangecode")).strip().upper()
    fields.take("exchange")
    delayed = bool(_DELAYED.search(exchange))
    if delayed:
        fields.warnings.append("the chart ran on delayed data")
    return {
        "ticker": ticker.strip(),
        "exchange": _DELAYED.sub("", exchange)[:32],
        "delayed": delayed,
        "contract": fields.text("contract", "currentcontract", code="invalid_ticker", limit=64).upper(),
    }


def read_time_in_force(fields: Fields, code: str) -> TimeInForce | None:
    """Day, GTC, IOC or FOK; the two auction kinds fall back to the strategy's default with a warning."""
    word = fields.text("timeinforce", "tif", code=code).lower()
    if not word:
        return None
    if word in _OPENING_OR_CLOSING:
        fields.warnings.append(f"time in force {word} is not available; the default is used")
        return None
    if word not in _TIMES_IN_FORCE:
        raise Refusal(code, f"The time in force {shown(word)} is not known. Send day, gtc, ioc or fok.")
    return _TIMES_IN_FORCE[word]


def first_moment(fields: Fields, names: Iterable[str]) -> datetime | None:
    """The first of several times, in order of trust; the others are read as well, so that they count as known."""
    moments = [fields.moment(name) for name in names]
    return next((moment for moment in moments if moment is not None), None)


def read_explicit_id(fields: Fields, *names: str) -> str:
    """An id that the sender made for this one alert. A placeholder that was not filled in identifies nothing."""
    text = fields.free_text(*names, limit=128)
    return "" if "{{" in text else text


def read_extras(fields: Fields) -> dict[str, Any]:
    """Everything that nobody read, kept but never interpreted, without secrets. To be called last."""
    given = fields.object("extras")
    rest = {key: value for key, value in fields.rest().items() if value is not None}
    for key, value in rest.items():
        fields.warn_placeholder(key, value)
    if isinstance(given, dict):
        rest = {**given, **rest}
    elif given is not None:
        rest["extras"] = given
    kept: dict[str, Any] = storable(rest)
    return kept


_PROTECTION = re.compile(
    r"stop|^sl|sl$|^tp|tp$|profit|target|trail|breakeven|bracket|oco|requiremarket|maxposition"
)


def refuse_lost_protection(fields: Fields, alert: Alert) -> None:
    """An entry whose stop, target or guard we cannot read must not become an entry without it (law 6)."""
    for name, (key, value) in fields.unread():
        off = is_blank(value) or str(value).strip().lower() in {"0", "false", "no"}
        if off or not _PROTECTION.search(name):
            continue
        if not alert.is_exit:
            raise Refusal(
                "unsupported_field",
                f"{shown(key)} looks like a stop, target or guard that this format does not have, and an entry is never "
                "made without what protects it. Use takeProfit and stopLoss, or move the field into extras.",
            )
        fields.warnings.append(f"{key} is not known and was not used")
