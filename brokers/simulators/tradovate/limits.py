"""Rolling-hour counters and the penalty tickets that follow from some of them."""

from __future__ import annotations

import secrets
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Any

from brokers.simulators.tradovate.clock import Clock
from brokers.simulators.tradovate.options import Options
from brokers.simulators.tradovate.wire import Refused

HOUR, MINUTE = 3600.0, 60.0
TICKET_SECONDS = 15


class Window:
    """How often something happened lately."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._times: dict[object, deque[float]] = defaultdict(deque)

    def count(self, key: object, now: float) -> int:
        times = self._times[key]
        while times and times[0] <= now - self._seconds:
            times.popleft()
        return len(times)

    def add(self, key: object, now: float) -> None:
        self._times[key].append(now)

    def clear(self) -> None:
        self._times.clear()


@dataclass(slots=True)
class Ticket:
    """A penalty: the request may come again from ``usable_at`` on with this ticket, never if it wants a captcha."""

    text: str
    usable_at: float
    captcha: bool
    path: str


class Limits:
    def __init__(self, clock: Clock, options: Options) -> None:
        self._clock, self._options = clock, options
        self._calls_hour, self._calls_minute = Window(HOUR), Window(MINUTE)
        self._endpoint = Window(HOUR)
        self._tickets: dict[str, Ticket] = {}

    def clear(self) -> None:
        for window in (self._calls_hour, self._calls_minute, self._endpoint):
            window.clear()
        self._tickets.clear()

    def count_call(self, user_id: int) -> None:
        """Every call of a user counts, whatever the endpoint and transport. Raises Refused(429)."""
        now = self._clock.now()
        for window, most in (
            (self._calls_hour, self._options.user_calls_per_hour),
            (self._calls_minute, self._options.user_calls_per_minute),
        ):
            if most is not None and window.count(user_id, now) >= most:
                raise Refused(429)
        if self._options.user_calls_per_hour is not None or self._options.user_calls_per_minute is not None:
            self._calls_hour.add(user_id, now)
            self._calls_minute.add(user_id, now)

    def calls_of(self, user_id: int) -> int:
        return self._calls_hour.count(user_id, self._clock.now())

    def count_endpoint(self, path: str, address: str, most: int | None) -> None:
        """Endpoints that are limited per network address. Raises Refused(429)."""
        if most is None:
            return
        if not self.has_room(path, address, most):
            raise Refused(429)
        self._endpoint.add((path, subnet(address)), self._clock.now())

    def has_room(self, path: str, address: str, most: int | None) -> bool:
        return most is None or self._endpoint.count((path, subnet(address)), self._clock.now()) < most

    def add(self, path: str, address: str) -> None:
        self._endpoint.add((path, subnet(address)), self._clock.now())

    # --- penalty tickets ----------------------------------------------------------------------------------------

    def penalty(self, path: str, *, captcha: bool, seconds: int = TICKET_SECONDS) -> dict[str, Any]:
        """The body that stands for the normal answer: nothing was executed, wait and resend with the ticket."""
        ticket = Ticket(secrets.token_urlsafe(24), self._clock.now() + seconds, captcha, path)
        self._tickets[ticket.text] = ticket
        return {
            "p-ticket": ticket.text,
            "p-time": seconds,
            "p-captcha": captcha,
            "p-message": "Too many requests were sent. Wait before the next one.",
        }

    def redeem(self, text: object, path: str) -> bool:
        """Whether the request carries a ticket that opens the way now. A ticket opens it once."""
        ticket = self._tickets.get(text) if isinstance(text, str) else None
        if ticket is None or ticket.captcha or ticket.path != path or self._clock.now() < ticket.usable_at:
            return False
        del self._tickets[ticket.text]
        return True


def subnet(address: str) -> str:
    """Counting goes by /24."""
    return address.rpartition(".")[0] or address
