"""Finding one order again, by our id or the venue's. "Not there" is said only after every place was read successfully.

Our id is kept by the venue on the *command* (clOrdId), never on the order; for orders of a strategy it is the strategy's
uuid. A protective order is ours by its own clOrdId, or by its parent's and its role.
"""

from __future__ import annotations

from collections.abc import Iterable

from brokers.adapters.tradovate.book import Book
from brokers.adapters.tradovate.constants import FAILED_STRATEGIES, LEG_SUFFIXES, LIST_LIMIT, SIDES
from brokers.adapters.tradovate.parse import known, moment, order_report, role_of
from brokers.adapters.tradovate.reads import (
    Reads,
    dependents,
    entities,
    listed,
    load_order,
    number_of,
)
from brokers.adapters.tradovate.wire import Entity, NotFound
from brokers.domain import AccountRef, OrderReport, OrderStatus
from brokers.errors import Unavailable

NEWEST = 200
ENTRY = ""


async def find_order(
    reads: Reads, account: AccountRef, client_order_id: str, venue_order_id: str
) -> OrderReport | None:
    """The order, or None when the venue provably does not have it at this account. Raises the errors of reads."""
    known = [int(venue_order_id)] if venue_order_id and venue_order_id.isdigit() else []
    by_id = await _report_of(reads, account, known)
    if by_id is not None or not client_order_id:
        return by_id
    commands = await _commands_named(reads, account, client_order_id)
    ids = [row["orderId"] for row in commands]
    found = await _report_of(reads, account, ids) or await _find_leg(reads, account, client_order_id)
    return found or await _find_in_strategies(reads, account, client_order_id)


async def _report_of(reads: Reads, account: AccountRef, ids: Iterable[int]) -> OrderReport | None:
    for order_id in dict.fromkeys(ids):
        book = Book({account.id})
        try:
            await load_order(reads, book, order_id)
        except NotFound:
            continue
        order = book.orders[order_id]
        if book.is_ours(order):
            return order_report(book.parts(order))
    return None


async def _commands_named(reads: Reads, account: AccountRef, name: str) -> list[Entity]:
    """Commands that carry our id. A list as long as the venue's limit may be cut off: then the account's own orders are
    walked, newest first."""
    rows = await listed(reads, "command")
    found = [row for row in rows if row.get("clOrdId") == name]
    if not found and len(rows) >= LIST_LIMIT:
        orders = entities(await reads.deps("order", number_of(account)), "order")
        newest = sorted((row["id"] for row in orders), reverse=True)[:NEWEST]
        rows = await dependents(reads, "command", newest)
        found = [row for row in rows if row.get("clOrdId") == name]
    return [row for row in found if isinstance(row.get("orderId"), int)]


def _split(name: str) -> tuple[str, str]:
    """The entry's id and the role, of an id that may be a protective order's."""
    role = name[-1:]
    return (name[:-1], role) if role in LEG_SUFFIXES.values() and len(name) > 1 else (name, ENTRY)


async def _find_leg(reads: Reads, account: AccountRef, name: str) -> OrderReport | None:
    """A protective order that carries no id of its own, through the order it protects."""
    base, role = _split(name)
    if not role:
        return None
    parents = {row["orderId"] for row in await _commands_named(reads, account, base)}
    if not parents:
        return None
    orders = entities(await reads.deps("order", number_of(account)), "order")
    children = [row["id"] for row in orders if row.get("parentId") in parents]
    return await _report_of(reads, account, await _with_role(reads, children, role))


async def _with_role(reads: Reads, ids: list[int], role: str) -> list[int]:
    versions = await dependents(reads, "orderVersion", ids)
    return [row["orderId"] for row in versions if role_of(row) == role and row.get("orderId") in ids]


async def _find_in_strategies(reads: Reads, account: AccountRef, name: str) -> OrderReport | None:
    base, role = _split(name)
    for strategy in await listed(reads, "orderStrategy"):
        if str(strategy.get("accountId")) != account.id or str(strategy.get("uuid")) not in {name, base}:
            continue
        wanted = ENTRY if strategy["uuid"] == name else role
        orders = await strategy_orders(reads, strategy)
        if wanted in orders:
            report = await _report_of(reads, account, [orders[wanted]])
            if report is not None:
                return report
        if str(strategy.get("status")) in FAILED_STRATEGIES:
            return _failed(strategy, name)
        # It was taken, so "not there" would be a lie and a second order its consequence.
        raise Unavailable(
            "Tradovate runs this order as a strategy whose orders are not visible yet. Ask again."
        )
    return None


async def strategy_orders(reads: Reads, strategy: Entity) -> dict[str, int]:
    """Order ids of a strategy by role: "" the entry, "t" the target, "s" the stop. Missing ones are not there yet."""
    links = entities(await reads.deps("orderStrategyLink", strategy["id"]), "orderStrategyLink")
    ids = sorted({row["orderId"] for row in links if isinstance(row.get("orderId"), int)})
    orders = entities(await reads.items("order", ids), "order") if ids else []
    versions = {row.get("orderId"): row for row in await dependents(reads, "orderVersion", ids)}
    found: dict[str, int] = {}
    for order in sorted(orders, key=lambda row: row["id"]):
        is_entry = order.get("action") == strategy.get("action")
        role = ENTRY if is_entry else role_of(versions.get(order["id"], {}))
        if is_entry or role:
            found.setdefault(role, order["id"])
    return found


def _failed(strategy: Entity, name: str) -> OrderReport:
    return OrderReport(
        account_id=str(strategy["accountId"]),
        venue_order_id="",
        status=OrderStatus.REJECTED,
        side=SIDES[known(SIDES, strategy, "action")],
        venue_instrument_id=str(strategy.get("contractId") or ""),
        updated_at=moment(strategy),
        client_order_id=name,
        reason=f"{strategy['status']}: {strategy.get('failureMessage') or 'no reason given'}",
    )
