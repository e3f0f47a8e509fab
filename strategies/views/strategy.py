"""Making, changing and trying out a strategy. Its list and its own page are the recorder's, which knows what it earned."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from brokers.models import BrokerAccount
from brokers.selectors import broker_accounts_of
from strategies import playground, services
from strategies.explain import Contract, Follower, Sizing, sizing_sentences
from strategies.forms import (
    AllocationRow,
    StrategyForm,
    allocation_items,
    allocation_rows,
    decimal_or_none,
    put_row_errors,
)
from strategies.models import Strategy
from strategies.selectors import strategy_logs, strategy_of_or_404
from strategies.terms import contract_of
from strategies.trace import signal_trace
from tradeproject.common.api import Problem
from tradeproject.common.money import parse_plain, plain
from tradeproject.common.pages import go, own_page, page_or_part, signed_in

STRATEGY_PAGE = "/user/strats/{}"


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)


def _page(strategy: Strategy) -> str:
    return STRATEGY_PAGE.format(strategy.pk)


# --- create, edit, delete -------------------------------------------------------------------------------------------


@signed_in
@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    return _form_page(request, None)


@signed_in
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: str) -> HttpResponse:
    return _form_page(request, strategy_of_or_404(request.user, pk))


def _form_page(request: HttpRequest, strategy: Strategy | None) -> HttpResponse:
    data = request.POST if request.method == "POST" else None
    accounts = list(broker_accounts_of(_user(request)))
    form = StrategyForm(data, accounts=accounts, strategy=strategy)
    rows = allocation_rows(accounts, strategy.allocations.all() if strategy else (), data)
    if data is not None and form.is_valid():
        saved = _save(request, strategy, form, rows)
        if saved is not None:
            messages.success(request, f"{saved} is saved.")
            return go(request, _page(saved))
    context = {
        "strategy": strategy,
        "form": form,
        "rows": rows,
        "sentences": _sentences(form, rows, strategy),
    }
    return page_or_part(request, "strategies/form.html", context, {}, status=400 if data is not None else 200)


def _save(
    request: HttpRequest, strategy: Strategy | None, form: StrategyForm, rows: list[AllocationRow]
) -> Strategy | None:
    """The stored strategy, or None with every complaint at its place."""
    values = {**form.values(), "allocations": allocation_items(rows)}
    user = _user(request)
    try:
        if strategy is None:
            return services.create_strategy(user, request=request, **_without_empty(values))
        return services.update_strategy(strategy, user, request=request, **values)
    except ValidationError as error:
        put_row_errors(rows, form.take_errors(error))
    return None


def _without_empty(values: dict[str, Any]) -> dict[str, Any]:
    """A choice left empty takes the model's default; numbers may be None."""
    choices = ("strat_type", "directional_strategy", "trim", "tpsl_units", "alert_format")
    return {name: value for name, value in values.items() if value is not None or name not in choices}


@signed_in
@require_POST
def delete(request: HttpRequest, pk: str) -> HttpResponse:
    strategy = strategy_of_or_404(request.user, pk)
    try:
        services.delete_strategy(strategy, _user(request), request=request)
    except Problem as problem:
        messages.error(request, problem.message)
        return go(request, _page(strategy))
    messages.success(request, f"{strategy.name} is deleted.")
    return go(request, "/user/strats")


@signed_in
@require_POST
def set_active(request: HttpRequest, pk: str) -> HttpResponse:
    """Switch a strategy on or off: an alert of one that is off is stored and not carried out."""
    strategy = strategy_of_or_404(request.user, pk)
    wanted = request.POST.get("active") == "true"
    services.update_strategy(strategy, _user(request), request=request, active=wanted)
    messages.success(request, f"{strategy.name} is switched {'on' if wanted else 'off'}.")
    return go(request, own_page(request.POST.get("next"), _page(strategy)))


# --- sizing in words --------------------------------------------------------------------------------------------------


@signed_in
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """What the form as it stands would do, in sentences; asked for while its user types."""
    accounts = list(broker_accounts_of(_user(request)))
    form = StrategyForm(request.POST, accounts=accounts, strategy=None)
    rows = allocation_rows(accounts, (), request.POST)
    return render(request, "strategies/_sizing.html", {"sentences": _sentences(form, rows, None)})


