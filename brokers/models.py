"""Logins at brokers, the accounts they open, and the contracts those trade."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone

from brokers import domain
from brokers.domain import AccountRef, AssetClass, Environment, Tokens
from tradeproject.common.clock import iso, parse_iso
from tradeproject.common.crypto import EncryptedJSONField
from tradeproject.common.ids import uuid7

if TYPE_CHECKING:
    from accounts.models import User

ENVIRONMENTS = [(item.value, item.value.title()) for item in Environment]
QUANTITY: dict[str, Any] = {"max_digits": 24, "decimal_places": 8}
PRICE: dict[str, Any] = {"max_digits": 24, "decimal_places": 10}
MONEY: dict[str, Any] = {"max_digits": 20, "decimal_places": 4}


class BrokerConnectionQuerySet(models.QuerySet["BrokerConnection"]):
    def owned_by(self, user: User) -> BrokerConnectionQuerySet:
        return self.filter(user=user, deleted_at__isnull=True)

    def usable(self) -> BrokerConnectionQuerySet:
        """Logins that may be used: not switched off and not waiting for their owner."""
        return self.exclude(
            state__in=[BrokerConnection.State.DISABLED, BrokerConnection.State.NEEDS_REAUTHORIZATION]
        )


class BrokerConnection(models.Model):
    """One login at one broker. Its accounts may live at several environments (a live login sees its demo accounts too)."""

    class State(models.TextChoices):
        CONNECTED = "connected", "Connected"
        CONNECTING = "connecting", "Connecting"
        NEEDS_REAUTHORIZATION = "needs_reauthorization", "Login needed"
        DISABLED = "disabled", "Disabled"
        ERROR = "error", "Error"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="connections")
    broker = models.CharField(max_length=32)
    environment = models.CharField(max_length=8, choices=ENVIRONMENTS)
    label = models.CharField(max_length=80, blank=True)
    # What the owner typed in, less the password unless they asked for unattended re-login (law 10).
    credentials = EncryptedJSONField(default=dict, blank=True)
    tokens = EncryptedJSONField(null=True, blank=True)
    token_expires_at = models.DateTimeField(null=True, blank=True)
    tokens_stored_at = models.DateTimeField(null=True, blank=True)
    refresh_expires_at = models.DateTimeField(null=True, blank=True)
    venue_user_id = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=24, choices=State.choices, default=State.CONNECTING)
    state_reason = models.CharField(max_length=300, blank=True)
    state_changed_at = models.DateTimeField(default=timezone.now)
    stream_state = models.CharField(max_length=24, blank=True)
    stream_changed_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_polled_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    # A removed login keeps its row, without its secrets: orders and fills of its accounts are history.
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[BrokerConnectionQuerySet] = BrokerConnectionQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["created_at"]

    def __str__(self) -> str:
        return self.label or f"{self.broker} {self.environment}"

    def current_tokens(self) -> Tokens | None:
        raw = self.tokens
        if not raw:
            return None
        return Tokens(
            access_token=raw["access_token"],
            expires_at=parse_iso(raw["expires_at"]),
            refresh_token=raw.get("refresh_token", ""),
            refresh_expires_at=parse_iso(raw["refresh_expires_at"])
            if raw.get("refresh_expires_at")
            else None,
            market_data_token=raw.get("market_data_token", ""),
            venue_user_id=raw.get("venue_user_id", ""),
            extra=raw.get("extra", {}),
        )

    @property
    def can_sign_in(self) -> bool:
        """Whether it can be used without its owner: a token that lives or can be refreshed, or a password kept for this."""
        tokens, now = self.current_tokens(), timezone.now()
        if tokens is not None and tokens.expires_at > now:
            return True
        until = tokens.refresh_expires_at if tokens is not None else None
        renewable = tokens is not None and bool(tokens.refresh_token) and (until is None or until > now)
        return renewable or bool(self.credentials.get("password"))

    def put_tokens(self, tokens: Tokens) -> None:
        """Take a new token into the row (unsaved)."""
        self.tokens = {
            "access_token": tokens.access_token,
            "expires_at": iso(tokens.expires_at),
            "refresh_token": tokens.refresh_token,
            "refresh_expires_at": iso(tokens.refresh_expires_at),
            "market_data_token": tokens.market_data_token,
            "venue_user_id": tokens.venue_user_id,
            "extra": dict(tokens.extra),
        }
        self.token_expires_at, self.tokens_stored_at = tokens.expires_at, timezone.now()
        self.refresh_expires_at = tokens.refresh_expires_at
        self.venue_user_id = tokens.venue_user_id or self.venue_user_id

    def put_state(self, state: str, reason: str = "") -> bool:
        """Change the state (unsaved). Returns whether anything changed."""
        if (self.state, self.state_reason) == (state, reason[:300]):
            return False
        if self.state != state:
            self.state_changed_at = timezone.now()
        self.state, self.state_reason = state, reason[:300]
        return True


class BrokerAccountQuerySet(models.QuerySet["BrokerAccount"]):
    def owned_by(self, user: User) -> BrokerAccountQuerySet:
        return self.filter(user=user)


class BrokerAccount(models.Model):
    """One tradable account under a login."""

    class State(models.TextChoices):
        READY = "ready", "Ready"
        CLOSED = "closed", "Closed at the broker"
        MISSING = "missing", "No longer under this login"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    connection = models.ForeignKey(BrokerConnection, on_delete=models.CASCADE, related_name="accounts")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="broker_accounts"
    )
    environment = models.CharField(max_length=8, choices=ENVIRONMENTS)
    external_id = models.CharField(max_length=64)
    name = models.CharField(max_length=120)
    label = models.CharField(max_length=80, blank=True)
    currency = models.CharField(max_length=8, default="USD")
    balance = models.DecimalField(null=True, blank=True, **MONEY)
    equity = models.DecimalField(null=True, blank=True, **MONEY)
    open_pnl = models.DecimalField(null=True, blank=True, **MONEY)
    enabled = models.BooleanField(default=True)
    multiplier = models.DecimalField(
        default=Decimal(1), validators=[MinValueValidator(Decimal(0))], **QUANTITY
    )
    max_contracts = models.DecimalField(
        null=True, blank=True, validators=[MinValueValidator(Decimal(0))], **QUANTITY
    )
    state = models.CharField(max_length=12, choices=State.choices, default=State.READY)
    last_synced_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[BrokerAccountQuerySet] = BrokerAccountQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["created_at", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "environment", "external_id"], name="account_once_per_login"
            )
        ]

    def __str__(self) -> str:
        return self.label or self.name

    @property
    def ref(self) -> AccountRef:
        return AccountRef(self.external_id, self.name)


class Instrument(models.Model):
    """A contract as one broker environment defines it. Shared by all tenants: it says nothing of anybody."""

    id = models.BigAutoField(primary_key=True)
    broker = models.CharField(max_length=32)
    environment = models.CharField(max_length=8, choices=ENVIRONMENTS)
    venue_id = models.CharField(max_length=64)
    venue_symbol = models.CharField(max_length=64)
    root = models.CharField(max_length=32)
    asset_class = models.CharField(
        max_length=8, choices=[(item.value, item.value.title()) for item in AssetClass]
    )
    exchange = models.CharField(max_length=32, blank=True)
    description = models.CharField(max_length=160, blank=True)
    currency = models.CharField(max_length=8, default="USD")
    tick_size = models.DecimalField(**PRICE)
    point_value = models.DecimalField(**PRICE)
    quantity_step = models.DecimalField(default=Decimal(1), **QUANTITY)
    expires_at = models.DateTimeField(null=True, blank=True)
    refreshed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["broker", "environment", "venue_id"], name="instrument_once"),
        ]
        indexes = [models.Index(fields=["broker", "environment", "venue_symbol"])]

    def __str__(self) -> str:
        return self.venue_symbol

    def to_domain(self) -> domain.Instrument:
        return domain.Instrument(
            venue_id=self.venue_id,
            venue_symbol=self.venue_symbol,
            root=self.root,
            asset_class=AssetClass(self.asset_class),
            tick_size=self.tick_size,
            point_value=self.point_value,
            quantity_step=self.quantity_step,
            currency=self.currency,
            exchange=self.exchange,
            description=self.description,
            expires_at=self.expires_at,
        )


class SymbolMapping(models.Model):
    """What a chart symbol means at a broker environment now: ``MNQ1!`` → the contract to trade. Re-asked when it is old."""

    id = models.BigAutoField(primary_key=True)
    broker = models.CharField(max_length=32)
    environment = models.CharField(max_length=8, choices=ENVIRONMENTS)
    symbol = models.CharField(max_length=64)
    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="mappings")
    resolved_at = models.DateTimeField(default=timezone.now)

    FRESH = timedelta(hours=6)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["broker", "environment", "symbol"], name="symbol_once")
        ]

    def __str__(self) -> str:
        return f"{self.symbol} → {self.instrument}"


class ReportBatch(models.Model):
    """Broker reports on their way from the process that owns the sockets to the recorder.

    Rows are deleted in the transaction that ingests them, so a report is taken exactly once, and none is lost when
    either side dies.
    """

    id = models.BigAutoField(primary_key=True)
    connection = models.ForeignKey(BrokerConnection, on_delete=models.CASCADE, related_name="+")
    environment = models.CharField(max_length=8, choices=ENVIRONMENTS)
    payload = models.JSONField()
    attempts = models.PositiveSmallIntegerField(default=0)  # failed ones; after the third it is kept aside
    waiting_for = models.JSONField(default=list, blank=True)  # venue ids of contracts to be looked up first
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"batch {self.pk}"


class BudgetReading(models.Model):
    """What a login used of its limits, as the executor last wrote it down: for the page, never for a decision."""

    connection = models.OneToOneField(
        BrokerConnection, on_delete=models.CASCADE, primary_key=True, related_name="budget_reading"
    )
    at = models.DateTimeField()
    figures = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"limits of {self.connection_id}"
