"""Making way for a signal: protective orders go before an exit, resting entries before what replaces them.

Legs are written down as wanted again *before* they are canceled at the venue, so that whatever happens in between, the
sweeper brings back the protection of what stays open (``protection.py``).
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from brokers.domain import AccountRef, LegKind, OrderReport, OrderStatus, OrderType
from brokers.errors import BrokerError
from brokers.ratelimit import Lane as Priority
from brokers.registry import get_spec
from brokers.sessions import BrokerSession, SessionKey
from strategies.engine import sql
from strategies.engine.context import OpenLeg
from strategies.engine.orders import AccountRun, wanted_leg_rows
from strategies.engine.writer import leg_row
from strategies.execution.gate import Occasion
from strategies.execution.planner import Instruction, Kind, plan_account
from strategies.execution.terms import ZERO, AccountPlan, AccountView, Purpose

if TYPE_CHECKING:
    from strategies.engine.runner import ExecutionEngine

logger = logging.getLogger(__name__)


class Brackets:
    def __init__(self, engine: ExecutionEngine) -> None:
        self._engine = engine
        self._emulated: set[SessionKey] = set()

    # --- who places the legs -----------------------------------------------------------------------------------------

    def is_emulated(self, key: SessionKey, broker: str) -> bool:
        return key in self._emulated or not get_spec(broker).capabilities.bracket

    def emulate_from_now(self, key: SessionKey) -> None:
        self._emulated.add(key)
        logger.warning(
            "the venue takes no brackets; placing them here", extra={"connection": str(key.connection_id)}
        )

    # --- what is in the way ------------------------------------------------------------------------------------------

    def own_legs(self, run: AccountRun, session: BrokerSession) -> list[OpenLeg]:
        """This strategy's protective orders on what the account holds; those of an entry that still rests go with it."""
        return [
            leg
            for leg in run.account.legs
            if leg.strategy_id == run.signal.strategy_id
            and leg.instrument_id in run.account.row_ids
            and _has_filled(session, run.account.ref, leg)
        ]

    def working_entries(self, run: AccountRun) -> list[DictRow]:
        kind = run.signal.alert.cancel_order_type
        return [
            order
            for order in run.account.open_orders
            if order["strategy_id"] == run.signal.strategy_id
            and order["instrument_id"] in run.account.row_ids
            and order["signal_id"] != run.signal.id
            and order["purpose"] == Purpose.ENTRY.value
            and order["order_type"] != OrderType.MARKET.value
            and order["status"] in {"accepted", "partially_filled"}
            and (kind is None or order["order_type"] == kind.value)
        ]

    def in_the_way(self, run: AccountRun, session: BrokerSession) -> bool:
        return bool(self.working_entries(run) or self.own_legs(run, session))

    # --- clearing the way --------------------------------------------------------------------------------------------

    async def clear_the_way(
        self, run: AccountRun, session: BrokerSession, instruction: Instruction, occasion: Occasion
    ) -> bool:
        """Cancel what must not outlive this signal. Returns whether anything was canceled (the position may differ then)."""
        view = run.account.view
        without = Without(run, instruction, occasion)
        legs = self.own_legs(run, session) if without.exits or without.is_flat else []
        entries = self.working_entries(run) if without.ends_resting(view) else []
        if not legs and not entries:
            return False
        run.canceled_legs = legs
        await self._want_again(run)
        await asyncio.gather(
            *(self._take_away(run, session, leg) for leg in legs),
            *(self._cancel_entry(run, session, entry) for entry in entries),
        )
        return True

    async def _want_again(self, run: AccountRun) -> None:
        if run.canceled_legs:
            rows = Jsonb(wanted_leg_rows(run))
            async with self._engine.pool.connection() as connection:
                await connection.execute(sql.WANT_LEGS, {"rows": rows})

    async def _take_away(self, run: AccountRun, session: BrokerSession, leg: OpenLeg) -> None:
        report = await self.cancel_leg(session, run.account.ref, leg)
        name = leg.kind.replace("_", "-")
        if report is not None and report.status is OrderStatus.FILLED:
            run.canceled_legs = [other for other in run.canceled_legs if other is not leg]
            await self._engine.writer.legs_now([leg_row(leg.order_id, leg.kind, "filled", replaces=True)])
            text = f"The {name} was filled before it could be taken away."
        else:
            text = f"The {name} was taken away for an exit."
        self._engine.writer.event(leg.order_id, "bracket", text)

    async def _cancel_entry(self, run: AccountRun, session: BrokerSession, entry: dict[str, Any]) -> None:
        handle = entry["client_order_id"]
        report = await self.cancel(session, run.account.ref, entry["venue_order_id"], handle)
        if report is None:
            return
        run.canceled_entries.add(entry["id"])
        if not report.filled_quantity:
            for kind in LegKind:
                self._engine.writer.leg(entry["id"], kind, "canceled")

    async def cancel_leg(self, session: BrokerSession, ref: AccountRef, leg: OpenLeg) -> OrderReport | None:
        """Its last report; None when it never stood, or could not be confirmed to be over."""
        venue_order_id = leg.venue_order_id
        if not venue_order_id:
            found = session.orders.by_client(ref.id, leg.placed_as)
            if found is None and leg.status in {"submitted", "unknown"}:
                found = await self._engine.lookup(session.key, ref, leg.placed_as)
            venue_order_id = found.venue_order_id if found is not None else ""
        return await self.cancel(session, ref, venue_order_id, leg.placed_as)

    async def cancel(
        self, session: BrokerSession, ref: AccountRef, venue_order_id: str, handle: str
    ) -> OrderReport | None:
        """Cancel one order and wait until it is over. Its last report; None when that could not be confirmed.

        A refusal is fine when the order had already ended. Never raises: an exit must not fail over its cancels (law 9).
        """
        known = session.orders.get(venue_order_id) if venue_order_id else None
        if known is not None and known.status.is_final:
            return known
        if not venue_order_id or session.adapter is None:
            return None
        timings = self._engine.timings
        try:
            await session.budget.take(Priority.CANCEL)
            async with asyncio.timeout(timings.ask):
                await session.adapter.cancel(ref, venue_order_id, f"{handle}x")
            if session.is_synced:
                ended = await session.order_ended(venue_order_id, timings.cancel_confirm)
                if ended is not None:
                    return ended
            async with asyncio.timeout(timings.ask):
                report = await session.adapter.order_report(ref, venue_order_id=venue_order_id)
            return report if report is not None and report.status.is_final else None
        except (BrokerError, TimeoutError) as error:
            logger.warning("cancel not confirmed", extra={"order": venue_order_id, "reason": str(error)})
        except Exception:  # the edge of one order (law 8)
            logger.exception("adapter crashed while canceling", extra={"order": venue_order_id})
        return None


