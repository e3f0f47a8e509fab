"""A late order is confirmed before it leaves: by its claim, on the database's clock, and an exit by what there is to close."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from brokers.domain import SubmitResult
from strategies.engine import sql
from strategies.engine.claims import switched_off
from strategies.engine.inflight import InFlight
from strategies.engine.orders import Parcel
from strategies.execution.denials import explain
from strategies.execution.dispatcher import CLAIM_LOST, Dispatch
from strategies.execution.terms import ZERO, Denial, Purpose

if TYPE_CHECKING:
    from strategies.engine.runner import ExecutionEngine


class Sendable(Protocol):
    """What is about to be sent; its parcel may be replaced by a smaller one."""

    parcel: Parcel


class Confirmer:
    def __init__(self, engine: ExecutionEngine) -> None:
        self._engine = engine

    async def confirm(self, command: Sendable, inflight: InFlight, item: Dispatch) -> SubmitResult | None:
        """Renew the claim before a late try. An order that is somebody else's, or was switched off, must not go; an exit that was
        decided a while ago is held against the venue's own word first.
        """
        objection = await self._renew(item)
        slept = self._is_old_exit(command.parcel, item)
        while objection is None and slept:
            item.decided_at = self._engine.pulse.now()
            answer = await self._closable(command.parcel, inflight, item)
            if isinstance(answer, SubmitResult):
                return answer
            # The last word before it leaves is the database's: asking the venue took its time.
            objection = await self._renew(item, quantity=answer)
            intent = replace(command.parcel.intent, quantity=answer)
            command.parcel = replace(command.parcel, intent=intent, held=inflight.before)
            slept = not self._engine.pulse.ran_since(item.decided_at)
        return objection

    def _is_old_exit(self, parcel: Parcel, item: Dispatch) -> bool:
        """A flatten is left to the venue, which closes whatever is there."""
        return parcel.purpose == Purpose.EXIT.value and not self._engine.pulse.is_fresh(item.decided_at)

    async def _renew(self, item: Dispatch, quantity: Decimal | None = None) -> SubmitResult | None:
        lease = self._engine.timings.order_lease
        arguments = {"order": item.order_id, "fence": item.fence, "lease": lease, "quantity": quantity}
        claimed_until = asyncio.get_running_loop().time() + lease
        async with self._engine.pool.connection() as connection:
            row = await (await connection.execute(sql.EXTEND_ORDER, arguments)).fetchone()
        if row is None:
            return SubmitResult.unknown(CLAIM_LOST, "Another worker took over this order before it was sent.")
        item.claimed_until = claimed_until
        return None if row["switch"] is None else refused(switched_off(row["switch"]))

    async def _closable(self, parcel: Parcel, inflight: InFlight, item: Dispatch) -> Decimal | SubmitResult:
        """How much of the exit is still there to be closed, or why it must not go: an exit can never open a position (law 5)."""
        own = await self._own_position(parcel, inflight, item)
        if own is None or isinstance(own, SubmitResult):
            return own or refused(Denial("POSITION_UNKNOWN"))
        wanted, closable = parcel.intent.quantity, max(ZERO, -parcel.intent.side.sign * own)
        if not closable:
            return refused(Denial("EXIT_WOULD_OPEN", {"quantity": wanted, "held": closable}))
        return min(wanted, closable)

    async def _own_position(
        self, parcel: Parcel, inflight: InFlight, item: Dispatch
    ) -> Decimal | SubmitResult | None:
        """What the strategy holds, asked of the venue now. The claim is kept alive as long as the venue does not answer."""
        engine, intent = self._engine, parcel.intent
        lane = inflight.holding.lane or engine.lanes.get((parcel.account_id, parcel.instrument_id))
        loop = asyncio.get_running_loop()
        began, step = loop.time(), engine.timings.order_lease / 3
        session = engine.sessions.get(parcel.session_key)
        while True:
            book = await engine.positions.ask(session, lane, patience=step, since=began)
            if book is not None:
                inflight.before = book.net((intent.account.id, intent.instrument.venue_id))
                own = await self._own_share(parcel, inflight.before)
                if own is not None:
                    return own
            if loop.time() - began > engine.timings.exit_patience:
                return None
            objection = await self._renew(item)
            if objection is not None:
                return objection

    async def _own_share(self, parcel: Parcel, net: Decimal) -> Decimal | None:
        """None while the record, which tells what other strategies hold there, lags behind."""
        if not parcel.is_shared or parcel.strategy_id is None:
            return net
        login, account = parcel.session_key.connection_id, parcel.account_id
        others = await self._engine.positions.held_by_others(
            login, account, parcel.instrument_id, parcel.strategy_id
        )
        return None if others is None else net - others


def refused(denial: Denial) -> SubmitResult:
    """Why an order that was claimed does not go after all; nothing of it reached the venue."""
    return SubmitResult.refused_for_now(denial.code, explain(denial.code, denial.context), None)
