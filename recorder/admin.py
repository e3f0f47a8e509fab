"""The record in the admin: facts and what was made of them, to be looked at."""

from __future__ import annotations

from django.contrib import admin

from recorder.models import EquityPoint, Fill, PositionCover, PositionSnapshot, RecordedPosition
from tradeproject.admin_site import LogAdmin, ReadOnlyAdmin


@admin.register(Fill)
class FillAdmin(LogAdmin):
    list_display = (
        "executed_at",
        "user",
        "broker_account",
        "instrument",
        "side",
        "quantity",
        "price",
        "commission",
        "fees",
        "strategy",
        "match",
        "voided",
    )
    list_filter = ("match", "voided", "source")
    list_select_related = ("user", "broker_account", "instrument", "strategy")
    search_fields = ("venue_fill_id", "venue_order_id", "user__email", "broker_account__name")
    ordering = ("-executed_at", "-id")


@admin.register(RecordedPosition)
class RecordedPositionAdmin(LogAdmin):
    list_display = (
        "entry_timestamp",
        "user",
        "strategy",
        "broker_account",
        "symbol",
        "side",
        "quantity",
        "entry_price",
        "exit_price",
        "exit_reason",
        "net_pnl",
        "status",
    )
    list_filter = ("status", "exit_reason", "side")
    list_select_related = ("user", "strategy", "broker_account")
    search_fields = ("symbol", "user__email", "strategy__name", "broker_account__name", "=id")
    ordering = ("-entry_timestamp", "-id")


@admin.register(PositionSnapshot)
class PositionSnapshotAdmin(ReadOnlyAdmin):
    owner_path = "broker_account.user"
    list_display = ("broker_account", "instrument", "net_quantity", "average_price", "as_of", "source")
    list_filter = ("source",)
    list_select_related = ("broker_account", "instrument")
    search_fields = ("broker_account__name", "instrument__venue_symbol", "broker_account__user__email")


@admin.register(EquityPoint)
class EquityPointAdmin(LogAdmin):
    owner_path = "broker_account.user"
    list_display = ("at", "broker_account", "balance", "equity")
    list_select_related = ("broker_account",)
    search_fields = ("broker_account__name",)
    ordering = ("-id",)


@admin.register(PositionCover)
class PositionCoverAdmin(LogAdmin):
    owner_path = "broker_account.user"
    list_display = ("broker_account", "answered_at")
    list_select_related = ("broker_account",)
    search_fields = ("broker_account__name",)
    ordering = ("-answered_at",)
