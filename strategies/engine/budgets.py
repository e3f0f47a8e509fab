"""The executor's side of the shared limits: what its logins used is told behind the orders, and written down for the page.

Nothing here stands before an order. While Redis is away every login keeps to the share that is its own in any case.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from psycopg.types.json import Jsonb

from brokers.addresses import address_meter
from brokers.ratelimit import HOUR, MINUTE, READ_SHARE, Lane, LoginBudget
from brokers.readgate import REDIS_AWAY
from brokers.sessions import BrokerSession
from brokers.sharedlimits import UNLIMITED, Granted, Meter, SharedLimits, Used, class_meter
from brokers.windows import Windows

if TYPE_CHECKING:
    from strategies.engine.runner import ExecutionEngine

logger = logging.getLogger(__name__)

EVERY_SECONDS = 2.0
QUIET_SECONDS = 10.0  # a login without news is told of as rarely as that
ALONE = (0, 1)
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
        self._granted: dict[Meter, Granted] = {}
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
        apart = self._apart(budgets)
        told: dict[Meter, Used] = {login: _used(budget) for login, budget in budgets.items()}
        told |= {meter: _used_apart(*each) for meter, each in apart.items()}
        try:
            answers = await self._shared.sync(told)
        except REDIS_AWAY as error:
            logger.warning("the shared limits are away", extra={"reason": str(error)[:120]})
            self._alone()
            return
        for login, budget in budgets.items():
            self._learn(budget, self._granted.get(login), answers[login])
        for meter, (windows, _) in apart.items():
            _learn_apart(windows, meter in self._granted, answers[meter])
        self._granted |= answers

    def _apart(self, budgets: dict[UUID, LoginBudget]) -> dict[str, tuple[Windows, tuple[int, int]]]:
        """What venues count apart, by meter, and which of how many executors we are there."""
        found = {
            class_meter(login, call): (windows, ALONE)
            for login, budget in budgets.items()
            for call, windows in budget.classes.items()
        }
        place = self._engine.shard, settings.EXECUTION_SHARDS
        for address in self._engine.sessions.addresses.budgets.values():
            meter = address_meter(address.kind, address.name)
            found |= {class_meter(meter, call): (each, place) for call, each in address.windows.items()}
        return found

    def _alone(self) -> None:
        """Redis is away: everybody keeps to what is theirs in any case."""
        self._granted.clear()
        for session in self._engine.sessions.sessions.values():
            session.budget.take_back()
        for address in self._engine.sessions.addresses.budgets.values():
            address.take_back()

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


def _used_apart(windows: Windows, place: tuple[int, int]) -> Used:
    """``place``: the how manieth of how many executors that count there."""
    own = windows.own.get(MINUTE, UNLIMITED), windows.own.get(HOUR, UNLIMITED)
    total = windows.total.get(MINUTE, UNLIMITED), windows.total.get(HOUR, UNLIMITED)
    used = windows.used(MINUTE), windows.used(HOUR)
    return Used(*used, own, total, windows.factor(), windows.held_seconds(), *place)


def _learn_apart(windows: Windows, is_known: bool, answer: Granted) -> None:
    if not is_known and windows.used(HOUR) < answer.before[1]:
        windows.carry({MINUTE: answer.before[0], HOUR: answer.before[1]})
    windows.lend({MINUTE: answer.limits[0], HOUR: answer.limits[1]})


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
