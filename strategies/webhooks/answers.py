"""The answers a sender can get, word for word as the contract has them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

RETRY_AFTER_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, JSON body, extra headers. ``execute`` is the signal to wake the executor for once the answer is out."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    execute: UUID | None = None

    def encoded(self) -> bytes:
        return json.dumps(self.body, default=str, ensure_ascii=False, separators=(",", ":")).encode()


def accepted(signal_id: UUID, intent: str, warnings: Sequence[str]) -> Answer:
    body = {"status": "accepted", "signal_id": str(signal_id), "intent": intent, "warnings": list(warnings)}
    return Answer(202, body, execute=signal_id)


def duplicate(first_id: UUID) -> Answer:
    return Answer(200, {"status": "duplicate", "signal_id": str(first_id)})


def ignored(signal_id: UUID, reason: str) -> Answer:
    return Answer(200, {"status": "ignored", "reason": reason, "signal_id": str(signal_id)})


def dry_run(intent: str, orders: Sequence[Any], warnings: Sequence[str]) -> Answer:
    body = {"status": "dry_run", "intent": intent, "orders": list(orders), "warnings": list(warnings)}
    return Answer(200, body)


def _rejection(code: str, message: str, signal_id: UUID | None = None) -> dict[str, str]:
    body = {"status": "rejected", "code": code, "message": message}
    return body if signal_id is None else {**body, "signal_id": str(signal_id)}


def rejected(signal_id: UUID, code: str, message: str, *, status: int = 400) -> Answer:
    return Answer(status, _rejection(code, message, signal_id))


UNKNOWN_KEY = Answer(
    404,
    _rejection(
        "not_found", "There is nothing here. Copy the webhook address from the strategy's page again."
    ),
)
METHOD_NOT_ALLOWED = Answer(
    405, _rejection("method_not_allowed", "Alerts are sent with POST."), {"allow": "POST"}
)
TOO_SLOW = Answer(408, _rejection("too_slow", "The alert's body did not arrive in time. Send it again."))
TOO_LARGE = Answer(
    413, _rejection("too_large", "The alert is larger than 16 KiB. Send only what the strategy needs.")
)
UNAVAILABLE = Answer(
    503,
    {
        "status": "unavailable",
        "code": "cannot_store",
        "message": "The alert could not be stored and was not acted on. Send it again in a few seconds.",
    },
    {"retry-after": str(RETRY_AFTER_SECONDS)},
)
