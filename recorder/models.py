"""Facts: what the brokers say happened, and the round trips made of it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from brokers.models import MONEY, PRICE, QUANTITY, BrokerAccount, Instrument
from strategies.models import BracketLeg, Order, Signal, Strategy
from tradeproject.common.ids import uuid7

if TYPE_CHECKING:
    from accounts.models import User


class Fill(models.Model):
    """One execution, keyed by the venue's id: the same report twice is one row (law 7)."""

    class Match(models.TextChoices):
        ORDER = "order", "our order id"
        TAG = "tag", "our tag"
        WINDOW = "window", "account, symbol and time"
        RECORDED = "recorded", "the recorded account"
        EXTERNAL = "external", "not ours"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="fills")
    # Where a composite index begins with the key, one of its own would only cost time at every fill.
    broker_account = models.ForeignKey(
        BrokerAccount, on_delete=models.CASCADE, related_name="fills", db_index=False
    )
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="fills")
    venue_fill_id = models.CharField(max_length=96)
    venue_order_id = models.CharField(max_length=64)
    order = models.ForeignKey(Order, on_delete=models.SET_NULL, null=True, related_name="fills")
    leg = models.ForeignKey(BracketLeg, on_delete=models.SET_NULL, null=True, related_name="fills")
    strategy = models.ForeignKey(
        Strategy, on_delete=models.SET_NULL, null=True, related_name="fills", db_index=False
    )
    side = models.CharField(max_length=4)
    quantity = models.DecimalField(**QUANTITY)
    price = models.DecimalField(**PRICE)
    commission = models.DecimalField(null=True, **MONEY)
    fees = models.DecimalField(null=True, **MONEY)
    executed_at = models.DateTimeField()
    recorded_at = models.DateTimeField(default=timezone.now)
    source = models.CharField(max_length=12)
    match = models.CharField(max_length=10, choices=Match.choices)
    voided = models.BooleanField(default=False)

    class Meta:
        ordering = ["executed_at", "id"]
        constraints = [models.UniqueConstraint(fields=["broker_account", "venue_fill_id"], name="fill_once")]
        indexes = [
            models.Index(fields=["broker_account", "instrument", "executed_at"]),
            models.Index(fields=["strategy", "executed_at"]),
            # Fills that no order of ours has been proven for yet: asked about again when one gets its venue id.
            models.Index(
                fields=["broker_account", "recorded_at"],
                condition=models.Q(match__in=["window", "recorded", "external"]),
                name="fill_unproven",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity.normalize():f} @ {self.price.normalize():f}"


class PositionSnapshot(models.Model):
    """What the venue last said an account holds of an instrument. Net zero is a row too: flat, and known to be."""

    id = models.BigAutoField(primary_key=True)
    broker_account = models.ForeignKey(BrokerAccount, on_delete=models.CASCADE, related_name="positions")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    net_quantity = models.DecimalField(**QUANTITY)
    average_price = models.DecimalField(null=True, **PRICE)
    as_of = models.DateTimeField()
    source = models.CharField(max_length=12)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["broker_account", "instrument"], name="one_snapshot_per_instrument"
            )
        ]

    def __str__(self) -> str:
        return f"{self.net_quantity.normalize():f} {self.instrument}"


class PositionCover(models.Model):
    """When an account's positions were last told completely: what the snapshots say of it is true since then."""

    broker_account = models.OneToOneField(
        BrokerAccount, on_delete=models.CASCADE, primary_key=True, related_name="position_cover"
    )
    answered_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.broker_account} at {self.answered_at:%H:%M:%S}"


class RecordedPositionQuerySet(models.QuerySet["RecordedPosition"]):
    def owned_by(self, user: User) -> RecordedPositionQuerySet:
        return self.filter(user=user)

    def closed(self) -> RecordedPositionQuerySet:
        return self.exclude(status=RecordedPosition.Status.OPEN)


