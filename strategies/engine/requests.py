"""What people ask of the executor through rows: cancel this order, close this position, finish what a crash left pending."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from brokers.domain import OrderStatus, Outcome, Side, SubmitResult
from brokers.errors import BrokerError
from brokers.ratelimit import Lane as Priority
from strategies.engine import upkeep
from strategies.engine.context import risk_terms
from strategies.engine.lanes import Holding
from strategies.engine.orders import FLATTEN
from strategies.execution.terms import ZERO, Denial

if TYPE_CHECKING:
    from strategies.engine.reconcile import Unknown
    from strategies.engine.runner import ExecutionEngine

logger = logging.getLogger(__name__)


class Requests:
    def __init__(self, engine: ExecutionEngine) -> None:
        self._engine = engine
        self._busy: set[UUID] = set()

    async def serve(self) -> None:
        """Take up every open request once."""
        if not self._engine.holds_shard:
            return
        async with self._engine.pool.connection() as connection, connection.pipeline():
            given_up = await connection.execute(upkeep.GIVE_UP_ENTRIES)
            pending = await connection.execute(upkeep.PENDING_ORDERS)
            cancels = await connection.execute(upkeep.CANCEL_REQUESTS)
            pending_rows, cancel_rows = await pending.fetchall(), await cancels.fetchall()
            given_up_rows = await given_up.fetchall()
        for row in given_up_rows:
            if row["is_first"]:
                text = f"Not filled within {row['cancel_after']} s: canceled, as its alert asked."
                self._engine.writer.event(row["id"], "cancel_requested", text)
        for row in pending_rows:
            self._start(row["id"], self._send_pending)
        for row in cancel_rows:
            self._start(row["id"], self._cancel)

    def _start(self, order_id: UUID, work: Callable[[UUID], Coroutine[Any, Any, None]]) -> None:
        if order_id not in self._busy:
            self._busy.add(order_id)
            task = self._engine.spawn(work(order_id))
            task.add_done_callback(lambda _: self._busy.discard(order_id))

    # --- orders that wait to be sent -------------------------------------------------------------------------------------

    async def _send_pending(self, order_id: UUID) -> None:
        """A requested order, or a reversal's entry whose executor died between its exit and itself."""
        order = await self._engine.reconciler.read(order_id)
        if order is None or order.row["status"] != OrderStatus.PENDING.value or order.row["venue_id"] is None:
            return
        if order.row["signal_id"] is not None and order.row["signal_id"] in self._engine.executing:
            return
        if order.session is None:
            state = order.row["connection_state"].replace("_", " ")
            reason = order.row["connection_reason"]
            await self._deny(order, Denial("CONNECTION_NOT_READY", {"state": state, "reason": reason}))
            return
        lane = self._engine.lanes.get((order.row["broker_account_id"], order.row["instrument_id"]))
        holding = Holding(lane.join(order.row["strategy_id"]))
        holding.hold()
        try:
            if await self._has_lane(order, holding):
                await self._send_in_lane(order, holding)
        finally:
            holding.let_go()

    async def _has_lane(self, order: Unknown, holding: Holding) -> bool:
        """Wait for the lane. A flatten does not wait for ever: the venue itself closes whatever is there then."""
        if holding.ticket is None:
            return False
        try:
            async with asyncio.timeout(self._engine.timings.lane_wait):
                await holding.ticket.wait()
        except TimeoutError:
            holding.ticket.lane.lost_track = True
            return bool(order.row["purpose"] == FLATTEN)
        return True

    async def _send_in_lane(self, order: Unknown, holding: Holding) -> None:
        decided_at = self._engine.pulse.now()
        quantity, held, denial = await self._what_to_send(order, holding)
        if denial is not None:
            await self._deny(order, denial)
            return
        fence, denial = await self._engine.claims.claim(order.id, quantity)
        if denial is not None:
            await self._deny(order, denial)
        if fence is not None:
            handle = order.row["client_order_id"]
            await self._engine.reconciler.send_row(
                order, handle, quantity, fence, holding, held=held, decided_at=decided_at
            )

    async def _what_to_send(
        self, order: Unknown, holding: Holding
    ) -> tuple[Decimal, Decimal | None, Denial | None]:
        """Quantity and position, or why it is not sent: an exit closes at most what is held (law 5)."""
        row = order.row
        quantity: Decimal = row["quantity"]
        if row["purpose"] == FLATTEN:
            return quantity, None, None
        held = await self._position(order, holding)
        if row["depends_on_id"] is not None:
            return quantity, held, await self._second_half_denial(order, held)
        if row["purpose"] == "exit":
            if held is None:
                return quantity, None, Denial("POSITION_UNKNOWN")
            closable = max(ZERO, -Side(row["side"]).sign * held)
            if not closable:
                return quantity, held, Denial("EXIT_WOULD_OPEN", {"quantity": quantity, "held": closable})
            quantity = min(quantity, closable)
        return quantity, held, None

    async def _position(self, order: Unknown, holding: Holding) -> Decimal | None:
        if holding.lane is None or order.session is None:
            return None
        key = (order.ref.id, order.row["venue_id"])
        patience = self._engine.timings.exit_patience if order.is_exit else 0.0
        return await self._engine.positions.find(order.session, key, holding.lane, patience=patience)

    async def _second_half_denial(self, order: Unknown, held: Decimal | None) -> Denial | None:
        """The entry half of a reversal goes only after its exit was filled, on a flat account, while its alert is fresh."""
        first = await self._engine.reconciler.read(order.row["depends_on_id"])
        status = first.row["status"] if first is not None else "gone"
        if status != OrderStatus.FILLED.value:
            return Denial("EXIT_NOT_CONFIRMED", {"status": status.replace("_", " ")})
        if order.row["overtaken"]:
            return Denial("SIGNAL_SUPERSEDED")
        limit = self._engine.max_age_of(risk_terms(order.row["risk"] or {}).max_signal_age)
        if order.row["age"] > limit:
            return Denial(
                "SIGNAL_STALE", {"age_seconds": round(order.row["age"], 1), "max_age_seconds": limit}
            )
        if held is None:
            return Denial("POSITION_UNKNOWN")
        return Denial("EXIT_NOT_CONFIRMED", {"status": "the position is not flat"}) if held else None

    async def _deny(self, order: Unknown, denial: Denial) -> None:
        row = order.row
        await self._engine.claims.deny(
            order.id, denial, row["user_id"], row["signal_id"], row["strategy_id"], order.ref.name
        )

    # --- cancels ---------------------------------------------------------------------------------------------------------

    async def _cancel(self, order_id: UUID) -> None:
        order = await self._engine.reconciler.read(order_id)
        if order is None or order.session is None or order.session.adapter is None:
            return
        if not order.row["venue_order_id"]:
            return  # not known at the venue yet; the request waits for that
        await order.session.budget.take(Priority.CANCEL)
        result = await self._ask_to_cancel(order)
        words = {
            Outcome.ACCEPTED: "The cancel was accepted by the broker.",
            Outcome.REJECTED: f"The broker refused the cancel: {result.message}",
            Outcome.UNKNOWN: f"The cancel's outcome is not known: {result.message}",
        }
        self._engine.writer.event(order_id, "cancel", words[result.outcome])
        if result.outcome is not Outcome.UNKNOWN and not result.not_taken:
            async with self._engine.pool.connection() as connection:
                await connection.execute(upkeep.CANCEL_SERVED, {"order": order_id})
        else:
            # Asked again with the next sweep; meanwhile this one must not be repeated every few milliseconds.
            await asyncio.sleep(max(result.retry_after or 0.0, self._engine.timings.protect_again))

    async def _ask_to_cancel(self, order: Unknown) -> SubmitResult:
        adapter = order.session.adapter if order.session is not None else None
        if adapter is None:
            return SubmitResult.unknown("SESSION_DOWN", "The broker login has no connection at the moment.")
        handle = f"{order.row['client_order_id']}x"
        try:
            async with asyncio.timeout(self._engine.timings.ask):
                return await adapter.cancel(order.ref, order.row["venue_order_id"], handle)
        except TimeoutError:
            return SubmitResult.unknown("NO_ANSWER", "The broker did not answer in time.")
        except BrokerError as error:
            return SubmitResult.unknown(error.code, error.message)
        except Exception as error:  # the edge of one order (law 8)
            logger.exception("adapter crashed while canceling", extra={"order": str(order.id)})
            return SubmitResult.unknown("ADAPTER_FAILED", f"The adapter failed with {type(error).__name__}.")
