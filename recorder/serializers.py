"""The record as the schema describes it; its JSON is made by ``recorder.shapes``."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from recorder.models import RecordedPosition
from recorder.shapes import position_json

SIDES = [("Buy", "Buy"), ("Sell", "Sell")]


class RecordedPositionSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    strategy = serializers.UUIDField(allow_null=True)
    broker_account = serializers.UUIDField()
    symbol = serializers.CharField()
    side = serializers.ChoiceField(SIDES)
    quantity = serializers.CharField(help_text="The largest size it had.")
    open_quantity = serializers.CharField()
    entry_price = serializers.CharField()
    entry_timestamp = serializers.DateTimeField()
    exit_price = serializers.CharField(allow_null=True)
    exit_timestamp = serializers.DateTimeField(allow_null=True)
    exit_reason = serializers.ChoiceField(RecordedPosition.ExitReason.choices, allow_null=True)
    pnl = serializers.CharField(help_text="Before commission and fees.")
    pnl_percent = serializers.CharField(allow_null=True)
    commission = serializers.CharField(help_text="Commission and fees.")
    net_pnl = serializers.CharField()
    stop_loss_price = serializers.CharField(allow_null=True)
    take_profit_price = serializers.CharField(allow_null=True)
    slippage = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(RecordedPosition.Status.choices)
    signal = serializers.UUIDField(allow_null=True)
    venue_position_id = serializers.CharField()

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return position_json(instance)


@extend_schema_serializer(many=False)
class PositionPageSerializer(serializers.Serializer):
    """A page of recorded positions under the name that the contract gives them."""

    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    positions = RecordedPositionSerializer(many=True)


class DayExtremeSerializer(serializers.Serializer):
    date = serializers.DateField()
    pnl = serializers.CharField()


class PeriodSerializer(DayExtremeSerializer):
    trades = serializers.IntegerField()


class EquityPointSerializer(serializers.Serializer):
    t = serializers.DateTimeField()
    pnl = serializers.CharField()


class AnalyticsSerializer(serializers.Serializer):
    """Money is net of commissions and fees; ``gross_pnl`` and ``fees`` stand beside it."""

    total_trades = serializers.IntegerField()
    win_rate = serializers.CharField(help_text="Percent.")
    average_win = serializers.CharField()
    average_loss = serializers.CharField()
    largest_win = serializers.CharField()
    largest_loss = serializers.CharField()
    total_pnl = serializers.CharField()
    gross_pnl = serializers.CharField()
    fees = serializers.CharField()
    profit_factor = serializers.CharField(allow_null=True)
    expectancy = serializers.CharField()
    average_time_in_trade = serializers.CharField(help_text="Seconds.")
    average_slippage = serializers.CharField(allow_null=True, help_text="Price points.")
    max_drawdown = serializers.CharField()
    sharpe_ratio = serializers.CharField(allow_null=True)
    best_day = DayExtremeSerializer(allow_null=True)
    worst_day = DayExtremeSerializer(allow_null=True)
    daily = PeriodSerializer(many=True)
    weekly = PeriodSerializer(many=True)
    monthly = PeriodSerializer(many=True)
    equity_curve = EquityPointSerializer(many=True)


class RecordingSerializer(serializers.Serializer):
    strategy = serializers.UUIDField()
    recording_enabled = serializers.BooleanField()
