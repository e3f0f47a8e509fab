"""What changes a strategy. Each act, its audit entry and its event are one transaction.

Closing positions and canceling are in ``requests``, trading switches in ``control``, dry runs in ``preview``; all of them
are offered here too. Input problems raise ValidationError with {field path: [sentences]}.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import ProtectedError
from django.http import HttpRequest

from accounts.services import record_audit
from brokers.models import BrokerAccount
from brokers.selectors import broker_accounts_of
from strategies import limits, validation
from strategies.events import StrategyChanged
from strategies.holdings import open_positions_of
from strategies.models import Allocation, ControlState, Order, Strategy, WebhookKey
from strategies.preview import dry_run_of, preview_signal
from strategies.requests import Flattened, flatten, request_cancel
from strategies.risk_models import RiskLimits, RiskState
from strategies.selectors import webhook_url_of
from tradeproject.common.api import Problem
from tradeproject.common.clock import utc_now
from tradeproject.common.events import publish
from tradeproject.common.money import plain

if TYPE_CHECKING:
    from accounts.models import User

__all__ = [
    "Flattened",
    "create_strategy",
    "current_webhook_url",
    "delete_strategy",
    "flatten",
    "preview_signal",
    "replay_signal",
    "request_cancel",
    "rotate_webhook",
    "set_allocations",
    "update_strategy",
]

MAX_GRACE_MINUTES = 7 * 24 * 60
NO_SUCH_ACCOUNT = "You have no broker account with this id. Take one from broker-accounts."

current_webhook_url = webhook_url_of
replay_signal = dry_run_of


# --- strategies -----------------------------------------------------------------------------------------------------


@transaction.atomic
def create_strategy(
    user: User, *, actor: User | None = None, request: HttpRequest | None = None, **fields: Any
) -> Strategy:
    """A new strategy with its webhook key. ``fields`` as the API spells them, ``allocations`` and ``demo_account`` too."""
    missing = {name: ["This field is needed."] for name in ("name", "symbol") if name not in fields}
    cleaned = _clean(user, fields, extra=missing)
    allocations = cleaned.pop("allocations", [])
    cleaned["risk"] = _stored_risk({}, cleaned.get("risk", {}))
    _check_caps(user.pk, "", cleaned["risk"])
    strategy = Strategy.objects.create(user=user, **cleaned)
    WebhookKey.objects.create(strategy=strategy)
    _store_allocations(strategy, allocations)
    _record(strategy, "created", actor or user, request, _told(cleaned, allocations))
    return strategy


@transaction.atomic
def update_strategy(
    strategy: Strategy, actor: User | None, *, request: HttpRequest | None = None, **fields: Any
) -> Strategy:
    """Change the fields that are given; null limits in ``risk`` are switched off, limits not given stay."""
    strategy = Strategy.objects.select_for_update(of=("self",)).select_related("user").get(pk=strategy.pk)
    cleaned = _clean(strategy.user, fields, strategy)
    allocations = cleaned.pop("allocations", None)
    if "risk" in cleaned:
        cleaned["risk"] = _stored_risk(strategy.risk, cleaned["risk"])
        _check_caps(strategy.user_id, strategy.pk, cleaned["risk"])
    before = {
        name: getattr(strategy, name) for name, new in cleaned.items() if getattr(strategy, name) != new
    }
    if before.get("risk", {}).get("max_drawdown") != cleaned.get("risk", {}).get("max_drawdown"):
        limits.forget_peak("strategy", strategy.pk)
    for name in before:
        setattr(strategy, name, cleaned[name])
    if before:
        strategy.save(update_fields=[*before, "updated_at"])
    moved = allocations is not None and _store_allocations(strategy, allocations)
    if before or moved:
        detail = {name: [_plain(old), _plain(cleaned[name])] for name, old in before.items()}
        if allocations is not None and moved:
            detail["allocations"] = [None, [item.told() for item in allocations]]
        _record(strategy, _change_of(before, cleaned), actor, request, detail)
    return strategy


@transaction.atomic
def delete_strategy(strategy: Strategy, actor: User | None, *, request: HttpRequest | None = None) -> None:
    """Remove a strategy with its signals and record. Refused while an order of it is still on its way or working, and while
    it holds something: with the strategy would go what knows of the position and closes it.
    """
    unfinished = Order.objects.unfinished().filter(strategy=strategy).count()
    if unfinished:
        raise Problem(
            "orders_unfinished",
            f"{unfinished} order(s) of this strategy are not finished. Cancel them or wait, then delete it.",
            status_code=409,
        )
    held = open_positions_of(strategy.pk)
    if held:
        raise Problem(
            "positions_open",
            f"{held} position(s) of this strategy are open. Close them, then delete it.",
            status_code=409,
        )
    _record(strategy, "deleted", actor, request, {"name": strategy.name, "symbol": strategy.symbol})
    for rows in (ControlState.objects, RiskLimits.objects, RiskState.objects):
        rows.filter(scope="strategy", object_id=str(strategy.pk)).delete()
    try:
        strategy.delete()
    except ProtectedError as error:
        raise Problem("in_use", "Something still refers to this strategy.", status_code=409) from error


def _check_caps(user_id: Any, strategy_id: Any, risk: Mapping[str, Any]) -> None:
    try:
        limits.check_caps(user_id, "strategy", strategy_id, risk)
    except ValidationError as error:
        raise ValidationError(validation.under("risk", error)) from None


def _change_of(before: Mapping[str, Any], cleaned: Mapping[str, Any]) -> str:
    if set(before) == {"active"}:
        return "activated" if cleaned["active"] else "deactivated"
    return "edited"


def _record(
    strategy: Strategy,
    change: str,
    actor: User | None,
    request: HttpRequest | None,
    detail: Mapping[str, Any],
) -> None:
    """The event for the world, then the audit entry: the last step, for it holds a lock until the commit."""
    publish(
        StrategyChanged(user_id=strategy.user_id, strategy=strategy.pk, name=strategy.name, change=change)
    )
    record_audit(
        f"strategy_{change}",
        actor=actor,
        owner=strategy.user,
        object_type="strategy",
        object_id=strategy.pk,
        detail=detail,
        request=request,
    )


# --- cleaning -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AllocationItem:
    """One wanted allocation: an account of the owner's, and its terms."""

    account: BrokerAccount
    terms: Mapping[str, Any]

    def told(self) -> dict[str, Any]:
        return {"broker_account": str(self.account.pk), **{k: _plain(v) for k, v in self.terms.items()}}


