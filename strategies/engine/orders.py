"""Orders between their plan and the venue: rows that are claimed as they are written, then sent, then settled."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from brokers.domain import AccountRef, LegKind, OrderIntent, OrderType
from brokers.ratelimit import Lane as Priority
from brokers.sessions import SessionKey
from strategies.engine.context import AccountContext, Contract, OpenLeg, SignalContext
from strategies.engine.inflight import InFlight
from strategies.engine.lanes import Holding
from strategies.engine.writer import text
from strategies.execution.denials import as_text
from strategies.execution.terms import AccountPlan, Denial, OrderDraft, Purpose
from tradeproject.common.ids import client_order_id, uuid7

CHANNEL = "orders"
FLATTEN = "flatten"


@dataclass(slots=True)
class PlannedOrder:
    """One draft with its identity. ``status`` is what its row is written with."""

    id: UUID
    leg: int
    draft: OrderDraft
    client_order_id: str
    status: str
    fence: int
    depends_on: UUID | None = None
    tracking: InFlight | None = None

    @property
    def is_exit(self) -> bool:
        return self.draft.purpose is Purpose.EXIT

    def deny(self, denial: Denial) -> None:
        self.status, self.draft = "denied", replace(self.draft, denial=denial)


@dataclass(slots=True, eq=False, kw_only=True)
class AccountRun(Holding):
    """One account's part in one signal, from its place in the lane to the last settled order.

    ``canceled_legs`` were taken away for an exit, ``canceled_entries`` no longer rest.
    """

    signal: SignalContext
    account: AccountContext
    plan: AccountPlan | None = None
    orders: list[PlannedOrder] = field(default_factory=list)
    canceled_legs: list[OpenLeg] = field(default_factory=list)
    seen_at: float = 0.0
    """When its account was looked at last, in the pulse's time."""
    canceled_entries: set[UUID] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Parcel:
    """An order as it is given to the sender, whether planned a moment ago or known only by its row.

    ``held`` is the account's position when this was decided, at ``decided_at`` of the pulse's time; ``deadline`` the loop time
    after which it is not begun. ``account_id`` and ``instrument_id`` are our rows; ``is_shared``: other strategies trade there.
    """

    order_id: UUID
    fence: int
    purpose: str
    intent: OrderIntent
    broker: str
    session_key: SessionKey
    user_id: UUID
    signal_id: UUID | None
    strategy_id: UUID | None
    deadline: float
    decided_at: float
    account_id: UUID
    instrument_id: int
    is_shared: bool = False
    held: Decimal | None = None

    @property
    def priority(self) -> Priority:
        return Priority.ENTRY if self.purpose == Purpose.ENTRY.value else Priority.EXIT

    @property
    def rests(self) -> bool:
        """Whether it may work at the venue for long, so that nobody waits for its end."""
        return self.purpose != FLATTEN and self.intent.order_type is not OrderType.MARKET


def plan_orders(run: AccountRun) -> None:
    """Give every draft its identity and the status its row starts with: the entry of a reversal waits for its exit."""
    previous: PlannedOrder | None = None
    for index, draft in enumerate(run.plan.drafts if run.plan is not None else ()):
        order_id = uuid7()
        order = PlannedOrder(
            id=order_id,
            leg=index,
            draft=draft,
            client_order_id=client_order_id(order_id, 0),
            status="denied" if draft.denial else "submitted",
            fence=run.signal.fence,
        )
        if previous is not None and previous.is_exit and draft.denial is None:
            _wait_for(previous, order)
        run.orders.append(order)
        previous = order


def _wait_for(first: PlannedOrder, order: PlannedOrder) -> None:
    if first.status == "submitted":
        order.status, order.depends_on = "pending", first.id
    else:
        order.deny(Denial("EXIT_NOT_CONFIRMED", {"status": first.status}))


