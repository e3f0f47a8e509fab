"""Limits in the admin: staff set caps for the platform, a user, an account or a strategy; what owners chose is shown."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.models import User
from brokers.models import BrokerAccount
from strategies import limits
from strategies.models import Strategy
from strategies.risk_models import RiskLimits, RiskState
from strategies.validation import LIMITS, clean_limits
from tradeproject.admin_site import BaseAdmin, ReadOnlyAdmin
from tradeproject.common.clock import utc_now

Scope, Kind = RiskLimits.Scope, RiskLimits.Kind
OWNED: dict[str, Any] = {
    Scope.USER.value: User,
    Scope.BROKER_ACCOUNT.value: BrokerAccount,
    Scope.STRATEGY.value: Strategy,
}


def _as_text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, list | dict | bool) else str(value)


def _as_value(text: str) -> Any:
    """What stands in a field: JSON where it is an object, a list or a truth, else the text itself."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return found if isinstance(found, list | dict | bool) else text


class CapForm(forms.ModelForm):
    """One line for each limit; empty = no cap."""

    class Meta:
        model = RiskLimits
        fields = ("scope", "object_id")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = self.instance.limits or {}
        for name in LIMITS:
            self.initial[name] = _as_text(stored[name]) if name in stored else ""

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if self.instance.pk is None:
            self._find_owner(found)
        given = {name: str(found.get(name) or "").strip() for name in LIMITS}
        try:
            cleaned = clean_limits({name: _as_value(text) for name, text in given.items() if text})
        except ValidationError as error:
            self._tell(error)
        else:
            self.instance.limits = cleaned
        return found

    def _find_owner(self, found: dict[str, Any]) -> None:
        scope, key = found.get("scope"), str(found.get("object_id") or "").strip()
        if scope == Scope.PLATFORM:
            found["object_id"] = self.instance.object_id = ""
            return
        try:
            of = OWNED[str(scope)].objects.get(pk=key)
        except (KeyError, ValueError, ValidationError, User.DoesNotExist, BrokerAccount.DoesNotExist,
                Strategy.DoesNotExist):  # fmt: skip
            self.add_error("object_id", "There is nothing with this id. Copy it from its own page.")
            return
        self.instance.user = of if scope == Scope.USER else of.user

    def _tell(self, error: ValidationError) -> None:
        for name, sentences in error.message_dict.items():
            self.add_error(name if name in self.fields else None, sentences)

    def validate_unique(self) -> None:
        super().validate_unique()
        key = {"scope": self.instance.scope, "object_id": self.instance.object_id, "kind": Kind.CAP}
        if RiskLimits.objects.filter(**key).exclude(pk=self.instance.pk).exists():
            self.add_error(None, "There are caps for this already: change those.")


_LINES = {
    name: forms.CharField(required=False, max_length=4000, widget=UnfoldAdminTextInputWidget())
    for name in LIMITS
}
FullCapForm = type("FullCapForm", (CapForm,), {**_LINES, "__module__": __name__})


@admin.register(RiskLimits)
class RiskLimitsAdmin(BaseAdmin):
    form = FullCapForm
    list_display = ("scope", "object_id", "kind", "user", "limits", "changed_by", "changed_at")
    list_filter = ("scope", "kind")
    list_select_related = ("user", "changed_by")
    search_fields = ("object_id", "user__email")
    ordering = ("scope", "object_id")
    fieldsets = (
        (None, {"fields": ("scope", "object_id"), "description": "The id is empty for the platform."}),
        ("Caps", {"fields": tuple(LIMITS), "description": "No owner's choice exceeds them. Empty: no cap."}),
    )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What an owner chose is the owner's to change."""
        is_own = obj is not None and obj.kind == Kind.OWN
        return not is_own and super().has_change_permission(request, obj)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None and obj.kind == Kind.OWN:
            return ((None, {"fields": ("scope", "object_id", "kind", "limits", "changed_by", "changed_at")}),)
        return super().get_fieldsets(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("scope", "object_id") if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: RiskLimits, form: Any, change: bool) -> None:
        obj.kind, obj.changed_by, obj.changed_at = Kind.CAP, request.user, utc_now()  # type: ignore[assignment]
        super().save_model(request, obj, form, change)


@admin.register(RiskState)
class RiskStateAdmin(ReadOnlyAdmin):
    list_display = ("scope", "object_id", "user", "day_pnl", "total", "peak", "breach", "day_start", "as_of")
    list_filter = ("scope", "breach")
    list_select_related = ("user",)
    search_fields = ("object_id", "user__email")
    ordering = ("-as_of",)
    actions = ("start_anew",)

    @admin.action(description="Measure the drawdown anew from here", permissions=["operate"])
    def start_anew(self, request: HttpRequest, rows: Any) -> None:
        def act(row: RiskState) -> None:
            limits.forget_peak(row.scope, row.object_id)
            self._record(request, "risk_peak_forgotten", row, {"what": str(row), "peak": str(row.peak)})

        self.each(request, rows, act, "drawdowns measured anew")
