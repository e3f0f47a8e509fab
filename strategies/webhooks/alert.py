"""The canonical alert: what every format is read into and what the planner works from. Values only, no Django.

Sizes and quantities are positive Decimals in the sender's own units (before any account's multiplier), prices are
Decimals in quote units, times are aware UTC. None always means "the alert does not say".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from brokers.domain import OrderType, TimeInForce
from tradeproject.common.clock import parse_iso
from tradeproject.common.money import plain


class Action(StrEnum):
    BUY = "buy"
    SELL = "sell"
    EXIT = "exit"
    CANCEL = "cancel"
    ADD = "add"
    REVERSE = "reverse"
    BREAKEVEN = "breakeven"


class Position(StrEnum):
    LONG = "long"
    SHORT = "short"
    FLAT = "flat"

    @property
    def sign(self) -> int:
        return {Position.LONG: 1, Position.SHORT: -1}.get(self, 0)


class QuantityKind(StrEnum):
    """What ``Alert.quantity`` counts: units of the instrument, or per cent of what each account holds."""

    FIXED = "fixed"
    PERCENT_OF_POSITION = "percent_of_position"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectiveSpec:
    """A take-profit or stop-loss as the alert asked for it: exactly one of the four measures is set.

    ``price`` is absolute, ``offset`` a distance in price points from the entry, ``percent`` a distance in per cent of
    the entry's price, ``money`` the profit or loss of the whole entry in account currency. With ``trailing`` the
    measure (offset or percent) is the distance that the stop keeps. ``limit_price`` makes it a stop-limit.
    """

    price: Decimal | None = None
    offset: Decimal | None = None
    percent: Decimal | None = None
    money: Decimal | None = None
    limit_price: Decimal | None = None
    trailing: bool = False

    def to_json(self) -> dict[str, Any]:
        return _encode_fields(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ProtectiveSpec:
        values: dict[str, Any] = {
            key: value if key == "trailing" else Decimal(value) for key, value in data.items()
        }
        return cls(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert, understood. Immutable; equal alerts are the same instruction.

    ``position_after`` (with ``position_after_size``, optional only when flat) is the state the strategy is in *after*
    the order and makes the alert a target. ``sentiment`` is the weaker statement of some senders: a guard on the side
    that may be held afterwards, without a size.
    """

    format: str
    ticker: str  # upper case, without exchange prefix
    action: Action
    exchange: str = ""
    contract: str = ""  # the explicit contract behind a continuous ticker, when the sender told it
    delayed: bool = False  # the chart ran on delayed data
    position_after: Position | None = None
    position_after_size: Decimal | None = None
    position_before: Position | None = None
    position_before_size: Decimal | None = None
    sentiment: Position | None = None
    quantity: Decimal | None = None
    quantity_kind: QuantityKind = QuantityKind.FIXED
    order_type: OrderType | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_offset: Decimal | None = None
    trail_percent: Decimal | None = None
    time_in_force: TimeInForce | None = None
    signal_price: Decimal | None = None
    take_profit: ProtectiveSpec | None = None
    stop_loss: ProtectiveSpec | None = None
    breakeven_offset: Decimal | None = None
    alert_time: datetime | None = None  # when it fired
    bar_time: datetime | None = None
    expires_at: datetime | None = None
    order_id: str = ""
    explicit_id: str = ""
    interval: str = ""
    strategy_name: str = ""
    cancel_first: bool | None = None
    cancel_order_type: OrderType | None = None
    cancel_after: int | None = None  # seconds until an entry that is not filled is given up
    delay: Decimal | None = None  # seconds to wait before an entry
    extended_hours: bool | None = None
    ignore_windows: bool = False
    test: bool = False
    extras: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def mode(self) -> str:
        """``target``: be this much, scaled per account. ``order``: do this, relative to what is held."""
        if self.position_after is None:
            return "order"
        sized = self.position_after is Position.FLAT or self.position_after_size is not None
        return "target" if sized else "order"

    @property
    def signed_target(self) -> Decimal | None:
        """The position wanted after the alert, negative when short; None in order mode."""
        if self.mode != "target" or self.position_after is None:
            return None
        return (self.position_after_size or Decimal(0)) * self.position_after.sign

    @property
    def signed_before(self) -> Decimal | None:
        """The position the sender had before, negative when short; None when it did not say how much."""
        if self.position_before is Position.FLAT:
            return Decimal(0)
        if self.position_before is None or self.position_before_size is None:
            return None
        return self.position_before_size * self.position_before.sign

    @property
    def is_exit(self) -> bool:
        """True when, read to the letter, it can only make a position smaller (or touches none)."""
        if self.action in {Action.EXIT, Action.CANCEL, Action.BREAKEVEN}:
            return True
        after = self.position_after or self.sentiment
        if after is Position.FLAT:
            return True
        if (self.action, after) in {(Action.BUY, Position.SHORT), (Action.SELL, Position.LONG)}:
            return True
        target, before = self.signed_target, self.signed_before
        return target is not None and before is not None and target * before > 0 and abs(target) < abs(before)

    @property
    def waits(self) -> Decimal | None:
        """Seconds until it is carried out; None = at once, as whatever only reduces always is."""
        return None if self.is_exit else self.delay

    def to_json(self) -> dict[str, Any]:
        """JSON values that ``from_json`` reads back to an equal alert; what the alert does not say is left out."""
        return _encode_fields(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Alert:
        """The alert that ``to_json`` wrote. Raises KeyError, ValueError or TypeError for anything else."""
        known = {key: _DECODERS.get(key, _same)(value) for key, value in data.items()}
        return cls(**known)


def _same(value: Any) -> Any:
    return value


_DECODERS: dict[str, Callable[[Any], Any]] = {
    "action": Action,
    "quantity_kind": QuantityKind,
    "order_type": OrderType,
    "cancel_order_type": OrderType,
    "time_in_force": TimeInForce,
    "take_profit": ProtectiveSpec.from_json,
    "stop_loss": ProtectiveSpec.from_json,
    **dict.fromkeys(("position_after", "position_before", "sentiment"), Position),
    **dict.fromkeys(("alert_time", "bar_time", "expires_at"), parse_iso),
    **dict.fromkeys(
        (
            "position_after_size",
            "position_before_size",
            "quantity",
            "limit_price",
            "stop_price",
            "trail_offset",
            "trail_percent",
            "signal_price",
            "breakeven_offset",
            "delay",
        ),
        Decimal,
    ),
}


def _encode(value: Any) -> Any:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, ProtectiveSpec):
        return value.to_json()
    return dict(value) if isinstance(value, Mapping) else value


