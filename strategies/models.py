"""Intent: what to trade, where, whether we may, and what became of every instruction."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone

from brokers.domain import OrderStatus, OrderType, Side, TimeInForce
from brokers.models import PRICE, QUANTITY, BrokerAccount, Instrument
from strategies.drift_models import Drift, DriftPolicy, Halt
from strategies.risk_models import RiskLimits, RiskState  # noqa: F401 - Django looks for models here
from tradeproject.common.crypto import EncryptedTextField
from tradeproject.common.ids import digest_secret, new_secret, uuid7

if TYPE_CHECKING:
    from accounts.models import User

__all__ = [
    "AlertDigest", "Allocation", "BracketLeg", "ControlState", "Drift", "DriftPolicy", "Halt", "Order", "OrderBatch",
    "OrderEvent", "Signal", "Strategy", "WebhookKey",
]  # fmt: skip

NOT_NEGATIVE = [MinValueValidator(Decimal(0))]


class StrategyQuerySet(models.QuerySet["Strategy"]):
    def owned_by(self, user: User) -> StrategyQuerySet:
        return self.filter(user=user)


class Strategy(models.Model):
    """What a user trades on alerts. A null setting means "not set"; zero means zero."""

    class Kind(models.TextChoices):
        FUTURES = "Futures"
        FOREX = "Forex"
        STOCK = "Stock"
        OPTIONS = "Options"
        CRYPTO = "Crypto"

    class Units(models.TextChoices):
        TICKS = "Ticks"
        POINTS = "Points"
        PERCENT = "Percent"
        DOLLARS = "Dollars"

    class Trim(models.TextChoices):
        ALL = "All"
        PARTIAL = "Partial"

    class Direction(models.TextChoices):
        BOTH = "Both"
        LONG = "Long"
        SHORT = "Short"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="strategies")
    name = models.CharField(max_length=120)
    symbol = models.CharField(max_length=64)
    strat_type = models.CharField(max_length=8, choices=Kind.choices, default=Kind.FUTURES)
    position_size = models.DecimalField(null=True, blank=True, validators=NOT_NEGATIVE, **QUANTITY)
    position_add = models.DecimalField(null=True, blank=True, validators=NOT_NEGATIVE, **QUANTITY)
    take_profit = models.DecimalField(null=True, blank=True, validators=NOT_NEGATIVE, **PRICE)
    stop_loss = models.DecimalField(null=True, blank=True, validators=NOT_NEGATIVE, **PRICE)
    time_in_force = models.CharField(
        max_length=4, choices=[(t.value, t.value) for t in TimeInForce], null=True, blank=True
    )  # of entries whose alert does not say; null = day
    tpsl_units = models.CharField(max_length=8, choices=Units.choices, default=Units.TICKS)
    trim = models.CharField(max_length=8, choices=Trim.choices, default=Trim.ALL)
    directional_strategy = models.CharField(max_length=8, choices=Direction.choices, default=Direction.BOTH)
    days_to_expiry = models.PositiveSmallIntegerField(null=True, blank=True)
    strike_offset = models.IntegerField(null=True, blank=True)
    active = models.BooleanField(default=True)
    recording_enabled = models.BooleanField(default=True)
    demo_account = models.ForeignKey(
        BrokerAccount, on_delete=models.SET_NULL, null=True, blank=True, related_name="recorded_strategies"
    )
    risk = models.JSONField(default=dict, blank=True)
    alert_format = models.CharField(max_length=24, default="auto")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[StrategyQuerySet] = StrategyQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name_plural = "strategies"
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="strategy_name_once_per_user")]

    def __str__(self) -> str:
        return self.name

    def current_key(self) -> WebhookKey | None:
        return self.webhook_keys.filter(retires_at__isnull=True).order_by("-created_at").first()

    @property
    def webhook_url(self) -> str:
        key = self.current_key()
        return f"{settings.SITE_URL}/webhook/{key.secret}" if key else ""


class Allocation(models.Model):
    """Strategy × broker account: whether and how large this account follows."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    strategy = models.ForeignKey(Strategy, on_delete=models.CASCADE, related_name="allocations")
    broker_account = models.ForeignKey(BrokerAccount, on_delete=models.CASCADE, related_name="allocations")
    multiplier = models.DecimalField(default=Decimal(1), validators=NOT_NEGATIVE, **QUANTITY)
    max_contracts = models.DecimalField(null=True, blank=True, validators=NOT_NEGATIVE, **QUANTITY)
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["strategy", "broker_account"], name="allocation_once_per_account")
        ]

    def __str__(self) -> str:
        return f"{self.strategy} → {self.broker_account}"


