"""What goes over the wire and comes back: JSON without floats, one shape of answer, and whether the bytes left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from brokers.errors import OutcomeUnknown, ProtocolSurprise, Unavailable

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")

Entity = Mapping[str, Any]

# What joins entities. (clOrdId, execRefId and exchangeOrderId are texts.)
IDS = (
    "id",
    "accountId",
    "contractId",
    "orderId",
    "commandId",
    "parentId",
    "ocoId",
    "linkedId",
    "orderStrategyId",
    "contractMaturityId",
    "productId",
    "currencyId",
    "exchangeId",
)


class NotSent(Unavailable):
    """Nothing of the request left this machine: it may be sent again."""

    code = "NOT_SENT"


class AnswerLost(OutcomeUnknown):
    """The request may have arrived; its answer did not."""

    code = "ANSWER_LOST"


class Moved(Unavailable):
    """Another host serves this login, and it is not one we may send a token to."""

    code = "WRONG_HOST"


class NotFound(Unavailable):
    """404: the venue answered, and there is no such thing here."""

    code = "NOT_FOUND"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, from either transport. ``body`` is the JSON, ``text`` the plain words of an answer that is not JSON."""

    status: int
    body: Any = None
    text: str = ""
    readable: bool = True
    location: str = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def fields(self) -> Entity:
        """The body if it is an object, else an empty one."""
        return self.body if isinstance(self.body, dict) else {}

    @property
    def words(self) -> str:
        """The venue's own words, wherever this answer carries them."""
        body = self.fields
        said = body.get("errorText") or body.get("failureText") or body.get("p-message")
        said = said or body.get("error_description") or body.get("error") or _violations(body) or self.text
        return str(said)[:500]

    @property
    def is_expired_token(self) -> bool:
        """An expired token is told by words in a 401, and by some servers in a 400."""
        return self.status in {400, 401} and "expired" in self.words.lower()


def _violations(body: Entity) -> str:
    rows = body.get("violations")
    if not isinstance(rows, list):
        return ""
    told = [
        " ".join(str(row[key]) for key in ("constraint", "description") if row.get(key))
        for row in rows
        if isinstance(row, dict)
    ]
    return "; ".join(part for part in told if part) or ("the request was incomplete" if rows else "")


def decode(data: bytes | str) -> Any:
    """JSON with every fraction as Decimal. Raises ValueError."""
    try:
        return _decoder.decode(data)
    except RecursionError as error:
        raise ValueError("the JSON is nested too deeply") from error


def encode(value: Any) -> bytes:
    """JSON with every Decimal as a number, digit for digit."""
    return _encoder.encode(value)


def answer_of(status: int, content: bytes, location: str = "") -> Answer:
    """The answer in an HTTP response: JSON, or a short plain text, or nothing at all."""
    if not content.strip():
        return Answer(status, readable=False, location=location)
    try:
        body = decode(content)
    except ValueError:
        return Answer(
            status, text=content[:300].decode(errors="replace").strip(), readable=False, location=location
        )
    return Answer(status, body, body[:300] if isinstance(body, str) else "", location=location)


def check_ids(row: Entity) -> Entity:
    """The row, whose ids are whole numbers or missing. Raises ProtocolSurprise: nothing can be joined by anything else."""
    for key in IDS:
        value = row.get(key)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise ProtocolSurprise(
                f"Tradovate sent {key}={value!r:.60}, which is not an id. Nothing is read from it."
            )
    return row
