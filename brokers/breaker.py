"""A circuit breaker per login and per host: whoever does not answer is left in peace, and asked by one at a time.

    closed ──failures in a row──▶ open ──its wait is over──▶ half-open ──one probe answered──▶ closed
                                   ▲                             │
                                   └───────probe unanswered──────┘   (the wait doubles)

Only silence opens it (timeouts, no connection, a server's own failure): a venue that refuses an order is there. Entries and
reconnects ask first; exits and cancels do not ask, but what becomes of them is told (law 9).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from enum import StrEnum

from brokers.domain import Outcome, SubmitResult


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True)
class BreakerRule:
    """``failures`` in a row open it for ``wait`` seconds, twice as long after each failed probe, at most ``longest``.

    A probe of which nothing is heard for ``probe`` seconds counts as lost, and another one may go.
    """

    failures: int = 5
    wait: float = 1.0
    longest: float = 30.0
    probe: float = 25.0


LOGIN_RULE = BreakerRule()
HOST_RULE = BreakerRule(failures=10)  # several logins share it, and one of them may be unwell by itself

SILENT_CODES = frozenset({"NO_ANSWER", "UNAVAILABLE", "OUTCOME_UNKNOWN", "NOT_SENT"})


class Breaker:
    """Pure: it knows no clock but the one it is given, in seconds."""

    def __init__(self, clock: Callable[[], float], rule: BreakerRule = LOGIN_RULE) -> None:
        self._clock, self._rule = clock, rule
        self._wait = rule.wait
        self._open_until: float | None = None
        self._probe_since: float | None = None
        self.failures = 0

    @property
    def state(self) -> BreakerState:
        if self._open_until is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if self._clock() < self._open_until else BreakerState.HALF_OPEN

    def may_try(self) -> bool:
        """Whether a try may go now; half-open, only when none is under way."""
        state = self.state
        if state is BreakerState.HALF_OPEN:
            return not self._is_probing()
        return state is BreakerState.CLOSED

    def _is_probing(self) -> bool:
        return self._probe_since is not None and self._clock() - self._probe_since < self._rule.probe

    def begin(self) -> bool:
        """Take the right to a try; False when it must not go now. Say afterwards how it ended."""
        if not self.may_try():
            return False
        if self.state is BreakerState.HALF_OPEN:
            self._probe_since = self._clock()
        return True

    def give_back(self) -> None:
        """The try did not take place, or says nothing about whether anybody is there."""
        self._probe_since = None

    def succeeded(self) -> None:
        self.failures, self._wait = 0, self._rule.wait
        self._open_until = self._probe_since = None

    def failed(self) -> None:
        """No answer. While it is open, further silence is no news: only a failed probe makes the wait longer."""
        self.failures += 1
        state = self.state
        if state is BreakerState.HALF_OPEN:
            self._wait = min(self._wait * 2, self._rule.longest)
        if state is BreakerState.HALF_OPEN or (
            state is BreakerState.CLOSED and self.failures >= self._rule.failures
        ):
            self._open_until = self._clock() + self._wait
            self._probe_since = None

    def seconds_left(self) -> float:
        """Until the next try may go, as far as can be said now."""
        if self._open_until is None:
            return 0.0
        return max(0.0, self._open_until - self._clock())


@dataclass(slots=True)
class Circuit:
    """A login's breaker and its host's: a try needs both."""

    login: Breaker
    host: Breaker

    def begin(self) -> bool:
        if not self.login.begin():
            return False
        if self.host.begin():
            return True
        self.login.give_back()
        return False

    def answered(self) -> None:
        self.login.succeeded()
        self.host.succeeded()

    def silent(self) -> None:
        self.login.failed()
        self.host.failed()

    def give_back(self) -> None:
        self.login.give_back()
        self.host.give_back()

    def note(self, result: SubmitResult) -> None:
        """What an order's outcome says about whether anybody is there."""
        if is_silence(result):
            self.silent()
        elif result.outcome is Outcome.UNKNOWN:
            self.give_back()
        else:
            self.answered()

    def seconds_left(self) -> float:
        return max(self.login.seconds_left(), self.host.seconds_left())

    def reason(self) -> str:
        """Why no try may go now, in words."""
        whose = "The broker's server" if not self.host.may_try() else "This login"
        return f"{whose} has not answered several times in a row. It is tried again in a moment."


def is_silence(result: SubmitResult) -> bool:
    """Nobody answered, or only a server that cannot do its work."""
    return result.code in SILENT_CODES or result.code.startswith("HTTP_5")


@dataclass(slots=True)
class Breakers:
    """Those of one process: one per login, one per host."""

    clock: Callable[[], float]
    _logins: dict[Hashable, Breaker] = field(default_factory=dict)
    _hosts: dict[Hashable, Breaker] = field(default_factory=dict)

    def circuit(self, login: Hashable, host: Hashable) -> Circuit:
        of_login = self._logins.get(login)
        if of_login is None:
            of_login = self._logins[login] = Breaker(self.clock, LOGIN_RULE)
        of_host = self._hosts.get(host)
        if of_host is None:
            of_host = self._hosts[host] = Breaker(self.clock, HOST_RULE)
        return Circuit(of_login, of_host)
