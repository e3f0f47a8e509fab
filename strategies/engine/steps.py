"""Of what a strategy's position at one account is built, where somebody limits what may be added to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING
from uuid import UUID

from psycopg.rows import DictRow

from brokers.domain import Side
from strategies.engine import upkeep
from strategies.engine.context import RESTING, AccountContext, SignalContext
from strategies.execution.adds import Step, built_by
from strategies.execution.guard import Entry
from strategies.execution.limits import limits_adds
from strategies.execution.terms import Built, Purpose

if TYPE_CHECKING:
    from strategies.engine.runner import ExecutionEngine


def matter(signal: SignalContext, account: AccountContext) -> bool:
    return limits_adds(signal.terms.risk, account.view.limits)


async def read_steps(engine: ExecutionEngine, signal: SignalContext, account: AccountContext) -> None:
    """Note them on the account; its lane is ours, so that nothing is added meanwhile."""
    arguments = {
        "account": account.account_id,
        "instruments": [row_id for row_id in account.row_ids if row_id is not None],
        "strategy": signal.strategy_id,
        "signal": signal.id,
    }
    async with engine.pool.connection() as connection:
        account.steps = await (await connection.execute(upkeep.STEPS, arguments)).fetchall()


def built(account: AccountContext, gone: Collection[UUID] = ()) -> Mapping[Side, Built] | None:
    """None when nobody read it; ``gone`` entries were canceled a moment ago."""
    if account.steps is None:
        return None
    return built_by(_step(row, row["id"] in gone) for row in account.steps)


def _step(row: DictRow, is_gone: bool) -> Step:
    entry = Entry(
        order_id=row["id"],
        is_entry=row["purpose"] == Purpose.ENTRY.value,
        closes_all=row["purpose"] == "flatten",
        side=Side(row["side"]),
        filled=row["filled_quantity"],
        closed=row["closed"],
    )
    works = not is_gone and row["status"] in RESTING
    return Step(entry, row["signal_id"], row["average_price"], works)
