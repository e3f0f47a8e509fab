"""The course of a halt as rows: begun with the switch itself, carried on by the executor, ended by proof or by an alarm.

Everything here needs the database alone. The executor asks the venues (``engine.halting``); what it learns comes back here.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from brokers.models import BrokerAccount, BrokerConnection, Instrument
from brokers.services import ENGINE_CHANNEL
from brokers.symbols import root_of
from strategies import holdings, requests
from strategies.events import HaltProgress
from strategies.execution.halting import MOST_ROUNDS, Act, Next, Phase, Standing
from strategies.models import ControlState, Halt, Order, Strategy
from tradeproject.common.clock import iso, utc_now
from tradeproject.common.events import notify, publish

if TYPE_CHECKING:
    from accounts.models import User

logger = logging.getLogger(__name__)
Scope = ControlState.Scope
MOST_PROBLEMS = 20


# --- what a switch governs ----------------------------------------------------------------------------------------------

_ORDER_PATHS = {
    Scope.BROKER.value: "broker_account__connection__broker",
    Scope.USER.value: "user",
    Scope.STRATEGY.value: "strategy",
    Scope.BROKER_ACCOUNT.value: "broker_account",
}
_ACCOUNT_PATHS = {
    Scope.BROKER.value: "connection__broker",
    Scope.USER.value: "user",
    Scope.STRATEGY.value: "allocations__strategy",
    Scope.BROKER_ACCOUNT.value: "pk",
}


def orders_at(scope: str, object_id: str) -> QuerySet[Order]:
    path = _ORDER_PATHS.get(scope)
    return Order.objects.filter(**{path: object_id}) if path else Order.objects.all()


def accounts_at(scope: str, object_id: str) -> QuerySet[BrokerAccount]:
    path = _ACCOUNT_PATHS.get(scope)
    return BrokerAccount.objects.filter(**{path: object_id}) if path else BrokerAccount.objects.all()


# --- beginning and ending -----------------------------------------------------------------------------------------------


def begin(scope: str, object_id: str, name: str, owner: User | None, *, flatten: bool) -> Halt:
    """A new halt, in the transaction of its switch; an earlier one of the same switch that still runs gives way."""
    now = utc_now()
    earlier = Halt.objects.filter(scope=scope, object_id=object_id, resumed_at=None)
    earlier.update(finished_at=Coalesce("finished_at", now), resumed_at=now)
    halt = Halt.objects.create(
        user=owner,
        scope=scope,
        object_id=object_id,
        name=name[:200],
        flatten=flatten,
        started_at=now,
        phase_at=now,
    )
    _tell(halt)
    notify(requests.ORDERS_CHANNEL)
    return halt


def resume(scope: str, object_id: str) -> int:
    """End the halts of a switch that runs again, and have its logins reconciled afresh before their next order."""
    now = utc_now()
    ended = Halt.objects.filter(scope=scope, object_id=object_id, resumed_at=None)
    if not ended.exists():
        return 0
    ended.filter(finished_at=None).update(finished_at=now)
    ended.update(resumed_at=now)
    logins = set(accounts_at(scope, object_id).values_list("connection", flat=True))
    BrokerConnection.objects.filter(pk__in=logins).update(last_polled_at=None)
    for pk in logins:
        notify(
            ENGINE_CHANNEL, str(pk)
        )  # a session that begins anew sends nothing before it has read everything
    return len(logins)


def is_halted(scope: str, object_id: str) -> bool:
    """Whether it was halted and not started since, also if only exits were let through meanwhile."""
    row = ControlState.objects.filter(scope=scope, object_id=object_id).first()
    if row is not None and row.state == ControlState.State.HALTED:
        return True
    pending = Halt.objects.filter(scope=scope, object_id=object_id, resumed_at=None).exists()
    return pending and row is not None and row.state != ControlState.State.RUNNING


# --- the executor's view ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """One account to be asked: how to reach it, and whether its login can be used."""

    account: UUID
    connection: UUID
    environment: str
    external_id: str
    name: str
    usable: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A position that a venue told a moment ago."""

    account: UUID
    venue_id: str
    net: Decimal


def unfinished() -> list[UUID]:
    return list(Halt.objects.filter(finished_at=None).values_list("pk", flat=True))


def standing(pk: UUID) -> Standing | None:
    """Where it stands; None when it is over."""
    halt = Halt.objects.filter(pk=pk, finished_at=None).first()
    if halt is None:
        return None
    orders = orders_at(halt.scope, halt.object_id).unfinished()  # type: ignore[attr-defined]
    working = orders.filter(purpose=Order.Purpose.ENTRY).count()
    closing = _closes(halt).unfinished().count()
    if (working, closing) != (halt.canceling, halt.closing):
        Halt.objects.filter(pk=pk).update(canceling=working, closing=closing)
    return Standing(
        phase=Phase(halt.phase),
        age=(utc_now() - halt.phase_at).total_seconds(),
        flatten=halt.flatten,
        rounds=halt.attempts,
        working=working,
        closing=closing,
    )


def _closes(halt: Halt) -> Any:
    """Closes under way at the halt's accounts; a strategy's account may be closed for the whole account."""
    accounts = accounts_at(halt.scope, halt.object_id).values("pk")
    return Order.objects.filter(
        broker_account__in=accounts, purpose=Order.Purpose.FLATTEN, planned_at__gte=halt.started_at
    )


