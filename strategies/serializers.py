"""What the endpoints of strategies, signals, orders and switches take and give, for the schema.

What is given is made by ``strategies.shapes``. What a strategy takes is checked by ``strategies.validation``, for pages
and API alike; the classes here only describe it.
"""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from brokers.domain import LegKind, OrderStatus, OrderType, Side, TimeInForce
from strategies.models import ControlState, Order, Signal, Strategy
from strategies.shapes import order_json, signal_json


def _choices(values: Any) -> list[tuple[str, str]]:
    return [(item.value, item.value) for item in values]


SIDES = _choices(Side)
ORDER_STATUSES = _choices(OrderStatus)
NUMBER: dict[str, Any] = {
    "allow_null": True,
    "required": False,
    "help_text": "A decimal as text; null = not set.",
}
LIMIT: dict[str, Any] = {"allow_null": True, "required": False, "help_text": "Above zero; null = off."}


# --- strategies -----------------------------------------------------------------------------------------------------


class SessionSerializer(serializers.Serializer):
    start = serializers.CharField(help_text="HH:MM, local time")
    end = serializers.CharField(help_text="HH:MM; not after the start = over midnight")
    timezone = serializers.CharField(required=False)
    exchange = serializers.CharField(
        required=False, help_text="Must be open too, on its own calendar; start and end may then be left out."
    )
    days = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=6), required=False, help_text="0 = Monday"
    )


class BlackoutSerializer(serializers.Serializer):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()


class ClockSerializer(serializers.Serializer):
    time = serializers.CharField(help_text="HH:MM")
    timezone = serializers.CharField(required=False)


class RiskSerializer(serializers.Serializer):
    max_order_quantity = serializers.CharField(**LIMIT)
    max_position = serializers.CharField(**LIMIT)
    max_orders_per_day = serializers.IntegerField(**LIMIT)
    max_orders_per_minute = serializers.IntegerField(**LIMIT)
    max_daily_loss = serializers.CharField(**LIMIT)
    max_drawdown = serializers.CharField(**LIMIT)
    max_signal_age = serializers.IntegerField(**LIMIT)
    price_collar_percent = serializers.CharField(**LIMIT)
    session = SessionSerializer(allow_null=True, required=False)
    blackout = BlackoutSerializer(many=True, allow_null=True, required=False)
    max_trades_per_day = serializers.IntegerField(**LIMIT)
    max_reversals_per_minute = serializers.IntegerField(**LIMIT)
    max_order_notional = serializers.CharField(**LIMIT)
    max_margin_percent = serializers.CharField(**LIMIT)
    margin_per_contract = serializers.CharField(**LIMIT)
    max_quote_age = serializers.IntegerField(**LIMIT)
    max_spread_percent = serializers.CharField(**LIMIT)
    max_fan_out = serializers.CharField(**LIMIT)
    max_adds = serializers.IntegerField(**LIMIT)
    no_average_down = serializers.BooleanField(**LIMIT)
    flatten_on_breach = serializers.BooleanField(**LIMIT)
    day_start = ClockSerializer(allow_null=True, required=False)
    lock_until = ClockSerializer(allow_null=True, required=False)


class AllocationSerializer(serializers.Serializer):
    broker_account = serializers.UUIDField()
    multiplier = serializers.CharField(
        required=False, help_text="A decimal as text, zero or more; 1 unless told."
    )
    max_contracts = serializers.CharField(**NUMBER)
    enabled = serializers.BooleanField(required=False)


