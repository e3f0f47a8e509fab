"""Watching losses whether or not an alert arrives: what each limited scope earned, and what happens when it is too little.

A breach allows exits only until the chosen moment, cancels working entries, and closes positions if the owner wanted that.
The gate reads the same figures, so an entry between two rounds is refused by its numbers.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import Http404

from accounts.models import User
from brokers.models import BrokerAccount
from strategies import control, holdings
from strategies.execution.denials import explain
from strategies.execution.limits import SUMMED
from strategies.execution.sessions import last_moment, next_moment
from strategies.execution.terms import RiskTerms
from strategies.limits import Book, Scope
from strategies.models import Strategy
from strategies.risk_models import RiskLimits, RiskState
from tradeproject.common.clock import utc_now
from tradeproject.common.locks import advisory_lock

logger = logging.getLogger(__name__)

ZERO = Decimal(0)
MIDNIGHT = {"time": "00:00", "timezone": "UTC"}
_NAMES = sorted(SUMMED)


@dataclass(frozen=True, slots=True)
class Limited:
    """A scope with a loss limit, and the settings that say when its day begins and what a breach does."""

    scope: str
    object_id: str
    terms: RiskTerms
    settings: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, str]:
        return self.scope, self.object_id

    @property
    def day_clock(self) -> Mapping[str, Any]:
        return self.settings.get("day_start") or MIDNIGHT

    @property
    def lock_clock(self) -> Mapping[str, Any]:
        return self.settings.get("lock_until") or self.day_clock


def watch() -> int:
    """One round over all users with a loss limit. Returns how many limits were found breached just now."""
    with advisory_lock("strategies", "risk watch", wait=False) as is_mine:
        if not is_mine:
            return 0
        control.end_locks()
        return sum(_watched(user_id) for user_id in users_with_limits())


def _watched(user_id: UUID) -> int:
    try:
        return watch_user(user_id)
    except Exception:
        # The edge of one user: whatever is wrong with theirs, the others are watched (law 8).
        logger.exception("losses not watched", extra={"user": str(user_id)})
        return 0


def users_with_limits() -> set[UUID]:
    named = RiskLimits.objects.filter(limits__has_any_keys=_NAMES)
    if named.filter(scope=Scope.PLATFORM).exists():
        return set(User.objects.filter(is_active=True).values_list("pk", flat=True))
    of_strategies = Strategy.objects.filter(risk__has_any_keys=_NAMES).values_list("user", flat=True)
    return {*named.exclude(user=None).values_list("user", flat=True), *of_strategies}


def watch_user(user_id: UUID) -> int:
    """Bring one user's results up to date and act on what is breached. Returns how many scopes were locked."""
    limited = {each.key: each for each in limited_scopes(user_id)}
    if not limited:
        return 0
    now = utc_now()
    watched = [(scope, key, last_moment(each.day_clock, now)) for (scope, key), each in limited.items()]
    earned = holdings.earned_by(user_id, watched)
    states = _update(user_id, watched, earned, now)
    return sum(_act(limited[row.scope, row.object_id], row, now) for row in states)


def limited_scopes(user_id: UUID) -> list[Limited]:
    """Every scope of the user whose losses are limited, by the owner or by an administrator."""
    book = Book.of(user_id)
    mine = dict(book.own(Scope.USER, user_id))
    found = [Limited(Scope.USER.value, str(user_id), book.user(), mine)]
    for account in BrokerAccount.objects.filter(user=user_id, enabled=True):
        own = book.own(Scope.BROKER_ACCOUNT, account.pk)
        found.append(
            Limited(Scope.BROKER_ACCOUNT.value, str(account.pk), book.account(account), {**mine, **own})
        )
    for strategy in Strategy.objects.filter(user=user_id):
        terms = book.strategy(strategy.pk, strategy.risk or {})
        found.append(
            Limited(Scope.STRATEGY.value, str(strategy.pk), terms, {**mine, **(strategy.risk or {})})
        )
    return [
        each for each in found if each.terms.max_daily_loss is not None or each.terms.max_drawdown is not None
    ]


# --- results --------------------------------------------------------------------------------------------------------


@transaction.atomic
def _update(
    user_id: UUID,
    watched: Iterable[holdings.Watched],
    earned: Mapping[tuple[str, str], holdings.Earned],
    now: datetime,
) -> list[RiskState]:
    stored = RiskState.objects.select_for_update().filter(user=user_id)
    known = {(row.scope, row.object_id): row for row in stored}
    rows = []
    for scope, key, day_start in watched:
        row = known.get((scope, key)) or RiskState(
            user_id=user_id, scope=scope, object_id=key, day_start=day_start
        )
        _take(row, day_start, earned.get((scope, key)), now)
        rows.append(row)
    changing = ["day_start", "mark_at_start", "carried", "day_pnl", "total", "peak", "as_of", "breach"]
    RiskState.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["scope", "object_id"], update_fields=changing
    )
    return rows


def _take(row: RiskState, day_start: datetime, earned: holdings.Earned | None, now: datetime) -> None:
    """Move the row on by what was earned. A new day starts from what open positions stand at."""
    standing = earned.open if earned is not None else None
    if day_start > row.day_start:
        if row.day_pnl is None and standing is None:
            return  # what the old day came to is not known yet
        row.carried += row.day_pnl or ZERO
        row.mark_at_start = standing or ZERO
        row.day_start, row.breach = day_start, ""
    if earned is None or standing is None:
        row.day_pnl = row.total = None
    else:
        row.day_pnl = earned.closed + standing - row.mark_at_start
        row.total = row.carried + row.day_pnl
        row.peak = max(row.peak, row.total)
    row.as_of = now


# --- breaches -------------------------------------------------------------------------------------------------------


def breach_of(terms: RiskTerms, row: RiskState) -> tuple[str, dict[str, Any]] | None:
    """The limit that is reached, as a denial's code and numbers."""
    scope = row.scope.replace("broker_", "")
    loss, drawdown = (None if row.day_pnl is None else -row.day_pnl), row.drawdown
    if terms.max_daily_loss is not None and loss is not None and loss >= terms.max_daily_loss:
        return "DAILY_LOSS_REACHED", {"scope": scope, "loss": loss, "limit": terms.max_daily_loss}
    if terms.max_drawdown is not None and drawdown is not None and drawdown >= terms.max_drawdown:
        return "DRAWDOWN_REACHED", {"scope": scope, "drawdown": drawdown, "limit": terms.max_drawdown}
    return None


def _act(limited: Limited, row: RiskState, now: datetime) -> bool:
    """Lock what is breached, once a day: an administrator who lifts the lock is not overruled a moment later."""
    found = breach_of(limited.terms, row)
    if found is None or row.breach == found[0]:
        return False
    code, context = found
    try:
        locked = control.lock(
            row.scope,
            row.object_id,
            until=next_moment(limited.lock_clock, now),
            reason=explain(code, context),
            code=code,
            flatten_too=bool(limited.settings.get("flatten_on_breach")),
        )
    except Http404:
        return False
    RiskState.objects.filter(scope=row.scope, object_id=row.object_id).update(breach=code)
    return locked
