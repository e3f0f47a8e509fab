"""What may be risked, and what it came to: limits of every scope, and the running result of whatever has a loss limit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

MONEY: dict[str, Any] = {"max_digits": 20, "decimal_places": 4}


class RiskLimits(models.Model):
    """Limits at one scope, by the names of ``strategies.limits.LIMITS``. What is missing is not limited here.

    ``own`` ones are the owner's choice (a strategy's own stand in ``Strategy.risk``); a ``cap`` is an administrator's, which
    no owner's choice can exceed. The platform has caps only.
    """

    class Scope(models.TextChoices):
        PLATFORM = "platform"
        USER = "user"
        BROKER_ACCOUNT = "broker_account"
        STRATEGY = "strategy"

    class Kind(models.TextChoices):
        OWN = "own", "The owner's choice"
        CAP = "cap", "Administrator's cap"

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="risk_limits"
    )
    scope = models.CharField(max_length=16, choices=Scope.choices)
    object_id = models.CharField(max_length=64, blank=True)  # empty for the platform
    kind = models.CharField(max_length=4, choices=Kind.choices)
    limits = models.JSONField(default=dict)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "risk limits"
        constraints = [
            models.UniqueConstraint(fields=["scope", "object_id", "kind"], name="risk_limits_once_per_scope")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.scope} {self.object_id}".strip()


class RiskState(models.Model):
    """What a scope with a loss limit earned, kept up by the risk watch. Money of closed round trips is net of costs.

    ``day_pnl`` = what was closed since ``day_start`` + what open positions earned since then. ``total`` = all of it since the
    watch began; ``peak`` its best. None = it could not be told (an open position without a price).
    """

    Scope: ClassVar = RiskLimits.Scope

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="risk_states")
    scope = models.CharField(max_length=16, choices=RiskLimits.Scope.choices)
    object_id = models.CharField(max_length=64)
    day_start = models.DateTimeField()
    mark_at_start = models.DecimalField(
        default=Decimal(0), **MONEY
    )  # earned by what was open as the day began
    carried = models.DecimalField(default=Decimal(0), **MONEY)  # the days before
    day_pnl = models.DecimalField(null=True, **MONEY)
    total = models.DecimalField(null=True, **MONEY)
    peak = models.DecimalField(default=Decimal(0), **MONEY)
    as_of = models.DateTimeField(default=timezone.now)
    breach = models.CharField(max_length=64, blank=True)  # the code of the limit that holds entries back now

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "object_id"], name="risk_state_once_per_scope")
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.object_id}: {self.day_pnl}"

    @property
    def drawdown(self) -> Decimal | None:
        return None if self.total is None else self.peak - self.total
