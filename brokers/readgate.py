"""The background worker's calls to a venue: each asks the login's shared windows first, and tells when it was refused."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Sequence
from uuid import UUID

import httpx
from redis.exceptions import RedisError

from brokers.addresses import SHARES
from brokers.domain import Call, RateLimit
from brokers.errors import AuthPenalty, RateLimited
from brokers.ratelimit import OF_A_LOGIN, Lane, LoginBudget
from brokers.sharedlimits import Meter, ReaderLimits, SharedLimits, class_meter
from brokers.windows import sizes

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 6.0
ALONE_SHARE = 0.25  # of the readers' share, for each process while nobody can say what the others use
LONGEST_HOLD = 30.0
REDIS_AWAY = (RedisError, OSError, TimeoutError)

_alone: dict[Meter, LoginBudget] = {}


def _meters(connection_id: UUID, limits: Sequence[RateLimit], address: str) -> dict[Meter, ReaderLimits]:
    """All that counts a read of this login."""
    found: dict[Meter, ReaderLimits] = {connection_id: ReaderLimits.of(limits)}
    apart = [(class_meter(connection_id, Call.READS), "login", Call.READS, OF_A_LOGIN[Call.READS])]
    if address:
        apart += [
            (class_meter(address, call), "address", call, SHARES[call]) for call in (Call.ANY, Call.READS)
        ]
    for meter, scope, call, executors in apart:
        if numbers := sizes(limits, scope, call):
            found[meter] = ReaderLimits.of_class(numbers, 1 - executors)
    return found


def _alone_budget(meter: Meter, limits: ReaderLimits) -> LoginBudget:
    budget = _alone.get(meter)
    if budget is None:
        minute, hour = (max(1, int(share * ALONE_SHARE)) for share in limits.share)
        budget = _alone[meter] = LoginBudget(minute, hour, time.monotonic)
    return budget


class ReadPutOff(RateLimited):
    """Our own windows have no room for this read: nothing is wrong with the login, and the next poll asks again."""

    code = "READ_PUT_OFF"


class ReadGate:
    """For one login and one event loop; ``admit`` stands before every request of its HTTP client.

    ``address`` is the meter of the address that the calls leave by, "" where nobody counts that.
    """

    def __init__(self, connection_id: UUID, limits: Iterable[RateLimit], address: str = "") -> None:
        self._connection_id, self._meters = connection_id, _meters(connection_id, tuple(limits), address)
        self._shared = SharedLimits()

    async def close(self) -> None:
        await self._shared.close()

    async def admit(self, request: httpx.Request) -> None:
        """Wait for room, a few seconds at most. Raises ReadPutOff."""
        give_up = time.monotonic() + PATIENCE_SECONDS
        while (wait := await self._seconds_to_wait()) > 0:
            if time.monotonic() + wait > give_up:
                raise ReadPutOff("This login's calls are used up for the moment.", retry_after=wait)
            await asyncio.sleep(wait)

    async def _seconds_to_wait(self) -> float:
        try:
            return await self._shared.take(self._meters)
        except REDIS_AWAY as error:
            logger.warning("a read is counted by this process alone", extra={"reason": str(error)[:120]})
            return self._alone()

    def _alone(self) -> float:
        budgets = [_alone_budget(meter, limits) for meter, limits in self._meters.items()]
        wait = max(budget.wait_seconds(Lane.READ) for budget in budgets)
        if wait > 0:
            return max(0.1, wait)
        for budget in budgets:
            budget.count()
        return 0.0

    async def tell(self, error: RateLimited | AuthPenalty) -> None:
        """The venue asked to slow down: that binds the orders of the login too."""
        if isinstance(error, ReadPutOff):
            return
        try:
            await self._shared.slow_down(self._connection_id, min(error.retry_after or 0.0, LONGEST_HOLD))
        except REDIS_AWAY as away:
            logger.warning("a request to slow down was not passed on", extra={"reason": str(away)[:120]})
