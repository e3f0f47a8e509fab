"""Strategies, alerts and orders in the admin: to be looked at, and stopped."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from strategies import (
    control,
    risk_admin,  # noqa: F401 - registers its own pages
    services,
)
from strategies.models import (
    AlertDigest,
    Allocation,
    BracketLeg,
    ControlState,
    Drift,
    DriftPolicy,
    Halt,
    Order,
    OrderBatch,
    OrderEvent,
    Signal,
    Strategy,
    WebhookKey,
)
from strategies.trace import shown_body
from tradeproject.admin_site import LogAdmin, ReadOnlyAdmin, ReadOnlyInline

Scope, State = ControlState.Scope, ControlState.State
MOST_TOLD = 10


class AllocationInline(ReadOnlyInline):
    model = Allocation
    fields = ("broker_account", "multiplier", "max_contracts", "enabled")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("broker_account", "strategy")


@admin.register(Strategy)
class StrategyAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "user",
        "symbol",
        "strat_type",
        "active",
        "recording_enabled",
        "alert_format",
        "created_at",
    )
    list_filter = ("active", "recording_enabled", "strat_type")
    list_select_related = ("user",)
    search_fields = ("name", "symbol", "user__email", "=id")
    ordering = ("-created_at",)
    inlines = (AllocationInline,)
    actions = ("halt", "pause", "resume")

    @admin.action(description="Halt: nothing but cancels", permissions=["operate"])
    def halt(self, request: HttpRequest, rows: Any) -> None:
        self._turn(request, rows, State.HALTED, "strategies halted")

    @admin.action(description="Pause: exits only", permissions=["operate"])
    def pause(self, request: HttpRequest, rows: Any) -> None:
        self._turn(request, rows, State.REDUCING, "strategies paused")

    @admin.action(description="Resume", permissions=["operate"])
    def resume(self, request: HttpRequest, rows: Any) -> None:
        self._turn(request, rows, State.RUNNING, "strategies resumed")

    def _turn(self, request: HttpRequest, rows: Any, state: ControlState.State, done: str) -> None:
        def act(strategy: Strategy) -> str | None:
            change = control.set_state(
                Scope.STRATEGY.value,
                strategy.pk,
                state.value,
                actor=request.user,  # type: ignore[arg-type]
                reason="" if state is State.RUNNING else "By the platform's staff.",
                request=request,
            )
            return f"{change.canceled} working entries are being canceled." if change.canceled else None

        self.each(request, rows, act, done)


@admin.register(Allocation)
class AllocationAdmin(ReadOnlyAdmin):
    owner_path = "strategy.user"
    list_display = ("strategy", "broker_account", "multiplier", "max_contracts", "enabled")
    list_filter = ("enabled",)
    list_select_related = ("strategy__user", "broker_account")
    search_fields = ("strategy__name", "broker_account__name", "strategy__user__email")


@admin.register(WebhookKey)
class WebhookKeyAdmin(ReadOnlyAdmin):
    owner_path = "strategy.user"
    secret_fields = ("digest",)
    list_display = ("strategy", "created_at", "retires_at")
    list_select_related = ("strategy__user",)
    search_fields = ("strategy__name", "strategy__user__email")


@admin.register(Signal)
class SignalAdmin(LogAdmin):
    list_display = (
        "received_at",
        "user",
        "strategy",
        "source",
        "format",
        "status",
        "code",
        "intent",
        "progress",
    )
    list_filter = ("status", "progress", "source")
    list_select_related = ("user", "strategy")
    search_fields = ("intent", "code", "user__email", "strategy__name", "=id")
    ordering = ("-id",)
    readonly_fields = ("body_shown",)
    actions = ("replay",)

    @admin.display(description="Raw body (secrets masked)")
    def body_shown(self, signal: Signal) -> str:
        return shown_body(signal)

    @admin.action(description="Replay as a dry run: nothing is sent", permissions=["view"])
    def replay(self, request: HttpRequest, rows: Any) -> None:
        self.each(
            request, rows.select_related("strategy"), _told_replay, "signals replayed; nothing was sent"
        )


def _told_replay(signal: Signal) -> str:
    """A dry run in a few words."""
    found = services.replay_signal(signal)
    if found["status"] == "rejected":
        return f"not understood ({found['code']}): {found['message']}"
    lines = [_told_order(order) for order in found["orders"][:MOST_TOLD]]
    rest = len(found["orders"]) - len(lines)
    orders = "; ".join(lines) + (f"; and {rest} more" if rest else "") if lines else "nothing to do"
    notes = f" ({'; '.join(found['warnings'])})" if found["warnings"] else ""
    return f"{found['intent']}: {orders}{notes}"


def _told_order(order: dict[str, Any]) -> str:
    text = f"{order['side']} {order['quantity']} {order['venue_symbol'] or order['symbol']}"
    return f"{text} denied ({order['deny_code']})" if order["deny_code"] else text


@admin.register(AlertDigest)
class AlertDigestAdmin(LogAdmin):
    owner_path = "strategy.user"
    list_display = ("digest", "strategy", "signal_id", "expires_at")
    list_select_related = ("strategy",)
    search_fields = ("digest",)


@admin.register(OrderBatch)
class OrderBatchAdmin(LogAdmin):
    owner_path = "signal.user"
    list_display = ("signal_id", "accounts", "created_at")
    ordering = ("-id",)


class LegInline(ReadOnlyInline):
    model = BracketLeg
    fields = (
        "kind",
        "price",
        "offset",
        "quantity",
        "status",
        "venue_order_id",
        "filled_quantity",
        "reject_reason",
    )


class EventInline(ReadOnlyInline):
    model = OrderEvent
    fields = ("at", "kind", "message", "data")
    show_change_link = False


@admin.register(Order)
class OrderAdmin(LogAdmin):
    list_display = (
        "planned_at",
        "user",
        "broker_account",
        "strategy",
        "side",
        "quantity",
        "venue_symbol",
        "purpose",
        "status",
        "deny_code",
        "filled_quantity",
        "average_price",
    )
    list_filter = ("status", "purpose", "order_type")
    list_select_related = ("user", "broker_account", "strategy")
    search_fields = (
        "client_order_id",
        "venue_order_id",
        "venue_symbol",
        "user__email",
        "broker_account__name",
        "=id",
    )
    ordering = ("-id",)
    inlines = (LegInline, EventInline)
    actions = ("cancel",)

    @admin.action(description="Cancel at the broker", permissions=["operate"])
    def cancel(self, request: HttpRequest, rows: Any) -> None:
        def act(order: Order) -> None:
            services.request_cancel(order, request.user, request=request)  # type: ignore[arg-type]

        self.each(request, rows, act, "cancels asked for")


@admin.register(BracketLeg)
class BracketLegAdmin(LogAdmin):
    owner_path = "order.user"
    list_display = ("kind", "order", "price", "offset", "quantity", "status", "venue_order_id", "updated_at")
    list_filter = ("kind", "status")
    list_select_related = ("order",)
    search_fields = ("venue_order_id", "client_order_id")
    ordering = ("-id",)


@admin.register(OrderEvent)
class OrderEventAdmin(LogAdmin):
    owner_path = "order.user"
    list_display = ("at", "order", "kind", "message")
    list_select_related = ("order",)
    search_fields = ("message", "kind")
    ordering = ("-id",)


@admin.register(ControlState)
class ControlStateAdmin(ReadOnlyAdmin):
    owner_path = ""
    list_display = ("scope", "object_id", "state", "kind", "until", "reason", "changed_by", "changed_at")
    list_filter = ("scope", "state")
    list_select_related = ("changed_by",)
    search_fields = ("object_id", "reason")
    ordering = ("-changed_at",)
    actions = ("resume",)

    @admin.action(description="Resume", permissions=["operate"])
    def resume(self, request: HttpRequest, rows: Any) -> None:
        def act(row: ControlState) -> None:
            control.set_state(
                row.scope,
                row.object_id,
                State.RUNNING.value,
                actor=request.user,  # type: ignore[arg-type]
                request=request,
            )

        self.each(request, rows, act, "switches set to running")


@admin.register(Drift)
class DriftAdmin(LogAdmin):
    owner_path = "allocation.strategy.user"
    list_display = ("allocation", "root", "state", "wanted", "held", "external", "since", "checked_at")
    list_filter = ("state",)
    list_select_related = ("allocation__strategy", "allocation__broker_account")
    search_fields = ("allocation__strategy__name", "allocation__broker_account__name", "root")
    ordering = ("-since",)


@admin.register(DriftPolicy)
class DriftPolicyAdmin(ReadOnlyAdmin):
    owner_path = "strategy.user"
    list_display = ("strategy", "automatic", "per_hour")
    list_filter = ("automatic",)
    list_select_related = ("strategy",)
    search_fields = ("strategy__name",)
    ordering = ("strategy",)


@admin.register(Halt)
class HaltAdmin(LogAdmin):
    owner_path = "user"
    list_display = (
        "scope",
        "name",
        "phase",
        "flatten",
        "attempts",
        "started_at",
        "finished_at",
        "resumed_at",
    )
    list_filter = ("scope", "phase", "flatten")
    search_fields = ("name", "object_id")
    ordering = ("-started_at",)