def order_row(run: AccountRun, order: PlannedOrder) -> dict[str, Any]:
    draft, signal, account = order.draft, run.signal, run.account
    contract = account.contract(draft.purpose)
    denial = draft.denial
    return {
        "id": str(order.id),
        "user_id": str(signal.user_id),
        "signal_id": str(signal.id),
        "strategy_id": str(signal.strategy_id),
        "broker_account_id": str(account.account_id),
        "broker": account.broker,
        "instrument_id": contract.row_id if contract else None,
        "purpose": draft.purpose.value,
        "leg": order.leg,
        "depends_on_id": str(order.depends_on) if order.depends_on else None,
        "client_order_id": order.client_order_id,
        "symbol": contract.instrument.root if contract else signal.root,
        "venue_symbol": contract.instrument.venue_symbol if contract else "",
        "side": draft.side.value,
        "quantity": text(draft.quantity),
        "order_type": draft.order_type.value,
        "limit_price": text(draft.limit_price),
        "stop_price": text(draft.stop_price),
        "trail_offset": text(draft.trail_offset),
        "time_in_force": draft.time_in_force.value,
        "reference_price": text(
            signal.alert.signal_price if draft.reference_price is None else draft.reference_price
        ),
        "cancel_after": draft.cancel_after,
        "status": order.status,
        "deny_code": denial.code if denial else "",
        "deny_context": as_text(denial.context) if denial else {},
    }


def leg_handle(client_order_id: str, kind: LegKind | str) -> str:
    """A protective leg's own handle: its entry's, with t for the target and s for the stop."""
    return client_order_id + ("t" if kind == LegKind.TAKE_PROFIT else "s")


def fresh_leg_handle() -> str:
    """A handle for legs that are placed once more. Whoever uses it writes it down first."""
    return client_order_id(uuid7(), 0)


def leg_rows(order: PlannedOrder, status: str) -> list[dict[str, Any]]:
    """``status``: submitted when the legs go with the entry, pending when they are for us to place."""
    return [
        {
            "id": str(uuid7()),
            "order_id": str(order.id),
            "kind": leg.kind.value,
            "offset": text(leg.offset),
            "price": text(leg.price),
            "trailing": leg.trailing,
            "fixed": leg.price is not None,
            "quantity": text(order.draft.quantity),
            "client_order_id": leg_handle(order.client_order_id, leg.kind),
            "status": status,
        }
        for leg in (order.draft.legs if order.draft.denial is None else ())
    ]


def wanted_leg_rows(run: AccountRun) -> list[dict[str, Any]]:
    """The legs that make way, wanted again under another handle: one for all legs of an entry."""
    handles: dict[UUID, str] = {}
    for leg in run.canceled_legs:
        handle = handles.setdefault(leg.order_id, fresh_leg_handle())
        leg.client_order_id = leg_handle(handle, leg.kind)
    return [{"id": str(leg.id), "client_order_id": leg.client_order_id} for leg in run.canceled_legs]


def parcel_of(run: AccountRun, order: PlannedOrder, deadline: float, decided_at: float) -> Parcel:
    account, signal = run.account, run.signal
    contract = account.contract(order.draft.purpose)
    if contract is None:
        raise ValueError("an order without its contract was claimed")
    return Parcel(
        order_id=order.id,
        fence=order.fence,
        purpose=order.draft.purpose.value,
        intent=intent_of(order.draft, order.client_order_id, account.ref, contract, signal.strategy_id),
        broker=account.broker,
        session_key=account.session_key,
        user_id=signal.user_id,
        signal_id=signal.id,
        strategy_id=signal.strategy_id,
        deadline=deadline,
        decided_at=decided_at,
        account_id=account.account_id,
        instrument_id=contract.row_id,
        is_shared=account.is_shared,
        held=account.view.held,
    )


def intent_of(
    draft: OrderDraft, handle: str, ref: AccountRef, contract: Contract, strategy_id: UUID | None
) -> OrderIntent:
    """The instruction for the adapter. The tag names the strategy, for the venue's own order list."""
    return OrderIntent(
        client_order_id=handle,
        account=ref,
        instrument=contract.instrument,
        side=draft.side,
        quantity=draft.quantity,
        order_type=draft.order_type,
        limit_price=draft.limit_price,
        stop_price=draft.stop_price,
        trail_offset=draft.trail_offset,
        time_in_force=draft.time_in_force,
        legs=draft.legs,
        reference_price=draft.reference_price,
        tag=f"s-{strategy_id}" if strategy_id else "",
    )