class StrategyInputSerializer(serializers.Serializer):
    """Enumerations are taken in any case. ``allocations`` replaces the whole list; ``risk`` changes what it names."""

    name = serializers.CharField(max_length=120)
    symbol = serializers.CharField(max_length=64)
    strat_type = serializers.ChoiceField(Strategy.Kind.choices, required=False)
    position_size = serializers.CharField(**NUMBER)
    position_add = serializers.CharField(**NUMBER)
    take_profit = serializers.CharField(**NUMBER)
    stop_loss = serializers.CharField(**NUMBER)
    tpsl_units = serializers.ChoiceField(Strategy.Units.choices, required=False)
    trim = serializers.ChoiceField(Strategy.Trim.choices, required=False)
    directional_strategy = serializers.ChoiceField(Strategy.Direction.choices, required=False)
    time_in_force = serializers.ChoiceField(
        _choices(TimeInForce),
        allow_null=True,
        required=False,
        help_text="Of entries whose alert does not say; null = day.",
    )
    days_to_expiry = serializers.IntegerField(allow_null=True, required=False)
    strike_offset = serializers.IntegerField(allow_null=True, required=False)
    active = serializers.BooleanField(required=False)
    recording_enabled = serializers.BooleanField(required=False)
    demo_account = serializers.UUIDField(allow_null=True, required=False)
    allocations = AllocationSerializer(many=True, required=False)
    risk = RiskSerializer(required=False)
    alert_format = serializers.CharField(required=False)


class StrategySerializer(StrategyInputSerializer):
    id = serializers.UUIDField(read_only=True)
    webhook_url = serializers.CharField(
        read_only=True, allow_null=True, help_text="Null for an API key that may not trade."
    )
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)
    warnings = serializers.ListField(child=serializers.CharField(), read_only=True)


class LogSerializer(serializers.Serializer):
    at = serializers.DateTimeField()
    level = serializers.ChoiceField(["info", "warning", "problem"])
    kind = serializers.CharField()
    message = serializers.CharField()
    signal = serializers.UUIDField(allow_null=True)
    order = serializers.UUIDField(allow_null=True)


class StrategyDetailSerializer(StrategySerializer):
    logs = LogSerializer(many=True, read_only=True)


class LogsSerializer(serializers.Serializer):
    logs = LogSerializer(many=True)


class RotateSerializer(serializers.Serializer):
    grace_minutes = serializers.IntegerField(
        min_value=0, required=False, default=0, help_text="How long the old address goes on working."
    )


class WebhookSerializer(serializers.Serializer):
    webhook_url = serializers.CharField()


class AlertTemplateSerializer(serializers.Serializer):
    format = serializers.CharField()
    message = serializers.CharField(help_text="To be pasted into TradingView's alert message, as it is.")
    webhook_url = serializers.CharField(allow_null=True)


# --- orders ---------------------------------------------------------------------------------------------------------


class LegSerializer(serializers.Serializer):
    price = serializers.CharField(allow_null=True)
    offset = serializers.CharField(allow_null=True, help_text="Price points from the entry's fill.")
    trailing = serializers.BooleanField()
    quantity = serializers.CharField()
    venue_order_id = serializers.CharField(required=False)
    status = serializers.ChoiceField(ORDER_STATUSES, required=False)
    reject_reason = serializers.CharField(required=False)
    filled_quantity = serializers.CharField(required=False)
    average_price = serializers.CharField(allow_null=True, required=False)


class BracketSerializer(serializers.Serializer):
    take_profit = LegSerializer(allow_null=True)
    stop_loss = LegSerializer(allow_null=True)


class PlannedOrderSerializer(serializers.Serializer):
    """An order that would be sent; ``deny_code`` says why it would not."""

    strategy = serializers.UUIDField(allow_null=True)
    broker_account = serializers.UUIDField()
    symbol = serializers.CharField()
    venue_symbol = serializers.CharField()
    side = serializers.ChoiceField(SIDES)
    quantity = serializers.CharField()
    order_type = serializers.ChoiceField(_choices(OrderType))
    limit_price = serializers.CharField(allow_null=True)
    stop_price = serializers.CharField(allow_null=True)
    time_in_force = serializers.ChoiceField(_choices(TimeInForce))
    cancel_after = serializers.IntegerField(
        allow_null=True, help_text="Seconds until an unfilled one is canceled."
    )
    bracket = BracketSerializer(allow_null=True)
    status = serializers.ChoiceField(ORDER_STATUSES)
    deny_code = serializers.CharField()
    deny_message = serializers.CharField(required=False)
    purpose = serializers.ChoiceField(Order.Purpose.choices)