class WebhookKey(models.Model):
    """A strategy's secret address. Shown to its owner, so sealed; looked up by digest. An old one may outlive rotation."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    strategy = models.ForeignKey(Strategy, on_delete=models.CASCADE, related_name="webhook_keys")
    secret = EncryptedTextField(default=new_secret)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    retires_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"key of {self.strategy}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.digest:
            self.digest = digest_secret(self.secret)
        super().save(*args, **kwargs)


class Signal(models.Model):
    """One accepted instruction, immutable once stored; or an alert that was stored and not understood."""

    class Status(models.TextChoices):
        ACCEPTED = "accepted"
        IGNORED = "ignored"
        REJECTED = "rejected"
        DRY_RUN = "dry_run"

    class Progress(models.TextChoices):
        NONE = "none", "Nothing to do"
        QUEUED = "queued"
        EXECUTING = "executing"
        DONE = "done"
        SUPERSEDED = "superseded"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="signals")
    strategy = models.ForeignKey(Strategy, on_delete=models.CASCADE, null=True, related_name="signals")
    received_at = models.DateTimeField()  # when the first byte of the request was read
    stored_at = models.DateTimeField(default=timezone.now)
    raw_body = EncryptedTextField()  # undecodable bytes are kept as surrogate escapes
    content_type = models.CharField(max_length=120, blank=True)
    source_address = models.GenericIPAddressField(null=True)
    source = models.CharField(max_length=16, default="webhook")  # webhook, test, bring_back, auto_bring_back
    format = models.CharField(max_length=24, blank=True)
    status = models.CharField(max_length=12, choices=Status.choices)
    code = models.CharField(max_length=64, blank=True)
    message = models.CharField(max_length=500, blank=True)
    repairs = models.JSONField(default=list)
    warnings = models.JSONField(default=list)
    alert = models.JSONField(default=dict)  # the canonical form, see strategies.webhooks.alert
    intent = models.CharField(max_length=300, blank=True)
    alert_time = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)  # not carried out before; null = at once
    duplicates = models.PositiveIntegerField(default=0)

    progress = models.CharField(max_length=12, choices=Progress.choices, default=Progress.QUEUED)
    claimed_by = models.CharField(max_length=64, blank=True)
    fence = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    planned_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    plan = models.JSONField(default=dict)  # what the planner decided for the strategy as a whole

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["strategy", "-id"]),
            models.Index(fields=["user", "-id"]),
            models.Index(
                fields=["id"],
                condition=models.Q(progress__in=["queued", "executing"]),
                name="signal_unfinished",
            ),
        ]

    def __str__(self) -> str:
        return f"signal {self.pk}"

    @property
    def body(self) -> bytes:
        return self.raw_body.encode("utf-8", "surrogateescape")


class AlertDigest(models.Model):
    """Which alert was already taken: the unique key behind "duplicate". A row may be taken over once it has expired."""

    id = models.BigAutoField(primary_key=True)
    strategy = models.ForeignKey(Strategy, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64)
    signal_id = models.UUIDField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["strategy", "digest"], name="alert_once_per_strategy")]
        indexes = [models.Index(fields=["expires_at"])]

    def __str__(self) -> str:
        return self.digest[:12]


class OrderBatch(models.Model):
    """All orders of one signal, with their counts for a quick look."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    signal = models.OneToOneField(Signal, on_delete=models.CASCADE, related_name="batch")
    accounts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "order batches"

    def __str__(self) -> str:
        return f"batch of {self.signal_id}"