def _clean(
    user: User,
    fields: Mapping[str, Any],
    strategy: Strategy | None = None,
    extra: Mapping[str, list[str]] | None = None,
) -> dict[str, Any]:
    """The strategy's columns, ``demo_account`` and ``allocations`` as objects; every problem of the input at once."""
    errors: dict[str, Any] = dict(extra or {})
    cleaned: dict[str, Any] = {}
    try:
        cleaned = validation.clean_strategy(fields)
    except ValidationError as error:
        errors.update(error.message_dict)
    for name, clean in (("demo_account", _clean_account), ("allocations", _clean_allocations)):
        if name in fields:
            try:
                cleaned[name] = clean(user, fields[name])
            except ValidationError as error:
                errors.update(validation.under(name, error))
    if "name" not in errors and _name_is_taken(user, cleaned.get("name"), strategy):
        errors["name"] = ["You already have a strategy of this name. Choose another one."]
    if errors:
        raise ValidationError(errors)
    return cleaned


def _name_is_taken(user: User, name: str | None, strategy: Strategy | None) -> bool:
    others = Strategy.objects.owned_by(user)
    if strategy is not None:
        others = others.exclude(pk=strategy.pk)
    return name is not None and others.filter(name=name).exists()


def _clean_account(user: User, value: Any) -> BrokerAccount | None:
    """One of the owner's own accounts; a foreign id and an unknown one are the same to them."""
    if value is None:
        return None
    found = _accounts_by_id(user, [value])
    if not found:
        raise ValidationError(NO_SUCH_ACCOUNT)
    return next(iter(found.values()))


def _accounts_by_id(user: User, values: Sequence[Any]) -> dict[UUID, BrokerAccount]:
    ids = {found for value in values if (found := _as_id(value)) is not None}
    return {account.pk: account for account in broker_accounts_of(user).filter(pk__in=ids)}


def _as_id(value: Any) -> UUID | None:
    if isinstance(value, BrokerAccount):
        return value.pk
    try:
        return value if isinstance(value, UUID) else UUID(str(value))
    except ValueError:
        return None


