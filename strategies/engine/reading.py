"""Claiming a signal and reading everything its execution needs, in one round trip."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import DictRow

from brokers.domain import AccountRef, OrderType, Side
from brokers.sessions import SessionKey
from brokers.symbols import normalize_symbol, root_of
from strategies.engine import sql
from strategies.engine.context import AccountContext, OpenLeg, SignalContext, strategy_terms
from strategies.engine.limits import LimitBook, signal_facts, with_limits
from strategies.execution import bringback
from strategies.execution.terms import AccountView, Control, PreviousTarget
from strategies.webhooks.alert import Alert
from tradeproject.common.clock import parse_iso
from tradeproject.common.ids import first_id

MAX_ATTEMPTS = 5
LATELY_SECONDS = 3.0
NOBODY = UUID(int=0)
_SEVERITY = {Control.RUNNING: 0, Control.REDUCING: 1, Control.HALTED: 2}


def lately() -> UUID:
    """Orders with a larger id were made during the last three seconds."""
    return first_id(int((time.time() - LATELY_SECONDS) * 1000))


class TooManyAttempts(Exception):
    """The signal failed as often as it may. Carries its claim."""

    def __init__(self, claim: Claim) -> None:
        super().__init__(f"signal {claim.id} failed {claim.attempts - 1} times")
        self.claim = claim


@dataclass(frozen=True, slots=True)
class Claim:
    """A signal that is ours to execute until its lease runs out."""

    id: UUID
    user_id: UUID
    strategy_id: UUID
    fence: int
    attempts: int


async def load(
    connection: AsyncConnection[DictRow], signal_id: UUID, worker: str, lease: float, first: int
) -> SignalContext | None:
    """Claim the signal and read what its execution needs, with its ``first`` accounts; None when it is not ours to execute.

    Raises TooManyAttempts for a signal that failed too often.
    """
    arguments: dict[str, Any] = {
        "signal": signal_id,
        "worker": worker,
        "lease": lease,
        "after": NOBODY,
        "limit": first,
    }
    async with connection.pipeline():
        read = await _read(connection, sql.CLAIM_SIGNAL, arguments)
    return await read.context(MAX_ATTEMPTS)


async def read(
    connection: AsyncConnection[DictRow], signal_id: UUID, after: UUID, limit: int
) -> SignalContext | None:
    """A signal with some of its accounts as they are now, whoever has claimed it. None when it is gone."""
    arguments = {"signal": signal_id, "after": after, "limit": limit}
    async with connection.pipeline():
        found = await _read(connection, sql.SIGNAL, arguments)
    return await found.context()


async def reload(
    connection: AsyncConnection[DictRow], signal: SignalContext, first: int
) -> SignalContext | None:
    """The same signal read again, after others had their turn. None when it is gone."""
    found = await read(connection, signal.id, NOBODY, first)
    if found is not None:
        # Ours is the claim of before, also when somebody took the signal over meanwhile: nothing is written under another's.
        found.fence, found.attempts = signal.fence, signal.attempts
    return found


async def read_more(
    connection: AsyncConnection[DictRow], signal: SignalContext, after: UUID, limit: int
) -> list[AccountContext]:
    """The next accounts of the signal, by allocation, after that one."""
    async with connection.pipeline():
        part = await _read_part(connection, {"signal": signal.id, "after": after, "limit": limit})
    return await part.accounts_of(signal)


@dataclass(frozen=True, slots=True)
class _Part:
    """The cursors of one reading of accounts."""

    read_at: float
    accounts: AsyncCursor[DictRow]
    orders: AsyncCursor[DictRow]
    legs: AsyncCursor[DictRow]

    async def accounts_of(self, signal: SignalContext) -> list[AccountContext]:
        found = [_account(signal, row, self.read_at) for row in await self.accounts.fetchall()]
        _attach(found, await self.orders.fetchall(), await self.legs.fetchall())
        return found


@dataclass(frozen=True, slots=True)
class _Read:
    """A signal with its first accounts, in one round trip."""

    signal: AsyncCursor[DictRow]
    part: _Part

    async def context(self, max_attempts: int | None = None) -> SignalContext | None:
        row = await self.signal.fetchone()
        if row is None:
            return None
        claim = Claim(*(row[name] for name in ("id", "user_id", "strategy_id", "fence", "attempts")))
        if max_attempts is not None and claim.attempts > max_attempts:
            raise TooManyAttempts(claim)
        context = _context(claim, row, self.part.read_at)
        context.limit(live=row["live"])
        context.accounts = await self.part.accounts_of(context)
        return context


async def _read(connection: AsyncConnection[DictRow], statement: str, arguments: dict[str, Any]) -> _Read:
    """``statement`` brings the signal's own row; it may claim it too."""
    signal = await connection.execute(statement, arguments)
    return _Read(signal, await _read_part(connection, arguments))


async def _read_part(connection: AsyncConnection[DictRow], arguments: dict[str, Any]) -> _Part:
    return _Part(
        read_at=asyncio.get_running_loop().time(),
        accounts=await connection.execute(sql.ACCOUNTS, arguments),
        orders=await connection.execute(sql.OPEN_ORDERS, {**arguments, "lately": lately()}),
        legs=await connection.execute(sql.OPEN_LEGS, arguments),
    )


async def reread_account(
    connection: AsyncConnection[DictRow], signal_id: UUID, account: AccountContext
) -> None:
    """The account's open orders and legs as they are now that its lane is ours."""
    arguments = {"signal": signal_id, "account": account.account_id, "lately": lately()}
    async with connection.pipeline():
        orders = await connection.execute(sql.ACCOUNT_ORDERS, arguments)
        legs = await connection.execute(sql.ACCOUNT_LEGS, arguments)
    _attach([account], await orders.fetchall(), await legs.fetchall())


