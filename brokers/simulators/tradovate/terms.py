"""Order bodies: from JSON to checked terms.

A wrong JSON type is a malformed request (400). A missing or impossible value is a *violation*: HTTP 200 and a list of what is
wrong, and proof that nothing was taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from brokers.simulators.tradovate.wire import Refused

ORDER_TYPES = frozenset(
    "Limit LimitIfTouched MIT Market QTS Stop StopLimit TrailingStop TrailingStopLimit".split()  # noqa: SIM905
)
TIMES = frozenset({"Day", "GTC", "GTD", "IOC", "FOK"})
ACTIONS = frozenset({"Buy", "Sell"})
TEXT_CAP = 64
NUMBERS = ("price", "stopPrice", "limitIfTouchedPrice", "pegDifference")
TEXTS = ("clOrdId", "text", "customTag50", "symbol", "accountSpec", "expireTime", "activationTime", "uuid")
QUANTITY_CAP = 2**31 - 1
NUMBER_CAP = 10**16


class Violation(Exception):
    """The body says something impossible; the answer lists it."""

    def __init__(self, constraint: str, value: object, description: str) -> None:
        super().__init__(description)
        shown = "" if value is None else str(value)
        self.told = {"constraint": constraint, "value": shown, "description": description}

    @property
    def answer(self) -> dict[str, Any]:
        return {"violations": [self.told]}


@dataclass(frozen=True, slots=True)
class Terms:
    """One order as asked for. ``qty`` is 0 where the body has none: it follows the parent or the pair."""

    action: str
    order_type: str
    qty: int
    price: Decimal | None = None
    stop_price: Decimal | None = None
    trail: Decimal | None = None
    tif: str = "Day"
    expire_time: str | None = None
    text: str | None = None
    cl_ord_id: str | None = None
    custom_tag: str | None = None
    is_automated: bool = False
    max_show: int | None = None


def body_of(args: Any) -> dict[str, Any]:
    if not isinstance(args, dict):
        raise Refused(400, "The body must be a JSON object")
    return args


def integer(args: dict[str, Any], name: str) -> int:
    """A required integer. An id in quotes is no integer."""
    value = args.get(name)
    if value is None:
        raise Violation(name, None, f"{name} is required")
    return _typed_integer(name, value)


def _typed_integer(name: str, value: Any) -> int:
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refused(400, f"{name} must be an integer")
    return value


def _choice(args: dict[str, Any], name: str, known: frozenset[str], default: str | None = None) -> str:
    value = args.get(name, default)
    if value is None:
        raise Violation(name, None, f"{name} is required")
    if not isinstance(value, str):
        raise Refused(400, f"{name} must be a string")
    if value not in known:
        raise Violation(name, value, f"{name} must be one of {', '.join(sorted(known))}")
    return value


def number(args: dict[str, Any], name: str) -> Decimal | None:
    value = args.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise Refused(400, f"{name} must be a number")
    figure = Decimal(value)
    if abs(figure) >= NUMBER_CAP:
        raise Refused(400, f"{name} is out of range")
    return figure


def text(args: dict[str, Any], name: str, cap: int = TEXT_CAP) -> str | None:
    value = args.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise Refused(400, f"{name} must be a string")
    if len(value) > cap:
        raise Violation(name, value[:cap], f"{name} must not be longer than {cap} characters")
    return value


def flag(args: dict[str, Any], name: str) -> bool:
    value = args.get(name, False)
    if not isinstance(value, bool):
        raise Refused(400, f"{name} must be true or false")
    return value


def quantity(args: dict[str, Any], name: str = "orderQty") -> int:
    value = integer(args, name)
    if not 0 < value <= QUANTITY_CAP:
        raise Violation(name, value, f"{name} must be greater than 0")
    return value


def parse_terms(args: Any, *, is_leg: bool = False) -> Terms:
    """The terms of placeorder and modifyorder, or of a leg (``other``, ``bracket1``), which has no quantity of its own."""
    body = body_of(args)
    terms = Terms(
        action=_choice(body, "action", ACTIONS),
        order_type=_choice(body, "orderType", ORDER_TYPES),
        qty=0 if is_leg else quantity(body),
        price=number(body, "price"),
        stop_price=number(body, "stopPrice"),
        trail=number(body, "pegDifference"),
        tif=_choice(body, "timeInForce", TIMES, "Day"),
        expire_time=text(body, "expireTime"),
        text=text(body, "text"),
        cl_ord_id=text(body, "clOrdId"),
        custom_tag=text(body, "customTag50"),
        is_automated=flag(body, "isAutomated"),
        max_show=None if body.get("maxShow") is None else _typed_integer("maxShow", body["maxShow"]),
    )
    _check_prices(terms)
    return terms


def _check_prices(terms: Terms) -> None:
    if terms.order_type in {"Limit", "StopLimit"} and terms.price is None:
        raise Violation("price", None, f"price is required for {terms.order_type}")
    if terms.order_type in {"Stop", "StopLimit"} and terms.stop_price is None:
        raise Violation("stopPrice", None, f"stopPrice is required for {terms.order_type}")
    if terms.order_type == "TrailingStop" and terms.stop_price is None and terms.trail is None:
        raise Violation("stopPrice", None, "stopPrice or pegDifference is required for TrailingStop")
    if terms.tif == "GTD" and terms.expire_time is None:
        raise Violation("expireTime", None, "expireTime is required for GTD")