class OrderQuerySet(models.QuerySet["Order"]):
    def owned_by(self, user: User) -> OrderQuerySet:
        return self.filter(user=user)

    def in_flight(self) -> OrderQuerySet:
        """Sent, and the venue's answer not yet known for certain."""
        return self.filter(status__in=[OrderStatus.SUBMITTED.value, OrderStatus.UNKNOWN.value])

    def unfinished(self) -> OrderQuerySet:
        return self.exclude(status__in=[s.value for s in OrderStatus if s.is_final])


class Order(models.Model):
    """The row that tracks one instruction at one account. Written and claimed before its first byte leaves (law 3)."""

    class Purpose(models.TextChoices):
        ENTRY = "entry"
        EXIT = "exit"
        FLATTEN = "flatten"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="orders")
    signal = models.ForeignKey(Signal, on_delete=models.CASCADE, null=True, related_name="orders")
    strategy = models.ForeignKey(Strategy, on_delete=models.SET_NULL, null=True, related_name="orders")
    broker_account = models.ForeignKey(BrokerAccount, on_delete=models.CASCADE, related_name="orders")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, null=True, related_name="orders")
    purpose = models.CharField(max_length=8, choices=Purpose.choices)
    leg = models.PositiveSmallIntegerField(
        default=0
    )  # 0 comes before 1: the exit of a reversal before its entry
    depends_on = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="dependents"
    )
    attempt = models.PositiveSmallIntegerField(default=0)
    client_order_id = models.CharField(max_length=24)
    venue_order_id = models.CharField(max_length=64, blank=True)
    symbol = models.CharField(max_length=64)
    venue_symbol = models.CharField(max_length=64, blank=True)
    side = models.CharField(max_length=4, choices=[(item.value, item.value) for item in Side])
    quantity = models.DecimalField(**QUANTITY)
    order_type = models.CharField(
        max_length=16, choices=[(t.value, t.value) for t in OrderType], default=OrderType.MARKET
    )
    limit_price = models.DecimalField(null=True, blank=True, **PRICE)
    stop_price = models.DecimalField(null=True, blank=True, **PRICE)
    trail_offset = models.DecimalField(null=True, blank=True, **PRICE)
    time_in_force = models.CharField(
        max_length=4, choices=[(t.value, t.value) for t in TimeInForce], default=TimeInForce.DAY
    )
    reference_price = models.DecimalField(null=True, blank=True, **PRICE)
    status = models.CharField(
        max_length=16, choices=[(s.value, s.value) for s in OrderStatus], default=OrderStatus.PENDING
    )
    deny_code = models.CharField(max_length=64, blank=True)
    deny_context = models.JSONField(default=dict, blank=True)
    reject_reason = models.CharField(max_length=500, blank=True)
    venue_message = models.CharField(max_length=500, blank=True)
    filled_quantity = models.DecimalField(default=Decimal(0), **QUANTITY)
    average_price = models.DecimalField(null=True, blank=True, **PRICE)

    claimed_by = models.CharField(max_length=64, blank=True)
    fence = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    lookups = models.PositiveSmallIntegerField(default=0)  # successful look-ups that did not find it
    next_lookup_at = models.DateTimeField(null=True, blank=True)

    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    cancel_after = models.PositiveIntegerField(null=True, blank=True)  # seconds from its sending
    cancel_due_at = models.DateTimeField(null=True, blank=True)  # by the database's clock

    planned_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    filled_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[OrderQuerySet] = OrderQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["signal", "broker_account", "leg"], name="one_order_per_signal_account_leg"
            ),
            models.UniqueConstraint(
                fields=["broker_account", "client_order_id"], name="client_order_id_once"
            ),
        ]
        indexes = [
            models.Index(fields=["broker_account", "venue_order_id"]),
            models.Index(fields=["broker_account", "-id"]),
            models.Index(fields=["user", "-id"]),
            models.Index(fields=["strategy", "-id"]),
            models.Index(
                fields=["status", "lease_until"],
                condition=models.Q(status__in=["pending", "submitted", "unknown"]),
                name="order_undecided",
            ),
            models.Index(
                fields=["cancel_due_at"],
                condition=models.Q(cancel_due_at__isnull=False),
                name="order_to_give_up",
            ),
            models.Index(
                fields=["broker_account"],
                condition=models.Q(
                    status__in=["submitted", "unknown", "accepted", "partially_filled", "pending_cancel"]
                ),
                name="order_working",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity.normalize():f} {self.venue_symbol or self.symbol}"

    @property
    def signed_filled(self) -> Decimal:
        return self.filled_quantity * Side(self.side).sign

    @property
    def is_final(self) -> bool:
        return OrderStatus(self.status).is_final


class BracketLeg(models.Model):
    """A protective order that belongs to an entry: its take-profit or its stop-loss."""

    class Kind(models.TextChoices):
        TAKE_PROFIT = "take_profit"
        STOP_LOSS = "stop_loss"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="legs")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    offset = models.DecimalField(
        null=True, blank=True, **PRICE
    )  # price points from the entry's fill, positive
    price = models.DecimalField(null=True, blank=True, **PRICE)
    trailing = models.BooleanField(default=False)
    fixed = models.BooleanField(default=False)  # the alert gave the price itself: never moved to the fill
    quantity = models.DecimalField(default=Decimal(0), **QUANTITY)
    client_order_id = models.CharField(max_length=24, blank=True)
    venue_order_id = models.CharField(max_length=64, blank=True)
    status = models.CharField(
        max_length=16, choices=[(s.value, s.value) for s in OrderStatus], default=OrderStatus.PENDING
    )
    reject_reason = models.CharField(max_length=500, blank=True)
    filled_quantity = models.DecimalField(default=Decimal(0), **QUANTITY)
    average_price = models.DecimalField(null=True, blank=True, **PRICE)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "kind"], name="one_leg_of_a_kind")]
        indexes = [
            models.Index(fields=["venue_order_id"]),
            models.Index(fields=["client_order_id"]),
            models.Index(
                fields=["order"],
                condition=models.Q(
                    status__in=[
                        "pending",
                        "submitted",
                        "unknown",
                        "accepted",
                        "partially_filled",
                        "pending_cancel",
                    ]
                ),
                name="leg_alive",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.order_id}"


class OrderEvent(models.Model):
    """Something that happened to an order, appended and never changed: the trace page's timeline."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=24)
    message = models.CharField(max_length=500, blank=True)
    data = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["order", "id"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%H:%M:%S}"


class ControlState(models.Model):
    """A switch at one scope. No row means running; of all that apply to an order the most restrictive wins.

    People turn one of kind ``person``; a breached loss limit turns one of kind ``risk``, which ends by itself at ``until``.
    """

    class Kind(models.TextChoices):
        PERSON = "person"
        RISK = "risk"

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        REDUCING = "reducing", "Exits only"
        HALTED = "halted", "Halted"

    class Scope(models.TextChoices):
        PLATFORM = "platform"
        BROKER = "broker"
        USER = "user"
        STRATEGY = "strategy"
        BROKER_ACCOUNT = "broker_account"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    scope = models.CharField(max_length=16, choices=Scope.choices)
    object_id = models.CharField(max_length=64, blank=True)  # empty for the platform
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.PERSON)
    state = models.CharField(max_length=12, choices=State.choices)
    until = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["scope", "object_id", "kind"], name="one_switch_per_scope_and_kind"
            )
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.object_id} {self.state}"
