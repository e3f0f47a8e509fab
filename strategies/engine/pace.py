"""What this executor did in the last moments: orders per account, alerts per user and platform, refusals in a row.

An account belongs to one executor, so its memory is the whole truth; after a start nothing was done in the last moments.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable
from uuid import UUID

from brokers.domain import Outcome
from brokers.sessions import SessionKey, SessionState
from strategies.execution.rails import RATE_WINDOW
from strategies.execution.terms import Pace, RiskTerms

REJECT_SECONDS = 60.0
Place = tuple[SessionKey, str]
"""A login's host and the venue's id of the account."""

PLATFORM = "platform"
_FALLEN = frozenset({SessionState.DOWN, SessionState.LOGIN_NEEDED})


class _Lately:
    """How often something happened within the last ``seconds``, by key."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds, self._clock = seconds, clock
        self._times: dict[object, deque[float]] = defaultdict(deque)

    def note(self, key: object) -> None:
        self._times[key].append(self._clock())
        self.count(key)

    def count(self, key: object) -> int:
        times = self._times.get(key)
        if times is None:
            return 0
        floor = self._clock() - self._seconds
        while times and times[0] <= floor:
            times.popleft()
        if not times:
            del self._times[key]
        return len(times)

    def forget(self, key: object) -> None:
        self._times.pop(key, None)


class Paces:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sent = _Lately(float(RATE_WINDOW), clock)
        self._alerts = _Lately(float(RATE_WINDOW), clock)
        self._rejects = _Lately(REJECT_SECONDS, clock)
        self._fell_at: dict[SessionKey, float] = {}

    # --- orders and alerts ------------------------------------------------------------------------------------------

    def sending(self, account: UUID) -> None:
        self._sent.note(account)

    def sent_lately(self, account: UUID) -> int:
        return self._sent.count(account)

    def carrying_out(self, user: UUID) -> None:
        for key in (user, PLATFORM):
            self._alerts.note(key)

    def of_alerts(self, user: UUID, user_terms: RiskTerms, platform_terms: RiskTerms) -> tuple[Pace, ...]:
        limited = (("user", user, user_terms), (PLATFORM, PLATFORM, platform_terms))
        return tuple(
            Pace(name, self._alerts.count(key), terms.max_alerts_per_second)
            for name, key, terms in limited
            if terms.max_alerts_per_second is not None
        )

    # --- refusals ---------------------------------------------------------------------------------------------------

    def answered(self, place: Place, outcome: Outcome) -> None:
        """An accepted order ends the row; one of which nobody knows says nothing."""
        if outcome is Outcome.REJECTED:
            self._rejects.note(place)
        elif outcome is Outcome.ACCEPTED:
            self._rejects.forget(place)

    def rejects_in_a_row(self, place: Place) -> int:
        return self._rejects.count(place)

    def forget_rejects(self, place: Place) -> None:
        """The account was halted over them: whoever resumes it starts anew."""
        self._rejects.forget(place)

    # --- streams ----------------------------------------------------------------------------------------------------

    def on_session_state(self, key: SessionKey, state: SessionState) -> None:
        if state in _FALLEN:
            self._fell_at.setdefault(key, self._clock())
        elif state is not SessionState.OPENING:  # the next try may fail too
            self._fell_at.pop(key, None)

    def stream_down_seconds(self, key: SessionKey) -> float:
        fell_at = self._fell_at.get(key)
        return 0.0 if fell_at is None else self._clock() - fell_at
