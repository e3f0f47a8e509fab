"""The query parameters of the lists. A foreign id matches nothing, as an unknown one does."""

from __future__ import annotations

from typing import Any

import django_filters as filters
from django.db.models import QuerySet

from brokers.domain import OrderStatus
from strategies.models import Order, Signal


class WordsFilter(filters.BaseInFilter, filters.CharFilter):
    """One or more words by comma, in any case."""

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        return super().filter(qs, [word.strip().lower() for word in value] if value else value)


class SignalFilter(filters.FilterSet):
    strategy = filters.UUIDFilter(field_name="strategy_id")
    status = WordsFilter(field_name="status", help_text=", ".join(Signal.Status.values))
    source = filters.CharFilter()
    since = filters.IsoDateTimeFilter(field_name="received_at", lookup_expr="gte")
    until = filters.IsoDateTimeFilter(field_name="received_at", lookup_expr="lt")

    class Meta:
        model = Signal
        fields: list[str] = []


class OrderFilter(filters.FilterSet):
    signal = filters.UUIDFilter(field_name="signal_id")
    strategy = filters.UUIDFilter(field_name="strategy_id")
    broker_account = filters.UUIDFilter(field_name="broker_account_id")
    status = WordsFilter(field_name="status", help_text=", ".join(item.value for item in OrderStatus))
    symbol = filters.CharFilter(lookup_expr="iexact")
    since = filters.IsoDateTimeFilter(field_name="planned_at", lookup_expr="gte")
    until = filters.IsoDateTimeFilter(field_name="planned_at", lookup_expr="lt")

    class Meta:
        model = Order
        fields: list[str] = []
