"""The kill switch: running, reducing (exits only) or halted (nothing but cancels), at five scopes.

It needs the database alone: the gate reads these rows at every plan, so a switch holds from its commit on, with Redis, the
workers or the web process down. Halting also asks for the end of working entries; protective orders stay at the broker.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.http import Http404, HttpRequest

from accounts.models import User
from accounts.selectors import get_owned_or_404
from accounts.services import record_audit
from brokers.models import BrokerAccount
from brokers.registry import BROKERS
from brokers.selectors import broker_accounts_of
from strategies import halts
from strategies.events import ControlChanged
from strategies.models import ControlState, Order, Strategy
from strategies.requests import Flattened, cancel_entries, flatten
from strategies.switches import PLATFORM, Scope, State, Switch, Switches, targets_of, user_target
from tradeproject.common.api import Problem
from tradeproject.common.clock import iso, utc_now
from tradeproject.common.events import publish

if TYPE_CHECKING:
    from django.db.models import QuerySet

__all__ = ["Change", "effective_state", "pause", "set_state", "start", "status_for", "stop"]

ACTIONS = {"start": State.RUNNING, "pause": State.REDUCING, "stop": State.HALTED}
STAFF_ONLY = frozenset({Scope.PLATFORM.value, Scope.BROKER.value})


@dataclass(frozen=True, slots=True)
class Target:
    """What a switch belongs to: its scope, its id as stored, its name for people and its owner (None: the platform's)."""

    scope: str
    object_id: str
    name: str
    owner: User | None = None
    object: Any = None


@dataclass(frozen=True, slots=True)
class Change:
    """What turning a switch did."""

    target: Target
    state: str
    canceled: int
    flattened: Flattened


# --- finding the target -------------------------------------------------------------------------------------------------


def find_target(scope: str, object_id: object, actor: User | None) -> Target:
    """The switch ``actor`` means; None is the operator at the command line, who may turn all.

    A foreign id and an unknown one raise Http404 alike; a scope that is for staff raises Problem 403.
    """
    if scope not in Scope.values:
        raise Problem("unknown_scope", f"There is no scope {scope!r}. Known: {', '.join(Scope.values)}.")
    is_operator = actor is None or (actor.is_active and actor.is_staff)
    if scope in STAFF_ONLY and not is_operator:
        raise Problem("permission_denied", f"Only staff may turn the switch of the {scope}.", status_code=403)
    finders = {
        Scope.PLATFORM.value: _platform,
        Scope.BROKER.value: _broker,
        Scope.USER.value: _user,
        Scope.STRATEGY.value: _strategy,
        Scope.BROKER_ACCOUNT.value: _broker_account,
    }
    return finders[scope](object_id, actor, is_operator)


def _platform(object_id: object, actor: User | None, is_operator: bool) -> Target:
    return Target(*PLATFORM, name="the platform")


def _broker(object_id: object, actor: User | None, is_operator: bool) -> Target:
    kind = str(object_id or "")
    if kind not in BROKERS:
        raise Http404
    return Target(Scope.BROKER.value, kind, BROKERS[kind].label)


def _user(object_id: object, actor: User | None, is_operator: bool) -> Target:
    wanted = object_id if object_id not in (None, "") else actor and actor.pk
    if not is_operator and str(wanted) != str(actor and actor.pk):
        raise Http404
    found = _by_id(User.objects.all(), wanted)
    return Target(Scope.USER.value, str(found.pk), found.email, found, found)


def _strategy(object_id: object, actor: User | None, is_operator: bool) -> Target:
    rows = Strategy.objects.select_related("user")
    found = _one(rows, object_id, actor, is_operator)
    return Target(Scope.STRATEGY.value, str(found.pk), found.name, found.user, found)


def _broker_account(object_id: object, actor: User | None, is_operator: bool) -> Target:
    rows = BrokerAccount.objects.select_related("user", "connection")
    found = _one(rows, object_id, actor, is_operator)
    return Target(Scope.BROKER_ACCOUNT.value, str(found.pk), str(found), found.user, found)


def _one(rows: QuerySet[Any], object_id: object, actor: User | None, is_operator: bool) -> Any:
    if object_id in (None, ""):
        raise Problem("id_missing", "Say which one: send its id in `id`.", errors={"id": ["This is needed."]})
    if actor is None or is_operator:
        return _by_id(rows, object_id)
    return get_owned_or_404(rows, actor, pk=object_id)


def _by_id(rows: QuerySet[Any], object_id: object) -> Any:
    try:
        return rows.get(pk=object_id if isinstance(object_id, UUID) else UUID(str(object_id)))
    except (ValueError, rows.model.DoesNotExist):
        raise Http404 from None


# --- turning a switch ---------------------------------------------------------------------------------------------------


def set_state(
    scope: str,
    object_id: object,
    state: str,
    *,
    actor: User | None,
    reason: str = "",
    flatten_too: bool = False,
    request: HttpRequest | None = None,
) -> Change:
    """Turn one switch. Its commit comes first and alone, so that nothing can hold it up; cancels and closes follow."""
    target = find_target(scope, object_id, actor)
    if state == State.RUNNING:
        _lift_lock(target, actor)
    _store(target, State(state), actor, reason, request, flatten_too)
    canceled = _cancel_entries(target) if state == State.HALTED else 0
    closed = _flatten(target, actor, request) if flatten_too else Flattened()
    return Change(target, state, canceled, closed)


@transaction.atomic
def _store(
    target: Target,
    state: State,
    actor: User | None,
    reason: str,
    request: HttpRequest | None,
    flatten_too: bool = False,
) -> None:
    row = (
        ControlState.objects.select_for_update()
        .filter(scope=target.scope, object_id=target.object_id, kind=ControlState.Kind.PERSON)
        .first()
    )
    before = row.state if row else State.RUNNING.value
    values = {
        "state": state.value,
        "reason": reason[:300],
        "changed_by": actor,
        "changed_at": utc_now(),
    }
    ControlState.objects.update_or_create(
        scope=target.scope,
        object_id=target.object_id,
        kind=ControlState.Kind.PERSON,
        defaults=values,
    )
    if state == State.HALTED:
        halts.begin(target.scope, target.object_id, target.name, target.owner or actor, flatten=flatten_too)
    elif state == State.RUNNING:
        halts.resume(target.scope, target.object_id)
    _tell(target, state, reason)
    record_audit(
        "control_changed",
        actor=actor,
        owner=target.owner,
        object_type=target.scope,
        object_id=target.object_id,
        detail={"state": [before, state.value], "reason": reason[:300], "name": target.name},
        request=request,
    )


def _lift_lock(target: Target, actor: User | None) -> None:
    """A lock after a loss is there to hold its owner back: only staff may end it before its time."""
    lock = ControlState.objects.filter(
        scope=target.scope, object_id=target.object_id, kind=ControlState.Kind.RISK, until__gt=utc_now()
    )
    row = lock.first()
    if row is None:
        return
    if actor is not None and not (actor.is_active and actor.is_staff):
        message = f"{row.reason} It is locked until {iso(row.until)}; an administrator can lift the lock."
        raise Problem("risk_locked", message, status_code=409)
    lock.delete()


@transaction.atomic
def _cancel_entries(target: Target) -> int:
    return cancel_entries(orders_under(target))


def orders_under(target: Target) -> QuerySet[Order]:
    """The orders that a switch governs."""
    return halts.orders_at(target.scope, target.object_id)


def accounts_under(target: Target) -> QuerySet[BrokerAccount]:
    """The accounts that a switch governs."""
    return halts.accounts_at(target.scope, target.object_id)


def needs_proof(target: Target, state: str) -> bool:
    """Whether whoever turns it must show again who they are: what was halted is not started by a found session."""
    return state == State.RUNNING and halts.is_halted(target.scope, target.object_id)


def _flatten(target: Target, actor: User | None, request: HttpRequest | None) -> Flattened:
    if target.scope == Scope.STRATEGY:
        return flatten(target.owner, strategy=target.object, actor=actor, request=request)
    if target.scope == Scope.BROKER_ACCOUNT:
        return flatten(target.owner, broker_account=target.object, actor=actor, request=request)
    broker = target.object_id if target.scope == Scope.BROKER else None
    return flatten(target.owner, everything=True, broker=broker, actor=actor, request=request)


def start(scope: str, object_id: object, **options: Any) -> Change:
    """Everything is allowed again at this scope (a wider switch may still hold)."""
    return set_state(scope, object_id, State.RUNNING.value, **options)


def pause(scope: str, object_id: object, **options: Any) -> Change:
    """Exits only."""
    return set_state(scope, object_id, State.REDUCING.value, **options)


def stop(scope: str, object_id: object, **options: Any) -> Change:
    """Nothing but cancels; with ``flatten_too`` what is held is closed as well."""
    return set_state(scope, object_id, State.HALTED.value, **options)


@transaction.atomic
def lock(
    scope: str, object_id: object, *, until: datetime, reason: str, code: str, flatten_too: bool
) -> bool:
    """Exits only until a moment, after a loss limit was reached. Returns False when it is locked already.

    Working entries are canceled, and with ``flatten_too`` what is held is closed by the usual way.
    """
    target = find_target(scope, object_id, None)
    key: dict[str, Any] = {
        "scope": target.scope,
        "object_id": target.object_id,
        "kind": ControlState.Kind.RISK.value,
    }
    if ControlState.objects.select_for_update().filter(**key, until__gt=utc_now()).exists():
        return False
    values = {"state": State.REDUCING.value, "until": until, "reason": reason[:300], "changed_at": utc_now()}
    ControlState.objects.update_or_create(**key, defaults=values)
    _tell(target, State.REDUCING, reason)
    _cancel_entries(target)
    if flatten_too:
        _flatten(target, None, None)
    record_audit(
        "risk_limit_reached",
        actor=None,
        owner=target.owner,
        object_type=target.scope,
        object_id=target.object_id,
        detail={"code": code, "until": iso(until), "reason": reason[:300], "flatten": flatten_too},
    )
    return True


def end_locks() -> int:
    """Clear away the locks whose time has come (they hold nothing any more) and tell their owners."""
    ended = ControlState.objects.filter(kind=ControlState.Kind.RISK, until__lte=utc_now())
    return sum(_end_lock(row) for row in ended)


@transaction.atomic
def _end_lock(row: ControlState) -> bool:
    with contextlib.suppress(Http404):
        _tell(find_target(row.scope, row.object_id, None), State.RUNNING, f"The lock has ended: {row.reason}")
    row.delete()
    return True


def _tell(target: Target, state: State, reason: str) -> None:
    publish(
        ControlChanged(
            user_id=target.owner.pk if target.owner else None,
            scope=target.scope,
            object_id=target.object_id,
            state=state.value,
            reason=reason[:300],
        )
    )


def halt_after(scope: str, object_id: object, reason: str) -> None:
    """Halt what a limit stopped, until a person resumes it. What is halted already stays as it is."""
    held = ControlState.objects.filter(scope=scope, object_id=str(object_id), state=State.HALTED)
    if not held.exists():
        set_state(scope, object_id, State.HALTED.value, actor=None, reason=reason)


# --- reading ------------------------------------------------------------------------------------------------------------


def effective_state(
    user: User, *, strategy: Strategy | None = None, broker_account: BrokerAccount | None = None
) -> Switch:
    """The switch that decides for this user, and for a strategy or account of theirs."""
    targets = targets_of(user.pk, strategy.pk if strategy else None, broker_account)
    return Switches.read(targets).decisive(targets)


def status_for(user: User) -> dict[str, Any]:
    """Every switch that matters to this user: the wide ones, and each strategy and account with what holds for it."""
    switches = Switches.read()
    wide = [PLATFORM, user_target(user.pk)]
    decisive = switches.decisive(wide)
    accounts = list(broker_accounts_of(user))
    kinds = sorted({account.connection.broker for account in accounts})
    return {
        "state": decisive.state,
        "scope": decisive.scope,
        "reason": decisive.reason,
        "platform": switch_json(switches.at(PLATFORM)),
        "user": switch_json(switches.at(user_target(user.pk))),
        "brokers": [
            {"broker": kind, **switch_json(switches.at((Scope.BROKER.value, kind)))} for kind in kinds
        ],
        "strategies": [_strategy_status(switches, row) for row in Strategy.objects.owned_by(user)],
        "broker_accounts": [_account_status(switches, row) for row in accounts],
        "halts": [halts.halt_json(halt) for halt in halts.halts_of(user)],
    }


def switch_json(switch: Switch) -> dict[str, Any]:
    return {
        "state": switch.state,
        "reason": switch.reason,
        "changed_at": iso(switch.changed_at),
        "changed_by": switch.changed_by,
        "until": iso(switch.until),
    }


def _strategy_status(switches: Switches, strategy: Strategy) -> dict[str, Any]:
    own = switches.at((Scope.STRATEGY.value, str(strategy.pk)))
    decisive = switches.decisive(targets_of(strategy.user_id, strategy.pk))
    return {
        "id": str(strategy.pk),
        "name": strategy.name,
        "active": strategy.active,
        **switch_json(own),
        "effective": decisive.state,
        "effective_scope": decisive.scope,
    }


def _account_status(switches: Switches, account: BrokerAccount) -> dict[str, Any]:
    own = switches.at((Scope.BROKER_ACCOUNT.value, str(account.pk)))
    decisive = switches.of_account(account)
    return {
        "id": str(account.pk),
        "name": str(account),
        "enabled": account.enabled,
        **switch_json(own),
        "effective": decisive.state,
        "effective_scope": decisive.scope,
    }
