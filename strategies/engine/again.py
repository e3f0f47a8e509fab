"""Whether an entry may be sent a second time: planned once more from what the account holds now, it must come out again.

The gate may have closed meanwhile, the account been switched off, or somebody have bought by hand what seemed to be missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from brokers.domain import Side
from strategies.engine import context as contexts
from strategies.engine import reading, steps
from strategies.engine.context import AccountContext, SignalContext
from strategies.execution import bringback
from strategies.execution.denials import explain
from strategies.execution.gate import Occasion
from strategies.execution.planner import Instruction, instruct, plan_account
from strategies.execution.terms import ZERO, AccountPlan, Purpose
from tradeproject.common.clock import utc_now

if TYPE_CHECKING:
    from strategies.engine.runner import ExecutionEngine


def occasion_of(engine: ExecutionEngine, signal: SignalContext, account: AccountContext) -> Occasion:
    """What the gate has to know beside the account."""
    return Occasion(
        now=utc_now(),
        signal_age=signal.age,
        max_age=engine.max_age_of(signal.terms.risk.max_signal_age),
        broker=account.broker,
        symbol_root=signal.root,
        is_target=signal.alert.mode == "target",
        identity=signal.identity,
        signal_price=signal.alert.signal_price,
        facts=signal.facts,
    )


def instruction_of(signal: SignalContext) -> Instruction:
    """What its alert asks for: of a strategy, or of one account that is brought back."""
    if signal.source in bringback.SOURCES:
        return bringback.instruction_of(signal.alert)
    return instruct(signal.alert, signal.terms, signal.previous)


async def entry_again(engine: ExecutionEngine, row: Mapping[str, Any], net: Decimal) -> tuple[Decimal, str]:
    """How much of an entry that never arrived is still wanted while the account holds ``net``; with zero comes the reason."""
    quantity: Decimal = row["quantity"]
    if row["signal_id"] is None:  # asked for by a person, not planned
        return quantity, ""
    signal = await _read(engine, row) if row["allocation_id"] is not None else None
    if signal is None or not signal.accounts:
        return ZERO, "the account no longer follows the strategy."
    plan = await _plan(engine, signal, signal.accounts[0], row, net)
    entry = next((draft for draft in plan.drafts if draft.purpose is Purpose.ENTRY), None)
    if entry is None:
        return ZERO, plan.no_action or "the account needs it no more."
    if entry.denial is not None:
        return ZERO, explain(entry.denial.code, entry.denial.context)
    if len(plan.drafts) > 1 or entry.side.value != row["side"]:
        return ZERO, "the account holds another position by now."
    return min(quantity, entry.quantity), ""


async def _read(engine: ExecutionEngine, row: Mapping[str, Any]) -> SignalContext | None:
    """The signal with this one account, which is the first after whatever id comes before its allocation's."""
    before = UUID(int=row["allocation_id"].int - 1)
    async with engine.pool.connection() as connection:
        return await reading.read(connection, row["signal_id"], before, 1)


async def _plan(
    engine: ExecutionEngine,
    signal: SignalContext,
    account: AccountContext,
    row: Mapping[str, Any],
    net: Decimal,
) -> AccountPlan:
    account.open_orders = [order for order in account.open_orders if order["id"] != row["id"]]
    await engine.instruments.attach(signal, [account])
    if steps.matter(signal, account):
        await steps.read_steps(engine, signal, account)
    account.view = replace(
        account.view,
        facts=replace(account.view.facts, built=steps.built(account)),
        net=net,
        held=net,
        working_buys=contexts.resting(account, Side.BUY, set()),
        working_sells=contexts.resting(account, Side.SELL, set()),
        unknown_orders=sum(order["status"] == "unknown" for order in account.open_orders),
        recent=contexts.recent_orders(account, signal.id),
    )
    return plan_account(
        signal.alert, instruction_of(signal), signal.terms, account.view, occasion_of(engine, signal, account)
    )
