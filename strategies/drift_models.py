"""How far accounts follow their strategies, and what became of a halt. Found through ``strategies.models``."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from brokers.models import QUANTITY, Instrument
from strategies.execution.drift import Sync
from tradeproject.common.ids import uuid7

DEFAULT_TRIES = 3
MOST_TRIES = 20


class Drift(models.Model):
    """What one allocation should hold of one contract, what the broker says it holds, and since when they agree or not."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    allocation = models.ForeignKey("strategies.Allocation", on_delete=models.CASCADE, related_name="drifts")
    root = models.CharField(max_length=64)  # a future is followed by its root: a roll is no drift
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=8, choices=[(s.value, s.value) for s in Sync], default=Sync.UNKNOWN)
    why = models.CharField(max_length=200, blank=True)  # why it is not known
    wanted = models.DecimalField(**QUANTITY)
    held = models.DecimalField(null=True, **QUANTITY)  # null: not known, never flat
    external = models.DecimalField(default=Decimal(0), **QUANTITY)  # traded past us since it was last in step
    since = models.DateTimeField(default=timezone.now)
    mismatches = models.PositiveSmallIntegerField(default=0)
    seen_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(default=timezone.now)
    left_to_human_at = models.DateTimeField(null=True)  # the automatic mode has used its tries up
    signal = models.ForeignKey(
        "strategies.Signal", on_delete=models.SET_NULL, null=True, related_name="+"
    )  # the latest that was to bring it back

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["allocation", "root"], name="one_drift_per_allocation_and_root")
        ]
        indexes = [models.Index(fields=["state"], condition=~models.Q(state="synced"), name="drift_open")]

    def __str__(self) -> str:
        return f"{self.allocation} {self.root} {self.state}"


class DriftPolicy(models.Model):
    """Whether a strategy's accounts are brought back without being asked, and how often at most. No row: they are not."""

    strategy = models.OneToOneField(
        "strategies.Strategy", on_delete=models.CASCADE, primary_key=True, related_name="drift_policy"
    )
    automatic = models.BooleanField(default=False)
    per_hour = models.PositiveSmallIntegerField(
        default=DEFAULT_TRIES, validators=[MinValueValidator(1), MaxValueValidator(MOST_TRIES)]
    )

    class Meta:
        verbose_name_plural = "drift policies"

    def __str__(self) -> str:
        return f"{self.strategy}: {'automatic' if self.automatic else 'by hand'}"


class Halt(models.Model):
    """One pull of the kill switch, from the block to the proof: what is still working, still open, or needs a human."""

    class Phase(models.TextChoices):
        BLOCKED = "blocked", "Blocked"
        CANCELING = "canceling", "Canceling"
        FLATTENING = "flattening", "Flattening"
        VERIFIED = "verified", "Verified"
        NEEDS_YOU = "needs_you", "Needs you"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="halts"
    )  # whose; null: the platform's
    scope = models.CharField(max_length=16)
    object_id = models.CharField(max_length=64, blank=True)
    name = models.CharField(max_length=200, blank=True)
    flatten = models.BooleanField(default=False)
    phase = models.CharField(max_length=12, choices=Phase.choices, default=Phase.BLOCKED)
    started_at = models.DateTimeField(default=timezone.now)
    phase_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveSmallIntegerField(default=0)  # rounds of closing
    canceling = models.PositiveIntegerField(default=0)  # entries that may still fill
    closing = models.PositiveIntegerField(default=0)  # positions still to close
    problems = models.JSONField(default=list)
    finished_at = models.DateTimeField(null=True)
    resumed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-started_at"]
        indexes = [
            models.Index(
                fields=["started_at"], condition=models.Q(finished_at__isnull=True), name="halt_unfinished"
            ),
            models.Index(fields=["scope", "object_id", "-started_at"], name="halt_of_scope"),
        ]

    def __str__(self) -> str:
        return f"halt of {self.scope} {self.name}: {self.phase}"
