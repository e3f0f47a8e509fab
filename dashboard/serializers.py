"""The dashboard's and the operator's answers, for the schema."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from brokers.models import BrokerConnection
from recorder.serializers import AnalyticsSerializer, EquityPointSerializer, PeriodSerializer


class LivePositionSerializer(serializers.Serializer):
    id = serializers.CharField()
    broker_account = serializers.UUIDField()
    account_name = serializers.CharField()
    broker = serializers.CharField()
    environment = serializers.CharField()
    currency = serializers.CharField()
    strategy = serializers.UUIDField(allow_null=True)
    strategy_name = serializers.CharField(allow_null=True)
    symbol = serializers.CharField()
    venue_symbol = serializers.CharField()
    side = serializers.ChoiceField(["long", "short"])
    quantity = serializers.CharField()
    entry_price = serializers.CharField(allow_null=True)
    current_price = serializers.CharField(allow_null=True)
    price_source = serializers.ChoiceField(["quote", "broker", "none"])
    price_at = serializers.DateTimeField(allow_null=True)
    unrealized_pnl = serializers.CharField(allow_null=True)
    realized_pnl = serializers.CharField()
    opened_at = serializers.DateTimeField(allow_null=True)
    time_in_trade = serializers.IntegerField(allow_null=True, help_text="Seconds.")
    stop_loss_price = serializers.CharField(allow_null=True)
    take_profit_price = serializers.CharField(allow_null=True)
    distance_to_stop = serializers.CharField(allow_null=True, help_text="Price points still to go.")
    distance_to_target = serializers.CharField(allow_null=True, help_text="Price points still to go.")
    sync = serializers.ChoiceField(["synced", "drifted", "unknown"])

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return dict(instance)


class ConnectionCountsSerializer(serializers.Serializer):
    connected = serializers.IntegerField()
    connecting = serializers.IntegerField()
    needs_reauthorization = serializers.IntegerField()
    disabled = serializers.IntegerField()
    error = serializers.IntegerField()


assert set(ConnectionCountsSerializer().get_fields()) == set(BrokerConnection.State.values)  # noqa: S101


class SummarySerializer(serializers.Serializer):
    total_strategies = serializers.IntegerField()
    active_strategies = serializers.IntegerField()
    active_positions = serializers.IntegerField()
    total_trades = serializers.IntegerField()
    win_rate = serializers.CharField(allow_null=True, help_text="Percent.")
    total_pnl = serializers.CharField()
    today_pnl = serializers.CharField(help_text="Since midnight in your timezone.")
    open_pnl = serializers.CharField(allow_null=True)
    price_source = serializers.ChoiceField(["quote", "broker", "mixed", "none"])
    connections = ConnectionCountsSerializer()
    total_connections = serializers.IntegerField()


class PnlSerializer(serializers.Serializer):
    total_pnl = serializers.CharField()
    gross_pnl = serializers.CharField()
    fees = serializers.CharField()
    max_drawdown = serializers.CharField()
    daily = PeriodSerializer(many=True)
    weekly = PeriodSerializer(many=True)
    monthly = PeriodSerializer(many=True)
    equity_curve = EquityPointSerializer(many=True)


class BreakdownSerializer(serializers.Serializer):
    name = serializers.CharField()
    total_trades = serializers.IntegerField()
    win_rate = serializers.CharField(allow_null=True)
    total_pnl = serializers.CharField()
    gross_pnl = serializers.CharField()
    fees = serializers.CharField()


class StrategyBreakdownSerializer(BreakdownSerializer):
    strategy = serializers.UUIDField()


class AccountBreakdownSerializer(BreakdownSerializer):
    broker_account = serializers.UUIDField()


class PerformanceSerializer(AnalyticsSerializer):
    strategies = StrategyBreakdownSerializer(many=True)
    broker_accounts = AccountBreakdownSerializer(many=True)


# --- the operator's ---------------------------------------------------------------------------------------------------


class PartSerializer(serializers.Serializer):
    name = serializers.CharField()
    age_seconds = serializers.FloatField()
    alive = serializers.BooleanField()


class SystemSerializer(serializers.Serializer):
    parts = PartSerializer(many=True)
    load = serializers.ListField(child=serializers.FloatField())
    cpus = serializers.IntegerField()
    disk_free_bytes = serializers.IntegerField()
    disk_total_bytes = serializers.IntegerField()
    python = serializers.CharField()
    django = serializers.CharField()


class MetricSerializer(serializers.Serializer):
    name = serializers.CharField()
    labels = serializers.DictField(child=serializers.CharField())
    value = serializers.FloatField()


class MetricsSerializer(serializers.Serializer):
    metrics = MetricSerializer(many=True)


class DatabaseHealthSerializer(serializers.Serializer):
    status = serializers.ChoiceField(["ok", "degraded"])
    latency_ms = serializers.FloatField()
    version = serializers.CharField()
    size_bytes = serializers.IntegerField()
    connections = serializers.IntegerField()
    max_connections = serializers.IntegerField()
    longest_transaction_seconds = serializers.FloatField()
    uptime_seconds = serializers.IntegerField()
    pending_migrations = serializers.ListField(child=serializers.CharField())


class RecentProblemSerializer(serializers.Serializer):
    at = serializers.DateTimeField()
    kind = serializers.CharField()
    message = serializers.CharField()
    user = serializers.CharField(allow_null=True)
    object_type = serializers.CharField()
    object_id = serializers.CharField()

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return dict(instance)
