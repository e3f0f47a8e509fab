"""Bringing accounts back without being asked: off by default, a few times an hour at most, then told to a human."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest

from accounts.services import record_audit
from strategies import drift
from strategies.drift_models import DEFAULT_TRIES
from strategies.events import DriftLeft
from strategies.execution.bringback import BY_ITSELF
from strategies.execution.drift import Budget, Sync, Try, may_try
from strategies.models import Drift, DriftPolicy, Signal, Strategy
from strategies.switches import State, Switches
from tradeproject.common.clock import utc_now
from tradeproject.common.events import publish

if TYPE_CHECKING:
    from accounts.models import User


def watch(now: datetime | None = None) -> int:
    """One round: look at every allocation, then bring back those whose strategy wants that. Returns what changed."""
    changed = drift.check(now)
    bring_back_by_itself(now or utc_now())
    return changed


def bring_back_by_itself(now: datetime) -> None:
    """Whoever runs it beside this one does nothing twice: a drift whose signal is under way gets no second one."""
    wrong = Drift.objects.filter(
        state=Sync.DRIFTED,
        left_to_human_at=None,
        allocation__strategy__drift_policy__automatic=True,
        allocation__strategy__active=True,
    ).select_related(
        "allocation__strategy__drift_policy", "allocation__broker_account__connection", "instrument", "signal"
    )
    switches = Switches.read()
    for row in wrong:
        strategy, account = row.allocation.strategy, row.allocation.broker_account
        if switches.of_account(account, strategy).state == State.RUNNING and not drift.is_moving(row):
            _try(row, strategy, now)


def _try(row: Drift, strategy: Strategy, now: datetime) -> None:
    budget = Budget(strategy.drift_policy.per_hour)
    tries = _tries(strategy.pk, row.allocation_id, now)
    match may_try(budget, tries, now):
        case Try.NOW:
            drift.bring_back(row, None)
        case Try.HUMAN:
            _leave_to_human(row, strategy, now)
        case Try.LATER:
            return


def _tries(strategy: UUID, allocation: UUID, now: datetime) -> list[datetime]:
    rows = Signal.objects.filter(
        strategy=strategy, source=BY_ITSELF, received_at__gt=now - timedelta(hours=1)
    )
    return list(rows.filter(alert__extras__allocation=str(allocation)).values_list("received_at", flat=True))


@transaction.atomic
def _leave_to_human(row: Drift, strategy: Strategy, now: datetime) -> None:
    Drift.objects.filter(pk=row.pk).update(left_to_human_at=now)
    publish(
        DriftLeft(
            user_id=strategy.user_id,
            drift=row.pk,
            strategy=strategy.pk,
            strategy_name=strategy.name,
            account=str(row.allocation.broker_account),
            symbol=row.instrument.venue_symbol,
            wanted=row.wanted,
            held=row.held,
            tries=strategy.drift_policy.per_hour,
        )
    )


def policy_of(strategy: Strategy) -> DriftPolicy:
    """The strategy's policy; one that was never set is the default, unsaved."""
    found = DriftPolicy.objects.filter(strategy=strategy).first()
    return found or DriftPolicy(strategy=strategy, automatic=False, per_hour=DEFAULT_TRIES)


@transaction.atomic
def set_policy(
    strategy: Strategy,
    actor: User | None,
    *,
    automatic: bool | None = None,
    per_hour: int | None = None,
    request: HttpRequest | None = None,
) -> DriftPolicy:
    """Switch the automatic mode of a strategy, and say how often it may act in an hour. Raises ValidationError."""
    policy = policy_of(strategy)
    before = [policy.automatic, policy.per_hour]
    policy.automatic = policy.automatic if automatic is None else automatic
    policy.per_hour = policy.per_hour if per_hour is None else per_hour
    policy.clean_fields()
    policy.save()
    Drift.objects.filter(allocation__strategy=strategy).update(left_to_human_at=None)
    record_audit(
        "drift_policy_changed",
        actor=actor,
        owner=strategy.user,
        object_type="strategy",
        object_id=strategy.pk,
        detail={"automatic": [before[0], policy.automatic], "per_hour": [before[1], policy.per_hour]},
        request=request,
    )
    return policy
