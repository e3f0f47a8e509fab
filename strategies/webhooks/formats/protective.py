"""Take-profit and stop-loss as objects: one measure each, never a mixture, never a blank one.

``code`` turns the kind of mistake ("percent", "relative-and-absolute", "value-required" …) into the format's own code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any

from strategies.webhooks.alert import ProtectiveSpec
from strategies.webhooks.fields import Fields
from strategies.webhooks.refusal import Refusal

Code = Callable[[str], str]


class StopKind(StrEnum):
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"


_STOP_KINDS = {kind.value: kind for kind in StopKind}
_HUNDRED = Decimal(100)


def read_take_profit(value: Mapping[str, Any], warnings: list[str], code: Code) -> ProtectiveSpec:
    fields = Fields(value, warnings=warnings)
    measure = _read_measure(fields, ("limitprice", "price"), "limit-price", "take-profit", code)
    _warn_unread(fields, "takeProfit")
    return ProtectiveSpec(**measure)


def read_stop_loss(value: Mapping[str, Any], warnings: list[str], code: Code) -> ProtectiveSpec:
    fields = Fields(value, warnings=warnings)
    kind = fields.choice(_STOP_KINDS, "type", code=code("type")) or StopKind.STOP
    spec = _read_trail(fields, code) if kind is StopKind.TRAILING_STOP else _read_fixed(fields, kind, code)
    _warn_unread(fields, "stopLoss")
    return spec


def single_measure(given: Mapping[str, Decimal | None], what: str, code: Code) -> dict[str, Any]:
    """The one measure that is set, ready for ProtectiveSpec. Raises Refusal for none or several."""
    found = {name: value for name, value in given.items() if value is not None}
    if not found:
        raise Refusal(
            code("value-required"),
            f"The {what} says neither a price nor a distance. Give one number, or leave it out.",
        )
    if len(found) > 1:
        mixed = code("relative-and-absolute" if "price" in found else "amount-and-percent")
        raise Refusal(mixed, f"The {what} is given in several ways ({', '.join(found)}). Give one of them.")
    percent = found.get("percent")
    if what == "stop-loss" and percent is not None and percent >= _HUNDRED:
        raise Refusal(
            code("percent"), f"A stop-loss of {percent} per cent is below zero. Give less than 100."
        )
    return found


def _read_measure(
    fields: Fields, prices: tuple[str, ...], price_code: str, what: str, code: Code
) -> dict[str, Any]:
    given = {
        "price": fields.number(*prices, code=code(price_code), asked=True),
        "percent": fields.number("percent", code=code("percent"), asked=True),
        "offset": fields.number("amount", "offset", "points", code=code("amount"), asked=True),
        "money": fields.number("pnlamount", "money", code=code("amount"), asked=True),
    }
    return single_measure(given, what, code)


def _read_fixed(fields: Fields, kind: StopKind, code: Code) -> ProtectiveSpec:
    measure = _read_measure(fields, ("stopprice", "price"), "stop-price", "stop-loss", code)
    limit = fields.number("limitprice", code=code("limit-price"), asked=kind is StopKind.STOP_LIMIT)
    if kind is StopKind.STOP:
        if limit is not None:
            fields.warnings.append("stopLoss.limitPrice is only used by the type stop_limit and was left out")
        return ProtectiveSpec(**measure)
    if limit is None:
        raise Refusal(code("limit-price"), "A stop-loss of type stop_limit needs limitPrice. Add it.")
    if "price" not in measure:
        raise Refusal(
            code("relative-and-absolute"),
            "A stop_limit stop-loss has an absolute limitPrice, so its stop must be a stopPrice too.",
        )
    fields.warnings.append("the stop is placed as a plain stop; its limit price is kept but not used")
    return ProtectiveSpec(**measure, limit_price=limit)


def _read_trail(fields: Fields, code: Code) -> ProtectiveSpec:
    offset = fields.number("trailamount", "trailprice", code=code("trail-amount"), asked=True)
    percent = fields.number("trailpercent", code=code("trail-percent"), asked=True)
    if fields.has("stopprice", "price", "percent", "amount", "offset", "points", "pnlamount", "money"):
        raise Refusal(
            code("trail-value"),
            "A trailing stop starts at its trailing distance. Give trailAmount or trailPercent and nothing else.",
        )
    if (offset is None) == (percent is None):
        raise Refusal(
            code("trail-value-required" if offset is None else "trail-value"),
            "A trailing stop needs trailAmount or trailPercent, one of the two.",
        )
    single_measure({"offset": offset, "percent": percent}, "stop-loss", code)
    return ProtectiveSpec(offset=offset, percent=percent, trailing=True)


def _warn_unread(fields: Fields, name: str) -> None:
    for key in fields.rest():
        fields.warnings.append(f"{name}.{key} is not known and was not used")
