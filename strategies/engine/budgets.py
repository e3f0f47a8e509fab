"""The executor's side of the shared limits: what its logins used is told behind the orders, and written down for the page.

Nothing here stands before an order. While Redis is away every login keeps to the share that is its own in any case.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg.types.json import Jsonb

from brokers.ratelimit import READ_SHARE, Lane, LoginBudget
from brokers.readgate import REDIS_AWAY
from brokers.sessions import BrokerSession
from brokers.sharedlimits import Granted, SharedLimits, Used

if TYPE_CHECKING:
    from strategies.engine.runner import ExecutionEngine

logger = logging.getLogger(__name__)

EVERY_SECONDS = 2.0
QUIET_SECONDS = 10.0  # a login without news is told of as rarely as that
AT_ONCE = 200  # logins a round: the loop has orders to send, too

WRITE_DOWN = """
INSERT INTO brokers_budgetreading (connection_id, at, figures)
SELECT c.id, clock_timestamp(), n.figures
  FROM jsonb_to_recordset(%(rows)s) AS n(id uuid, figures jsonb) JOIN brokers_brokerconnection AS c ON c.id = n.id
ON CONFLICT (connection_id) DO UPDATE SET at = EXCLUDED.at, figures = EXCLUDED.figures
"""


def _whole(own: int) -> int:
    """What the share of orders is a share of."""
    return int(own / (1 - READ_SHARE) + 1e-9)


class Budgets:
    def __init__(self, engine: ExecutionEngine) -> None:
        self._engine = engine
        self._shared: SharedLimits | None = None
        self._granted: dict[UUID, Granted] = {}
        self._told: dict[UUID, tuple[float, Any]] = {}

    async def round(self) -> None:
        """Tell Redis and the database of the logins with news, and of the others now and then."""
        now = asyncio.get_running_loop().time()
        sessions: dict[UUID, list[BrokerSession]] = {}
        for key, session in self._engine.sessions.sessions.items():
            sessions.setdefault(key.connection_id, []).append(session)
        due = [i for i, some in sessions.items() if self._is_due(i, _news(some), now)][:AT_ONCE]
        if not due:
            return
        await self._share({i: sessions[i][0].budget for i in due})
        await self._write_down({i: self._figures(i, sessions[i]) for i in due})
        self._told |= {i: (now, _news(sessions[i])) for i in due}

    def _is_due(self, login: UUID, news: Any, now: float) -> bool:
        at, told = self._told.get(login, (float("-inf"), None))
        return news != told or now - at >= QUIET_SECONDS

    # --- Redis ----------------------------------------------------------------------------------------------------------

    async def _share(self, budgets: dict[UUID, LoginBudget]) -> None:
        if self._shared is None:
            self._shared = SharedLimits()
        try:
            answers = await self._shared.sync({i: _used(budget) for i, budget in budgets.items()})
        except REDIS_AWAY as error:
            logger.warning("the shared limits are away", extra={"reason": str(error)[:120]})
            self._granted.clear()
            for session in self._engine.sessions.sessions.values():
                session.budget.take_back()
            return
        for login, answer in answers.items():
            self._learn(budgets[login], self._granted.get(login), answer)
        self._granted |= answers

    @staticmethod
    def _learn(budget: LoginBudget, before: Granted | None, answer: Granted) -> None:
        if before is None and budget.used()[1] < answer.before[1]:
            budget.carry(*answer.before)  # the executor before us, or this one before Redis was away
        elif before is not None and answer.slowed > before.slowed:
            budget.slow_down(answer.slowed_for)
        budget.lend(*answer.limits)

    # --- the page ---------------------------------------------------------------------------------------------------------

    def _figures(self, login: UUID, sessions: list[BrokerSession]) -> dict[str, Any]:
        budget, granted = sessions[0].budget, self._granted.get(login)
        minute, hour = budget.used()
        return {
            "used": {"minute": minute, "hour": hour},
            "limits": dict(zip(("minute", "hour"), budget.limits(), strict=True)),
            "entries_minute": budget.limits(Lane.ENTRY)[0],
            "total": dict(zip(("minute", "hour"), map(_whole, budget.own), strict=True)),
            "reads": None if granted is None else dict(zip(("minute", "hour"), granted.reads, strict=True)),
            "waiting": budget.waiting(),
            "factor": budget.factor(),
            "held_seconds": round(budget.held_seconds(), 1),
            "limited_ago": budget.limited_ago(),
            "hosts": {s.key.environment: _breakers(s) for s in sessions},
        }

    async def _write_down(self, figures: dict[UUID, dict[str, Any]]) -> None:
        rows = [{"id": str(login), "figures": each} for login, each in figures.items()]
        async with self._engine.pool.connection() as connection:
            await connection.execute(WRITE_DOWN, {"rows": Jsonb(rows)})

    async def close(self) -> None:
        if self._shared is not None:
            await self._shared.close()


def _used(budget: LoginBudget) -> Used:
    minute, hour = budget.used()
    total = _whole(budget.own[0]), _whole(budget.own[1])
    return Used(minute, hour, budget.own, total, budget.factor(), budget.held_seconds())


def _breakers(session: BrokerSession) -> dict[str, Any]:
    circuit = session.circuit
    return {
        "session": session.state.value,
        "login": circuit.login.state.value,
        "host": circuit.host.state.value,
        "seconds_left": round(circuit.seconds_left(), 1),
    }


def _news(sessions: list[BrokerSession]) -> Any:
    """What a reader of the page would notice, other than time going by."""
    budget = sessions[0].budget
    breakers = [(s.state, s.circuit.login.state, s.circuit.host.state) for s in sessions]
    return budget.used()[1], budget.waiting(), budget.factor(), budget.held_seconds() > 0, breakers
