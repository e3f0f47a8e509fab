"""Sending an account's orders and seeing them settled: exit first, entry after it, protection as soon as there is a fill."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from brokers.domain import BRACKET_UNSUPPORTED, OrderReport, OrderStatus, Outcome, SubmitResult
from brokers.protocol import BrokerAdapter
from brokers.sessions import BrokerSession, SessionKey
from strategies.engine.confirming import Confirmer
from strategies.engine.inflight import InFlight
from strategies.engine.lanes import Holding
from strategies.engine.orders import FLATTEN, AccountRun, Parcel, PlannedOrder, parcel_of
from strategies.engine.writer import Answer, leg_row, status_of
from strategies.execution.dispatcher import CLAIM_LOST, Dispatch, dispatch
from strategies.execution.terms import Denial
from tradeproject.common.crashpoints import crash_point

if TYPE_CHECKING:
    from strategies.engine.runner import ExecutionEngine

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Command:
    """How an order is given to the adapter: with its bracket where the venue takes one, else bare."""

    engine: ExecutionEngine
    parcel: Parcel
    inflight: InFlight
    with_legs: bool = False

    async def __call__(self, adapter: BrokerAdapter) -> SubmitResult:
        parcel, intent, brackets = self.parcel, self.parcel.intent, self.engine.brackets
        if parcel.purpose == FLATTEN:
            return await adapter.flatten(intent.account, intent.instrument, intent.client_order_id)
        bare = replace(intent, legs=())
        self.with_legs = bool(intent.legs) and not brackets.is_emulated(parcel.session_key, parcel.broker)
        if not self.with_legs:
            self.inflight.legs_are_ours = bool(intent.legs)
            return await adapter.submit(bare)
        result = await adapter.submit(intent)
        if result.code != BRACKET_UNSUPPORTED:
            return result
        # Proven: nothing was placed. From now on the legs are placed by us the moment the entry fills.
        self.with_legs, self.inflight.legs_are_ours = False, True
        brackets.emulate_from_now(parcel.session_key)
        await self.engine.writer.legs_now(
            [leg_row(parcel.order_id, leg.kind, "pending", replaces=True) for leg in intent.legs]
        )
        return await adapter.submit(bare)


class Sender:
    def __init__(self, engine: ExecutionEngine) -> None:
        self._engine = engine
        self._confirmer = Confirmer(engine)

    async def run_account(self, run: AccountRun) -> None:
        """Everything this account does about the signal; returns when each order has an outcome. Never raises.

        The run is held by whoever calls this, and let go here.
        """
        try:
            for order in run.orders:
                if order.status == "pending":
                    await self._after_exit(run, order)
                elif order.status == "submitted":
                    await self._send(run, order)
            if run.canceled_legs:
                await self._engine.protection.after_exit(run)
        except Exception:  # the edge of one account (law 8): the sweeper and the look-ups finish what is left
            logger.exception("account run failed", extra={"signal": str(run.signal.id)})
        finally:
            run.let_go()

    async def _send(self, run: AccountRun, order: PlannedOrder) -> None:
        signal = run.signal
        left = self._engine.timings.exit_fill
        if not order.is_exit:
            left = self._engine.max_age_of(signal.terms.risk.max_signal_age) - signal.age
        parcel = parcel_of(run, order, asyncio.get_running_loop().time() + left, run.seen_at)
        order.tracking = self._track(parcel, run)
        await self._deliver(parcel, order.tracking)

    # --- one order ---------------------------------------------------------------------------------------------------

    async def deliver(self, parcel: Parcel, holding: Holding) -> SubmitResult:
        """Send a claimed order under a lane that is held, and have its answer written down."""
        return await self._deliver(parcel, self._track(parcel, holding))

    async def _deliver(self, parcel: Parcel, inflight: InFlight) -> SubmitResult:
        command = Command(self._engine, parcel, inflight)
        item = self._dispatch_item(parcel, command)
        inflight.holding.hold()  # until the answer is written down: who comes next must see it
        session = self._session(parcel)
        self._engine.used_logins.add(parcel.session_key.connection_id)
        session.in_use += 1
        try:
            result = await dispatch(item, partial(self._confirmer.confirm, command, inflight))
        except BaseException:
            inflight.holding.let_go()
            raise
        finally:
            session.in_use -= 1
        if result.code == CLAIM_LOST:
            self._lose_track(inflight)
            inflight.holding.let_go()
        else:
            self._record(parcel, item, command, result, inflight)
        return result

    def _session(self, parcel: Parcel) -> BrokerSession:
        return self._engine.sessions.get(parcel.session_key)

    def _dispatch_item(self, parcel: Parcel, command: Command) -> Dispatch:
        timings = self._engine.timings
        return Dispatch(
            order_id=parcel.order_id,
            fence=parcel.fence,
            lane=parcel.priority,
            find_session=lambda: self._session(parcel),
            command=command,
            decided_at=parcel.decided_at,
            is_fresh=self._engine.pulse.is_fresh,
            claimed_until=asyncio.get_running_loop().time() + timings.order_lease,
            deadline=parcel.deadline,
            send_seconds=timings.send,
            lease_margin=timings.lease_margin,
        )

    def _record(
        self, parcel: Parcel, item: Dispatch, command: Command, result: SubmitResult, inflight: InFlight
    ) -> None:
        self._engine.inflight.bind(inflight, result.venue_order_id)
        if item.sent_at is not None:
            self._engine.paces.answered((parcel.session_key, parcel.intent.account.id), result.outcome)
        if result.outcome is Outcome.REJECTED:
            inflight.settle(OrderStatus(status_of(result)))
        self._engine.writer.answer(
            Answer(
                order_id=parcel.order_id,
                fence=parcel.fence,
                user_id=parcel.user_id,
                signal_id=parcel.signal_id,
                strategy_id=parcel.strategy_id,
                account=parcel.intent.account.name,
                result=result,
                sent_at=item.sent_at,
                answered_at=item.answered_at,
                on_stored=inflight.holding.let_go,
            )
        )
        for leg in parcel.intent.legs:
            if result.outcome is Outcome.REJECTED:
                self._engine.writer.leg(parcel.order_id, leg.kind, "canceled")
            elif result.outcome is Outcome.ACCEPTED and command.with_legs:
                venue_id = result.leg_order_ids.get(leg.kind, "")
                self._engine.writer.leg(parcel.order_id, leg.kind, "accepted", venue_order_id=venue_id)

    # --- settling ------------------------------------------------------------------------------------------------------

    def _track(self, parcel: Parcel, holding: Holding) -> InFlight:
        """Hold the lane until the order is final (a resting one: until it was answered), then say what to expect."""
        loop = asyncio.get_running_loop()
        inflight = InFlight(
            order_id=parcel.order_id,
            client_order_id=parcel.intent.client_order_id,
            session=parcel.session_key,
            ref=parcel.intent.account,
            settled=loop.create_future(),
            holding=holding,
        )
        self._engine.inflight.add(inflight)
        if parcel.rests:
            return inflight
        holding.hold()
        timer = loop.call_later(self._engine.timings.settle, self._give_up_waiting, inflight)
        known = self._session(parcel).net(parcel.intent.account.id, parcel.intent.instrument.venue_id)
        lane = holding.lane
        before = lane.expected if lane is not None and lane.expected is not None else known
        inflight.before = parcel.held if before is None else before

        def on_settled(_: asyncio.Future[OrderStatus]) -> None:
            if inflight.is_lost:
                return
            timer.cancel()
            if parcel.purpose == FLATTEN or inflight.before is None:
                self._lose_track(inflight)
            elif lane is not None and inflight.filled:
                net = inflight.before + parcel.intent.side.sign * inflight.filled
                lane.expect(net, loop.time(), self._engine.timings.book_lag)
            holding.let_go()

        inflight.settled.add_done_callback(on_settled)
        return inflight

    def _give_up_waiting(self, inflight: InFlight) -> None:
        """The venue did not say in time how the order ended: whoever is next asks it for the position."""
        inflight.is_lost = True
        self._lose_track(inflight)
        inflight.holding.let_go()
        self._engine.spawn(self._ask_end(inflight))

    async def _ask_end(self, inflight: InFlight) -> None:
        """A stream may be silent without ending: the order is asked for, and the recorder hears of it."""
        report = await self._engine.lookup(inflight.session, inflight.ref, inflight.client_order_id)
        if report is not None:
            self._engine.forwarder.put(self._engine.sessions.get(inflight.session), [report])
            self.on_report(inflight.session, report)

    @staticmethod
    def _lose_track(inflight: InFlight) -> None:
        if inflight.holding.lane is not None:
            inflight.holding.lane.lost_track = True

    def on_report(self, key: SessionKey, report: OrderReport) -> None:
        """A report from a stream: settle what it ends, and protect what it filled."""
        inflight = self._engine.inflight.find(key, report)
        if inflight is None:
            return
        self._engine.inflight.bind(inflight, report.venue_order_id)
        if report.filled_quantity > inflight.filled:
            inflight.filled, inflight.last = report.filled_quantity, report
            if inflight.legs_are_ours:
                self._engine.protection.on_fill(inflight)
        if report.status.is_final:
            inflight.settle(report.status)

    # --- reversal ------------------------------------------------------------------------------------------------------

    async def _after_exit(self, run: AccountRun, order: PlannedOrder) -> None:
        """A reversal's second half: sent only when the venue says that the first is filled."""
        exit_order = next((o for o in run.orders if o.id == order.depends_on), None)
        status = await self._wait_final(run, exit_order) if exit_order is not None else None
        if status is not OrderStatus.FILLED:
            words = status.value.replace("_", " ") if status else "no answer"
            await self._deny(run, order, Denial("EXIT_NOT_CONFIRMED", {"status": words}))
            return
        crash_point("after_exit_confirmed")
        if await self._claim(run, order):
            await self._send(run, order)

    async def _wait_final(self, run: AccountRun, order: PlannedOrder) -> OrderStatus | None:
        """The exit's final status: from the stream, else asked of the venue now and then; None when nobody tells."""
        inflight = order.tracking
        if inflight is None:
            return None
        loop = asyncio.get_running_loop()
        deadline, wait = loop.time() + self._engine.timings.exit_fill, 2.0
        while loop.time() < deadline:
            done, _ = await asyncio.wait({inflight.settled}, timeout=min(wait, deadline - loop.time()))
            if done:
                return inflight.settled.result()
            report = await self._engine.lookup(
                run.account.session_key, run.account.ref, order.client_order_id
            )
            if report is not None:
                self.on_report(run.account.session_key, report)
            wait = min(wait * 2, 15.0)
        return None

    async def _claim(self, run: AccountRun, order: PlannedOrder) -> bool:
        """Take a pending order. One that was switched off meanwhile is denied; one that somebody else took is left alone."""
        run.seen_at = self._engine.pulse.now()
        fence, denial = await self._engine.claims.claim(order.id)
        if denial is not None:
            await self._deny(run, order, denial)
        if fence is None:
            return False
        order.fence, order.status = fence, "submitted"
        return True

    async def _deny(self, run: AccountRun, order: PlannedOrder, denial: Denial) -> None:
        order.deny(denial)
        signal = run.signal
        await self._engine.claims.deny(
            order.id, denial, signal.user_id, signal.id, signal.strategy_id, run.account.ref.name
        )
