"""Placing protective orders at the venue, and finding out what became of those whose answer was lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from brokers.domain import (
    AccountRef,
    Instrument,
    LegKind,
    LegSpec,
    OrderReport,
    OrderStatus,
    Outcome,
    Side,
    SubmitResult,
)
from brokers.errors import BrokerError
from brokers.ratelimit import Lane as Priority
from brokers.sessions import BrokerSession
from strategies.engine import sql
from strategies.engine.asking import ask_order
from strategies.engine.orders import CHANNEL, fresh_leg_handle, leg_handle
from strategies.engine.writer import leg_row
from tradeproject.common.crashpoints import crash_point
from tradeproject.common.ids import client_order_id, uuid7

if TYPE_CHECKING:
    from strategies.engine.runner import ExecutionEngine

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to protect one entry's open part: absolute prices for a quantity. ``side`` is the position's own."""

    order_id: UUID
    side: Side
    quantity: Decimal
    legs: tuple[LegSpec, ...]
    handle: str
    decided_at: float
    """When it was seen that they are missing, in the pulse's time."""

    def only(self, kind: LegKind) -> Wanted:
        return replace(self, legs=tuple(leg for leg in self.legs if leg.kind is kind))

    def rows(self, status: str, result: SubmitResult | None = None, reason: str = "") -> list[dict[str, Any]]:
        ids = result.leg_order_ids if result is not None else {}
        return [
            leg_row(
                self.order_id,
                leg.kind,
                status,
                venue_order_id=ids.get(leg.kind, ""),
                client_order_id=leg_handle(self.handle, leg.kind),
                price=leg.price,
                quantity=self.quantity,
                reason=reason or None,
                replaces=True,
            )
            for leg in self.legs
        ]


