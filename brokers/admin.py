"""Broker logins and what they lead to. Credentials and tokens are not even read here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from brokers.logins import edit_account, edit_login
from brokers.models import (
    BrokerAccount,
    BrokerConnection,
    BudgetReading,
    Instrument,
    ReportBatch,
    SymbolMapping,
)
from tradeproject.admin_site import BaseAdmin, LogAdmin, ReadOnlyAdmin, ReadOnlyInline


class AccountInline(ReadOnlyInline):
    model = BrokerAccount
    fields = ("name", "environment", "state", "enabled", "balance", "last_synced_at")


@admin.register(BrokerConnection)
class BrokerConnectionAdmin(ReadOnlyAdmin):
    list_display = (
        "__str__",
        "user",
        "broker",
        "environment",
        "state",
        "state_reason",
        "stream_state",
        "token_expires_at",
        "last_used_at",
    )
    list_filter = ("state", "broker", "environment", ("deleted_at", admin.EmptyFieldListFilter))
    list_select_related = ("user",)
    search_fields = ("label", "user__email", "venue_user_id", "=id")
    ordering = ("-created_at",)
    inlines = (AccountInline,)
    actions = ("disable", "enable")

    @admin.action(description="Switch off: sockets close, orders are refused", permissions=["operate"])
    def disable(self, request: HttpRequest, rows: Any) -> None:
        self._set(request, rows, False)

    @admin.action(description="Switch on", permissions=["operate"])
    def enable(self, request: HttpRequest, rows: Any) -> None:
        self._set(request, rows, True)

    def _set(self, request: HttpRequest, rows: Any, enabled: bool) -> None:
        def act(connection: BrokerConnection) -> None:
            edit_login(connection, request.user, enabled=enabled, request=request)  # type: ignore[arg-type]

        self.each(
            request,
            rows.filter(deleted_at__isnull=True),
            act,
            f"logins switched {'on' if enabled else 'off'}",
        )


@admin.register(BrokerAccount)
class BrokerAccountAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "label",
        "user",
        "connection",
        "environment",
        "state",
        "enabled",
        "balance",
        "open_pnl",
        "last_synced_at",
    )
    list_filter = ("state", "enabled", "environment", "connection__broker")
    list_select_related = ("user", "connection")
    search_fields = ("name", "label", "external_id", "user__email", "=id")
    ordering = ("-created_at",)
    actions = ("disable", "enable")

    @admin.action(description="Switch off: it takes no orders", permissions=["operate"])
    def disable(self, request: HttpRequest, rows: Any) -> None:
        self._set(request, rows, False)

    @admin.action(description="Switch on", permissions=["operate"])
    def enable(self, request: HttpRequest, rows: Any) -> None:
        self._set(request, rows, True)

    def _set(self, request: HttpRequest, rows: Any, enabled: bool) -> None:
        def act(account: BrokerAccount) -> None:
            edit_account(account, request.user, {"enabled": enabled}, request=request)  # type: ignore[arg-type]

        self.each(request, rows, act, f"accounts switched {'on' if enabled else 'off'}")


@admin.register(Instrument)
class InstrumentAdmin(ReadOnlyAdmin):
    owner_path = ""
    list_display = (
        "venue_symbol",
        "root",
        "broker",
        "environment",
        "asset_class",
        "tick_size",
        "point_value",
        "expires_at",
        "refreshed_at",
    )
    list_filter = ("broker", "environment", "asset_class")
    search_fields = ("venue_symbol", "root", "venue_id")


@admin.register(SymbolMapping)
class SymbolMappingAdmin(ReadOnlyAdmin):
    """Deleting one makes the next alert ask the venue again."""

    owner_path = ""
    list_display = ("symbol", "broker", "environment", "instrument", "resolved_at")
    list_filter = ("broker", "environment")
    list_select_related = ("instrument",)
    search_fields = ("symbol", "instrument__venue_symbol")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return BaseAdmin.has_delete_permission(self, request, obj)


@admin.register(ReportBatch)
class ReportBatchAdmin(LogAdmin):
    """Reports on their way into the record. One that failed three times waits here for somebody."""

    owner_path = "connection.user"
    list_display = ("id", "connection", "environment", "attempts", "created_at")
    list_filter = ("environment", "attempts")
    list_select_related = ("connection",)
    ordering = ("-id",)
    actions = ("try_again",)

    @admin.action(description="Try again", permissions=["operate"])
    def try_again(self, request: HttpRequest, rows: Any) -> None:
        def act(batch: ReportBatch) -> None:
            ReportBatch.objects.filter(pk=batch.pk).update(attempts=0)
            self._record(request, "admin_changed", batch, {"what": str(batch), "change": "tried again"})

        self.each(request, rows, act, "batches will be tried again")


@admin.register(BudgetReading)
class BudgetReadingAdmin(ReadOnlyAdmin):
    """What each login used of its limits; the page of limits shows the same with words."""

    owner_path = "connection.user"
    list_display = ("connection", "at")
    list_select_related = ("connection",)
    ordering = ("-at",)
