"""What the venue knows, asked over HTTP: orders, fills, positions, money, accounts. Every list holds all accounts of the
login and only this trading session; each is filtered by account here."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from brokers.adapters.tradovate.book import Book
from brokers.adapters.tradovate.client import Client
from brokers.adapters.tradovate.constants import ITEMS_PER_CALL
from brokers.adapters.tradovate.parse import (
    account_info,
    position_report,
    snapshot_report,
)
from brokers.adapters.tradovate.reporter import Reporter
from brokers.adapters.tradovate.wire import Entity, NotFound, check_ids
from brokers.domain import (
    AccountInfo,
    AccountRef,
    AccountReport,
    Environment,
    FillReport,
    OrderReport,
    PositionReport,
)
from brokers.errors import ProtocolSurprise, Unavailable

Reads = Client[Any]

# commandReport and executionReport hang on the command, not on the order.
BY_ORDER = ("orderVersion", "command", "fill", "executionReport", "commandReport")


def entities(body: Any, what: str) -> list[Entity]:
    """The rows of a list answer. Raises ProtocolSurprise when it is not a list of objects with ids."""
    if not isinstance(body, list):
        raise ProtocolSurprise(f"Tradovate's list of {what} has a shape we do not know. It is left out.")
    return [entity(row, what) for row in body]


def entity(body: Any, what: str) -> Entity:
    """One object with an id. Raises ProtocolSurprise."""
    if not isinstance(body, dict) or body.get("id") is None:
        raise ProtocolSurprise(f"Tradovate's {what} has a shape we do not know. It is left out.")
    return check_ids(body)


async def listed(reads: Reads, kind: str) -> list[Entity]:
    return entities(await reads.list(kind), kind)


async def dependents(reads: Reads, kind: str, masters: Iterable[int]) -> list[Entity]:
    """The children of many masters, a few masters in each call."""
    ids = list(masters)
    batches = [ids[n : n + ITEMS_PER_CALL] for n in range(0, len(ids), ITEMS_PER_CALL)]
    answers = await asyncio.gather(*(reads.ldeps(kind, batch) for batch in batches))
    return [row for answer in answers for row in entities(answer, kind)]


# --- orders -----------------------------------------------------------------------------------------------------


async def load_order(reads: Reads, book: Book, order_id: int) -> None:
    """Put one order and all that belongs to it into ``book``. Raises NotFound when the venue has no such order."""
    book.put("order", entity(await reads.item("order", order_id), "order"))
    versions, commands, fills = await asyncio.gather(
        *(reads.deps(kind, order_id) for kind in ("orderVersion", "command", "fill"))
    )
    book.put_all("orderVersion", entities(versions, "orderVersion"))
    book.put_all("command", entities(commands, "command"))
    book.put_all("fill", entities(fills, "fill"))
    command_ids = [row["id"] for row in commands if isinstance(row.get("id"), int)]
    reports, executions = await asyncio.gather(
        dependents(reads, "commandReport", command_ids), dependents(reads, "executionReport", command_ids)
    )
    book.put_all("commandReport", reports)
    book.put_all("executionReport", executions)
    if not book.client_id(book.orders[order_id]):
        await _load_origin(reads, book, order_id)


async def _load_origin(reads: Reads, book: Book, order_id: int) -> None:
    """What an order without an id of ours hangs on: the order it protects, or a strategy."""
    parent = book.orders[order_id].get("parentId")
    if isinstance(parent, int):
        above, commands = await asyncio.gather(reads.item("order", parent), reads.deps("command", parent))
        book.put("order", entity(above, "order"))
        book.put_all("command", entities(commands, "command"))
    if not book.client_id(book.orders[order_id]):
        await load_strategies(reads, book)


async def load_strategies(reads: Reads, book: Book) -> None:
    kinds = ("orderStrategy", "orderStrategyLink")
    for kind, rows in zip(kinds, await asyncio.gather(*(listed(reads, kind) for kind in kinds)), strict=True):
        book.put_all(kind, rows)


async def load_orders(reads: Reads, book: Book) -> None:
    """Put all orders of this session into ``book``, with all that belongs to them."""
    kinds = ("order", *BY_ORDER)
    for kind, rows in zip(kinds, await asyncio.gather(*(listed(reads, kind) for kind in kinds)), strict=True):
        book.put_all(kind, rows)
    if any(not book.client_id(order) for order in book.our_orders()):
        await load_strategies(reads, book)


async def order_reports(reads: Reads, accounts: frozenset[str], since: datetime | None) -> list[OrderReport]:
    """This session's orders that changed at or after ``since``, and all that are still alive."""
    book = Book(accounts)
    await load_orders(reads, book)
    reports = Reporter(book).orders()
    return [row for row in reports if since is None or row.updated_at >= since or not row.status.is_final]


async def fill_reports(reads: Reads, accounts: frozenset[str], since: datetime | None) -> list[FillReport]:
    """This session's executions at or after ``since``, with their fees where the venue has told them."""
    book = Book(accounts)
    kinds = ("order", "fill", "fillFee", "command")
    for kind, rows in zip(kinds, await asyncio.gather(*(listed(reads, kind) for kind in kinds)), strict=True):
        book.put_all(kind, rows)
    if any(book.fills_of(order["id"]) and not book.client_id(order) for order in book.our_orders()):
        book.put_all("orderVersion", await listed(reads, "orderVersion"))
        await load_strategies(reads, book)
    for order_id in sorted({book.fills[fill_id]["orderId"] for fill_id in book.homeless}):
        with contextlib.suppress(NotFound):
            await load_order(reads, book, order_id)
    reports = Reporter(book).fills()
    return [row for row in reports if since is None or row.executed_at >= since]


# --- positions and money ----------------------------------------------------------------------------------------


async def position_reports(reads: Reads, accounts: frozenset[str]) -> list[PositionReport]:
    """What is held. One unreadable row fails the whole answer: left out it would be taken for flat."""
    rows = [row for row in await listed(reads, "position") if str(row.get("accountId")) in accounts]
    return [report for report in map(position_report, rows) if report.net_quantity]


async def account_report(reads: Reads, account: AccountRef, now: datetime) -> AccountReport:
    """Money as of ``now``: the snapshot is computed when it is asked for and carries no time."""
    body = await reads.get_cash_balance_snapshot(number_of(account))
    if not isinstance(body, dict):
        raise ProtocolSurprise("Tradovate's cash snapshot has a shape we do not know. It is left out.")
    return snapshot_report(account.id, body, now)


async def accounts(reads: Reads, environment: Environment) -> list[AccountInfo]:
    """The accounts this login sees at this host. Who owns them is another matter: a firm may, for its traders."""
    return [account_info(row, environment) for row in await listed(reads, "account")]


def number_of(account: AccountRef) -> int:
    if not account.id.isdigit():
        raise Unavailable(
            f"{account.id!r:.40} is not a Tradovate account id. Reconnect the login to read them again."
        )
    return int(account.id)