def _context(claim: Claim, row: DictRow, read_at: float) -> SignalContext:
    alert = Alert.from_json(row["alert"])
    symbol = normalize_symbol(alert.contract or alert.ticker or row["symbol"])
    fired = alert.alert_time
    # The sender's clock tells the age when there is one; how long the signal lay here counts in any case.
    waited = row["waited"] - row["delayed_by"]  # what the alert itself asked to wait makes it no older
    age = max(waited, (row["received_at"] - fired).total_seconds() + waited if fired else 0.0)
    return SignalContext(
        id=claim.id,
        user_id=claim.user_id,
        strategy_id=claim.strategy_id,
        fence=claim.fence,
        attempts=claim.attempts,
        alert=alert,
        terms=strategy_terms(claim.strategy_id, row),
        previous=_previous(row["previous"]),
        overtaken=row["overtaken"],
        is_delayed=row["is_delayed"],
        active=row["active"],
        age_when_read=age,
        read_at=read_at,
        symbol=symbol,
        root=root_of(symbol),
        account_count=row["account_count"],
        switches=_switches(row["switches"] or ()),
        accounts=[],
        source=row["source"],
        limits=LimitBook(claim.user_id, claim.strategy_id, row["risk"] or {}, row),
        facts=signal_facts(row),
    )


def _previous(stored: dict[str, Any] | None) -> PreviousTarget | None:
    plan = (stored or {}).get("plan") or {}
    if stored is None or plan.get("chart") is None:
        return None
    fired = stored.get("alert_time")
    return PreviousTarget(
        base=Decimal(plan.get("base") or "0"),
        chart=Decimal(plan["chart"]),
        alert_time=parse_iso(fired) if fired else None,
    )


def _account(context: SignalContext, row: DictRow, read_at: float) -> AccountContext:
    caps = [cap for cap in (row["max_contracts"], row["account_max_contracts"]) if cap is not None]
    control, scope = _control(context, row)
    view = AccountView(
        allocation_id=row["allocation_id"],
        broker_account_id=row["account_id"],
        multiplier=row["multiplier"],
        account_multiplier=row["account_multiplier"],
        max_contracts=min(caps) if caps else None,
        allocation_enabled=row["allocation_enabled"],
        account_enabled=row["account_enabled"],
        account_open=row["account_state"] == "ready",
        connection_state=row["connection_state"],
        connection_reason=row["connection_reason"],
        control=control,
        control_scope=scope,
        net=None,
        held=None,
    )
    view = with_limits(view, context.limits, row, context.terms.risk)
    if context.source in bringback.SOURCES:
        view = bringback.unscaled(view)
    return AccountContext(
        allocation_id=row["allocation_id"],
        account_id=row["account_id"],
        ref=AccountRef(row["external_id"], row["name"]),
        session_key=SessionKey(row["connection_id"], row["environment"]),
        broker=row["broker"],
        view=view,
        is_shared=row["is_shared"],
        read_at=read_at,
    )


def _switches(rows: Iterable[tuple[str, str, str]]) -> dict[tuple[str, str], Control]:
    """The more restrictive of a person's switch and the risk watch's, by scope and object."""
    found: dict[tuple[str, str], Control] = {}
    for scope, object_id, state in rows:
        both = (found.get((scope, object_id), Control.RUNNING), Control(state))
        found[scope, object_id] = max(both, key=lambda each: _SEVERITY[each])
    return found


def _control(context: SignalContext, row: DictRow) -> tuple[Control, str]:
    """The most restrictive switch that applies, and its scope in words."""
    switches = context.switches
    if not switches:
        return Control.RUNNING, "platform"
    scopes = (
        ("platform", ""),
        ("broker", row["broker"]),
        ("user", str(context.user_id)),
        ("strategy", str(context.strategy_id)),
        ("broker_account", str(row["account_id"])),
    )
    found = [(switches.get(scope, Control.RUNNING), scope[0].replace("_", " ")) for scope in scopes]
    return max(found, key=lambda pair: _SEVERITY[pair[0]])


def _attach(accounts: list[AccountContext], orders: list[DictRow], legs: list[DictRow]) -> None:
    by_account: dict[UUID, list[DictRow]] = defaultdict(list)
    for order in orders:
        by_account[order["broker_account_id"]].append(order)
    legs_by_account: dict[UUID, list[OpenLeg]] = defaultdict(list)
    for leg in legs:
        legs_by_account[leg["broker_account_id"]].append(open_leg(leg))
    for account in accounts:
        account.open_orders = by_account.get(account.account_id, [])
        account.legs = legs_by_account.get(account.account_id, [])


def open_leg(row: DictRow) -> OpenLeg:
    return OpenLeg(
        id=row["id"],
        order_id=row["order_id"],
        kind=row["kind"],
        strategy_id=row["strategy_id"],
        instrument_id=row["instrument_id"],
        entry_side=Side(row["side"]),
        venue_order_id=row["venue_order_id"],
        client_order_id=row["client_order_id"],
        placed_as=row["client_order_id"],
        price=row["price"],
        offset=row["offset"],
        trailing=row["trailing"],
        quantity=row["quantity"],
        status=row["status"],
        entry_price=row["average_price"],
        entry_client_id=row["entry_client_id"],
        entry_venue_id=row["entry_venue_id"],
        entry_quantity=row["entry_quantity"],
        entry_filled=row["filled_quantity"],
        entry_is_market=row["order_type"] == OrderType.MARKET.value,
    )
