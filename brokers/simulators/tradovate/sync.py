"""user/syncrequest: the complete state of a login in one message (or several), by the old and by the partner rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from brokers.simulators.tradovate.catalog import SPECS, Scope
from brokers.simulators.tradovate.options import Options
from brokers.simulators.tradovate.people import AccountInfo, Login
from brokers.simulators.tradovate.routes import whole_number, whole_numbers
from brokers.simulators.tradovate.sessions import DENIED
from brokers.simulators.tradovate.store import View
from brokers.simulators.tradovate.venue import Venue
from brokers.simulators.tradovate.wire import Refused

SYNCED = {name: spec for name, spec in SPECS.items() if spec.synced}
ALWAYS = ("user", "contractGroup")
SMALL_LIBRARY = ("currency", "exchange", "orderStrategyType")
PARTS = (
    ("user", "account", "contractGroup", "currency", "exchange"),
    ("position", "cashBalance", "fillPair", "marginSnapshot"),
)
"""What a split snapshot brings first; the rest follows in one more message."""


@dataclass(frozen=True, slots=True)
class SyncWish:
    """``kinds`` None = everything."""

    accounts: tuple[AccountInfo, ...]
    kinds: frozenset[str] | None
    is_split: bool


def parse_wish(
    args: Any, login: Login, venue: Venue, options: Options, hidden: frozenset[str] = frozenset()
) -> SyncWish:
    """``hidden`` types are left out, as a missing permission does.

    Raises Refused: 400 for combinations that exclude each other, 401 for somebody else's users or accounts."""
    if not isinstance(args, dict):
        raise Refused(400, "The body must be a JSON object")
    users, kinds, sharding = args.get("users"), args.get("entityTypes"), args.get("shardingExpression")
    if users and (kinds or sharding):
        raise Refused(400, "users must not be combined with entityTypes or shardingExpression")
    if args.get("accounts") and sharding:
        raise Refused(400, "accounts must not be combined with shardingExpression")
    if users and set(whole_numbers(args, "users")) != {login.user_id}:
        raise Refused(401, DENIED)
    named = set(_names(kinds))
    if named - set(SYNCED):
        raise Refused(400, f"Unknown entity types: {', '.join(sorted(named - set(SYNCED)))}")
    accounts = _wished_accounts(args, login, venue)
    if kinds is None and not options.entity_types_required:
        named = set(SYNCED)
    is_all = not hidden and named == set(SYNCED)
    return SyncWish(
        accounts, None if is_all else frozenset(named - hidden), args.get("splitResponses") is True
    )


def _names(kinds: Any) -> list[str]:
    if kinds is None:
        return []
    if not isinstance(kinds, list) or not all(isinstance(kind, str) for kind in kinds):
        raise Refused(400, "entityTypes must be a list of names")
    return kinds


def _wished_accounts(args: dict[str, Any], login: Login, venue: Venue) -> tuple[AccountInfo, ...]:
    own = {account.id: account for account in login.on(venue.host)}
    if not args.get("accounts"):
        return tuple(_shard(list(own.values()), args.get("shardingExpression")))
    wished = whole_numbers(args, "accounts")
    if not set(wished) <= set(own):
        raise Refused(401, DENIED)
    return tuple(own[one] for one in wished)


def _shard(accounts: list[AccountInfo], expression: Any) -> list[AccountInfo]:
    if expression is None:
        return accounts
    if not isinstance(expression, dict):
        raise Refused(400, "shardingExpression must be an object")
    divisor, remainder = whole_number(expression, "divisor", 1), whole_number(expression, "remainder", 0)
    key = "owner_id" if expression.get("expressionType") == "modUserId" else "id"
    return [account for account in accounts if getattr(account, key) % max(divisor, 1) == remainder]


def snapshot(wish: SyncWish, login: Login, venue: Venue) -> dict[str, Any]:
    """Plural arrays; an absent one means that there is nothing of that kind."""
    ids = tuple(account.id for account in wish.accounts)
    view = View(login.user_id, frozenset(ids), ids)
    told: dict[str, Any] = {}
    for name, spec in SYNCED.items():
        is_wanted = wish.kinds is None or name in wish.kinds or name in ALWAYS
        if is_wanted and (spec.scope is not Scope.LIBRARY or name in ("contractGroup", *SMALL_LIBRARY)):
            rows = venue.store.listing(name, view)
            if rows or name in ALWAYS:
                told[spec.plural] = rows
    _add_contracts(told, wish, venue)
    return told


def _add_contracts(told: dict[str, Any], wish: SyncWish, venue: Venue) -> None:
    """Only the contracts that the login's positions and orders are about, with what leads to their tick and value."""
    rows = [*told.get("positions", ()), *told.get("orders", ())]
    ids = sorted({row.contractId for row in rows})
    tables = venue.store.tables
    contracts = [tables["contract"].rows[one] for one in ids if one in tables["contract"].rows]
    maturities = {
        c.contractMaturityId: tables["contractMaturity"].rows[c.contractMaturityId] for c in contracts
    }
    products = {m.productId: tables["product"].rows[m.productId] for m in maturities.values()}
    for name, found in (
        ("contract", contracts),
        ("contractMaturity", list(maturities.values())),
        ("product", list(products.values())),
    ):
        if found and (wish.kinds is None or name in wish.kinds):
            told[SYNCED[name].plural] = found


def split(told: dict[str, Any]) -> list[dict[str, Any]]:
    """The snapshot in several messages. Nothing marks the last one, as at the venue."""
    parts, rest = [], dict(told)
    for names in PARTS:
        plurals = [SYNCED[name].plural for name in names]
        part = {plural: rest.pop(plural) for plural in plurals if plural in rest}
        if part:
            parts.append(part)
    return [*parts, rest] if rest else parts