def _sentences(form: StrategyForm, rows: list[AllocationRow], strategy: Strategy | None) -> list[str]:
    def number(name: str) -> Any:
        return decimal_or_none(form[name].value())

    sizing = Sizing(
        number("position_size"),
        number("position_add"),
        number("take_profit"),
        number("stop_loss"),
        form["tpsl_units"].value() or "Ticks",
    )
    followers = [_follower(row) for row in rows if row.follows]
    contract = _contract(str(form["symbol"].value() or ""), [row.account for row in rows if row.follows])
    return sizing_sentences(sizing, followers, contract)


def _follower(row: AllocationRow) -> Follower:
    caps = [cap for cap in (decimal_or_none(row.max_contracts), row.account.max_contracts) if cap is not None]
    multiplier = decimal_or_none(row.multiplier)
    return Follower(
        multiplier if multiplier is not None else Follower().multiplier,
        row.account.multiplier,
        min(caps) if caps else None,
    )


def _contract(symbol: str, accounts: list[BrokerAccount]) -> Contract | None:
    found = contract_of(symbol, accounts)
    if found is None:
        return None
    return Contract(found.tick_size, found.point_value, found.quantity_step, found.currency)


# --- the webhook ------------------------------------------------------------------------------------------------------


@signed_in
@require_POST
def rotate(request: HttpRequest, pk: str) -> HttpResponse:
    """A new address; the old one works on for the minutes that were chosen."""
    strategy = strategy_of_or_404(request.user, pk)
    minutes = request.POST.get("grace_minutes", "0")
    try:
        services.rotate_webhook(
            strategy,
            grace_minutes=int(minutes) if minutes.isdigit() else 0,
            actor=_user(request),
            request=request,
        )
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, "There is a new webhook address. Put it into your alerts.")
    return go(request, _page(strategy) + "#webhook")


@signed_in
@require_GET
def logs(request: HttpRequest, pk: str) -> HttpResponse:
    strategy = strategy_of_or_404(request.user, pk)
    context = {"strategy": strategy, "logs": strategy_logs(strategy, 100)}
    return page_or_part(request, "strategies/logs.html", context, {"logs": "strategies/_logs.html"})


# --- test alerts ------------------------------------------------------------------------------------------------------


@signed_in
@require_POST
def test_alert(request: HttpRequest, pk: str) -> HttpResponse:
    """Play TradingView: the panel's result, with the webhook's own answer and the way to the trace."""
    strategy = strategy_of_or_404(request.user, pk)
    dry_run = request.POST.get("mode") != "real"
    action = request.POST.get("action", "")
    problem, quantity = _test_problem(strategy, action, request.POST.get("quantity", ""), dry_run)
    context: dict[str, Any] = {"strategy": strategy, "problem": problem, "dry_run": dry_run}
    if not problem:
        played = playground.play(strategy, action, quantity, dry_run=dry_run)
        context |= {"played": played, "names": _account_names(strategy)}
        if played.signal_id:
            context["trace"] = signal_trace(request.user, played.signal_id)
    return render(request, "strategies/_test_result.html", context)


def _test_problem(strategy: Strategy, action: str, quantity: str, dry_run: bool) -> tuple[str, str]:
    """(why the test cannot be played, the quantity as plain text)."""
    if action not in playground.ACTIONS:
        raise Http404
    try:
        number = parse_plain(quantity or "1")
    except ValueError:
        return "The quantity must be a number such as 1 or 0.5.", ""
    if number <= 0:
        return "The quantity must be more than zero.", ""
    if strategy.current_key() is None:
        return "The strategy has no webhook address. Make a new one above.", ""
    return ("" if dry_run else playground.why_not_for_real(strategy)), plain(number) or "1"


def _account_names(strategy: Strategy) -> dict[str, str]:
    """Names for the account ids of a dry run's orders."""
    rows = strategy.allocations.all()
    return {str(row.broker_account_id): str(row.broker_account) for row in rows}
