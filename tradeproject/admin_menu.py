"""The admin's sidebar, and how Unfold is set up. A model that is not listed here is found under "All applications"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.http import HttpRequest

MENU: dict[str, list[tuple[str, str]]] = {
    "People": [
        ("accounts.User", "person"),
        ("accounts.ApiKey", "key"),
        ("account.EmailAddress", "mail"),
        ("mfa.Authenticator", "encrypted"),
        ("usersessions.UserSession", "devices"),
        ("auth.Group", "group"),
    ],
    "Brokers": [
        ("brokers.BrokerConnection", "login"),
        ("brokers.BrokerAccount", "account_balance_wallet"),
        ("brokers.Instrument", "candlestick_chart"),
        ("brokers.SymbolMapping", "swap_horiz"),
    ],
    "Strategies": [
        ("strategies.Strategy", "psychology"),
        ("strategies.Allocation", "account_tree"),
        ("strategies.Signal", "sensors"),
        ("strategies.Order", "receipt_long"),
        ("strategies.BracketLeg", "shield"),
        ("strategies.OrderEvent", "timeline"),
        ("strategies.ControlState", "power_settings_new"),
        ("strategies.RiskLimits", "speed"),
        ("strategies.RiskState", "monitoring"),
    ],
    "Record": [
        ("recorder.RecordedPosition", "history"),
        ("recorder.Fill", "done_all"),
        ("recorder.PositionSnapshot", "inventory_2"),
        ("recorder.EquityPoint", "show_chart"),
    ],
    "System": [
        ("accounts.AuditEntry", "policy"),
        ("common.DomainEvent", "bolt"),
        ("common.Heartbeat", "ecg_heart"),
        ("brokers.ReportBatch", "inbox"),
        ("brokers.BudgetReading", "speed"),
        ("notifications.Notification", "notifications"),
        ("admin.LogEntry", "edit_note"),
    ],
}


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups with what this member of staff may see."""
    from django.contrib import admin  # not before the settings that import this module are there

    registered = {model._meta.label: model_admin for model, model_admin in admin.site._registry.items()}
    groups = []
    for title, entries in MENU.items():
        items = [
            _item(registered[label], icon)
            for label, icon in entries
            if label in registered and registered[label].has_view_permission(request)
        ]
        if items:
            groups.append({"title": title, "separator": True, "collapsible": False, "items": items})
    return groups


def _item(model_admin: Any, icon: str) -> dict[str, Any]:
    from django.urls import reverse

    options = model_admin.model._meta
    link = reverse(f"admin:{options.app_label}_{options.model_name}_changelist")
    return {"title": str(options.verbose_name_plural).capitalize(), "icon": icon, "link": link}


def _brand(request: HttpRequest) -> str:
    from django.templatetags.static import static

    return static("img/favicon.svg")


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "dashboard.admin.site_title",
    "SITE_HEADER": "dashboard.admin.site_title",
    "SITE_SUBHEADER": "Operations",
    "SITE_ICON": _brand,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _brand}],
    "SITE_URL": "/user/dashboard",
    "SHOW_HISTORY": False,
    "DASHBOARD_CALLBACK": "dashboard.admin.index",
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": True,
        "navigation": "tradeproject.admin_menu.sidebar",
    },
}
