"""Pending orders are taken by compare-and-set, or closed with the reason why they never go."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg.types.json import Jsonb

from strategies.engine import sql
from strategies.execution.denials import as_text, explain
from strategies.execution.terms import Denial
from tradeproject.common.crashpoints import crash_point

if TYPE_CHECKING:
    from strategies.engine.runner import ExecutionEngine


class Claims:
    def __init__(self, engine: ExecutionEngine) -> None:
        self._engine = engine

    async def claim(
        self, order_id: UUID, quantity: Decimal | None = None
    ) -> tuple[int | None, Denial | None]:
        """Take a pending order: its fence, or why it must not go; neither when somebody else took it."""
        engine = self._engine
        arguments = {
            "order": order_id,
            "worker": engine.worker,
            "lease": engine.timings.order_lease,
            "quantity": quantity,
        }
        async with engine.pool.connection() as connection:
            row = await (await connection.execute(sql.CLAIM_ORDER, arguments)).fetchone()
        crash_point("after_claim")
        return (row["fence"], None) if row else (None, await self.switch_of(order_id))

    async def switch_of(self, order_id: UUID) -> Denial | None:
        """The trading switch that forbids an order, if one does."""
        async with self._engine.pool.connection() as connection:
            row = await (await connection.execute(sql.SWITCH, {"order": order_id})).fetchone()
        return switched_off(row) if row else None

    async def deny(
        self,
        order_id: UUID,
        denial: Denial,
        user_id: UUID,
        signal_id: UUID | None,
        strategy_id: UUID | None,
        account: str,
    ) -> None:
        """Close an order that was never claimed, and tell why."""
        context = Jsonb(as_text(denial.context))
        arguments = {"order": order_id, "code": denial.code, "context": context}
        async with self._engine.pool.connection() as connection:
            row = await (await connection.execute(sql.DENY_PENDING, arguments)).fetchone()
        if row is not None:
            message, writer = explain(denial.code, denial.context), self._engine.writer
            writer.event(order_id, "denied", message, {"code": denial.code})
            problem = {"account": account, "code": denial.code, "message": message[:200]}
            writer.denied(user_id, signal_id, strategy_id, problem)


def switched_off(switch: Mapping[str, Any]) -> Denial:
    return Denial(f"CONTROL_{switch['state'].upper()}", {"scope": switch["scope"].replace("_", " ")})
