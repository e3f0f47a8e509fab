"""One batch of a signal's orders, written and claimed in one transaction before its first byte leaves (law 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from strategies.control import halt_after
from strategies.engine import sql
from strategies.engine.context import SignalContext
from strategies.engine.orders import AccountRun, PlannedOrder, leg_rows, order_row
from strategies.execution import bringback
from strategies.execution.denials import explain
from strategies.execution.planner import Instruction, Kind
from strategies.execution.rails import Case, cautions
from strategies.execution.terms import Denial
from tradeproject.common.crashpoints import crash_point
from tradeproject.common.ids import uuid7
from tradeproject.common.money import plain

if TYPE_CHECKING:
    from strategies.engine.runner import ExecutionEngine

HALTED_BY = {
    "EXECUTION_REPEATED": "strategy",
    "REVERSALS_REPEATED": "strategy",
    "REJECTS_IN_A_ROW": "broker_account",
}


class BatchWriter:
    """Writes the batches of one signal. The plan, with why an account got no order, is part of the trace too."""

    def __init__(self, engine: ExecutionEngine, signal: SignalContext, instruction: Instruction) -> None:
        self._engine, self._signal = engine, signal
        self._decisions: dict[str, str] = {}
        self._halted: set[tuple[str, UUID]] = set()
        base = instruction.base
        if instruction.kind is Kind.ENTER and instruction.side is not None:
            base = base * instruction.side.sign
        self._plan = {
            # What brings an account back is no word of the strategy: later alerts are not compared with it.
            "kind": "bring_back" if signal.source in bringback.SOURCES else instruction.kind.value,
            "base": plain(base),
            "chart": plain(instruction.chart),
            "side": instruction.side.value if instruction.side is not None else None,
            "reduces_only": instruction.reduces_only,
            "whole": instruction.part is None and instruction.percent is None,
        }

    async def write(self, batch: list[AccountRun]) -> None:
        """Insert the batch's orders. Those that are not ours to send afterwards are taken out of their runs."""
        for run in batch:
            if run.plan is not None and run.plan.no_action:
                self._decisions[str(run.account.account_id)] = run.plan.no_action
        written = await self._insert([(run, order) for run in batch for order in run.orders])
        for run in batch:
            if any(str(order.id) not in written for order in run.orders):
                # Another executor wrote this account's orders first: they are its to send.
                run.orders = []
            for order in run.orders:
                self._take(run, order, written[str(order.id)])

    async def _insert(self, orders: list[tuple[AccountRun, PlannedOrder]]) -> dict[str, DictRow]:
        """A pipeline of autocommit statements is one transaction and one round trip: all of it is stored, or nothing."""
        signal, engine = self._signal, self._engine
        rows = [order_row(run, order) for run, order in orders]
        legs = [leg for run, order in orders for leg in leg_rows(order, self._leg_status(run))]
        lease = engine.timings.order_lease
        common = {"worker": engine.worker, "signal": signal.id, "fence": signal.fence, "lease": lease}
        told = {
            "signal": signal.id,
            "fence": signal.fence,
            "plan": Jsonb(self._plan),
            "why": Jsonb(self._decisions),
            "batch": uuid7(),
            "accounts": signal.account_count,
        }
        crash_point("before_plan_commit")
        async with engine.pool.connection() as connection, connection.pipeline():
            cursor = None
            await connection.execute(sql.PLANNED, told)
            if rows:
                cursor = await connection.execute(sql.INSERT_ORDERS, {**common, "rows": Jsonb(rows)})
            if legs:
                await connection.execute(sql.INSERT_LEGS, {"rows": Jsonb(legs)})
        crash_point("after_plan_commit")
        return {str(row["id"]): row for row in await cursor.fetchall()} if cursor is not None else {}

    def _leg_status(self, run: AccountRun) -> str:
        emulated = self._engine.brackets.is_emulated(run.account.session_key, run.account.broker)
        return "pending" if emulated else "submitted"

    def _take(self, run: AccountRun, order: PlannedOrder, row: dict[str, Any]) -> None:
        """What the database made of an order: a switch that was turned a moment ago denies it."""
        if row["status"] == "denied" and order.status != "denied":
            order.deny(Denial(row["deny_code"], row["deny_context"]))
        denial = order.draft.denial
        if denial is None:
            self._engine.paces.sending(run.account.account_id)
            self._caution(run, order)
        else:
            self._halt(run, denial)
            message = explain(denial.code, denial.context)
            self._engine.writer.event(order.id, "denied", message, {"code": denial.code})
            problem = {"account": run.account.ref.name, "code": denial.code, "message": message[:200]}
            self._engine.writer.denied(run.signal.user_id, run.signal.id, run.signal.strategy_id, problem)

    def _caution(self, run: AccountRun, order: PlannedOrder) -> None:
        """What its owner should know of an entry that goes all the same."""
        if order.is_exit:
            return
        signal, view = self._signal, run.account.view
        case = Case(order.draft, view, signal.terms.risk, signal.facts, signal.alert.signal_price)
        for found in cautions(case):
            message = explain(found.code, found.context)
            self._engine.writer.event(order.id, "caution", message, {"code": found.code})

    def _halt(self, run: AccountRun, denial: Denial) -> None:
        """Some limits stop more than the order: a loop of alerts its strategy, a row of refusals its account."""
        target = HALTED_BY.get(denial.code)
        if target is None:
            return
        object_id = self._signal.strategy_id if target == "strategy" else run.account.account_id
        if (target, object_id) in self._halted:
            return
        self._halted.add((target, object_id))
        if target == "broker_account":
            self._engine.paces.forget_rejects((run.account.session_key, run.account.ref.id))
        reason = explain(denial.code, denial.context)
        self._engine.spawn(self._engine.in_thread(halt_after, target, object_id, reason))
