"""What the sign-in pages need to look like the product."""

from __future__ import annotations

from typing import Any

from django import template
from django.forms import BoundField
from django.urls import reverse
from django.utils.safestring import SafeString

register = template.Library()

_CLASSES = {"checkbox": "form-check-input", "select": "form-select"}
_TABS = [
    ("account_email", "Email"),
    ("account_change_password", "Password"),
    ("mfa_index", "Two-factor"),
    ("mfa_list_webauthn", "Passkeys"),
    ("usersessions_list", "Sessions"),
    ("account_api_keys", "API keys"),
    ("account_activity", "Activity"),
]


@register.filter
def control(field: BoundField) -> SafeString:
    """The field's widget in the look of the other forms."""
    css = _CLASSES.get(field.widget_type, "form-control")
    return field.as_widget(attrs={"class": f"{css} is-invalid" if field.errors else css})


@register.simple_tag(takes_context=True)
def login_tabs(context: dict[str, Any]) -> list[dict[str, Any]]:
    """The pages around one's own login; the most specific that holds the current page is active."""
    path = context["request"].path
    tabs = [{"label": label, "url": reverse(name), "active": False} for name, label in _TABS]
    here = [tab for tab in tabs if path.startswith(str(tab["url"]))]
    if here:
        max(here, key=lambda tab: len(str(tab["url"])))["active"] = True
    return tabs


@register.filter
def sentence(action: str) -> str:
    """``mfa_added`` as ``Second factor added``."""
    words = action.replace("_", " ").replace(".", " ")
    words = words.replace("mfa", "second factor").replace("api key", "API key")
    return words[:1].upper() + words[1:]


@register.filter
def lines(values: list[str]) -> str:
    """One value a line, for a field where every space counts."""
    return "\n".join(values)


@register.filter
def plain_detail(detail: dict[str, Any]) -> str:
    """An audit entry's detail in one line."""
    parts = [
        f"{name.replace('_', ' ')}: {_joined(value)}"
        for name, value in detail.items()
        if value not in ("", None, [])
    ]
    return "; ".join(parts)


def _joined(value: Any) -> str:
    """A list of plain values in full, one of records by its length: their ids mean nothing to a reader."""
    if isinstance(value, list):
        records = [item for item in value if isinstance(item, dict)]
        return str(len(records)) if records else ", ".join(map(str, value))
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
