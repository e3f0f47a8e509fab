"""Our verbs: submit, modify, cancel, flatten. Each is sent once and ends as accepted, rejected or unknown."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from brokers.adapters.tradovate.confirm import refusal
from brokers.adapters.tradovate.constants import FAILED_STRATEGIES, FINISHED, LEG_SUFFIXES
from brokers.adapters.tradovate.legs import Body, Protection, leg_ids
from brokers.adapters.tradovate.lookup import ENTRY, strategy_orders
from brokers.adapters.tradovate.orders import (
    bracket_body,
    cancel_body,
    change_body,
    liquidate_body,
    needs_strategy,
    order_body,
    order_number,
    protection_body,
    strategy_body,
)
from brokers.adapters.tradovate.outcomes import TICKET, command_result, failed_command
from brokers.adapters.tradovate.reads import dependents, entities, entity
from brokers.adapters.tradovate.session import Session
from brokers.adapters.tradovate.wire import Answer, Entity
from brokers.domain import (
    BRACKET_UNSUPPORTED,
    AccountRef,
    Instrument,
    OrderChange,
    OrderIntent,
    Outcome,
    SubmitResult,
)
from brokers.errors import BrokerError, Rejected

Endpoint = Callable[[Body], Awaitable[Answer]]
TOO_LATE = "TooLate"
TICKETS_KEPT = 500
SHORT_WAIT = 2.0
STRATEGY_LOOKS = (0.0, 0.15, 0.4)


class Commands:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._tickets: OrderedDict[str, Any] = OrderedDict()  # by our order id, for the second try

    # --- submit -------------------------------------------------------------------------------------------------

    async def submit(self, intent: OrderIntent) -> SubmitResult:
        """Place an order, with its legs in the same command when it has any."""
        send = self._session.commands
        try:
            if not intent.legs:
                result, _ = await self._place(send.place_order, order_body(intent), intent.client_order_id)
                return result
            if needs_strategy(intent):
                return _bracket(await self._start_strategy(strategy_body(intent), intent))
            result, fields = await self._place(send.place_oso, bracket_body(intent), intent.client_order_id)
        except Rejected as error:
            return SubmitResult.rejected(error.code, error.message)
        if result.outcome is not Outcome.ACCEPTED:
            return _bracket(result)
        return replace(result, leg_order_ids=leg_ids(fields, intent.legs, "oso1Id", "oso2Id"))

    async def protect(self, wanted: Protection) -> SubmitResult:
        """A target, a stop, or both as OCO, around a position that exists."""
        send = self._session.commands
        try:
            body = protection_body(wanted)
        except Rejected as error:
            return SubmitResult.rejected(error.code, error.message)
        endpoint = send.place_oco if "other" in body else send.place_order
        result, fields = await self._place(endpoint, body, body["clOrdId"])
        if result.outcome is not Outcome.ACCEPTED:
            return result
        return replace(result, leg_order_ids=leg_ids(fields, wanted.legs, "orderId", "ocoId"))

    async def _place(
        self, endpoint: Endpoint, body: Body, client_order_id: str
    ) -> tuple[SubmitResult, Entity]:
        answer = await self._send(endpoint, body, client_order_id)
        if isinstance(answer, SubmitResult):
            return answer, {}
        return command_result(answer, "orderId"), answer.fields

    async def _send(self, endpoint: Endpoint, body: Body, client_order_id: str) -> Answer | SubmitResult:
        """The answer, or the outcome when there is none. A penalty ticket is kept for the second try of the same order."""
        ticket = self._tickets.pop(client_order_id, None)
        if ticket is not None:
            body = {**body, TICKET: ticket}
        try:
            answer = await endpoint(body)
        except BrokerError as error:
            return failed_command(error)
        if TICKET in answer.fields:
            self._tickets[client_order_id] = answer.fields[TICKET]
            while len(self._tickets) > TICKETS_KEPT:
                self._tickets.popitem(last=False)
        return answer

    async def _start_strategy(self, body: Body, intent: OrderIntent) -> SubmitResult:
        answer = await self._send(self._session.commands.start_order_strategy, body, intent.client_order_id)
        if isinstance(answer, SubmitResult):
            return answer
        strategy = answer.fields.get("orderStrategy")
        strategy = strategy if isinstance(strategy, dict) else {}
        result = command_result(replace(answer, body=_flat(answer, strategy)), "orderStrategyId")
        if result.outcome is not Outcome.ACCEPTED:
            return replace(result, venue_order_id="")  # a strategy's id is not an order's
        if str(strategy.get("status")) in FAILED_STRATEGIES:
            words = str(strategy.get("failureMessage") or "Tradovate could not start the bracket.")
            return SubmitResult.rejected(str(strategy["status"]), words)
        return await self._with_orders(strategy)

    async def _with_orders(self, strategy: Entity) -> SubmitResult:
        """The strategy was taken; name its orders if they appear soon, else they are found by its uuid later."""
        found: dict[str, int] = {}
        for pause in STRATEGY_LOOKS:
            await asyncio.sleep(pause)
            try:
                found = await strategy_orders(self._session.reads, strategy)
            except BrokerError:
                continue
            if ENTRY in found:
                break
        legs = {kind: str(found[suffix]) for kind, suffix in LEG_SUFFIXES.items() if suffix in found}
        return SubmitResult.accepted(str(found.get(ENTRY, "")), legs)

    # --- modify, cancel -----------------------------------------------------------------------------------------

    async def modify(self, change: OrderChange) -> SubmitResult:
        """Change a working order. The answer only says "queued": a report on the socket tells what became of it."""
        try:
            body = change_body(change)
            answer = await self._session.commands.modify_order(body)
        except Rejected as error:
            return SubmitResult.rejected(error.code, error.message)
        except BrokerError as error:
            return failed_command(error)
        result = _busy(command_result(answer, "commandId"), self._session.timings.busy_retry)
        if result.outcome is Outcome.ACCEPTED:
            return await self._confirmed(int(result.venue_order_id), change.venue_order_id)
        return replace(result, venue_order_id=change.venue_order_id)

    async def _confirmed(self, command_id: int, venue_order_id: str) -> SubmitResult:
        socket = self._session.socket
        if socket is not None and socket.usable and socket.synced:
            seconds = self._session.timings.confirm_change
            report = await self._session.confirmations.wait(command_id, seconds)
            refused = refusal(report, venue_order_id) if report is not None else None
            if refused is not None:
                return refused
        return SubmitResult.accepted(venue_order_id)

    async def cancel(self, venue_order_id: str) -> SubmitResult:
        """Cancel a working order. One that is already finished counts as accepted, with the code TooLate: it rests no
        more, and its own report tells how it ended."""
        try:
            order_id = order_number(venue_order_id)
            answer = await self._session.commands.cancel_order(cancel_body(order_id))
        except Rejected as error:
            return SubmitResult.rejected(error.code, error.message)
        except BrokerError as error:
            return failed_command(error)
        result = _busy(command_result(answer, "commandId"), self._session.timings.busy_retry)
        result = replace(result, venue_order_id=venue_order_id)
        # A finished order was seen to be answered "access denied" as well as TooLate.
        denied = result.code in {"ACCESS_DENIED", "NOT_FOUND"} or "denied" in result.message.lower()
        if result.outcome is Outcome.REJECTED and (
            result.code == TOO_LATE or (denied and await self._is_finished(order_id))
        ):
            return replace(result, outcome=Outcome.ACCEPTED, code=TOO_LATE, not_taken=False)
        return result

    async def _is_finished(self, order_id: int) -> bool:
        try:
            order = entity(await self._session.reads.item("order", order_id), "order")
        except BrokerError:
            return False
        return str(order.get("ordStatus")) in FINISHED

    # --- flatten ------------------------------------------------------------------------------------------------

    async def flatten(self, account: AccountRef, instrument: Instrument) -> SubmitResult:
        """Close the account's position in this contract and take away its resting orders there.

        The venue's command does both by its own words, but resting orders were seen to survive it, so they are swept
        once the closing order is known not to have been rejected: until then a stop is the only protection left.
        """
        try:
            body = liquidate_body(account, instrument)
            answer = await self._session.commands.liquidate_position(body)
        except Rejected as error:
            return SubmitResult.rejected(error.code, error.message)
        except BrokerError as error:
            return failed_command(error)
        result = command_result(answer, "orderId")
        if result.not_taken or result.code.startswith("HTTP_"):
            return result
        if result.outcome is not Outcome.ACCEPTED:
            if not await self._is_flat(body["accountId"], body["contractId"]):
                return result
            result = SubmitResult.accepted("")  # there was nothing to close; orders may rest nevertheless
        return await self._sweep(result, body["accountId"], body["contractId"])

    async def _is_flat(self, account_id: int, contract_id: int) -> bool:
        """Whether a successful query proves that nothing is held."""
        try:
            rows = entities(await self._session.reads.list("position"), "position")
        except BrokerError:
            return False
        held = [
            row for row in rows if (row.get("accountId"), row.get("contractId")) == (account_id, contract_id)
        ]
        return all(row.get("netPos") == 0 for row in held)

    async def _sweep(self, result: SubmitResult, account_id: int, contract_id: int) -> SubmitResult:
        try:
            orders = entities(await self._session.reads.list("order"), "order")
        except BrokerError as error:
            return replace(
                result, code="SWEEP_FAILED", message=f"Resting orders were not checked: {error.message}"
            )
        closing = next((row for row in orders if str(row.get("id")) == result.venue_order_id), None)
        if closing is not None and closing.get("ordStatus") == "Rejected":
            return await self._rejected_close(closing, result.venue_order_id)
        resting = [
            row["id"]
            for row in orders
            if (row.get("accountId"), row.get("contractId")) == (account_id, contract_id)
            and str(row.get("ordStatus")) not in FINISHED | {"PendingCancel"}
            and str(row["id"]) != result.venue_order_id
        ]
        left = await asyncio.gather(*(self._cancel_resting(str(order_id)) for order_id in sorted(resting)))
        failed = [str(order) for order, done in zip(sorted(resting), left, strict=True) if not done]
        if failed:
            note = f"Orders {', '.join(failed)} could not be canceled. Cancel them at Tradovate if they still rest."
            return replace(result, code="SWEEP_FAILED", message=note)
        return result

    async def _cancel_resting(self, venue_order_id: str) -> bool:
        """Whether the order rests no more. The venue's own cancel may still be under way: then it is asked once again."""
        result = await self.cancel(venue_order_id)
        if result.not_taken and result.retry_after is not None and result.retry_after <= SHORT_WAIT:
            await asyncio.sleep(result.retry_after)
            result = await self.cancel(venue_order_id)
        return result.outcome is Outcome.ACCEPTED

    async def _rejected_close(self, closing: Entity, venue_order_id: str) -> SubmitResult:
        try:
            reports = await dependents(
                self._session.reads, "commandReport", [await self._command_of(closing)]
            )
        except BrokerError:
            reports = []
        refused = [done for done in (refusal(row, venue_order_id) for row in reports) if done is not None]
        return (
            refused[0]
            if refused
            else SubmitResult.rejected("Rejected", "Tradovate rejected the closing order.")
        )

    async def _command_of(self, order: Entity) -> int:
        commands = entities(await self._session.reads.deps("command", order["id"]), "command")
        return min((row["id"] for row in commands), default=0)


def _flat(answer: Answer, strategy: Entity) -> Any:
    """The strategy answer in the shape of an order answer, so that the same checks read it."""
    if not isinstance(answer.body, dict):
        return answer.body
    return {**answer.body, "orderStrategyId": strategy.get("id")}


def _bracket(result: SubmitResult) -> SubmitResult:
    """404 says that this server has no such command, and so that nothing was placed: the legs are for us to place."""
    if result.code != "NOT_FOUND":
        return result
    return SubmitResult.rejected(BRACKET_UNSUPPORTED, "This Tradovate server takes no brackets.")


def _busy(result: SubmitResult, retry_after: float) -> SubmitResult:
    """Another command for the same order is under way: nothing was taken, and a moment later it may be."""
    if result.code != "AnotherCommandPending":
        return result
    return SubmitResult.refused_for_now(result.code, result.message, retry_after)
