"""What every page needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from notifications.selectors import unread_count

PRODUCT_CLAIM = "Alerts in, orders out, nothing lost."


@dataclass(frozen=True, slots=True)
class NavItem:
    """One entry of the navigation. ``path`` is also the prefix of every page below it."""

    label: str
    short: str
    path: str
    icon: str


NAVIGATION = (
    NavItem("Dashboard", "Dashboard", "/user/dashboard", "grid"),
    NavItem("My Recorders", "Recorders", "/user/strats", "recorder"),
    NavItem("Accounts", "Accounts", "/user/accounts", "wallet"),
    NavItem("Signals", "Signals", "/user/signals", "signal"),
    NavItem("Orders", "Orders", "/user/orders", "orders"),
    NavItem("Trading switches", "Switches", "/user/control", "shield"),
    NavItem("Settings", "Settings", "/user/settings", "settings"),
)
IN_BOTTOM_BAR = 4
_COMMON: dict[str, Any] = {
    "product_name": settings.PRODUCT_NAME,
    "product_claim": PRODUCT_CLAIM,
    "navigation": NAVIGATION,
    "bottom_navigation": NAVIGATION[:IN_BOTTOM_BAR],
}


def current_item(path: str) -> str:
    """The path of the navigation entry that a page belongs to."""
    return next(
        (item.path for item in NAVIGATION if path == item.path or path.startswith(item.path + "/")), ""
    )


def page(request: HttpRequest) -> dict[str, Any]:
    """What base.html needs on every page. Nothing is read from the database unless a template asks for it."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {**_COMMON, "theme": "dark"}
    return {
        **_COMMON,
        "theme": user.theme,
        "current_path": current_item(request.path),
        "unread_count": SimpleLazyObject(lambda: unread_count(user)),
    }