def _clean_allocations(user: User, items: Any) -> list[AllocationItem]:
    if not isinstance(items, list | tuple) or not all(isinstance(item, Mapping) for item in items):
        raise ValidationError(
            'It must be a list of {"broker_account", "multiplier", "max_contracts", "enabled"}.'
        )
    accounts = _accounts_by_id(user, [item.get("broker_account") for item in items])
    errors: dict[str, Any] = {}
    cleaned: list[AllocationItem] = []
    taken: set[UUID] = set()
    for index, item in enumerate(items):
        try:
            cleaned.append(_clean_allocation(item, accounts, taken))
        except ValidationError as error:
            errors.update(validation.under(str(index), error))
    if errors:
        raise ValidationError(errors)
    return cleaned


def _clean_allocation(
    item: Mapping[str, Any], accounts: Mapping[UUID, BrokerAccount], taken: set[UUID]
) -> AllocationItem:
    account = accounts.get(_as_id(item.get("broker_account")) or UUID(int=0))
    if account is None:
        raise ValidationError({"broker_account": NO_SUCH_ACCOUNT})
    if account.pk in taken:
        raise ValidationError({"broker_account": "This account is in the list twice."})
    taken.add(account.pk)
    return AllocationItem(account, validation.clean_allocation(item))


def _stored_risk(stored: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Only what is set is stored: an absent limit is off."""
    return {name: value for name, value in {**stored, **given}.items() if value is not None}


def _told(cleaned: Mapping[str, Any], allocations: Sequence[AllocationItem]) -> dict[str, Any]:
    told = {name: _plain(value) for name, value in cleaned.items() if value not in (None, {})}
    return {**told, "allocations": [item.told() for item in allocations]}


def _plain(value: Any) -> Any:
    if isinstance(value, BrokerAccount):
        return str(value.pk)
    return plain(value) if _is_decimal(value) else value


def _is_decimal(value: Any) -> bool:
    return hasattr(value, "as_tuple")


# --- allocations ----------------------------------------------------------------------------------------------------


@transaction.atomic
def set_allocations(
    strategy: Strategy,
    items: Sequence[Mapping[str, Any]],
    *,
    actor: User | None = None,
    request: HttpRequest | None = None,
) -> list[Allocation]:
    """Make the strategy's accounts exactly these. Only accounts of the strategy's owner are taken."""
    update_strategy(strategy, actor, request=request, allocations=items)
    return list(strategy.allocations.select_related("broker_account"))


def _store_allocations(strategy: Strategy, items: Sequence[AllocationItem]) -> bool:
    """Rows equal to ``items``; one that stays keeps its id. Returns whether anything changed."""
    known = {row.broker_account_id: row for row in strategy.allocations.select_for_update()}
    changed = False
    for item in items:
        row = known.pop(item.account.pk, None)
        if row is None:
            Allocation.objects.create(strategy=strategy, broker_account=item.account, **item.terms)
            changed = True
        else:
            changed = _apply(row, item.terms) or changed
    if known:
        Allocation.objects.filter(pk__in=[row.pk for row in known.values()]).delete()
    return changed or bool(known)


def _apply(row: Allocation, terms: Mapping[str, Any]) -> bool:
    different = [name for name, value in terms.items() if getattr(row, name) != value]
    for name in different:
        setattr(row, name, terms[name])
    if different:
        row.save(update_fields=different)
    return bool(different)


# --- the webhook's key ------------------------------------------------------------------------------------------------


@transaction.atomic
def rotate_webhook(
    strategy: Strategy,
    *,
    grace_minutes: int = 0,
    actor: User | None = None,
    request: HttpRequest | None = None,
) -> str:
    """A new address. The old one stops with this commit, or ``grace_minutes`` later. Returns the new URL."""
    if not 0 <= grace_minutes <= MAX_GRACE_MINUTES:
        raise ValidationError({"grace_minutes": f"It must be from 0 to {MAX_GRACE_MINUTES} minutes."})
    now = utc_now()
    strategy = Strategy.objects.select_for_update(of=("self",)).select_related("user").get(pk=strategy.pk)
    _retire_keys(strategy, now, now + timedelta(minutes=grace_minutes))
    WebhookKey.objects.create(strategy=strategy)
    _record(strategy, "webhook_rotated", actor or strategy.user, request, {"grace_minutes": grace_minutes})
    return current_webhook_url(strategy)


def _retire_keys(strategy: Strategy, now: datetime, at: datetime) -> None:
    """The keys so far end at ``at``; those that have ended are forgotten, for a secret nobody needs is only a risk."""
    strategy.webhook_keys.filter(retires_at__lte=now).delete()
    if at <= now:
        strategy.webhook_keys.all().delete()
    else:
        strategy.webhook_keys.filter(retires_at__isnull=True).update(retires_at=at)
