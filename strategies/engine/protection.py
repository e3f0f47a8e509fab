"""No entry stays without the stop that was asked for, and no protective order outlives its position (laws 5 and 6).

A leg's row says what is to be done about it: *pending* is ours to place, *submitted* went with the entry, *unknown* was sent and
not answered; the rest is the venue's word. What is pending is placed the moment its entry fills, and by the sweeper after a
crash, for as much as the account then really holds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg.rows import DictRow

from brokers.domain import AccountRef, LegKind, LegSpec, OrderReport, OrderStatus, Side
from brokers.sessions import BrokerSession, SessionKey
from strategies.engine import sql, upkeep
from strategies.engine.context import OpenLeg, instrument_from
from strategies.engine.inflight import InFlight
from strategies.engine.lanes import Holding
from strategies.engine.orders import AccountRun
from strategies.engine.placing import Placer, Wanted
from strategies.engine.positions import still_out
from strategies.engine.reading import lately
from strategies.engine.writer import leg_row
from strategies.execution.sizing import leg_price
from strategies.execution.terms import ZERO, Purpose

if TYPE_CHECKING:
    from strategies.engine.runner import ExecutionEngine

logger = logging.getLogger(__name__)

MORE_FILLS_SECONDS = 0.05  # an order that filled in part usually fills on at once
STANDING = {"accepted", "partially_filled", "pending_cancel"}


class Protection:
    def __init__(self, engine: ExecutionEngine) -> None:
        self._engine = engine
        self._placer = Placer(engine)
        self._busy: set[UUID] = set()

    # --- the moment an entry fills -----------------------------------------------------------------------------------

    def on_fill(self, inflight: InFlight) -> None:
        """An order whose legs are ours to place has a fill. Its lane is kept until they stand."""
        if inflight.order_id not in self._busy:
            self._busy.add(inflight.order_id)
            inflight.holding.hold()
            self._engine.spawn(self._protect(inflight))

    async def _protect(self, inflight: InFlight) -> None:
        covered = ZERO
        try:
            while inflight.filled > covered:
                if not inflight.settled.done():
                    await asyncio.sleep(MORE_FILLS_SECONDS)
                covered = inflight.filled
                if inflight.is_held:
                    await self._ensure(inflight.order_id, inflight.last)
                else:
                    await self._in_lane(inflight.order_id, inflight.last)
        finally:
            self._busy.discard(inflight.order_id)
            inflight.holding.let_go()

    def on_found(self, order_id: UUID, report: OrderReport) -> None:
        """An entry of which nobody knew turns out to be filled: see whether its legs are there."""
        if order_id not in self._busy:
            self._busy.add(order_id)
            task = self._engine.spawn(self._in_lane(order_id, report, at_once=False))
            task.add_done_callback(partial(self._no_longer_busy, order_id))

    def _no_longer_busy(self, order_id: UUID, _: asyncio.Task[None]) -> None:
        self._busy.discard(order_id)

    # --- whatever was left undone ------------------------------------------------------------------------------------

    async def sweep(self) -> None:
        """Look at every filled entry whose legs are not known to stand."""
        arguments = {"wait": self._engine.timings.protect_again}
        async with self._engine.pool.connection() as connection:
            rows = await (await connection.execute(upkeep.UNPROTECTED, arguments)).fetchall()
        for row in rows:
            if row["id"] not in self._busy:
                self._busy.add(row["id"])
                task = self._engine.spawn(self._in_lane(row["id"], None))
                task.add_done_callback(partial(self._no_longer_busy, row["id"]))

    async def _in_lane(self, order_id: UUID, report: OrderReport | None, *, at_once: bool = True) -> None:
        """Protect an entry when nobody else acts on its account; the position tells how much is left of it.

        ``at_once``: the fill came this moment, so if the lane is free nobody can have closed anything yet.
        """
        row = await self._entry(order_id)
        if row is None or row["venue_id"] is None:
            return
        ticket = self._engine.lanes.get((row["broker_account_id"], row["instrument_id"])).join()
        at_once = at_once and ticket.is_served
        try:
            async with asyncio.timeout(self._engine.timings.lane_wait):
                await ticket.wait()
            if at_once and report is not None:
                await self._ensure(order_id, report)
            else:
                held = await self._held(row, ticket.lane)
                if held is not None:
                    await self._ensure(order_id, report, held=held)
        except TimeoutError:
            return  # somebody is at it; the sweeper comes again
        finally:
            ticket.leave()

    async def _entry(self, order_id: UUID) -> DictRow | None:
        async with self._engine.pool.connection() as connection:
            return await (await connection.execute(upkeep.ORDER, {"order": order_id})).fetchone()

    async def _held(self, row: DictRow, lane: Any) -> Decimal | None:
        """What the account holds on the entry's side, not counting what other legs protect. None = look again later."""
        account, key = row["broker_account_id"], (row["external_id"], row["venue_id"])
        async with self._engine.pool.connection() as connection, connection.pipeline():
            arguments = {"signal": None, "account": account, "lately": lately()}
            orders = await connection.execute(sql.ACCOUNT_ORDERS, arguments)
            legs = await connection.execute(sql.ACCOUNT_LEGS, arguments)
        session = self._session(row)
        for order in await orders.fetchall():
            exits = order["instrument_id"] == row["instrument_id"] and order["purpose"] != Purpose.ENTRY.value
            if exits and still_out(session, row["external_id"], order):
                return None
        net = await self._engine.positions.find(session, key, lane)
        if net is None:
            return None
        others: dict[UUID, Decimal] = {}
        for leg in await legs.fetchall():
            same = (leg["instrument_id"], leg["side"]) == (row["instrument_id"], row["side"])
            if same and leg["order_id"] != row["id"] and leg["status"] in STANDING:
                others[leg["order_id"]] = max(others.get(leg["order_id"], ZERO), leg["quantity"])
        return max(ZERO, Side(row["side"]).sign * net - sum(others.values(), ZERO))

    def _session(self, row: DictRow) -> BrokerSession:
        return self._engine.sessions.get(SessionKey(row["connection_id"], row["environment"]))

    # --- one entry -----------------------------------------------------------------------------------------------------

    async def stand_again(self, order_id: UUID, legs: list[DictRow], quantity: Decimal) -> None:
        """Place the stop of an entry anew, at the distance that was asked for. The caller holds the lane."""
        await self._placer.want_again(legs)
        await self._ensure(order_id, None, held=quantity)

    async def close(self, order_id: UUID, quantity: Decimal) -> None:
        """Close what an entry opened: its stop cannot be had."""
        await self._placer.close(order_id, quantity)

    async def _ensure(
        self, order_id: UUID, report: OrderReport | None, *, held: Decimal | None = None
    ) -> None:
        """Have the legs of one entry stand for what is open of it. Safe to call again: what stands is left alone.

        ``held`` is what the account holds for it; None right after the fill, when nobody can have closed it yet.
        """
        decided_at = self._engine.pulse.now()
        async with self._engine.pool.connection() as connection, connection.pipeline():
            found = await connection.execute(upkeep.ORDER, {"order": order_id})
            rows = await connection.execute(upkeep.LEGS_OF, {"order": order_id})
        row, legs = await found.fetchone(), await rows.fetchall()
        if row is None or row["venue_id"] is None:
            return
        session, ref = self._session(row), AccountRef(row["external_id"], row["account_name"])
        filled = max(row["filled_quantity"], report.filled_quantity if report else ZERO)
        quantity = filled if held is None else min(filled, held)
        if held is not None:
            await self._placer.look_up(session, ref, row, legs)
        await self._take_back_small(session, ref, row, legs, quantity)
        ours = {"pending"} if held is not None else {"pending", "submitted"}
        missing = [leg for leg in legs if leg["status"] in ours]
        if not missing or not filled:
            return
        quantity = min(quantity, max(leg["quantity"] for leg in missing))
        if quantity <= 0:
            await self._gone(order_id, [leg["kind"] for leg in missing])
            return
        price = (report.average_price if report else None) or row["average_price"]
        specs = [_absolute(leg, Side(row["side"]), price, row) for leg in missing]
        if None in specs:
            return  # a distance needs the fill's price, which is still to come
        made = tuple(spec for spec in specs if spec is not None)
        handle = missing[0]["client_order_id"][:-1]
        wanted = Wanted(order_id, Side(row["side"]), quantity, made, handle, decided_at)
        await self._placer.place(session, ref, instrument_from(row), wanted)

    async def _take_back_small(
        self, session: BrokerSession, ref: AccountRef, row: DictRow, legs: list[DictRow], quantity: Decimal
    ) -> None:
        """The entry has filled on: legs that stand for less are taken back, to be placed for all of it."""
        small = [leg for leg in legs if leg["status"] in STANDING and leg["quantity"] < quantity]
        if not small or not self._engine.brackets.is_emulated(session.key, row["broker"]):
            return
        handles = [leg["client_order_id"] for leg in small]
        await self._placer.want_again(small)
        for leg, handle in zip(small, handles, strict=True):
            report = await self._engine.brackets.cancel(session, ref, leg["venue_order_id"], handle)
            leg["quantity"] = quantity
            if report is None or report.filled_quantity:
                leg["status"] = OrderStatus.UNKNOWN.value  # for the sweeper, which asks for the position

    async def _gone(self, order_id: UUID, kinds: Iterable[str]) -> None:
        rows = [leg_row(order_id, kind, "canceled", replaces=True) for kind in kinds]
        await self._engine.writer.legs_now(rows)

    # --- after an exit ---------------------------------------------------------------------------------------------------

    async def after_exit(self, run: AccountRun) -> None:
        """Legs that made way for an exit: gone with the position, or placed again for what stays, the newest entries' first."""
        left = await self._left_open(run)
        decided_at = self._engine.pulse.now()
        contract = run.account.contract(Purpose.EXIT)
        if left is None or contract is None:
            return  # the sweeper sees to it when the venue has told
        session = self._engine.sessions.get(run.account.session_key)
        by_order: dict[UUID, list[OpenLeg]] = {}
        for leg in sorted(run.canceled_legs, key=lambda leg: leg.order_id, reverse=True):
            by_order.setdefault(leg.order_id, []).append(leg)
        for order_id, legs in by_order.items():
            if not await self._are_over(session, run.account.ref, legs):
                continue
            quantity = min(left, max(leg.quantity for leg in legs))
            left -= quantity
            specs = tuple(spec for leg in legs if (spec := _spec_again(leg, contract.instrument)) is not None)
            if quantity <= 0:
                await self._gone(order_id, [leg.kind for leg in legs])
            elif specs:
                handle = legs[0].client_order_id[:-1]
                wanted = Wanted(order_id, legs[0].entry_side, quantity, specs, handle, decided_at)
                await self._placer.place(session, run.account.ref, contract.instrument, wanted)

    async def _left_open(self, run: AccountRun) -> Decimal | None:
        """What the strategy still holds after its exit; None when that is not decided yet."""
        exits = [order for order in run.orders if order.is_exit and order.tracking is not None]
        for order in exits:
            if order.tracking is not None:
                await asyncio.wait({order.tracking.settled}, timeout=self._engine.timings.settle)
                if not order.tracking.settled.done():
                    return None
        statuses = {o.tracking.settled.result() for o in exits if o.tracking is not None}
        if statuses == {OrderStatus.FILLED} and run.plan is not None:
            return run.plan.remaining
        contract, lane = run.account.contract(Purpose.EXIT), run.lane
        if contract is None or lane is None:
            return None
        session = self._engine.sessions.get(run.account.session_key)
        key = (run.account.ref.id, contract.instrument.venue_id)
        now = asyncio.get_running_loop().time()
        net = await self._engine.positions.find(session, key, lane, since=now)
        side = run.canceled_legs[0].entry_side
        return None if net is None else max(ZERO, side.sign * net)

    async def _are_over(self, session: BrokerSession, ref: AccountRef, legs: list[OpenLeg]) -> bool:
        """Whether the old orders are over. One that could not be canceled is tried again; else the sweeper finds it standing."""
        over = True
        for leg in legs:
            known = session.orders.get(leg.venue_order_id) if leg.venue_order_id else None
            if known is not None and not known.status.is_final:
                over = await self._engine.brackets.cancel_leg(session, ref, leg) is not None and over
        return over

    # --- none outlives its position ------------------------------------------------------------------------------------

    async def check_standing(self) -> None:
        """Find protective orders for more than the account holds: one of them could open a position."""
        arguments = {"wait": self._engine.timings.orphan_check}
        async with self._engine.pool.connection() as connection:
            rows = await (await connection.execute(upkeep.STANDING_LEGS, arguments)).fetchall()
        for row in rows:
            lane = self._engine.lanes.get((row["broker_account_id"], row["instrument_id"]))
            session = self._engine.sessions.peek(SessionKey(row["connection_id"], row["environment"]))
            net = session.net(row["external_id"], row["venue_id"]) if session is not None else None
            if net is None or lane.holder is not None:
                continue
            if row["protected"] > max(ZERO, Side(row["side"]).sign * net):
                self._engine.spawn(self._trim(row))

    async def _trim(self, row: DictRow) -> None:
        holding = Holding(self._engine.lanes.get((row["broker_account_id"], row["instrument_id"])).join())
        holding.hold()
        try:
            if holding.ticket is None or not holding.ticket.is_served:
                return
            session = self._session(row)
            now = asyncio.get_running_loop().time()
            book = await self._engine.positions.ask(session, holding.ticket.lane, since=now)
            if book is None:
                return
            held = max(ZERO, Side(row["side"]).sign * book.net((row["external_id"], row["venue_id"])))
            if row["protected"] > held:
                await self._take_back(session, row, held)
        finally:
            holding.let_go()

    async def _take_back(self, session: BrokerSession, row: DictRow, held: Decimal) -> None:
        """Take the legs away, then place what is still needed: the newest entries' first."""
        arguments = {"signal": None, "account": row["broker_account_id"]}
        async with self._engine.pool.connection() as connection:
            found = await (await connection.execute(sql.ACCOUNT_LEGS, arguments)).fetchall()
        logger.warning(
            "protective orders without a position", extra={"account": str(row["broker_account_id"])}
        )
        by_order: dict[UUID, list[DictRow]] = {}
        for leg in found:
            same = (leg["instrument_id"], leg["side"]) == (row["instrument_id"], row["side"])
            if same and leg["status"] in STANDING:
                by_order.setdefault(leg["order_id"], []).append(leg)
        ref = AccountRef(row["external_id"], row["account_name"])
        for order_id in sorted(by_order, reverse=True):
            legs = by_order[order_id]
            standing = [(leg["venue_order_id"], leg["client_order_id"]) for leg in legs]
            await self._placer.want_again(legs)
            for venue_order_id, handle in standing:
                await self._engine.brackets.cancel(session, ref, venue_order_id, handle)
            text = "The protective orders were for more than the account holds and were taken away."
            self._engine.writer.event(order_id, "bracket", text)
            await self._ensure(order_id, None, held=held)
            held = max(ZERO, held - max(leg["quantity"] for leg in legs))


def _absolute(leg: DictRow, side: Side, entry: Decimal | None, row: DictRow) -> LegSpec | None:
    """The leg at its price; None when that depends on a fill price nobody told yet."""
    kind, offset, trailing = LegKind(leg["kind"]), leg["offset"], leg["trailing"]
    if leg["price"] is not None:
        return LegSpec(kind, price=leg["price"], offset=offset, trailing=trailing)
    if entry is None:
        return None
    price = leg_price(LegSpec(kind, offset=offset), side, entry, instrument_from(row))
    return LegSpec(kind, price=price, offset=offset, trailing=trailing)


def _spec_again(leg: OpenLeg, instrument: Any) -> LegSpec | None:
    """A leg at its old price, or computed from its entry when the venue never told the price."""
    kind = LegKind(leg.kind)
    if leg.price is not None:
        return LegSpec(kind, price=leg.price, offset=leg.offset, trailing=leg.trailing)
    if leg.offset is None or leg.entry_price is None:
        return None
    price = leg_price(LegSpec(kind, offset=leg.offset), leg.entry_side, leg.entry_price, instrument)
    return LegSpec(kind, price=price, offset=leg.offset, trailing=leg.trailing)
