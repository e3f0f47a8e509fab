"""What can go wrong when somebody signs in at a broker, as sentences for a form; and how often it may be tried."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from django.http import HttpRequest
from rest_framework.throttling import UserRateThrottle

from brokers.errors import BrokerError
from brokers.registry import UnknownBroker
from brokers.services import CredentialProblem

REFUSALS = (BrokerError, CredentialProblem, UnknownBroker)
TOO_OFTEN = "That was often enough for now. Wait a minute before the next try."


@dataclass(frozen=True, slots=True)
class Refusal:
    """``fields`` is field → sentence; ``message`` stands for the whole when no field is to blame."""

    message: str
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        return " ".join(self.fields.values()) or self.message


def refusal_of(error: BrokerError | CredentialProblem | UnknownBroker) -> Refusal:
    if isinstance(error, CredentialProblem):
        return Refusal("Some fields are not right.", dict(error.errors))
    if isinstance(error, UnknownBroker):
        return Refusal("There is no such broker.")
    return Refusal(error.message)


class _LoginThrottle(UserRateThrottle):
    """Counts together with the API's: brokers answer repeated logins with waiting times and captchas."""

    scope = "login"


def may_log_in(request: HttpRequest) -> bool:
    """Whether the signed-in user may try a broker login now. Counts the try."""
    return bool(_LoginThrottle().allow_request(cast(Any, request), cast(Any, None)))