def _has_filled(session: BrokerSession, ref: AccountRef, leg: OpenLeg) -> bool:
    """Whether the leg's entry has a fill, as far as anybody knows: our rows hear of it a moment after the stream."""
    if leg.entry_filled > 0 or leg.entry_is_market:
        return True
    entry = session.orders.get(leg.entry_venue_id) or session.orders.by_client(ref.id, leg.entry_client_id)
    return entry is not None and entry.filled_quantity > 0


class Without:
    """What the signal would do if the strategy's resting entries were gone: what decides which of them must go."""

    def __init__(self, run: AccountRun, instruction: Instruction, occasion: Occasion) -> None:
        self._alert, self._instruction = run.signal.alert, instruction
        self.plan: AccountPlan = plan_account(
            run.signal.alert, instruction, run.signal.terms, _without_resting(run.account.view), occasion
        )
        sent = [draft for draft in self.plan.drafts if draft.denial is None]
        self.exits = any(draft.purpose is Purpose.EXIT for draft in sent)
        self.enters = any(draft.purpose is Purpose.ENTRY for draft in sent)
        self.is_flat = instruction.reduces_only and run.account.view.net == ZERO

    def ends_resting(self, view: AccountView) -> bool:
        """TradersPost's rule: entries rest on when the position grows, not when it ends, turns or begins anew. A target says
        all there is to say, so nothing rests beside it. The alert's own word wins.
        """
        asked = self._alert.cancel_first
        if self._instruction.kind is Kind.CANCEL:
            return True
        if asked is not None:
            return asked
        if self.is_flat or (self.exits and self.plan.remaining == ZERO):
            return True
        return self.enters and (self._instruction.kind is Kind.TARGET or not view.net or self.exits)


def _without_resting(view: AccountView) -> AccountView:
    return replace(view, working_buys=ZERO, working_sells=ZERO)
