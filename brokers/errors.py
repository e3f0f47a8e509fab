"""What can go wrong with a broker, named by what the caller must do.

BrokerError
├── AuthError
│   ├── AuthExpired        refresh the token once, then try once more
│   ├── AuthRevoked        stop the connection and tell its owner: only they can mend it
│   └── AuthPenalty        wait ``retry_after`` seconds; when ``captcha``, only time or the venue's own site helps
├── RateLimited            slow down; ``retry_after`` seconds when the venue said so
├── Unavailable            a read may be repeated later; nothing was changed
├── OutcomeUnknown         a command may or may not have been carried out: look it up, never repeat it blindly
├── Rejected               the venue refused, with proof; ``code`` is its own word
├── Unsupported            the venue cannot do this: deny it here, with the reason
├── StreamClosed           the socket ended; reconnect with back-off, then take the new snapshot as the truth
└── ProtocolSurprise       the venue said something we do not know: fail that report loudly, keep the others going

Every message is a sentence for the user: what happened, and what to do next.
"""

from __future__ import annotations


class BrokerError(Exception):
    """Base. ``str(error)`` is fit to be shown; it never carries a secret."""

    code = "BROKER_ERROR"

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        if code:
            self.code = code


class AuthError(BrokerError):
    code = "AUTH_FAILED"


class AuthExpired(AuthError):
    code = "AUTH_EXPIRED"


class AuthRevoked(AuthError):
    code = "AUTH_REVOKED"


class AuthPenalty(AuthError):
    code = "AUTH_PENALTY"

    def __init__(self, message: str, *, retry_after: float, captcha: bool = False, ticket: str = "") -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.captcha = captcha
        self.ticket = ticket


class RateLimited(BrokerError):
    code = "RATE_LIMITED"

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(BrokerError):
    code = "UNAVAILABLE"


class OutcomeUnknown(BrokerError):
    code = "OUTCOME_UNKNOWN"


class Rejected(BrokerError):
    code = "REJECTED"


class Unsupported(BrokerError):
    code = "UNSUPPORTED"


class StreamClosed(BrokerError):
    code = "STREAM_CLOSED"


class ProtocolSurprise(BrokerError):
    code = "PROTOCOL_SURPRISE"
