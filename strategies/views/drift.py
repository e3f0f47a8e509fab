"""Bringing an account back, and the automatic mode, from the pages."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from accounts.models import User
from strategies import drift, drift_policy
from strategies.models import Drift, Strategy
from strategies.selectors import strategy_of_or_404
from tradeproject.common.api import Problem
from tradeproject.common.pages import go, own_page, signed_in

MOST_PREVIEWS = 12


def drift_context(user: User, strategy: Strategy | None = None) -> dict[str, Any]:
    """What the card shows: everything that is not in step, with the order that would bring it back."""
    rows = list(drift.drifts_of(user, strategy))
    wrong = [row for row in rows if row.state != "synced"]
    return {
        "rows": [_shown(row, number) for number, row in enumerate(wrong)],
        "drifted": sum(row.state == "drifted" for row in wrong),
        "synced": len(rows) - len(wrong),
        "count": len(rows),
    }


def _shown(row: Drift, number: int) -> dict[str, Any]:
    shown = {**drift.drift_json(row), "since_at": row.since, "orders": [], "refusal": "", "warnings": []}
    if row.state == "drifted" and not shown["is_moving"] and number < MOST_PREVIEWS:
        preview = drift.preview_of(row)
        shown["orders"] = preview["orders"]
        shown["warnings"] = preview["warnings"]
        refusals = [order["deny_message"] for order in preview["orders"] if order["deny_message"]]
        shown["refusal"] = refusals[0] if refusals else ""
    shown["sentence"] = sentence(shown["orders"], shown["account_name"])
    return shown


def sentence(orders: list[dict[str, Any]], account: str) -> str:
    """ "Sell 1 and buy 2 MNQZ6 at market on DEMO1"."""
    if not orders:
        return f"The account {account} is brought to what its strategy wants, at market."
    parts = [f"{order['side']} {order['quantity']}" for order in orders]
    symbol = orders[0]["venue_symbol"] or orders[0]["symbol"]
    text = f"{' and '.join(parts)} {symbol} at market on {account}."
    return text[0].upper() + text[1:]


@signed_in
@require_POST
def bring_back(request: HttpRequest, pk: str) -> HttpResponse:
    """Send the order that was shown; back to the page it was asked on."""
    row = drift.drift_or_404(request.user, pk)
    page = own_page(request.POST.get("next"), "/user/dashboard")
    try:
        signal = drift.bring_back(row, cast(User, request.user), request=request)
    except Problem as problem:
        messages.error(request, problem.message)
    else:
        messages.success(request, f"On its way: {signal.intent}.")
    return go(request, page)


@signed_in
@require_POST
def set_policy(request: HttpRequest, pk: str) -> HttpResponse:
    """Switch the automatic mode of a strategy."""
    strategy = strategy_of_or_404(request.user, pk)
    per_hour = request.POST.get("per_hour", "")
    try:
        policy = drift_policy.set_policy(
            strategy,
            cast(User, request.user),
            automatic=bool(request.POST.get("automatic")),
            per_hour=int(per_hour) if per_hour.isdigit() else None,
            request=request,
        )
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        text = f"up to {policy.per_hour} times an hour" if policy.automatic else "only when you ask"
        messages.success(request, f"{strategy.name}: accounts are brought back {text}.")
    return go(request, f"/user/strats/{strategy.pk}#drift")