class RecordedPosition(models.Model):
    """A round trip of one strategy at one account and contract, from flat to flat. Derived from fills, rebuildable."""

    class Status(models.TextChoices):
        OPEN = "open"
        CLOSED = "closed"
        STOPPED_OUT = "stopped_out"
        TARGET_HIT = "target_hit"

    class ExitReason(models.TextChoices):
        TAKE_PROFIT = "Take Profit"
        STOP_LOSS = "Stop Loss"
        MANUAL = "Manual"
        SIGNAL = "Signal"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recorded_positions", db_index=False
    )
    strategy = models.ForeignKey(
        Strategy, on_delete=models.CASCADE, null=True, related_name="recorded_positions", db_index=False
    )
    broker_account = models.ForeignKey(
        BrokerAccount, on_delete=models.CASCADE, related_name="recorded_positions", db_index=False
    )
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    symbol = models.CharField(max_length=64)
    side = models.CharField(max_length=4, choices=[("Buy", "Buy"), ("Sell", "Sell")])
    quantity = models.DecimalField(**QUANTITY)  # the largest size it had
    open_quantity = models.DecimalField(**QUANTITY)  # what is still open
    entry_price = models.DecimalField(**PRICE)
    entry_timestamp = models.DateTimeField()
    exit_price = models.DecimalField(null=True, **PRICE)
    exit_timestamp = models.DateTimeField(null=True)
    exit_reason = models.CharField(max_length=12, choices=ExitReason.choices, blank=True)
    pnl = models.DecimalField(default=Decimal(0), **MONEY)  # realised so far, before commission and fees
    commission = models.DecimalField(default=Decimal(0), **MONEY)  # commission and fees paid
    net_pnl = models.DecimalField(default=Decimal(0), **MONEY)
    pnl_percent = models.DecimalField(null=True, max_digits=14, decimal_places=4)
    stop_loss_price = models.DecimalField(null=True, **PRICE)
    take_profit_price = models.DecimalField(null=True, **PRICE)
    slippage = models.DecimalField(
        null=True, **PRICE
    )  # price points given up against the signal's price, per unit
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.OPEN)
    signal = models.ForeignKey(
        Signal, on_delete=models.SET_NULL, null=True, related_name="recorded_positions"
    )
    exit_signal = models.ForeignKey(Signal, on_delete=models.SET_NULL, null=True, related_name="+")
    venue_position_id = models.CharField(max_length=64, blank=True)
    first_fill = models.ForeignKey(Fill, on_delete=models.SET_NULL, null=True, related_name="+")
    # Nothing of anybody was open at this account and contract when it began: a rebuild may start here.
    from_flat = models.BooleanField(default=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[RecordedPositionQuerySet] = RecordedPositionQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["-entry_timestamp", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["strategy", "broker_account", "instrument"],
                condition=models.Q(status="open", strategy__isnull=False),
                name="one_open_position",
            )
        ]
        indexes = [
            models.Index(fields=["strategy", "-entry_timestamp"]),
            models.Index(fields=["user", "status"]),
            models.Index(fields=["broker_account", "instrument", "status"]),
            models.Index(fields=["broker_account", "instrument", "-entry_timestamp"], name="trip_by_time"),
            models.Index(fields=["user", "-exit_timestamp"], name="trip_by_exit"),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity.normalize():f} {self.symbol} {self.status}"


class EquityPoint(models.Model):
    """An account's equity at one moment, for the curve."""

    id = models.BigAutoField(primary_key=True)
    broker_account = models.ForeignKey(BrokerAccount, on_delete=models.CASCADE, related_name="equity_points")
    at = models.DateTimeField()
    balance = models.DecimalField(null=True, **MONEY)
    equity = models.DecimalField(null=True, **MONEY)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["broker_account", "at"], name="equity_point_once")]

    def __str__(self) -> str:
        return f"{self.equity} at {self.at:%Y-%m-%d %H:%M}"
