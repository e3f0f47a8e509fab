"""The chain of entities that an order leaves behind, written in the order in which the venue tells it.

One step of an order's life is one method. ``orderVersion.id`` is the id of the command that made it; a partly filled order
stays ``Working``; reasons of a rejection live on the reports, not on the order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from brokers.simulators.tradovate.clock import Clock
from brokers.simulators.tradovate.entities import (
    Command,
    CommandReport,
    ExecutionReport,
    Fill,
    Order,
    OrderVersion,
    TradeDate,
)
from brokers.simulators.tradovate.records import OrderRecord
from brokers.simulators.tradovate.store import Ids, Store
from brokers.simulators.tradovate.terms import Terms
from brokers.simulators.tradovate.wire import plain_number

EXECUTION_PROVIDER = 4
SETTLED = {"Rejected": "Rejected", "Canceled": "Canceled", "Expired": "Expired"}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who gives a command, and when its last byte came in (wall seconds and monotonic nanoseconds)."""

    user_id: int
    user_name: str
    session_id: int
    transport: str
    path: str
    wall: float
    monotonic_ns: int
    source: str = "api"


class Reporter:
    def __init__(self, store: Store, clock: Clock, ids: Ids, trade_date: Callable[[], TradeDate]) -> None:
        self._store, self._clock, self._ids, self._trade_date = store, clock, ids, trade_date

    # --- commands -----------------------------------------------------------------------------------------------

    def enter(self, caller: Caller, record: OrderRecord, terms: Terms, *, admin: bool) -> None:
        """A new order: PendingNew, with its command and its first version."""
        order = Order(
            id=record.id,
            accountId=record.account_id,
            contractId=record.contract_id,
            timestamp=self._clock.stamp(),
            action=record.action,
            ordStatus="PendingNew",
            admin=admin,
            executionProviderId=EXECUTION_PROVIDER,
            ocoId=record.oco_id,
            parentId=record.parent_id,
            linkedId=record.oco_id,
        )
        self._store.put("order", order, record.account_id)
        self._command(caller, record, record.command_id, "New", terms)
        self.write_version(record, terms)
        self._keep(record)

    def change(self, caller: Caller, record: OrderRecord, terms: Terms) -> int:
        """A Modify command with the version it wants; the order waits in PendingReplace. Returns the command's id."""
        command_id = self._ids.next()
        self._command(caller, record, command_id, "Modify", terms)
        version = self._version(record.id, command_id, terms)
        self._store.put("orderVersion", version, record.account_id)
        self._status(record, "PendingReplace")
        return command_id

    def ask_cancel(self, caller: Caller, record: OrderRecord, terms: Terms | None = None) -> int:
        command_id = self._ids.next()
        self._command(caller, record, command_id, "Cancel", terms)
        self._status(record, "PendingCancel")
        return command_id

    def _command(
        self, caller: Caller, record: OrderRecord, command_id: int, kind: str, terms: Terms | None
    ) -> None:
        command = Command(
            id=command_id,
            orderId=record.id,
            timestamp=self._clock.stamp(),
            commandType=kind,
            commandStatus="Pending",
            clOrdId=terms.cl_ord_id if terms else None,
            senderId=caller.user_id,
            userSessionId=caller.session_id,
            customTag50=terms.custom_tag if terms else None,
            isAutomated=terms.is_automated if terms else False,
        )
        self._store.put("command", command, record.account_id)

    def _version(self, order_id: int, command_id: int, terms: Terms) -> OrderVersion:
        return OrderVersion(
            id=command_id,
            orderId=order_id,
            orderQty=terms.qty,
            orderType=terms.order_type,
            price=terms.price,
            stopPrice=terms.stop_price,
            pegDifference=terms.trail,
            maxShow=terms.max_show,
            timeInForce=terms.tif,
            expireTime=terms.expire_time,
            text=terms.text,
        )

    def write_version(self, record: OrderRecord, terms: Terms) -> None:
        self._store.put("orderVersion", self._version(record.id, record.command_id, terms), record.account_id)

    def resize(self, record: OrderRecord, qty: int) -> None:
        """The venue itself took quantity away: the present version says so from now on."""
        record.qty = qty
        version = self._store.get("orderVersion", record.command_id)
        if version is not None:
            version.orderQty = qty
            self._store.put("orderVersion", version)
        self._keep(record)

    # --- answers to commands ------------------------------------------------------------------------------------

    def accept(self, record: OrderRecord, *, suspended: bool) -> None:
        """Risk passed, sent, taken: Working, or Suspended for a child whose parent has not filled."""
        for status in ("RiskPassed", "PendingExecution", "AtExecution"):
            self._report_command(record.command_id, record, status)
        self._settle_command(record.command_id, "ExecutionSuspended" if suspended else "AtExecution")
        self._execution(record, "Suspended" if suspended else "New", "Suspended" if suspended else "Working")
        self._status(record, "Suspended" if suspended else "Working")

    def activate(self, record: OrderRecord) -> None:
        self._settle_command(record.command_id, "AtExecution")
        self._execution(record, "New", "Working")
        self._status(record, "Working")

    def reject(self, record: OrderRecord, reason: str, text: str, *, by_risk: bool = True) -> None:
        status = "RiskRejected" if by_risk else "ExecutionRejected"
        record.reject_reason, record.reject_text = reason, text
        self._report_command(record.command_id, record, status, reason, text, "Rejected")
        self._settle_command(record.command_id, status)
        self._execution(record, "Rejected", "Rejected", reason=reason, text=text)
        self._status(record, "Rejected")

    def refuse_command(
        self, record: OrderRecord, command_id: int, reason: str, text: str, *, suspended: bool
    ) -> None:
        """A Modify or Cancel that was queued and then refused: the order goes on as before."""
        status = "Suspended" if suspended else "Working"
        self._report_command(command_id, record, "ExecutionRejected", reason, text, status)
        self._settle_command(command_id, "ExecutionRejected")
        self._status(record, status)

    def replaced(self, record: OrderRecord, command_id: int, *, suspended: bool) -> None:
        old, record.command_id = record.command_id, command_id
        self._report_command(command_id, record, "AtExecution")
        self._settle_command(command_id, "AtExecution")
        self._settle_command(old, "Replaced")
        self._execution(record, "Replaced", "Working")
        self._status(record, "Suspended" if suspended else "Working")

    def cancel_command_done(self, record: OrderRecord, command_id: int) -> None:
        self._report_command(command_id, record, "AtExecution")
        self._settle_command(command_id, "AtExecution")

    def ended(self, record: OrderRecord, status: str) -> None:
        """Canceled or Expired."""
        self._execution(record, status, status)
        self._status(record, status)

    # --- fills --------------------------------------------------------------------------------------------------

    def fill(self, record: OrderRecord, qty: int, price: Decimal) -> Fill:
        """The fill; ``traded`` follows once its money is booked."""
        fill = Fill(
            id=self._ids.next(),
            orderId=record.id,
            contractId=record.contract_id,
            timestamp=self._clock.stamp(),
            tradeDate=self._trade_date(),
            action=record.action,
            qty=qty,
            price=plain_number(price),
            active=True,
            finallyPaired=0,
        )
        record.filled += qty
        record.value += qty * price
        self._store.put("fill", fill, record.account_id)
        status = "Filled" if record.filled >= record.qty else "Working"
        self._execution(record, "Trade", status, fill=fill)
        return fill

    def filled(self, record: OrderRecord) -> None:
        """After the books: the order is Filled, or goes on Working (there is no status for "partly")."""
        if record.filled >= record.qty:
            self._status(record, "Filled")
        else:
            self._keep(record)

    def busted(self, record: OrderRecord, fill: Fill) -> None:
        """A fill was taken back after the fact; the order keeps its status."""
        record.filled -= fill.qty
        record.value -= fill.qty * fill.price
        self._execution(record, "TradeCancel", record.status, fill=fill)
        self._keep(record)

    # --- pieces -------------------------------------------------------------------------------------------------

    def _report_command(
        self,
        command_id: int,
        record: OrderRecord,
        status: str,
        reason: str | None = None,
        text: str | None = None,
        order_status: str | None = None,
    ) -> None:
        report = CommandReport(
            id=self._ids.next(),
            commandId=command_id,
            timestamp=self._clock.stamp(),
            commandStatus=status,
            rejectReason=reason,
            text=text,
            ordStatus=order_status,
        )
        self._store.put("commandReport", report, record.account_id)

    def _settle_command(self, command_id: int, status: str) -> None:
        command = self._store.get("command", command_id)
        if command is not None and command.commandStatus != status:
            command.commandStatus = status
            self._store.put("command", command)

    def _execution(
        self,
        record: OrderRecord,
        kind: str,
        status: str,
        *,
        fill: Fill | None = None,
        reason: str | None = None,
        text: str | None = None,
    ) -> None:
        report_id = self._ids.next()
        report = ExecutionReport(
            id=report_id,
            commandId=record.command_id,
            name=str(report_id),
            accountId=record.account_id,
            contractId=record.contract_id,
            timestamp=self._clock.stamp(),
            tradeDate=self._trade_date(),
            orderId=record.id,
            execType=kind,
            execRefId=str(fill.id) if fill else None,
            ordStatus=status,
            action=record.action,
            cumQty=record.filled,
            avgPx=record.average,
            lastQty=fill.qty if fill else None,
            lastPx=fill.price if fill else None,
            rejectReason=reason,
            text=text,
            exchangeOrderId=f"X{record.id}",
        )
        self._store.put("executionReport", report, record.account_id)

    def _status(self, record: OrderRecord, status: str) -> None:
        record.status = status
        order = self._store.get("order", record.id)
        if order is not None and order.ordStatus != status:
            order.ordStatus = status
            self._store.put("order", order)
        self._keep(record)

    def _keep(self, record: OrderRecord) -> None:
        self._store.put_record("orderRecord", record, record.account_id)
