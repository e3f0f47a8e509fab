"""What people ask of the executor, as rows it takes up by itself: cancel an order, close positions.

A wake-up goes out with the commit; the executor also looks by itself, so nothing is lost when it is down at the moment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest

from accounts.services import record_audit
from brokers.domain import OrderStatus, Side
from brokers.models import BrokerAccount, BrokerConnection, Instrument
from brokers.symbols import normalize_symbol, root_of
from strategies import holdings
from strategies.models import Order, OrderEvent, Strategy
from tradeproject.common.api import Problem
from tradeproject.common.clock import utc_now
from tradeproject.common.events import notify
from tradeproject.common.ids import client_order_id, uuid7

if TYPE_CHECKING:
    from accounts.models import User

ORDERS_CHANNEL = "orders"
_FULL_YEAR = re.compile(r"^([A-Z0-9]+[FGHJKMNQUVXZ])(\d{4})$")
_UNUSABLE = {BrokerConnection.State.DISABLED.value, BrokerConnection.State.NEEDS_REAUTHORIZATION.value}


# --- cancel -----------------------------------------------------------------------------------------------------------


@transaction.atomic
def request_cancel(order: Order, actor: User | None, *, request: HttpRequest | None = None) -> Order:
    """Ask the broker to cancel. Raises Problem 409 when the order has already come to its end."""
    order = Order.objects.select_for_update(of=("self",)).select_related("user").get(pk=order.pk)
    if order.is_final:
        status = OrderStatus(order.status).value.replace("_", " ")
        raise Problem(
            "order_final", f"This order is already {status}; nothing is left to cancel.", status_code=409
        )
    order.cancel_requested_at = utc_now()
    if order.status == OrderStatus.PENDING:  # nothing of it has left: there is nobody to ask
        order.status, order.settled_at = OrderStatus.CANCELED, order.cancel_requested_at
        message = _by("Canceled before it was sent", actor)
        OrderEvent.objects.create(order=order, kind="canceled", message=message)
    else:
        OrderEvent.objects.create(
            order=order, kind="cancel_requested", message=_by("Cancel asked for", actor)
        )
        notify(ORDERS_CHANNEL, str(order.pk))
    order.save(update_fields=["cancel_requested_at", "status", "settled_at", "updated_at"])
    record_audit(
        "order_cancel_requested",
        actor=actor,
        owner=order.user,
        object_type="order",
        object_id=order.pk,
        detail={"order": str(order), "status": order.status},
        request=request,
    )
    return order


def cancel_entries(orders: Any) -> int:
    """Ask for the end of every working entry among ``orders``; exits and protective orders stay. Returns how many."""
    asked = (
        orders.unfinished()
        .filter(purpose=Order.Purpose.ENTRY)
        .update(cancel_requested_at=utc_now(), updated_at=utc_now())
    )
    if asked:
        notify(ORDERS_CHANNEL)
    return int(asked)


def _by(what: str, actor: User | None) -> str:
    return f"{what} by {actor.email}." if actor is not None else f"{what} by the operator."


# --- flatten ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Flattened:
    """Orders that will close positions (new ones and those already on their way), and what could not be asked, in words."""

    orders: list[Order] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Held:
    account: BrokerAccount
    instrument: Instrument
    net: Decimal


@transaction.atomic
def flatten(
    user: User | None,
    *,
    broker_account: BrokerAccount | None = None,
    strategy: Strategy | None = None,
    everything: bool = False,
    symbol: str | None = None,
    broker: str | None = None,
    actor: User | None = None,
    request: HttpRequest | None = None,
) -> Flattened:
    """Close what is held: on one account, on a strategy's accounts (its own contract only), or everywhere.

    One order per account and contract, written now and sent by the executor, which cancels that contract's working orders
    at the account first and closes what is really held then. ``user`` None means all users (the operator's kill switch).
    """
    if [broker_account is not None, strategy is not None, everything].count(True) != 1:
        raise ValueError("flatten() closes one account, one strategy's accounts, or everything")
    accounts = _accounts(user, broker_account, strategy, broker)
    result = Flattened()
    wanted = _wanted(_held_by(accounts), strategy, symbol)
    if symbol and not wanted:
        result.warnings.append(f"No open position in {symbol} is known there.")
    for held in wanted:
        problem = _obstacle(held, strategy)
        if problem:
            result.warnings.append(problem)
        else:
            result.orders.append(_flatten_order(held, strategy, actor))
    if result.orders:
        notify(ORDERS_CHANNEL)
    for owner in {order.user for order in result.orders} or ({user} if user is not None else set()):
        _record(owner, result, actor, request, broker_account, strategy, symbol)
    return result


def _accounts(
    user: User | None,
    broker_account: BrokerAccount | None,
    strategy: Strategy | None,
    broker: str | None,
) -> dict[UUID, BrokerAccount]:
    """The accounts meant, locked: two requests at once must not both write an order for one position."""
    rows = BrokerAccount.objects.select_for_update(of=("self",)).select_related("connection", "user")
    if user is not None:
        rows = rows.filter(user=user)
    if broker_account is not None:
        rows = rows.filter(pk=broker_account.pk)
    if strategy is not None:
        rows = rows.filter(pk__in=strategy.allocations.values("broker_account"))
    if broker is not None:
        rows = rows.filter(connection__broker=broker)
    return {account.pk: account for account in rows.order_by("pk")}


def _held_by(accounts: dict[UUID, BrokerAccount]) -> list[_Held]:
    nets = {pair: net for pair, net in holdings.net_positions(accounts.keys()).items() if net}
    instruments = Instrument.objects.in_bulk({instrument for _, instrument in nets})
    found = [
        _Held(accounts[account], instruments[instrument], net)
        for (account, instrument), net in nets.items()
        if account in accounts and instrument in instruments
    ]
    return sorted(found, key=lambda held: (held.account.name, held.instrument.venue_symbol))


def _wanted(found: Iterable[_Held], strategy: Strategy | None, symbol: str | None) -> list[_Held]:
    kept = list(found)
    if strategy is not None:
        kept = [held for held in kept if held.instrument.root == root_of(strategy.symbol)]
    if symbol:
        names = _names_of(symbol)
        kept = [held for held in kept if names & {held.instrument.venue_symbol.upper(), held.instrument.root}]
    return kept


def _names_of(symbol: str) -> set[str]:
    """What a contract may be called here: MNQ and MNQ1! are every MNQ contract, MNQZ2026 is MNQZ6 or MNQZ26 alone."""
    name = normalize_symbol(symbol)
    dated = _FULL_YEAR.match(name)
    if dated:
        return {name, dated[1] + dated[2][-1], dated[1] + dated[2][-2:]}
    return {name, root_of(name)} if name.endswith("!") else {name}


def _obstacle(held: _Held, strategy: Strategy | None) -> str:
    """Why this position cannot be closed from here; "" when it can."""
    account, contract = held.account, held.instrument.venue_symbol
    if account.connection.deleted_at is not None or account.connection.state in _UNUSABLE:
        return (
            f"{account}: {contract} was not closed, for its login {account.connection} cannot be used. "
            "Sign in again on the Accounts page, or close it at the broker."
        )
    if strategy is not None and holdings.held_by_other_strategies(
        account.pk, held.instrument.pk, strategy.pk
    ):
        return (
            f"{account}: {contract} was not closed, for another strategy holds some of it. "
            "Send an exit alert to the strategy, or close the whole account."
        )
    return ""


def close_position(
    account: BrokerAccount, instrument: Instrument, net: Decimal, strategy: Strategy | None
) -> Order:
    """A close of what the venue said a moment ago; one that is on its way already is not doubled. Wake the executor after."""
    return _flatten_order(_Held(account, instrument, net), strategy, None)


def _flatten_order(held: _Held, strategy: Strategy | None, actor: User | None) -> Order:
    """The order for one position; one that is on its way already is not doubled."""
    account, instrument = held.account, held.instrument
    earlier = (
        Order.objects.unfinished()
        .filter(broker_account=account, instrument=instrument, purpose=Order.Purpose.FLATTEN)
        .select_related("user")
        .first()
    )
    if earlier is not None:
        return earlier
    order_id = uuid7()
    order = Order.objects.create(
        id=order_id,
        user=account.user,
        strategy=strategy,
        broker_account=account,
        instrument=instrument,
        purpose=Order.Purpose.FLATTEN,
        client_order_id=client_order_id(order_id, 0),
        symbol=instrument.root,
        venue_symbol=instrument.venue_symbol,
        side=Side.of(-held.net).value,
        quantity=abs(held.net),
        status=OrderStatus.PENDING.value,
    )
    OrderEvent.objects.create(order=order, kind="requested", message=_by("Closing asked for", actor))
    return order


def _record(
    owner: User,
    result: Flattened,
    actor: User | None,
    request: HttpRequest | None,
    broker_account: BrokerAccount | None,
    strategy: Strategy | None,
    symbol: str | None,
) -> None:
    target = broker_account or strategy
    record_audit(
        "positions_flattened",
        actor=actor,
        owner=owner,
        object_type=target._meta.model_name or "" if target is not None else "user",
        object_id=target.pk if target is not None else owner.pk,
        detail={
            "symbol": symbol or "all",
            "orders": [str(order.pk) for order in result.orders if order.user_id == owner.pk],
        },
        request=request,
    )
