"""One login for the dispatcher: a session with a real budget, a venue that answers as told, and a claim that may be lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from uuid import UUID

from brokers.breaker import Breakers
from brokers.domain import SubmitResult
from brokers.ratelimit import Lane, LoginBudget
from strategies.execution.dispatcher import CLAIM_LOST, Dispatch, dispatch

ACCEPTED = SubmitResult.accepted("V1")
LOST = SubmitResult.unknown(CLAIM_LOST, "Another worker took over this order before it was sent.")

Answer = SubmitResult | BaseException | Callable[[], Awaitable[SubmitResult]]


def not_now(seconds: float | None = 0.01) -> SubmitResult:
    return SubmitResult.refused_for_now("RATE_LIMITED", "Slow down.", seconds)


async def silence() -> SubmitResult:
    """A venue that never answers."""
    await asyncio.Event().wait()
    return ACCEPTED


class Venue:
    """Stands for the adapter. Answers in the order given, the last one again and again."""

    def __init__(self, answers: Iterable[Answer] = (ACCEPTED,)) -> None:
        self._answers = list(answers)
        self.received = 0

    async def submit(self) -> SubmitResult:
        answer = self._answers[min(self.received, len(self._answers) - 1)]
        self.received += 1
        if isinstance(answer, BaseException):
            raise answer
        return answer if isinstance(answer, SubmitResult) else await answer()


class Login:
    """A session; without an adapter it is down until ``comes_up`` gives it one."""

    def __init__(self, *answers: Answer, per_minute: int = 100) -> None:
        self.adapter: Any = Venue(answers or (ACCEPTED,))
        self.budget = LoginBudget(per_minute, 1000)
        self.circuit = Breakers(asyncio.get_event_loop().time).circuit("login", "host")
        self.comes_up: Venue | None = None

    async def ready(self, seconds: float) -> bool:
        if self.comes_up is None:
            await asyncio.sleep(0.01)
            return False
        self.adapter = self.comes_up
        return True

    def use_up(self) -> None:
        while self.budget.try_take(Lane.ENTRY):
            pass


class Claim:
    """What the executor says before a late try: nothing when the claim was renewed, else why the order must not go."""

    def __init__(self, objection: SubmitResult | None = None) -> None:
        self.objection = objection
        self.asked = 0

    async def __call__(self, item: Dispatch) -> SubmitResult | None:
        self.asked += 1
        if self.objection is None:
            item.claimed_until = asyncio.get_running_loop().time() + 15
        return self.objection


def dispatch_of(
    login: Login, lane: Lane = Lane.ENTRY, *, lease: float = 15, left: float = 5, **fields: Any
) -> Dispatch:
    """An order of that login, claimed for ``lease`` seconds, that may be begun within ``left`` seconds."""
    now = asyncio.get_running_loop().time()
    values = {"find_session": lambda: login, "command": lambda venue: venue.submit(), **fields}
    return Dispatch(
        order_id=UUID(int=1), fence=1, lane=lane, claimed_until=now + lease, deadline=now + left, **values
    )


async def send(
    login: Login, lane: Lane = Lane.ENTRY, claim: Claim | None = None, **fields: Any
) -> SubmitResult:
    return await dispatch(dispatch_of(login, lane, **fields), claim or Claim())