_DEFAULTS: dict[type, list[tuple[str, Any]]] = {
    cls: [(item.name, item.default) for item in fields(cls)] for cls in (Alert, ProtectiveSpec)
}


def _encode_fields(record: Alert | ProtectiveSpec) -> dict[str, Any]:
    present = (
        (name, value)
        for name, default in _DEFAULTS[type(record)]
        if (value := getattr(record, name)) is not None and value != default and value != {}
    )
    return {name: _encode(value) for name, value in present}


# --- the intent in one sentence --------------------------------------------------------------------------------


def display_symbol(ticker: str) -> str:
    """A ticker for people: no exchange, and a front-month continuous future by its root alone (CME:MNQ1! -> MNQ)."""
    return ticker.rsplit(":", 1)[-1].removesuffix("1!")


def describe(alert: Alert) -> str:
    """The intent: "enter long 2 MNQ", "exit long MNQ, all", "reverse to short 2 MNQ", "be flat MNQ" ..."""
    symbol = display_symbol(alert.ticker)
    if alert.action is Action.CANCEL:
        return f"cancel working orders of {symbol}"
    if alert.action is Action.BREAKEVEN:
        return f"move the stop of {symbol} to break-even"
    sentence = _target(alert, symbol) if alert.mode == "target" else _order(alert, symbol)
    return sentence + _terms(alert)


def _target(alert: Alert, symbol: str) -> str:
    after = alert.position_after
    if after is Position.FLAT or after is None:
        left = _side_left(alert)
        return f"exit {left} {symbol}, all" if left else f"be flat {symbol}"
    size = plain(alert.position_after_size)
    if alert.position_before is None:
        return f"reduce {after} to {size} {symbol}" if alert.is_exit else f"be {after} {size} {symbol}"
    if alert.position_before is Position.FLAT:
        return f"enter {after} {size} {symbol}"
    if alert.position_before is not after:
        return f"reverse to {after} {size} {symbol}"
    return _same_side(alert, after, f"{size} {symbol}")


def _side_left(alert: Alert) -> Position | None:
    """The side that going flat leaves: as told, or the only one that this action can close."""
    if alert.position_before is not None:
        return None if alert.position_before is Position.FLAT else alert.position_before
    return {Action.SELL: Position.LONG, Action.BUY: Position.SHORT}.get(alert.action)


def _same_side(alert: Alert, side: Position, amount: str) -> str:
    if alert.is_exit:
        return f"reduce {side} to {amount}"
    if alert.signed_before is not None and alert.signed_before == alert.signed_target:
        return f"keep {side} {amount}"
    return f"add to {side}, to {amount}"


def _order(alert: Alert, symbol: str) -> str:
    quantity = f"{plain(alert.quantity)} " if alert.quantity is not None else ""
    if alert.action is Action.EXIT:
        return _exit(alert, symbol)
    if alert.action is Action.ADD:
        return f"add {quantity}to the position in {symbol}"
    if alert.action is Action.REVERSE:
        return f"reverse the position in {symbol}" + (f" to {quantity}".rstrip() if quantity else "")
    side, other = (
        (Position.LONG, Position.SHORT) if alert.action is Action.BUY else (Position.SHORT, Position.LONG)
    )
    guard = alert.sentiment or alert.position_after
    if guard is Position.FLAT:
        return f"exit {other} {symbol}, all"
    if guard is other:
        return f"reduce {other} {symbol}" + (f" by {quantity}".rstrip() if quantity else "")
    return f"enter {side} {quantity}{symbol}"


def _exit(alert: Alert, symbol: str) -> str:
    if alert.quantity is None:
        return f"exit {symbol}, all"
    if alert.quantity_kind is QuantityKind.PERCENT_OF_POSITION:
        return f"exit {plain(alert.quantity)} % of {symbol}"
    return f"exit {plain(alert.quantity)} {symbol}"


def _terms(alert: Alert) -> str:
    """What is special about the order: its type, its own prices and its waits. A market order at once adds nothing."""
    return _type_and_prices(alert) + _waits(alert)


def _type_and_prices(alert: Alert) -> str:
    if alert.order_type is None or alert.order_type is OrderType.MARKET:
        return ""
    prices: tuple[Decimal | None, ...] = (alert.stop_price, alert.limit_price, alert.trail_offset)
    known = " / ".join(text for price in prices if (text := plain(price)))
    return f", {alert.order_type.replace('_', ' ')} {known}".rstrip()


def _waits(alert: Alert) -> str:
    if alert.is_exit:
        return ""
    delay = "" if alert.delay is None else f", after {plain(alert.delay)} s"
    return delay + (
        "" if alert.cancel_after is None else f", canceled if not filled in {alert.cancel_after} s"
    )
