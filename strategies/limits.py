"""The limits that people set: what may stand in them, whose they are, and that no owner exceeds an administrator's cap."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpRequest

from accounts.selectors import get_owned_or_404
from accounts.services import record_audit
from brokers.models import BrokerAccount
from strategies.execution.limits import ACCOUNT_DEFAULTS, NUMBERS, SUMMED, above_caps, defaults, merge
from strategies.execution.terms import RiskTerms
from strategies.risk_models import RiskLimits, RiskState
from strategies.validation import LIMITS, clean_limits
from tradeproject.common.api import Problem
from tradeproject.common.clock import iso, utc_now
from tradeproject.common.money import plain

if TYPE_CHECKING:
    from uuid import UUID

    from accounts.models import User

Scope, Kind = RiskLimits.Scope, RiskLimits.Kind
Stored = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Book:
    """The rows that concern one user, read once."""

    user_id: Any
    rows: Mapping[tuple[str, str, str], Stored]

    @classmethod
    def of(cls, user_id: Any) -> Book:
        found = RiskLimits.objects.filter(Q(user=user_id) | Q(scope=Scope.PLATFORM))
        return cls(user_id, {(row.scope, row.object_id, row.kind): row.limits for row in found})

    def own(self, scope: str, object_id: object) -> Stored:
        return self.rows.get((scope, str(object_id), Kind.OWN.value), {})

    def cap(self, scope: str, object_id: object = "") -> Stored:
        return self.rows.get((scope, str(object_id), Kind.CAP.value), {})

    def caps_on(self, scope: str, object_id: object) -> list[Stored]:
        """What bounds a choice at this scope. A user's cap on losses is about all accounts together."""
        mine, platform = self.cap(Scope.USER, self.user_id), self.cap(Scope.PLATFORM)
        if scope == Scope.USER:
            return [mine, _without(platform, SUMMED)]
        return [platform, _without(mine, SUMMED), self.cap(scope, object_id)]

    def account(self, account: BrokerAccount) -> RiskTerms:
        mine = _without(self.own(Scope.USER, self.user_id), SUMMED)
        live = account.environment == "live"
        usual = defaults(ACCOUNT_DEFAULTS, live=live)
        own = self.own(Scope.BROKER_ACCOUNT, account.pk)
        return merge([mine, own], self.caps_on(Scope.BROKER_ACCOUNT, account.pk), usual, by_class=live)

    def strategy(self, strategy_id: UUID, risk: Stored, fallback: Stored | None = None) -> RiskTerms:
        return merge([risk], self.caps_on(Scope.STRATEGY, strategy_id), fallback)

    def user(self) -> RiskTerms:
        return merge([self.own(Scope.USER, self.user_id)], [self.cap(Scope.USER, self.user_id)])


def _without(limits: Stored, names: Collection[str]) -> Stored:
    return {name: value for name, value in limits.items() if name not in names}


def check_caps(user_id: Any, scope: str, object_id: object, limits: Stored) -> None:
    """Raises ValidationError {limit: sentence} for what an administrator does not allow."""
    beyond = above_caps(limits, Book.of(user_id).caps_on(scope, object_id))
    if beyond:
        raise ValidationError({name: _beyond(name, cap) for name, cap in beyond.items()})


def _beyond(name: str, cap: str) -> str:
    bound = "at least" if name == "margin_per_contract" else "at most"
    return f"The administrator allows {bound} {cap}. Choose a stricter value, or ask for another cap."


# --- changing ---------------------------------------------------------------------------------------------------------


def find_owner(scope: str, object_id: object, user: User) -> tuple[str, str]:
    """The scope and id of what ``user`` may limit. Raises Http404 for what is not theirs."""
    if scope == Scope.USER:
        if str(object_id or user.pk) != str(user.pk):
            raise Http404
        return Scope.USER.value, str(user.pk)
    if scope == Scope.BROKER_ACCOUNT:
        account = get_owned_or_404(BrokerAccount.objects.all(), user, pk=object_id)
        return Scope.BROKER_ACCOUNT.value, str(account.pk)
    raise Problem(
        "unknown_scope", "Limits are set for the user or a broker_account; a strategy's are its `risk`."
    )


@transaction.atomic
def set_limits(
    user: User, scope: str, object_id: object, values: Any, *, request: HttpRequest | None = None
) -> RiskLimits:
    """Change the limits that are named; null switches one off. Raises ValidationError naming limits and caps."""
    scope, key = find_owner(scope, object_id, user)
    given = clean_limits(values)
    row, _ = RiskLimits.objects.select_for_update().get_or_create(
        scope=scope, object_id=key, kind=Kind.OWN, defaults={"user": user, "changed_by": user}
    )
    before = row.limits
    kept = {name: value for name, value in {**before, **given}.items() if value is not None}
    check_caps(user.pk, scope, key, kept)
    row.limits, row.changed_by, row.changed_at = kept, user, utc_now()
    row.save(update_fields=["limits", "changed_by", "changed_at"])
    if before.get("max_drawdown") != kept.get("max_drawdown"):
        forget_peak(scope, key)
    record_audit(
        "risk_limits_changed",
        actor=user,
        owner=user,
        object_type=scope,
        object_id=key,
        detail={name: [before.get(name), kept.get(name)] for name in given},
        request=request,
    )
    return row


def forget_peak(scope: str, object_id: object) -> int:
    """Measure the drawdown anew from where it stands: a person looked at it. Returns how many were watched."""
    rows = RiskState.objects.filter(scope=scope, object_id=str(object_id))
    return sum(_start_anew(row) for row in rows)


def _start_anew(row: RiskState) -> bool:
    row.peak = row.total if row.total is not None else row.carried
    row.save(update_fields=["peak"])
    return True


# --- showing ------------------------------------------------------------------------------------------------------------


def limits_json(user: User) -> dict[str, Any]:
    """The user's own limits, those of each account, what an administrator allows, and what holds in the end."""
    book, states = Book.of(user.pk), _states(user)
    accounts = BrokerAccount.objects.filter(user=user, connection__deleted_at__isnull=True)
    return {
        "user": _scope_json(book, Scope.USER.value, user.pk, book.user(), states),
        "broker_accounts": [
            {
                "id": str(account.pk),
                "name": str(account),
                **_scope_json(book, Scope.BROKER_ACCOUNT.value, account.pk, book.account(account), states),
            }
            for account in accounts
        ],
    }


def _states(user: User) -> dict[tuple[str, str], RiskState]:
    return {(row.scope, row.object_id): row for row in RiskState.objects.filter(user=user)}


def _scope_json(
    book: Book, scope: str, object_id: Any, terms: RiskTerms, states: Mapping[tuple[str, str], RiskState]
) -> dict[str, Any]:
    own, state = book.own(scope, object_id), states.get((scope, str(object_id)))
    return {
        "limits": {name: own.get(name) for name in LIMITS},
        "caps": _numbers(merge([], book.caps_on(scope, object_id))),
        "effective": _numbers(terms),
        "day_pnl": plain(state.day_pnl) if state else None,
        "drawdown": plain(state.drawdown) if state else None,
        "as_of": iso(state.as_of) if state else None,
    }


def _numbers(terms: RiskTerms) -> dict[str, str]:
    """The numbers in force, as text; what is off is left out."""
    found = {name: getattr(terms, name) for name in NUMBERS}
    return {name: f"{value:f}" if hasattr(value, "quantize") else str(value) for name, value in found.items()
            if value is not None}  # fmt: skip
