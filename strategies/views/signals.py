"""Signals with what became of them, the trace of one, and orders."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from accounts.selectors import get_owned_or_404
from brokers.domain import OrderStatus
from brokers.selectors import broker_accounts_of
from strategies import selectors, services
from strategies.models import Order, Signal, Strategy
from strategies.outcomes import outcome_tone, outcome_words, with_outcomes
from strategies.trace import signal_trace
from tradeproject.common.api import Problem
from tradeproject.common.pages import day_bounds, day_of, go, lazy, page_or_part, paged, signed_in

ALIVE = [status.value for status in OrderStatus if not status.is_final]


def _choices(user: Any) -> Any:
    return lazy(lambda: list(Strategy.objects.owned_by(user).order_by("name").values_list("pk", "name")))


def _chosen_strategy(request: HttpRequest) -> Strategy | None:
    wanted = request.GET.get("strategy")
    return get_owned_or_404(Strategy.objects.all(), request.user, pk=wanted) if wanted else None


# --- signals --------------------------------------------------------------------------------------------------------


@signed_in
@require_GET
def signals(request: HttpRequest) -> HttpResponse:
    since, until = day_bounds(day_of(request.GET.get("since")), day_of(request.GET.get("until")))
    strategy = _chosen_strategy(request)
    status = request.GET.get("status") or None
    known = status if status in Signal.Status.values else None
    rows = selectors.signals_of(request.user, strategy=strategy, status=known, since=since, until=until)
    page = paged(request, rows)
    context = {
        "page": page,
        "items": lazy(lambda: with_outcomes(list(page.object_list))),
        "strategies": _choices(request.user),
        "strategy": strategy,
        "statuses": Signal.Status.choices,
        "status": status,
        "query": request.GET.urlencode(),
    }
    return page_or_part(
        request, "strategies/signals.html", context, {"signal-list": "strategies/_signal_list.html"}
    )


@signed_in
@require_GET
def signal(request: HttpRequest, pk: str) -> HttpResponse:
    """The trace: what came in, how it was read, and what happened at every account."""
    trace = signal_trace(request.user, pk)
    context = {"trace": {**trace, "accounts": troubled_first(trace["accounts"])}, **told(trace)}
    return page_or_part(request, "strategies/signal.html", context, {"trace": "strategies/_trace.html"})


TROUBLE = ("unknown", "rejected", "denied", "expired")


def troubled_first(accounts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of many accounts, those that need a look come first."""
    return sorted(accounts, key=lambda lane: not any(order["status"] in TROUBLE for order in lane["orders"]))


def answer_times(accounts: list[dict[str, Any]]) -> dict[str, float] | None:
    """How evenly the accounts were served: milliseconds from receipt to the first, middle and last broker's answer."""
    found = sorted(
        step["ms"]
        for account in accounts
        for order in account["orders"]
        for step in order["timeline"]
        if step["step"] == "answered" and step["ms"] is not None
    )
    if len(found) < 2:
        return None
    return {"first": found[0], "middle": found[len(found) // 2], "last": found[-1]}


def told(trace: dict[str, Any]) -> dict[str, Any]:
    """What became of the signal in words, from its trace."""
    counts: dict[str, int] = {}
    accounts = sum(1 for account in trace["accounts"] if account["orders"])
    for account in trace["accounts"]:
        for order in account["orders"]:
            counts[order["status"]] = counts.get(order["status"], 0) + 1
    return {
        "outcome": outcome_words(trace["status"], trace["progress"], trace["code"], counts, accounts),
        "tone": outcome_tone(trace["status"], counts),
        "spread": answer_times(trace["accounts"]),
        "settled": trace["progress"] not in {"queued", "executing"} and not set(counts) & set(ALIVE),
    }


# --- orders ---------------------------------------------------------------------------------------------------------


@signed_in
@require_GET
def orders(request: HttpRequest) -> HttpResponse:
    strategy = _chosen_strategy(request)
    status = request.GET.get("status") or None
    account = request.GET.get("account") or None
    chosen = (
        get_owned_or_404(broker_accounts_of(cast(User, request.user)), request.user, pk=account)
        if account
        else None
    )
    rows = selectors.orders_of(
        request.user, strategy=strategy, broker_account=chosen, status=status if status != "working" else None
    )
    if status == "working":
        rows = rows.filter(status__in=ALIVE)
    context = {
        "page": paged(request, rows),
        "strategies": _choices(request.user),
        "accounts": lazy(lambda: list(broker_accounts_of(cast(User, request.user)))),
        "strategy": strategy,
        "account": chosen,
        "statuses": [item.value for item in OrderStatus],
        "status": status,
        "query": request.GET.urlencode(),
    }
    return page_or_part(
        request, "strategies/orders.html", context, {"order-list": "strategies/_order_list.html"}
    )


@signed_in
@require_POST
def cancel(request: HttpRequest, pk: str) -> HttpResponse:
    order = get_owned_or_404(Order.objects.all(), request.user, pk=pk)
    try:
        services.request_cancel(order, cast(User, request.user), request=request)
        messages.success(request, f"The cancel of {order} is on its way. The broker's answer shows up here.")
    except Problem as problem:
        messages.error(request, problem.message)
    return go(request, "/user/orders")
