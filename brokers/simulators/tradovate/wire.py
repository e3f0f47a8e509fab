"""JSON as the venue writes it: numbers are plain numbers, on our side Decimal, never float."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

BIGGEST_EXPONENT, FINEST_EXPONENT = 15, -20


def _bounded(text: str) -> Decimal:
    """A number no price or amount can exceed. Raises ValueError for others, which Decimal would compute with for minutes."""
    number = Decimal(text)
    if number.adjusted() > BIGGEST_EXPONENT or int(number.as_tuple().exponent) < FINEST_EXPONENT:
        raise ValueError("A number is out of range")
    return number


_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(float_hook=_bounded)

JSON = b"application/json; charset=utf-8"
TEXT = b"text/plain; charset=utf-8"
HTML = b"text/html; charset=utf-8"

encode = _ENCODER.encode


def decode(data: bytes | str) -> Any:
    """Raises Refused(400) for what is no JSON."""
    try:
        return _DECODER.decode(data)
    except (msgspec.DecodeError, ValueError) as error:
        raise Refused(400, "The body is not valid JSON, or a number in it is out of range") from error


class Refused(Exception):
    """The request ends here with that status and a short text (empty = an empty body)."""

    def __init__(self, status: int, text: str = "") -> None:
        super().__init__(f"{status} {text}")
        self.status = status
        self.text = text


@dataclass(slots=True)
class Reply:
    """One answer, for REST and for a socket alike. ``body`` is what REST sends."""

    status: int = 200
    body: bytes = b""
    content_type: bytes = JSON
    location: str = ""

    @classmethod
    def of(cls, answer: Any) -> Reply:
        return cls(200, encode(answer))

    @classmethod
    def refusal(cls, error: Refused) -> Reply:
        return cls(error.status, error.text.encode(), TEXT)


def plain_number(value: Decimal) -> Decimal:
    """Without the zeros that arithmetic leaves behind, so that 21870.250 travels as 21870.25."""
    if value == value.to_integral_value():
        return Decimal(int(value))
    return value.normalize()