class OrderSerializer(PlannedOrderSerializer):
    id = serializers.UUIDField()
    signal = serializers.UUIDField(allow_null=True)
    client_order_id = serializers.CharField()
    venue_order_id = serializers.CharField()
    reject_reason = serializers.CharField()
    filled_quantity = serializers.CharField()
    average_price = serializers.CharField(allow_null=True)
    planned_at = serializers.DateTimeField()
    sent_at = serializers.DateTimeField(allow_null=True)
    answered_at = serializers.DateTimeField(allow_null=True)
    filled_at = serializers.DateTimeField(allow_null=True)
    cancel_requested_at = serializers.DateTimeField(allow_null=True)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return instance if isinstance(instance, dict) else order_json(instance)


# --- signals --------------------------------------------------------------------------------------------------------


class SignalSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    strategy = serializers.UUIDField(allow_null=True)
    strategy_name = serializers.CharField(allow_null=True)
    source = serializers.CharField()  # type: ignore[assignment]  # the wire's name
    received_at = serializers.DateTimeField()
    stored_at = serializers.DateTimeField()
    alert_time = serializers.DateTimeField(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True, help_text="Not carried out before; null = at once.")
    format = serializers.CharField()
    status = serializers.ChoiceField(Signal.Status.choices)
    code = serializers.CharField()
    message = serializers.CharField()
    intent = serializers.CharField()
    repairs = serializers.ListField(child=serializers.CharField())
    warnings = serializers.ListField(child=serializers.CharField())
    duplicates = serializers.IntegerField()
    progress = serializers.ChoiceField(Signal.Progress.choices)
    orders = serializers.IntegerField(allow_null=True, help_text="How many orders it led to.")
    filled = serializers.IntegerField(allow_null=True)
    refused = serializers.IntegerField(allow_null=True)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return instance if isinstance(instance, dict) else signal_json(instance)


class StepSerializer(serializers.Serializer):
    step = serializers.CharField()
    at = serializers.DateTimeField(allow_null=True)
    ms = serializers.FloatField(allow_null=True, help_text="Milliseconds since receipt.")


class TracedFillSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    venue_fill_id = serializers.CharField()
    leg = serializers.ChoiceField(_choices(LegKind), allow_null=True)
    side = serializers.ChoiceField(SIDES)
    quantity = serializers.CharField()
    price = serializers.CharField()
    commission = serializers.CharField(allow_null=True)
    fees = serializers.CharField(allow_null=True)
    executed_at = serializers.DateTimeField()


class OrderEventSerializer(serializers.Serializer):
    at = serializers.DateTimeField()
    kind = serializers.CharField()
    message = serializers.CharField()
    data = serializers.DictField()  # type: ignore[assignment]  # the wire's name


class TracedOrderSerializer(OrderSerializer):
    deny_context = serializers.DictField()
    broker_message = serializers.CharField()
    fills = TracedFillSerializer(many=True)
    events = OrderEventSerializer(many=True)
    timeline = StepSerializer(many=True)


class TracedAccountSerializer(serializers.Serializer):
    broker_account = serializers.UUIDField()
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # the wire's name
    broker = serializers.CharField()
    environment = serializers.CharField()
    decision = serializers.CharField()
    orders = TracedOrderSerializer(many=True)
    timeline = StepSerializer(many=True)


class SignalTraceSerializer(SignalSerializer):
    raw_body = serializers.CharField(help_text="As it came; secrets are masked.")
    content_type = serializers.CharField()
    source_address = serializers.CharField(allow_null=True)
    alert = serializers.DictField()
    planned_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    timeline = StepSerializer(many=True)
    accounts = TracedAccountSerializer(many=True)


