"""My Recorders: every strategy with what it earned, and the page of one with its record."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from recorder import services
from recorder.selectors import analytics_for, recorded_positions
from recorder.summaries import earnings_of, last_signals_of
from strategies import control
from strategies.drift_policy import policy_of
from strategies.models import Strategy
from strategies.outcomes import with_outcomes
from strategies.playground import ACTIONS, why_not_for_real
from strategies.selectors import signals_of, strategies_of, strategy_logs, strategy_of_or_404
from strategies.switches import Switches, targets_of
from strategies.template import alert_template
from strategies.views.drift import drift_context
from tradeproject.common.pages import go, lazy, own_page, page_or_part, paged, signed_in

FORMATS = ("tradingview", "traderspost")
SHOWN = (("all", "All"), ("open", "Open"), ("closed", "Closed"))
PARTS = {
    "record": "recorder/_record.html",
    "positions": "recorder/_positions.html",
    "signals": "recorder/_signals.html",
    "logs": "strategies/_logs.html",
    "drift": "strategies/_drift.html",
}


def _midnight() -> datetime:
    return timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)


# --- the list ---------------------------------------------------------------------------------------------------------


@signed_in
@require_GET
def strategies(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    context = {"cards": lazy(lambda: _cards(user))}
    return page_or_part(request, "recorder/strategies.html", context, {"cards": "recorder/_cards.html"})


def _cards(user: User) -> list[dict[str, Any]]:
    """One card per strategy, in a fixed number of queries."""
    rows = list(strategies_of(user))
    ids = [row.pk for row in rows]
    earned, latest, switches = earnings_of(user, _midnight()), last_signals_of(ids), Switches.read()
    return [
        {
            "strategy": row,
            "earned": earned.get(row.pk),
            "last": latest.get(row.pk),
            "accounts": sum(1 for allocation in row.allocations.all() if allocation.enabled),
            "switch": switches.decisive(targets_of(user.pk, row.pk)),
        }
        for row in rows
    ]


# --- one strategy -----------------------------------------------------------------------------------------------------


@signed_in
@require_GET
def strategy(request: HttpRequest, pk: str) -> HttpResponse:
    found = strategy_of_or_404(request.user, pk)
    user = cast(User, request.user)
    show = request.GET.get("show") or "all"
    context: dict[str, Any] = {
        "strategy": found,
        "show": show,
        "chart_query": f"strategy={found.pk}",
        "switch": lazy(lambda: control.effective_state(user, strategy=found)),
        "followers": lazy(lambda: [row for row in found.allocations.all() if row.enabled]),
        "analytics": lazy(lambda: _analytics(user, found)),
        "page": lazy(lambda: paged(request, _positions(user, found, show), 12)),
        "signals": lazy(lambda: with_outcomes(list(signals_of(user, strategy=found)[:10]))),
        "logs": lazy(lambda: strategy_logs(found, 20)),
        "templates": [alert_template(Strategy(alert_format=name)) for name in FORMATS],
        "show_choices": SHOWN,
        "actions": ACTIONS,
        "drift": lazy(lambda: drift_context(user, found)),
        "drift_url": f"/user/strats/{found.pk}",
        "drift_page": f"/user/strats/{found.pk}#drift",
        "may_act": True,
        "policy": lazy(lambda: policy_of(found)),
        "not_for_real": lazy(lambda: why_not_for_real(found)),
    }
    return page_or_part(request, "recorder/strategy.html", context, PARTS)


def _analytics(user: User, found: Strategy) -> dict[str, Any]:
    return analytics_for(user, strategy=found, timezone=timezone.get_current_timezone())


def _positions(user: User, found: Strategy, show: str) -> Any:
    status = {"open": "open", "closed": "finished"}.get(show)
    rows = recorded_positions(user, strategy=found, status=status)
    return rows.select_related("instrument", "broker_account")


# --- recording --------------------------------------------------------------------------------------------------------


@signed_in
@require_POST
def set_recording(request: HttpRequest, pk: str) -> HttpResponse:
    """Start or stop recording what is traded by hand on the strategy's recorded account."""
    found = strategy_of_or_404(request.user, pk)
    wanted = request.POST.get("recording") == "true"
    act = services.start_recording if wanted else services.stop_recording
    act(found, actor=cast(User, request.user), request=request)
    messages.success(request, f"{found.name} {'records' if wanted else 'no longer records'}.")
    return go(request, own_page(request.POST.get("next"), f"/user/strats/{found.pk}"))