class Placer:
    def __init__(self, engine: ExecutionEngine) -> None:
        self._engine = engine

    # --- placing -------------------------------------------------------------------------------------------------------

    async def place(
        self, session: BrokerSession, ref: AccountRef, instrument: Instrument, wanted: Wanted
    ) -> None:
        """Place legs that are written down as pending. A refusal for the moment leaves them so; they are tried again."""
        crash_point("before_bracket_placed")
        result = await self._protect(session, ref, instrument, wanted)
        crash_point("after_bracket_placed")
        if result is None or result.not_taken:
            if result is not None:
                logger.warning("protection not taken yet", extra={"order": str(wanted.order_id)})
            return
        if result.outcome is Outcome.REJECTED:
            await self._refused(session, ref, instrument, wanted, result)
            return
        if result.outcome is Outcome.ACCEPTED:
            status, text = "accepted", "Protective orders placed."
        else:
            status, text = "unknown", f"Protection: {result.message}"
        await self._engine.writer.legs_now(wanted.rows(status, result))
        self._engine.writer.event(wanted.order_id, "bracket", text, {"status": status})

    async def _protect(
        self, session: BrokerSession, ref: AccountRef, instrument: Instrument, wanted: Wanted
    ) -> SubmitResult | None:
        adapter = session.adapter
        if adapter is None or not wanted.legs:
            return None
        await session.budget.take(Priority.EXIT)  # protection is as urgent as an exit
        if not self._engine.pulse.ran_since(wanted.decided_at):
            return None  # another executor may have placed them meanwhile: the sweeper looks again
        try:
            async with asyncio.timeout(self._engine.timings.send):
                return await adapter.protect(
                    ref, instrument, wanted.side, wanted.quantity, wanted.legs, wanted.handle
                )
        except TimeoutError:
            return SubmitResult.unknown("NO_ANSWER", "The broker did not answer in time. It is looked up.")
        except BrokerError as error:
            return SubmitResult.unknown(error.code, error.message)
        except Exception as error:  # the edge of one account (law 8)
            logger.exception("adapter crashed while protecting", extra={"order": str(wanted.order_id)})
            return SubmitResult.unknown("ADAPTER_FAILED", f"The adapter failed with {type(error).__name__}.")

    async def _refused(
        self,
        session: BrokerSession,
        ref: AccountRef,
        instrument: Instrument,
        wanted: Wanted,
        result: SubmitResult,
    ) -> None:
        """The venue takes not both: then the stop alone. It does not take the stop: then the position must not stay (law 6)."""
        stop = wanted.only(LegKind.STOP_LOSS)
        if stop.legs and len(wanted.legs) > 1:
            await self._engine.writer.legs_now(
                wanted.only(LegKind.TAKE_PROFIT).rows("rejected", reason=result.message)
            )
            self._engine.writer.event(wanted.order_id, "bracket", f"No take-profit: {result.message}")
            await self.place(session, ref, instrument, stop)
            return
        await self._engine.writer.legs_now(wanted.rows("rejected", reason=result.message))
        self._engine.writer.event(wanted.order_id, "bracket", f"Protection refused: {result.message}")
        if stop.legs:
            logger.error("a stop was refused; the position is closed", extra={"order": str(wanted.order_id)})
            await self._close_position(wanted)

    async def _close_position(self, wanted: Wanted) -> None:
        await self.close(wanted.order_id, wanted.quantity)

    async def close(self, order_id: UUID, quantity: Decimal) -> None:
        """Have what an entry opened closed, at most what is held then; none while an earlier close is under way."""
        close_id = uuid7()
        arguments = {
            "id": close_id,
            "client_order_id": client_order_id(close_id, 0),
            "entry": order_id,
            "quantity": quantity,
        }
        async with self._engine.pool.connection() as connection, connection.transaction():
            await connection.execute(sql.INSERT_CLOSE, arguments)
            await connection.execute("SELECT pg_notify(%s, '')", [CHANNEL])
        text = "The stop that was asked for cannot be placed, so the position is closed."
        self._engine.writer.event(order_id, "bracket", text, {"close": str(close_id)})

    async def want_again(self, legs: Sequence[DictRow]) -> None:
        """Write an entry's legs down as ours to place, under a handle that was never used."""
        handle = fresh_leg_handle()
        for leg in legs:
            leg["client_order_id"], leg["status"] = (
                leg_handle(handle, leg["kind"]),
                OrderStatus.PENDING.value,
            )
        rows = [{"id": str(leg["id"]), "client_order_id": leg["client_order_id"]} for leg in legs]
        async with self._engine.pool.connection() as connection:
            await connection.execute(sql.WANT_LEGS, {"rows": Jsonb(rows)})

    # --- looking up ----------------------------------------------------------------------------------------------------

    async def look_up(
        self, session: BrokerSession, ref: AccountRef, row: DictRow, legs: list[DictRow]
    ) -> None:
        """Find out what became of legs that went with their entry, or were sent and not answered, or were to be canceled.

        Afterwards a leg is *pending* only if it provably does not stand.
        """
        lost: list[DictRow] = []
        for leg in legs:
            if leg["status"] not in {"pending", "submitted", "unknown"}:
                continue
            try:
                report = await self._find(session, ref, row, leg)
            except BrokerError as error:
                logger.warning("leg not looked up", extra={"leg": str(leg["id"]), "reason": error.message})
                leg["status"] = OrderStatus.UNKNOWN.value
                continue
            if report is not None and report.status in {
                OrderStatus.CANCELED,
                OrderStatus.EXPIRED,
                OrderStatus.REJECTED,
            }:
                report = None
                leg["age"] = max(leg["age"], self._engine.timings.proof)
            if report is not None:
                leg["status"] = report.status.value
                await self._engine.writer.legs_now(
                    [
                        leg_row(
                            row["id"],
                            leg["kind"],
                            report.status.value,
                            venue_order_id=report.venue_order_id,
                            replaces=True,
                        )
                    ]
                )
            elif leg["status"] != OrderStatus.PENDING.value and leg["age"] >= self._engine.timings.proof:
                lost.append(leg)
        if lost:
            await self.want_again(lost)

    async def _find(
        self, session: BrokerSession, ref: AccountRef, row: DictRow, leg: DictRow
    ) -> OrderReport | None:
        """The leg at the venue: by its id there, by our handle, or by the entry it hangs on. Raises BrokerError."""
        venue_id, handle = leg["venue_order_id"], leg["client_order_id"]
        known = session.orders.get(venue_id) if venue_id else None
        if known is not None and not known.status.is_final:
            return known
        found = session.orders.by_client(ref.id, handle) or _of_kind(
            session.orders.of_parent(ref.id, row["venue_order_id"]), LegKind(leg["kind"])
        )
        if found is not None or (known is not None and leg["status"] == OrderStatus.PENDING.value):
            return found if found is not None else known
        if leg["status"] == OrderStatus.PENDING.value and not venue_id and session.is_synced:
            return None  # never placed: the stream would have told
        return await ask_order(
            session, ref, self._engine.timings.ask, client_order_id=handle, venue_order_id=venue_id
        )


def _of_kind(orders: list[OrderReport], kind: LegKind) -> OrderReport | None:
    """A leg of that kind which still stands: a target has a limit price, a stop a stop price."""
    for order in orders:
        is_target = order.stop_price is None and order.limit_price is not None
        if is_target == (kind is LegKind.TAKE_PROFIT) and not order.status.is_final:
            return order
    return None