class StillRefusedSerializer(serializers.Serializer):
    """An alert that is not understood today either."""

    status = serializers.ChoiceField(["rejected"])
    code = serializers.CharField()
    message = serializers.CharField()


class DryRunSerializer(serializers.Serializer):
    status = serializers.ChoiceField(["dry_run"])
    intent = serializers.CharField()
    orders = PlannedOrderSerializer(many=True)
    warnings = serializers.ListField(child=serializers.CharField())


# --- positions, switches ------------------------------------------------------------------------------------------------


class FlattenSerializer(serializers.Serializer):
    """Exactly one of ``broker_account``, ``strategy`` and ``all``."""

    broker_account = serializers.CharField(required=False, max_length=64)
    strategy = serializers.CharField(required=False, max_length=64)
    all = serializers.BooleanField(required=False)
    symbol = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=64)


class FlattenedSerializer(serializers.Serializer):
    orders = OrderSerializer(many=True)
    warnings = serializers.ListField(child=serializers.CharField())


class ControlInputSerializer(serializers.Serializer):
    scope = serializers.ChoiceField(ControlState.Scope.choices, default=ControlState.Scope.USER.value)
    id = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=64)
    flatten = serializers.BooleanField(required=False, default=False)
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=300)
    password = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=128, trim_whitespace=False, write_only=True
    )
    code = serializers.CharField(required=False, allow_blank=True, default="", max_length=16, write_only=True)


class HaltSerializer(serializers.Serializer):
    """How far a halt has got. ``phase`` needs_you: ``problems`` says what."""

    id = serializers.UUIDField()
    scope = serializers.CharField()
    object_id = serializers.CharField()
    name = serializers.CharField()
    flatten = serializers.BooleanField()
    phase = serializers.ChoiceField(["blocked", "canceling", "flattening", "verified", "needs_you"])
    rounds = serializers.IntegerField()
    most_rounds = serializers.IntegerField()
    canceling = serializers.IntegerField()
    closing = serializers.IntegerField()
    problems = serializers.ListField(child=serializers.CharField())
    started_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class SwitchSerializer(serializers.Serializer):
    state = serializers.ChoiceField(ControlState.State.choices)
    reason = serializers.CharField()
    changed_at = serializers.DateTimeField(allow_null=True)
    changed_by = serializers.CharField()
    until = serializers.DateTimeField(allow_null=True, help_text="When a lock after a loss ends by itself.")


class BrokerSwitchSerializer(SwitchSerializer):
    broker = serializers.CharField()


class EffectiveSwitchSerializer(SwitchSerializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    effective = serializers.ChoiceField(ControlState.State.choices)
    effective_scope = serializers.CharField()


class StrategySwitchSerializer(EffectiveSwitchSerializer):
    active = serializers.BooleanField()


class AccountSwitchSerializer(EffectiveSwitchSerializer):
    enabled = serializers.BooleanField()


class ControlStatusSerializer(serializers.Serializer):
    """``state`` is what holds for all of the user's trading, ``scope`` the switch that decides it."""

    state = serializers.ChoiceField(ControlState.State.choices)
    scope = serializers.CharField()
    reason = serializers.CharField()
    platform = SwitchSerializer()
    user = SwitchSerializer()
    brokers = BrokerSwitchSerializer(many=True)
    strategies = StrategySwitchSerializer(many=True)
    broker_accounts = AccountSwitchSerializer(many=True)
    halts = HaltSerializer(many=True)


class ControlAnswerSerializer(serializers.Serializer):
    scope = serializers.CharField()
    id = serializers.CharField()
    name = serializers.CharField()
    state = serializers.ChoiceField(ControlState.State.choices)
    canceled = serializers.IntegerField(help_text="Working entries that are being canceled.")
    orders = OrderSerializer(many=True, help_text="Orders that close positions.")
    warnings = serializers.ListField(child=serializers.CharField())
