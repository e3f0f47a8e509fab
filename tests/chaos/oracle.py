"""The broker simulator's ledger is the truth that chaos tests are judged by; the product's rows must agree with it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx

from tests.chaos.records import OrderRow, Records
from tradeproject.common.ids import client_order_id

WORKING = {"PendingNew", "Working", "Suspended"}
FINAL = {"filled", "denied", "rejected", "canceled", "expired"}
REFUSED = {"denied", "rejected", "expired", "canceled"}


@dataclass
class Truth:
    """What the venue did for one account."""

    name: str
    net: Decimal
    net_pnl: Decimal
    username: str = ""
    orders: list[dict[str, Any]] = field(default_factory=list)
    fills: list[dict[str, Any]] = field(default_factory=list)

    @property
    def filled(self) -> list[dict[str, Any]]:
        return [order for order in self.orders if order["status"] == "Filled"]

    @property
    def working(self) -> list[dict[str, Any]]:
        return [order for order in self.orders if order["status"] in WORKING]


def read_ledger(control: str, account: str = "") -> dict[str, Truth]:
    """Account name → what the venue has of it; idle accounts are left out unless asked for."""
    answer = httpx.get(f"{control}/ledger", params={"account": account} if account else None, timeout=60)
    answer.raise_for_status()
    truths: dict[str, Truth] = {}
    for told in answer.json()["accounts"]:
        net = sum((Decimal(str(p["net"])) for p in told["positions"]), Decimal(0))
        pnl = Decimal(str(told["net_pnl"]))
        truths[told["name"]] = Truth(told["name"], net, pnl, told["username"], told["orders"], told["fills"])
    return truths


def doubled(truth: Truth) -> list[str]:
    """Client order ids that the venue took more than once."""
    counts: dict[str, int] = defaultdict(int)
    for order in truth.orders:
        if order.get("client_order_id"):
            counts[order["client_order_id"]] += 1
    return [handle for handle, count in counts.items() if count > 1]


# --- the product's rows against it ------------------------------------------------------------------------------------

DUPLICATE, LOST, FALSE_REJECTION, STUCK = "duplicates", "lost", "false_rejections", "stuck"
FILLS, ORPHANS, NAKED = "wrong_fills", "orphans", "naked"
KINDS = (DUPLICATE, LOST, FALSE_REJECTION, STUCK, FILLS, ORPHANS, NAKED)


@dataclass(frozen=True)
class Problem:
    kind: str
    text: str


def is_live(order: dict[str, Any]) -> bool:
    """Whether the venue's order has an effect: it filled, in part at least, or may still."""
    return Decimal(str(order["filled"])) > 0 or order["status"] in WORKING


def judge(records: Records, ledger: dict[str, Truth], names: dict[str, str], target: int) -> list[Problem]:
    """Everything that is not (yet) as it must be. ``names``: account id → name; ``target``: what every account should hold."""
    problems = list(_signals(records, names))
    for account, name in names.items():
        truth = ledger.get(name) or Truth(name, Decimal(0), Decimal(0))
        orders = [order for order in records.orders if order.account == account]
        problems += _orders(orders, truth)
        problems += _positions(orders, truth, target)
        problems += _fills(records, account, truth)
        problems += _protection(truth, wanted=records.has_stop)
    return problems


def _signals(records: Records, names: dict[str, str]) -> Iterator[Problem]:
    for signal in records.signals:
        if signal.status == "accepted" and signal.progress not in {"done", "superseded"}:
            yield Problem(STUCK, f"signal {signal.id} is {signal.progress}")
        if signal.status != "accepted" or signal.progress != "done" or signal.code:
            continue
        told = {order.account for order in records.orders if order.signal == signal.id} | set(signal.decided)
        for account in names.keys() - told:
            yield Problem(LOST, f"signal {signal.id} left {names[account]} without an order or a reason")


def handles_of(order: OrderRow) -> set[str]:
    return {client_order_id(order.id, attempt) for attempt in range(order.attempt + 1)} | {order.handle}


def _is_of(order: OrderRow, one: dict[str, Any], handles: set[str]) -> bool:
    """A bracket's orders carry no client id at the venue; then the venue's id is what binds them."""
    return one["client_order_id"] in handles or str(one["order_id"]) == order.venue_id


def _orders(orders: list[OrderRow], truth: Truth) -> Iterator[Problem]:
    known: set[str] = set()
    for order in orders:
        handles = handles_of(order)
        live = [one for one in truth.orders if _is_of(order, one, handles) and is_live(one)]
        known |= {str(one["order_id"]) for one in live}
        if len(live) > 1:
            yield Problem(DUPLICATE, f"{truth.name}: {len(live)} live orders for {order.id} ({order.status})")
        if live and order.status in REFUSED and not order.filled:
            yield Problem(
                FALSE_REJECTION,
                f"{truth.name}: {order.id} is {order.status}, the venue has it {live[0]['status']}",
            )
        if order.status == "filled" and not live:
            yield Problem(LOST, f"{truth.name}: {order.id} is filled here only")
        if order.status not in FINAL:
            yield Problem(STUCK, f"{truth.name}: order {order.id} is {order.status}")
        if order.status in REFUSED and not (order.deny_code or order.reason):
            yield Problem(LOST, f"{truth.name}: order {order.id} is {order.status} without a reason")
    for one in truth.orders:
        is_own = one["order_type"] == "Market" and not one["parent_id"]
        if is_own and is_live(one) and str(one["order_id"]) not in known:
            yield Problem(
                DUPLICATE, f"{truth.name}: the venue's {one['order_id']} belongs to no order of ours"
            )


def _positions(orders: list[OrderRow], truth: Truth, target: int) -> Iterator[Problem]:
    ours = sum((order.signed_fill for order in orders), Decimal(0))
    if ours != truth.net:
        yield Problem(LOST, f"{truth.name}: our orders make {ours:+f}, the venue holds {truth.net:+f}")
    last = max((order.signal for order in orders), default=None)
    # An order that was held back has its reason; then the position is what the orders that went have made.
    held_back = any(order.signal == last and order.status in REFUSED for order in orders)
    if truth.net != target and not held_back:
        yield Problem(LOST, f"{truth.name}: holds {truth.net:+f}, the target is {target:+d}")


def _fills(records: Records, account: str, truth: Truth) -> Iterator[Problem]:
    ours = Counter(dict(records.fills.get(account, ())))
    theirs = Counter(
        {str(fill["fill_id"]): Decimal(str(fill["quantity"])) for fill in truth.fills if fill["active"]}
    )
    if ours != theirs:
        yield Problem(FILLS, f"{truth.name}: {len(ours)} fills recorded, the venue made {len(theirs)}")


def _protection(truth: Truth, *, wanted: bool) -> Iterator[Problem]:
    stops = [order for order in truth.working if order["order_type"].startswith("Stop")]
    if not truth.net and truth.working:
        yield Problem(ORPHANS, f"{truth.name}: flat with {len(truth.working)} working orders")
    covered = sum((Decimal(str(order["quantity"])) for order in stops), Decimal(0))
    if truth.net and wanted and covered < abs(truth.net):
        yield Problem(NAKED, f"{truth.name}: holds {truth.net:+f}, protected {covered}")
    if truth.net and covered > abs(truth.net):
        yield Problem(ORPHANS, f"{truth.name}: holds {truth.net:+f}, protected for {covered}")
