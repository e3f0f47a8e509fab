"""Order type, prices and sizes: what the two formats share, with the differences given by the caller."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from brokers.domain import OrderType
from strategies.webhooks.alert import Action, QuantityKind
from strategies.webhooks.fields import Fields
from strategies.webhooks.refusal import Refusal, shown

_HUNDRED = Decimal(100)
LONGEST_WAIT = 3600  # seconds
_NEVER_WAITS = frozenset({Action.EXIT, Action.CANCEL, Action.BREAKEVEN})
_FIXED = {"fixed_quantity", "fixed", "contracts", "shares"}
_NOT_FOR_FUTURES = {
    "dollar_amount": "a sum of money",
    "amount_per_position": "a sum of money",
    "risk_dollar_amount": "money at risk",
    "risk_per_position": "money at risk",
    "risk_percent": "a share of equity at risk",
    "percent_of_equity": "a share of equity",
}


@dataclass(frozen=True, slots=True)
class Codes:
    """How a format spells the mistakes of this module."""

    quantity: str
    quantity_type: str
    quantity_type_here: str
    quantity_required: str
    percent_of_position: str
    order_price: str
    trailing: str


def read_quantity_kind(
    fields: Fields, action: Action, quantity: Decimal | None, codes: Codes
) -> QuantityKind:
    """Fixed units, or for exits per cent of the position; the other kinds need an account's money and are named."""
    word = fields.text("quantitytype", code=codes.quantity_type).lower()
    if not word or word in _FIXED:
        return QuantityKind.FIXED
    if word in _NOT_FOR_FUTURES:
        raise Refusal(
            codes.quantity_type_here,
            f"The quantity type {word} ({_NOT_FOR_FUTURES[word]}) is not available for futures. "
            "Send fixed_quantity, or percent_of_position for an exit.",
        )
    if word != QuantityKind.PERCENT_OF_POSITION.value:
        raise Refusal(
            codes.quantity_type, f"The quantity type {shown(word)} is not known. Send fixed_quantity."
        )
    if action is not Action.EXIT:
        raise Refusal(
            codes.percent_of_position, "percent_of_position is for the action exit only. Change one of them."
        )
    if quantity is None:
        raise Refusal(codes.quantity_required, "percent_of_position needs a quantity from 1 to 100. Add it.")
    if quantity > _HUNDRED:
        raise Refusal(
            codes.quantity, f"{quantity} per cent of a position is more than all of it. Send at most 100."
        )
    return QuantityKind.PERCENT_OF_POSITION


def read_waits(fields: Fields, action: Action, code: str) -> dict[str, Any]:
    """How long to wait before an entry, and after how long an unfilled one is given up: seconds, up to an hour.

    An exit does not wait, whatever its alert says.
    """
    after = fields.number("cancelafter", code=code)
    if after is not None and (after > LONGEST_WAIT or after != int(after)):
        raise Refusal(code, f"cancelAfter is {after}. Send whole seconds from 1 to {LONGEST_WAIT}.")
    delay = fields.number("delay", code=code, zero=True) or None
    if delay is not None and delay > LONGEST_WAIT:
        raise Refusal(code, f"delay is {delay}. Send seconds up to {LONGEST_WAIT}.")
    if delay is not None and action in _NEVER_WAITS:
        fields.warnings.append("delay is for entries; an exit or a cancel is carried out at once")
        delay = None
    return {"cancel_after": None if after is None else int(after), "delay": delay}


@dataclass(frozen=True, slots=True)
class Terms:
    """The order's own prices, before it is decided which of them its type uses."""

    order_type: OrderType | None
    limit: Decimal | None
    stop: Decimal | None
    trail_offset: Decimal | None
    trail_percent: Decimal | None

    def kept(self, order_type: OrderType | None) -> dict[str, Any]:
        """The alert's fields for this type; prices that the type does not use are dropped."""
        uses_limit = order_type in {OrderType.LIMIT, OrderType.STOP_LIMIT}
        uses_stop = order_type in {OrderType.STOP, OrderType.STOP_LIMIT}
        trails = order_type is OrderType.TRAILING_STOP
        return {
            "order_type": order_type,
            "limit_price": self.limit if uses_limit else None,
            "stop_price": self.stop if uses_stop else None,
            "trail_offset": self.trail_offset if trails else None,
            "trail_percent": self.trail_percent if trails else None,
        }

    def unused(self, order_type: OrderType | None) -> list[str]:
        kept = self.kept(order_type)
        given = {
            "limit price": (self.limit, kept["limit_price"]),
            "stop price": (self.stop, kept["stop_price"]),
            "trail": (self.trail_offset or self.trail_percent, kept["trail_offset"] or kept["trail_percent"]),
        }
        return [name for name, (sent, used) in given.items() if sent is not None and used is None]

    def missing(self, order_type: OrderType | None) -> list[str]:
        kept = self.kept(order_type)
        wanted = {
            "limit price": order_type in {OrderType.LIMIT, OrderType.STOP_LIMIT}
            and kept["limit_price"] is None,
            "stop price": order_type in {OrderType.STOP, OrderType.STOP_LIMIT} and kept["stop_price"] is None,
        }
        return [name for name, is_missing in wanted.items() if is_missing]


def check_trail(terms: Terms, code: str) -> None:
    """A trailing order trails by points or by per cent, one of the two."""
    if terms.order_type is not OrderType.TRAILING_STOP:
        return
    if (terms.trail_offset is None) == (terms.trail_percent is None):
        raise Refusal(code, "A trailing_stop order needs trailAmount or trailPercent, one of the two.")
