"""What an answer means. For a command: accepted, rejected or unknown, and only proof makes a rejection. For a read: the
body, or the error that says what to do.

Order of checks on every 200: penalty ticket → violations → errorText → failureReason → the expected id. Orders were
provably not taken after a ticket, violations, 400, 401, 403, 404, 423 and 429.
"""

from __future__ import annotations

from typing import Any

from brokers.adapters.tradovate.constants import CAPTCHA_WAIT, TIMINGS
from brokers.adapters.tradovate.wire import Answer, AnswerLost, Entity, Moved, NotFound, NotSent
from brokers.domain import Outcome, SubmitResult
from brokers.errors import (
    AuthError,
    AuthExpired,
    AuthPenalty,
    AuthRevoked,
    BrokerError,
    OutcomeUnknown,
    ProtocolSurprise,
    RateLimited,
    Unavailable,
)

ACCESS_DENIED = (
    "Tradovate denied access. Either this computer is not yet approved for the login (Tradovate sends an e-mail with a "
    "link for it), or the API key lacks the permission, or the account belongs to another login."
)
TICKET = "p-ticket"


# --- commands ---------------------------------------------------------------------------------------------------


def command_result(answer: Answer, key: str) -> SubmitResult:
    """The outcome of a command whose success is proven by ``key`` (orderId, commandId) in the answer."""
    if not answer.ok:
        return _refusal(answer)
    body = answer.fields
    if not body:
        return _unexpected(answer)
    if TICKET in body:
        return _ticket(answer)
    if body.get("violations"):
        return SubmitResult.rejected("VIOLATIONS", answer.words)
    return _verdict(body, _id(body, key), answer.words)


def _verdict(body: Entity, venue_id: str, words: str) -> SubmitResult:
    reason = str(body.get("failureReason") or "Success")
    if body.get("errorText"):
        # Words of failure beside an id contradict each other: look it up.
        if venue_id:
            return SubmitResult.unknown("CONTRADICTION", words, venue_id)
        return SubmitResult.rejected("ERROR", words)
    if reason == "RiskCheckTimeout":
        return SubmitResult.unknown(reason, words or "Tradovate's risk check did not end in time.", venue_id)
    if reason != "Success":
        return SubmitResult(Outcome.REJECTED, venue_id, code=reason, message=words or reason)
    if venue_id:
        return SubmitResult.accepted(venue_id)
    return SubmitResult.unknown(
        "UNEXPECTED_ANSWER", "Tradovate's answer names no order. It is being looked up."
    )


def _id(body: Entity, key: str) -> str:
    value: Any = body.get(key)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else ""


def _ticket(answer: Answer) -> SubmitResult:
    wait = penalty_seconds(answer.fields)
    return SubmitResult.refused_for_now(
        "PENALTY_TICKET", f"Tradovate asks for a wait of {wait:.0f} s first. {answer.words}".strip(), wait
    )


def penalty_seconds(body: Entity) -> float:
    """The wait a penalty ticket asks for. With a captcha nobody but time can help."""
    if body.get("p-captcha"):
        return CAPTCHA_WAIT
    try:
        return max(0.0, float(body.get("p-time") or 0))
    except (TypeError, ValueError):
        return CAPTCHA_WAIT


def _refusal(answer: Answer) -> SubmitResult:
    words = answer.words
    match answer.status:
        case 400:
            return SubmitResult.rejected("BAD_REQUEST", words or "Tradovate found the order malformed.")
        case 401 if answer.is_expired_token:
            return SubmitResult.refused_for_now(
                "AUTH_EXPIRED", "Tradovate takes neither the old token nor its renewal.", None
            )
        case 401 | 403:
            return SubmitResult.rejected("ACCESS_DENIED", f"{ACCESS_DENIED} {_quoted(words)}".strip())
        case 404:
            return SubmitResult.rejected(
                "NOT_FOUND", words or "Tradovate does not know this order or contract here."
            )
        case 423:
            return SubmitResult.refused_for_now("SLOW_DOWN", "Tradovate warns that its limit is near.", None)
        case 429:
            return SubmitResult.refused_for_now("RATE_LIMITED", "Tradovate's request limit is used up.", None)
        case 421:
            return SubmitResult.rejected("WRONG_HOST", "Another Tradovate server serves this login.")
    return _unexpected(answer)


def _unexpected(answer: Answer) -> SubmitResult:
    return SubmitResult.unknown(
        f"HTTP_{answer.status}" if not answer.ok else "UNEXPECTED_ANSWER",
        f"Tradovate's answer ({answer.status}) does not say whether the order was taken. It is being looked up.",
    )


def failed_command(error: BrokerError) -> SubmitResult:
    """The outcome of a command that got no answer."""
    match error:
        case NotSent():
            return SubmitResult.refused_for_now(error.code, error.message, TIMINGS.not_sent_retry)
        case OutcomeUnknown() | ProtocolSurprise():
            return SubmitResult.unknown(error.code, error.message)
        case Moved() | AuthRevoked():
            return SubmitResult.rejected(error.code, error.message)
        case AuthPenalty() | RateLimited():
            return SubmitResult.refused_for_now(error.code, error.message, error.retry_after)
    # What remains happened while a token was being fetched, before anything was sent.
    return SubmitResult.refused_for_now(error.code, error.message, 1.0)


def _quoted(words: str) -> str:
    return f'Its words: "{words}"' if words else ""


# --- reads ------------------------------------------------------------------------------------------------------


def read_body(answer: Answer, operation: str) -> Any:
    """The JSON of a read. Raises Unavailable, NotFound, RateLimited, AuthError or ProtocolSurprise."""
    if not answer.ok:
        raise read_error(answer, operation)
    if not answer.readable:
        raise Unavailable(
            f"Tradovate's answer to {operation} was cut off or is not JSON. It will be asked again."
        )
    body = answer.fields
    if TICKET in body:
        raise RateLimited(
            f"Tradovate asks to wait before {operation} is called again.", retry_after=penalty_seconds(body)
        )
    if body.get("violations"):
        raise ProtocolSurprise(f"Tradovate found {operation} malformed: {answer.words}")
    if body.get("errorText"):
        raise Unavailable(f"Tradovate could not answer {operation}: {answer.words}")
    return answer.body


def read_error(answer: Answer, operation: str) -> BrokerError:
    if answer.is_expired_token:
        return AuthExpired(
            "Tradovate's login has run out and a fresh one is not taken either. Sign in again."
        )
    match answer.status:
        case 401 | 403:
            denied = f"Tradovate denies {operation} to this login: the API key lacks the permission for it."
            return AuthError(f"{denied} {_quoted(answer.words)}".strip(), code="ACCESS_DENIED")
        case 404:
            return NotFound(f"Tradovate finds nothing at {operation}. Is the account on this environment?")
        case 423 | 429:
            return RateLimited(
                f"Tradovate's request limit is used up ({operation}). It will be asked again later."
            )
        case 400:
            return ProtocolSurprise(
                f"Tradovate found {operation} malformed: {answer.words or 'no reason given'}"
            )
        case 421:
            return Moved("Another Tradovate server serves this login and did not say which. Try again later.")
    return Unavailable(f"Tradovate answered {operation} with HTTP {answer.status}. It will be asked again.")


def as_read_error(error: AnswerLost) -> Unavailable:
    """A lost answer changes nothing when the request was only a question."""
    return Unavailable(
        error.message.replace("It will be looked up, not repeated.", "It will be asked again.")
    )
