"""A broker that issues tokens: it counts what it is asked, and answers as it is told to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from brokers.domain import Tokens
from brokers.errors import BrokerError
from brokers.protocol import BrokerSpec
from tradeproject.common.clock import utc_now

LIFE = timedelta(minutes=80)


@dataclass
class TokenVenue:
    """``refusing`` maps "refresh" or "login" to the error raised; ``meanwhile`` runs while a refresh is under way."""

    life: timedelta = LIFE
    slow_by: float = 0.0
    refusing: dict[str, BrokerError] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    meanwhile: Callable[[], None] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def spec(self, real: BrokerSpec) -> BrokerSpec:
        return replace(real, build_auth=lambda environment, endpoints, http, credentials: self)

    async def refresh(self, tokens: Tokens, credentials: Mapping[str, str]) -> Tokens:
        return self._issue("refresh", refresh_token=tokens.refresh_token)

    async def login(self, credentials: Mapping[str, str]) -> Tokens:
        return self._issue("login")

    def _issue(self, way: str, **more: str) -> Tokens:
        with self._lock:
            self.calls.append(way)
            number = len(self.calls)
        time.sleep(self.slow_by)  # the venue thinks; every caller has a thread and a loop of its own
        if self.meanwhile is not None:
            self.meanwhile()
        if way in self.refusing:
            raise self.refusing[way]
        return Tokens(f"canary-{way}-{number}", utc_now() + self.life, venue_user_id="15461", **more)


def token(name: str = "canary-old", *, lives: timedelta = LIFE, **more: object) -> Tokens:
    return Tokens(name, utc_now() + lives, venue_user_id="15461", **more)