def places(pk: UUID) -> list[Place]:
    halt = Halt.objects.get(pk=pk)
    rows = accounts_at(halt.scope, halt.object_id).select_related("connection").distinct()
    rows = rows.filter(connection__deleted_at__isnull=True).exclude(state=BrokerAccount.State.MISSING)
    unusable = {BrokerConnection.State.DISABLED, BrokerConnection.State.NEEDS_REAUTHORIZATION}
    return [
        Place(
            row.pk,
            row.connection_id,
            row.environment,
            row.external_id,
            str(row),
            row.connection.state not in unusable,
        )
        for row in rows
    ]


@transaction.atomic
def record(pk: UUID, step: Next, found: Collection[Found] | None, unknown: Collection[str]) -> None:
    """Write down a step, and do what of it is rows: cancels and closes. Tells when the phase changed."""
    halt = Halt.objects.select_for_update().filter(pk=pk, finished_at=None).first()
    if halt is None:
        return
    if step.act is Act.CANCEL:
        halt.canceling = requests.cancel_entries(orders_at(halt.scope, halt.object_id))
    if step.act is Act.CLOSE:
        halt.attempts += 1
        halt.closing = _close(halt, found or ())
    halt.problems = _problems(halt, found or (), unknown)
    changed = halt.phase != step.phase.value
    if changed or step.act is Act.CLOSE:
        halt.phase_at = utc_now()
    halt.phase = step.phase.value
    if step.act is Act.END:
        halt.finished_at = utc_now()
        if step.phase is Phase.NEEDS_YOU:
            logger.error("a halt needs a human", extra={"halt": str(pk), "problems": halt.problems[:5]})
    halt.save()
    if changed:
        _tell(halt)


def _close(halt: Halt, found: Collection[Found]) -> int:
    """Orders for what the venues say is held: reduce-only by their nature, and none is doubled."""
    strategy = Strategy.objects.filter(pk=halt.object_id).first() if halt.scope == Scope.STRATEGY else None
    accounts = BrokerAccount.objects.select_for_update(of=("self",)).select_related("connection", "user")
    held = [
        (accounts.get(pk=account), instrument, net) for account, instrument, net in _instruments(halt, found)
    ]
    closed = [
        requests.close_position(account, instrument, net, strategy) for account, instrument, net in held
    ]
    if closed:
        notify(requests.ORDERS_CHANNEL)
    return len(closed)


def _instruments(halt: Halt, found: Collection[Found]) -> list[tuple[UUID, Instrument, Decimal]]:
    result = []
    for one in found:
        account = BrokerAccount.objects.select_related("connection").get(pk=one.account)
        place = {"broker": account.connection.broker, "environment": account.environment}
        instrument = Instrument.objects.filter(**place, venue_id=one.venue_id).first()
        if instrument is not None and _is_meant(halt, one, instrument):
            result.append((one.account, instrument, one.net))
    return result


def _is_meant(halt: Halt, one: Found, instrument: Instrument) -> bool:
    """A strategy's halt closes its own contract only, and only where nobody else holds some of it."""
    if halt.scope != Scope.STRATEGY:
        return True
    strategy = Strategy.objects.filter(pk=halt.object_id).first()
    if strategy is None or instrument.root != root_of(strategy.symbol):
        return False
    return not holdings.held_by_other_strategies(one.account, instrument.pk, strategy.pk)


def count_meant(pk: UUID, found: Collection[Found]) -> int:
    """How many of these positions the halt is to close. A contract that we do not know counts: it needs somebody."""
    halt = Halt.objects.get(pk=pk)
    if halt.scope == Scope.STRATEGY:
        return len(_instruments(halt, found))
    return len(found)


def _problems(halt: Halt, found: Collection[Found], unknown: Collection[str]) -> list[str]:
    left = orders_at(halt.scope, halt.object_id).unfinished().filter(purpose=Order.Purpose.ENTRY)  # type: ignore[attr-defined]
    told = [f"{name}: its position could not be read from the broker." for name in unknown]
    names = dict(
        BrokerAccount.objects.filter(pk__in=[one.account for one in found]).values_list("pk", "name")
    )
    told += [f"{names.get(one.account, 'An account')}: still holds {one.net.normalize():f}." for one in found]
    if halt.phase != Phase.BLOCKED:
        told += [
            f"{order.broker_account}: {order} is not confirmed as canceled."
            for order in left.select_related("broker_account")[:MOST_PROBLEMS]
        ]
    return told[:MOST_PROBLEMS]


def _tell(halt: Halt) -> None:
    publish(
        HaltProgress(
            user_id=halt.user_id,
            halt=halt.pk,
            scope=halt.scope,
            object_id=halt.object_id,
            name=halt.name,
            phase=str(halt.phase),
            problems=list(halt.problems)[:5],
        )
    )


# --- for pages, API and the command line --------------------------------------------------------------------------------

STEPS = (Phase.BLOCKED, Phase.CANCELING, Phase.FLATTENING, Phase.VERIFIED)


def halts_of(user: User) -> list[Halt]:
    """The latest halts that this user's page shows: their own, and what they stopped as staff."""
    mine = Q(user=user) | (Q(scope__in=[Scope.PLATFORM, Scope.BROKER]) if user.is_staff else Q(pk__in=[]))
    return list(Halt.objects.filter(mine, resumed_at=None)[:10])


def halt_json(halt: Halt) -> dict[str, Any]:
    return {
        "id": str(halt.pk),
        "scope": halt.scope,
        "object_id": halt.object_id,
        "name": halt.name,
        "flatten": halt.flatten,
        "phase": str(halt.phase),
        "rounds": halt.attempts,
        "most_rounds": MOST_ROUNDS,
        "canceling": halt.canceling,
        "closing": halt.closing,
        "problems": list(halt.problems),
        "started_at": iso(halt.started_at),
        "finished_at": iso(halt.finished_at),
    }
