"""Orders whose outcome nobody knows: looked up at the venue until it is decided, never sent again blindly (law 4).

* A look-up counts as "not there" only when the query itself succeeded and is at least three seconds younger than the send.
* Three such answers over at least ten seconds, and no fill that could be this order's, prove that it never arrived.
* Then an entry is sent once more while its alert is fresh and nothing newer came; an exit is sent once more for what the
  account still holds; otherwise the order is closed as expired, with the reason in words.
* A query that fails says nothing: it is repeated with growing waits, and the order stays unknown.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
from psycopg.rows import DictRow
from psycopg_pool import PoolTimeout

from brokers.domain import AccountRef, OrderReport, OrderStatus, Side
from brokers.errors import BrokerError, Unavailable
from brokers.sessions import BrokerSession, SessionKey
from strategies.engine import sql, upkeep
from strategies.engine.again import entry_again
from strategies.engine.asking import ask_order
from strategies.engine.context import risk_terms
from strategies.engine.lanes import Holding
from strategies.engine.orders import leg_handle
from strategies.engine.rows import parcel_from
from strategies.engine.writer import leg_row
from strategies.events import OrderUndecided
from strategies.execution.denials import explain
from strategies.execution.terms import ZERO, Purpose
from tradeproject.common.crashpoints import crash_point
from tradeproject.common.ids import client_order_id

if TYPE_CHECKING:
    from strategies.engine.runner import ExecutionEngine

logger = logging.getLogger(__name__)

NEEDED_LOOKUPS = 3
FILL_WINDOW = timedelta(seconds=5)
UNUSABLE = {"disabled", "needs_reauthorization"}


@dataclass(frozen=True, slots=True)
class Unknown:
    """One order known by its row, and how to reach its account."""

    row: DictRow
    session: BrokerSession | None
    ref: AccountRef

    @property
    def id(self) -> UUID:
        order_id: UUID = self.row["id"]
        return order_id

    @property
    def is_exit(self) -> bool:
        return bool(self.row["purpose"] != Purpose.ENTRY.value)

    def connected(self) -> BrokerSession:
        """Its session. Raises BrokerError when the login cannot be used."""
        if self.session is None:
            raise Unavailable("The broker login is switched off or waits for its owner.")
        return self.session


class Reconciler:
    def __init__(self, engine: ExecutionEngine) -> None:
        self._engine = engine
        self._busy: set[UUID] = set()
        self._failures: dict[UUID, int] = {}
        self._alarmed: set[UUID] = set()

    async def look_up_due(self) -> None:
        """Start a look-up for every undecided order whose time has come."""
        async with self._engine.pool.connection() as connection:
            rows = await (await connection.execute(upkeep.DUE_LOOKUPS)).fetchall()
        for row in rows:
            if row["id"] not in self._busy:
                self._busy.add(row["id"])
                self._engine.spawn(self._look_up(row["id"]))
        for order_id in list(self._alarmed):
            await self._end_alarm(order_id)

    async def _end_alarm(self, order_id: UUID) -> None:
        """Whoever was told that an order's outcome is not known hears how it ended, whoever found out."""
        order = await self.read(order_id)
        status = OrderStatus.EXPIRED.value if order is None else str(order.row["status"])
        if status == OrderStatus.UNKNOWN.value:
            return
        self._alarmed.discard(order_id)
        if order is not None and status != OrderStatus.EXPIRED.value:
            self._tell(order, "found", f"The broker has it as {status.replace('_', ' ')}.")

    async def _look_up(self, order_id: UUID) -> None:
        try:
            order = await self.read(order_id)
            if order is None or order.row["status"] != OrderStatus.UNKNOWN.value:
                self._failures.pop(order_id, None)
                return
            try:
                await self._conclude(order, await self._ask(order))
            except BrokerError as error:
                await self._failed(order, error)
            except Exception as error:  # the edge of one order: it is looked up again, less and less often
                if isinstance(error, psycopg.Error | PoolTimeout):
                    raise
                logger.exception("look-up failed", extra={"order": str(order_id)})
                await self._failed(order, BrokerError(f"The look-up failed with {type(error).__name__}."))
        finally:
            self._busy.discard(order_id)

    async def _conclude(self, order: Unknown, report: OrderReport | None) -> None:
        crash_point("after_lookup")
        self._failures.pop(order.id, None)
        if report is None:
            await self._not_found(order)
        elif report.status in {OrderStatus.UNKNOWN, OrderStatus.SUBMITTED, OrderStatus.PENDING}:
            await self._later(order, self._engine.timings.lookup, counted=0)
        else:
            await self._found(order, report)

    async def read(self, order_id: UUID) -> Unknown | None:
        async with self._engine.pool.connection() as connection:
            row = await (await connection.execute(upkeep.ORDER, {"order": order_id})).fetchone()
        if row is None:
            return None
        key = SessionKey(row["connection_id"], row["environment"])
        session = None if row["connection_state"] in UNUSABLE else self._engine.sessions.get(key)
        return Unknown(row, session, AccountRef(row["external_id"], row["account_name"]))

    async def _ask(self, order: Unknown) -> OrderReport | None:
        session, handle = order.connected(), order.row["client_order_id"]
        known = session.orders.by_client(order.ref.id, handle)
        if known is not None:
            return known
        seconds, venue_order_id = self._engine.timings.ask, order.row["venue_order_id"]
        return await ask_order(
            session, order.ref, seconds, client_order_id=handle, venue_order_id=venue_order_id
        )

    async def _failed(self, order: Unknown, error: BrokerError) -> None:
        count = self._failures[order.id] = self._failures.get(order.id, 0) + 1
        waits = self._engine.timings.failed_lookups
        if count == 1:
            self._engine.writer.event(order.id, "lookup", f"The broker could not be asked: {error.message}")
        if order.row["undecided_for"] >= self._engine.timings.alarm and order.id not in self._alarmed:
            self._alarmed.add(order.id)
            words = (
                f"The broker cannot be asked what became of it: {error.message} New entries wait; exits go."
            )
            logger.error("an order's outcome stays unknown", extra={"order": str(order.id)})
            self._tell(order, "waiting", words)
        await self._later(order, waits[min(count, len(waits)) - 1], counted=0)

    def _tell(self, order: Unknown, outcome: str, message: str) -> None:
        row = order.row
        self._engine.writer.tell(
            OrderUndecided(
                user_id=row["user_id"],
                order=order.id,
                signal=row["signal_id"],
                strategy=row["strategy_id"],
                account=order.ref.name,
                symbol=row["symbol"],
                outcome=outcome,
                message=message,
            )
        )

    async def _later(self, order: Unknown, wait: float, *, counted: int) -> int:
        arguments = {"order": order.id, "wait": wait, "counted": counted}
        async with self._engine.pool.connection() as connection:
            row = await (await connection.execute(upkeep.LOOKED_UP, arguments)).fetchone()
        return int(row["lookups"]) if row else 0

    async def _found(self, order: Unknown, report: OrderReport) -> None:
        """It did arrive: bind it, and let the recorder take the report like any other."""
        session = order.connected()
        await self._settle(order, report.status, report.venue_order_id, report.reason)
        self._engine.writer.event(
            order.id,
            "found",
            f"Found at the broker as {report.status.value.replace('_', ' ')}.",
            {"venue_order_id": report.venue_order_id},
        )
        self._engine.forwarder.put(session, [report])
        self._engine.sender.on_report(session.key, report)
        if report.status.is_final:
            self._engine.inflight.conclude(order.id, report.status)
        if report.filled_quantity > 0:
            self._engine.protection.on_found(order.id, report)

    async def _settle(self, order: Unknown, status: OrderStatus, venue_order_id: str, reason: str) -> bool:
        arguments = {
            "order": order.id,
            "status": status.value,
            "venue_order_id": venue_order_id,
            "reason": reason[:500],
            "final": status.is_final,
        }
        async with self._engine.pool.connection() as connection:
            row = await (await connection.execute(upkeep.SETTLE_UNKNOWN, arguments)).fetchone()
        return row is not None

    async def _not_found(self, order: Unknown) -> None:
        timings = self._engine.timings
        fresh = order.row["sent_ago"] >= timings.fresh
        count = await self._later(order, timings.lookup, counted=int(fresh))
        message = (
            "Not found at the broker." if fresh else "Not at the broker yet; too early to conclude anything."
        )
        self._engine.writer.event(order.id, "lookup", message, {"count": count})
        if count >= NEEDED_LOOKUPS and order.row["sent_ago"] >= timings.proof:
            await self._never_arrived(order)

    # --- proven absent ---------------------------------------------------------------------------------------------------

    async def _never_arrived(self, order: Unknown) -> None:
        lane = self._engine.lanes.get((order.row["broker_account_id"], order.row["instrument_id"]))
        inflight = self._engine.inflight.of_order(order.id)
        if inflight is not None and inflight.is_held:
            holding = inflight.holding  # whoever sent it still waits for it
        elif lane.holder is None:
            holding = Holding(lane.join(order.row["strategy_id"]))
        elif lane.holder.owner == order.row["strategy_id"]:
            await self._expire(order, "a newer alert of its strategy is being carried out.")
            return
        else:
            await self._later(order, 1.0, counted=0)
            return
        holding.hold()
        try:
            await self._decide(order, holding)
        except BrokerError as error:
            await self._failed(order, error)
        finally:
            holding.let_go()

    async def _decide(self, order: Unknown, holding: Holding) -> None:
        """Send it once more, or close it. The lane is ours, so that the position cannot change beside us."""
        decided_at = self._engine.pulse.now()
        net = await self._fresh_position(order, holding)
        if await self._has_strange_fill(order):
            reason = "the account has a fill of that time that belongs to no known order. Check the account at the broker."
            await self._expire(order, reason)
            return
        quantity, why = self._resend_quantity(order, net), self._why_not(order)
        if not order.is_exit and not why:
            quantity, why = await entry_again(self._engine, order.row, net)
        if order.is_exit and not quantity:
            await self._expire(order, "the account holds nothing to close.")
        elif why:
            await self._expire(order, why)
        else:
            await self._resend(order, quantity, net, holding, decided_at)

    async def _fresh_position(self, order: Unknown, holding: Holding) -> Decimal:
        """The position after the last not-found answer, asked of the venue itself."""
        now = asyncio.get_running_loop().time()
        lane = holding.lane
        book = None
        if lane is not None and order.row["venue_id"] is not None:
            book = await self._engine.positions.ask(order.connected(), lane, since=now)
        if book is None:
            raise Unavailable("The account's position could not be read.")
        return book.net((order.ref.id, order.row["venue_id"]))

    async def _has_strange_fill(self, order: Unknown) -> bool:
        """Whether the venue shows an execution that may be this order's, under an id that we cannot place."""
        session, row = order.connected(), order.row
        sent_at = row["sent_at"] or row["planned_at"]
        adapter = session.adapter
        if adapter is None:
            raise Unavailable("The broker login has no connection at the moment.")
        try:
            async with asyncio.timeout(self._engine.timings.ask):
                fills = await adapter.fill_reports(sent_at - FILL_WINDOW)
        except TimeoutError as error:
            raise Unavailable("The fills could not be read in time.") from error
        candidates = {
            fill.venue_order_id
            for fill in fills
            if (fill.account_id, fill.venue_instrument_id, fill.side.value)
            == (order.ref.id, row["venue_id"], row["side"])
            and fill.executed_at >= sent_at - FILL_WINDOW
            and not fill.voided
        }
        if not candidates:
            return False
        arguments = {"account": row["broker_account_id"], "ids": list(candidates)}
        async with self._engine.pool.connection() as connection:
            known = await (await connection.execute(upkeep.KNOWN_VENUE_IDS, arguments)).fetchall()
        return bool(candidates - {one["venue_order_id"] for one in known})

    @staticmethod
    def _resend_quantity(order: Unknown, net: Decimal) -> Decimal:
        """An entry keeps its quantity; an exit closes at most what is still held on its side."""
        quantity: Decimal = order.row["quantity"]
        if not order.is_exit:
            return quantity
        return min(quantity, max(ZERO, -Side(order.row["side"]).sign * net))

    def _why_not(self, order: Unknown) -> str:
        """Why it is not sent a second time; "" = it may be. An exit is never too old (law 9)."""
        row = order.row
        if row["attempt"]:
            return "it had already been sent a second time."
        if order.is_exit:
            return ""
        if row["is_given_up"]:
            return f"it was to be canceled {row['cancel_after']} s after it was sent."
        if row["overtaken"]:
            return "a newer alert of its strategy has been carried out since."
        if row["age"] > self._engine.max_age_of(risk_terms(row["risk"] or {}).max_signal_age):
            return f"its alert is {row['age']:.0f} s old by now."
        return ""

    async def _expire(self, order: Unknown, why: str) -> None:
        reason = f"It never reached the broker (three look-ups found nothing) and was not sent again: {why}"
        if await self._settle(order, OrderStatus.EXPIRED, "", reason):
            self._engine.writer.event(order.id, "expired", reason)
            self._tell(order, "expired", reason)
            self._engine.inflight.conclude(order.id, OrderStatus.EXPIRED)
            self._failures.pop(order.id, None)

    async def _resend(
        self, order: Unknown, quantity: Decimal, net: Decimal, holding: Holding, decided_at: float
    ) -> None:
        """The one second attempt: a new claim, a new handle, the same order row."""
        attempt = order.row["attempt"] + 1
        handle = client_order_id(order.id, attempt)
        arguments = {
            "order": order.id,
            "worker": self._engine.worker,
            "lease": self._engine.timings.order_lease,
            "client_order_id": handle,
            "quantity": quantity,
            "attempt": order.row["attempt"],
        }
        async with self._engine.pool.connection() as connection:
            claimed = await (await connection.execute(sql.CLAIM_AGAIN, arguments)).fetchone()
        if claimed is None:
            denial = await self._engine.claims.switch_of(order.id)
            if denial is not None:
                await self._expire(order, explain(denial.code, denial.context))
            return
        crash_point("before_resend")
        self._engine.writer.event(
            order.id, "resend", "Proven not to have arrived; sent a second time.", {"handle": handle}
        )
        await self.send_row(
            order, handle, quantity, claimed["fence"], holding, held=net, decided_at=decided_at
        )

    # --- sending from a row (second attempts, resumed and requested orders) -------------------------------------------------

    async def send_row(
        self,
        order: Unknown,
        handle: str,
        quantity: Decimal,
        fence: int,
        holding: Holding,
        *,
        held: Decimal | None,
        decided_at: float,
    ) -> None:
        """Send an order that is known only by its row; claimed by the caller, who holds its lane."""
        async with self._engine.pool.connection() as connection:
            legs = await (await connection.execute(upkeep.LEGS_OF, {"order": order.id})).fetchall()
        left = self._engine.timings.exit_fill
        if not order.is_exit and order.row["signal_id"] is not None:
            limit = risk_terms(order.row["risk"] or {}).max_signal_age
            left = self._engine.max_age_of(limit) - order.row["age"]
        deadline = asyncio.get_running_loop().time() + left
        parcel = parcel_from(order.row, legs, order.ref, handle, quantity, fence, deadline, decided_at, held)
        emulated = self._engine.brackets.is_emulated(parcel.session_key, parcel.broker)
        status = "pending" if emulated else "submitted"
        rows = [
            leg_row(
                order.id,
                leg["kind"],
                status,
                client_order_id=leg_handle(handle, leg["kind"]),
                replaces=True,
            )
            for leg in legs
        ]
        if rows:
            await self._engine.writer.legs_now(rows)
        await self._engine.sender.deliver(parcel, holding)
