"""Decimal helpers. No float ever enters a money path: a number from JSON is parsed as Decimal or converted by text."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Any

ZERO = Decimal(0)
ONE = Decimal(1)
_PLAIN = re.compile(r"^[+-]?\d{1,20}(\.\d{1,12})?$", re.ASCII)
_CENT = Decimal("0.01")
_WIDE = Context(prec=50)


def to_decimal(value: Any) -> Decimal:
    """A finite Decimal from a Decimal, int, plain decimal text or a float by its shortest text.

    Raises ValueError for NaN, infinities, booleans, thousands separators and everything that is not a number.
    """
    if isinstance(value, bool) or value is None:
        raise ValueError(f"{value!r} is not a number")
    try:
        number = (
            value
            if isinstance(value, Decimal)
            else Decimal(repr(value) if isinstance(value, float) else str(value).strip())
        )
    except InvalidOperation as error:
        raise ValueError(f"{value!r} is not a number") from error
    if not number.is_finite():
        raise ValueError(f"{value!r} is not a finite number")
    return number


def parse_plain(text: str) -> Decimal:
    """Only ASCII digits, one dot and a sign: what may come from outside as a number in quotes."""
    stripped = text.strip()
    if not _PLAIN.match(stripped):
        raise ValueError(f"{text[:40]!r} is not a plain decimal number")
    return Decimal(stripped)


def _to_multiple(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    if step <= 0:
        return value
    count = (value / step).quantize(ONE, rounding=rounding, context=_WIDE)
    return normal(count * step)


def floor_to_step(value: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of ``step`` that is not above ``value``."""
    return _to_multiple(value, step, ROUND_FLOOR)


def ceil_to_step(value: Decimal, step: Decimal) -> Decimal:
    return _to_multiple(value, step, ROUND_CEILING)


def round_to_step(value: Decimal, step: Decimal) -> Decimal:
    """The nearest multiple of ``step``; a tie goes to the even multiple."""
    return _to_multiple(value, step, ROUND_HALF_EVEN)


def normal(value: Decimal) -> Decimal:
    """The same number without trailing zeros and without an exponent: 21870.250 -> 21870.25, 1E+2 -> 100."""
    stripped = value.normalize(_WIDE)
    return stripped.quantize(ONE) if stripped.as_tuple().exponent > 0 else stripped  # type: ignore[operator]


def plain(value: Decimal | None) -> str | None:
    """The text our API sends: no exponent, no trailing zeros; None stays None."""
    if value is None:
        return None
    text = format(normal(value), "f")
    return "0" if text in {"-0", ""} else text


def cents(value: Decimal) -> Decimal:
    return value.quantize(_CENT, rounding=ROUND_HALF_EVEN)


def sign(value: Decimal) -> int:
    return (value > 0) - (value < 0)
