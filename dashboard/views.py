"""The dashboard page, its parts and its curve; settings; the look."""

from __future__ import annotations

import zoneinfo
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from accounts.selectors import api_keys_of
from accounts.services import change_user, rotate_webhook_secret
from dashboard import selectors
from dashboard.charts import curve
from dashboard.grouping import currencies, group_positions, total
from dashboard.positions import position_rows
from dashboard.rooms import open_pnl, price_source
from dashboard.valuation import valued_now
from recorder.selectors import analytics_for
from strategies import control, halts
from strategies.selectors import strategy_of_or_404
from strategies.views.drift import drift_context
from tradeproject.common.pages import day_bounds, day_of, go, lazy, page_or_part, signed_in

PARTS = {
    "kpis": "dashboard/_kpis.html",
    "positions": "dashboard/_positions.html",
    "signals": "dashboard/_signals.html",
    "health": "dashboard/_health.html",
    "control": "dashboard/_control.html",
    "drift": "strategies/_drift.html",
}


# --- the page -------------------------------------------------------------------------------------------------------


class Filters:
    """Whose dashboard, which strategy, which days: from the address, and nothing a viewer may not see."""

    def __init__(self, request: HttpRequest) -> None:
        self.viewer = cast(User, request.user)
        self.user = self._shown(request.GET.get("user"))
        self.first, self.last = day_of(request.GET.get("since")), day_of(request.GET.get("until"))
        self.since, self.until = day_bounds(self.first, self.last)
        self.strategy = self._strategy(request.GET.get("strategy"))
        self.query = request.GET.urlencode()

    def _shown(self, wanted: str | None) -> User:
        if not wanted or wanted == str(self.viewer.pk):
            return self.viewer
        if not self.viewer.is_staff:
            raise Http404
        try:
            return User.objects.get(pk=UUID(wanted))
        except (ValueError, User.DoesNotExist):
            raise Http404 from None

    def _strategy(self, wanted: str | None) -> UUID | None:
        return strategy_of_or_404(self.user, wanted).pk if wanted else None

    @property
    def is_own(self) -> bool:
        return self.user.pk == self.viewer.pk


@signed_in
@require_GET
def dashboard(request: HttpRequest) -> HttpResponse:
    filters = Filters(request)
    user = filters.user
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    context: dict[str, Any] = {
        "filters": filters,
        "users": lazy(lambda: selectors.user_choices(filters.viewer)),
        "strategies": lazy(lambda: selectors.strategy_choices(user)),
        "currency": lazy(lambda: selectors.currency_of(user)),
        "record": lazy(lambda: _record(filters, midnight)),
        "counts": lazy(lambda: selectors.strategy_counts(user)),
        "book": lazy(lambda: _book(filters)),
        "signals": lazy(lambda: selectors.recent_signals(user, strategy=filters.strategy)),
        "logins": lazy(lambda: selectors.logins_of(user)),
        "switch": lazy(lambda: control.effective_state(user)),
        "halt": lazy(lambda: next(iter(halts.halts_of(user)), None)),
        "steps": lazy(lambda: selectors.first_steps(user)),
        "drift": lazy(lambda: drift_context(user)),
        "drift_url": f"/user/dashboard?{filters.query}",
        "drift_page": "/user/dashboard",
        "may_act": filters.is_own,
    }
    return page_or_part(request, "dashboard/dashboard.html", context, PARTS)


def _record(filters: Filters, midnight: datetime) -> selectors.Record:
    return selectors.record_of(
        filters.user, midnight, strategy=filters.strategy, since=filters.since, until=filters.until
    )


def _book(filters: Filters) -> dict[str, Any]:
    """Open positions, valued now and grouped."""
    rows = valued_now(position_rows(filters.user))
    if filters.strategy is not None:
        rows = [row for row in rows if row["strategy"] == str(filters.strategy)]
    return {
        "groups": group_positions(rows),
        "count": len(rows),
        "open_pnl": open_pnl(rows),
        "quantity": total(rows, "quantity"),
        "source": price_source(rows),
        "currencies": currencies(rows),
    }


@signed_in
@require_GET
def equity(request: HttpRequest) -> HttpResponse:
    """The curve of the chart: ``{"points": [{time, value, drawdown}]}``, money as text."""
    filters = Filters(request)
    analytics = analytics_for(
        filters.user,
        strategy=filters.strategy,
        since=filters.since,
        until=filters.until,
        timezone=timezone.get_current_timezone(),
    )
    return JsonResponse({"points": curve(analytics["equity_curve"])})


# --- settings ---------------------------------------------------------------------------------------------------------


class ProfileForm(forms.Form):
    """What a user may change about how the product addresses and shows them things."""

    name = forms.CharField(
        label="Name", max_length=120, required=False, help_text="How the product greets you."
    )
    timezone = forms.ChoiceField(
        label="Timezone",
        help_text="Every time and every trading day on the pages is in this zone.",
        choices=lambda: [(name, name.replace("_", " ")) for name in sorted(zoneinfo.available_timezones())],
    )
    theme = forms.ChoiceField(label="Look", choices=[("dark", "Dark"), ("light", "Light")])


@signed_in
@require_http_methods(["GET", "POST"])
def settings_page(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    initial = {"name": user.name, "timezone": user.timezone, "theme": user.theme}
    form = ProfileForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_bound and form.is_valid():
        change_user(user, form.cleaned_data, request=request)
        messages.success(request, "Saved.")
        return go(request, "user-settings")
    context = {
        "form": form,
        "webhook_address": f"{settings.SITE_URL}/webhook",
        "keys": lazy(lambda: list(api_keys_of(user))),
    }
    return page_or_part(request, "dashboard/settings.html", context, {}, status=400 if form.is_bound else 200)


@signed_in
@require_POST
def rotate_secret(request: HttpRequest) -> HttpResponse:
    rotate_webhook_secret(cast(User, request.user), request=request)
    messages.success(
        request, "There is a new webhook secret. Alerts with the old one are refused from now on."
    )
    return go(request, "user-settings")


@signed_in
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Remember the look the user switched to."""
    wanted = request.POST.get("theme")
    if wanted not in {"dark", "light"}:
        raise Http404
    change_user(cast(User, request.user), {"theme": wanted}, request=request)
    return HttpResponse(status=204)
