"""Broker logins and their accounts. What a login needs is told by its ``BrokerSpec``: no broker is named here."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from accounts.selectors import get_owned_or_404
from brokers import logins
from brokers.forms import AccountForm, ConnectForm, demo_first
from brokers.health import health_of, stream_word
from brokers.models import BrokerAccount, BrokerConnection
from brokers.protocol import BrokerSpec
from brokers.refusals import REFUSALS, TOO_OFTEN, may_log_in, refusal_of
from brokers.registry import BROKERS
from brokers.selectors import broker_accounts_of, connections_of
from brokers.services import test_connection
from tradeproject.common.pages import go, lazy, page_or_part, signed_in

ACCOUNTS_PAGE = "/user/accounts"


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)


@signed_in
@require_GET
def accounts(request: HttpRequest) -> HttpResponse:
    context = {"logins": lazy(lambda: _logins(_user(request))), "brokers": BROKERS.values()}
    return page_or_part(request, "brokers/accounts.html", context, {"logins": "brokers/_logins.html"})


def _logins(user: User) -> list[dict[str, Any]]:
    now = timezone.now()
    return [
        {
            "connection": connection,
            "spec": BROKERS.get(connection.broker),
            "health": health_of(connection, now),
            "stream": stream_word(connection.stream_state),
            "accounts": list(connection.accounts.all()),
        }
        for connection in connections_of(user)
    ]


# --- connecting -------------------------------------------------------------------------------------------------------


@signed_in
@require_http_methods(["GET", "POST"])
def connect(request: HttpRequest, kind: str) -> HttpResponse:
    """The connect form of one broker: test it (finds the accounts, stores nothing), or save it."""
    spec = BROKERS.get(kind)
    if spec is None:
        raise Http404
    form = ConnectForm(spec, request.POST if request.method == "POST" else None)
    context = {**_choices(spec, form), "environments": demo_first(spec)}
    if form.is_bound and form.is_valid():
        if request.POST.get("act") == "test":
            return _test(request, form)
        if _save(request, form):
            return go(request, ACCOUNTS_PAGE)
    return render(request, "brokers/connect.html", context, status=400 if form.is_bound else 200)


def _choices(spec: BrokerSpec, form: ConnectForm) -> dict[str, Any]:
    return {"spec": spec, "form": form, "oauth_start": f"oauth-{spec.kind}-start"}


def _test(request: HttpRequest, form: ConnectForm) -> HttpResponse:
    result: dict[str, Any] = {}
    if not may_log_in(request):
        result["problem"] = TOO_OFTEN
    else:
        try:
            result["found"] = test_connection(form.spec.kind, form.environment, form.credentials)
        except REFUSALS as error:
            result["problem"] = refusal_of(error).sentence
    return render(request, "brokers/_tested.html", result)


def _save(request: HttpRequest, form: ConnectForm) -> bool:
    if not may_log_in(request):
        form.add_error(None, TOO_OFTEN)
        return False
    try:
        connection = logins.add_login(
            _user(request), form.spec.kind, form.environment, form.credentials, form.label, request=request
        )
    except REFUSALS as error:
        form.take_refusal(refusal_of(error))
        return False
    count = connection.accounts.count()
    messages.success(request, f"{connection} is connected with {count} account{'s' if count != 1 else ''}.")
    return True


# --- one login --------------------------------------------------------------------------------------------------------


def _connection(request: HttpRequest, pk: str) -> BrokerConnection:
    user = _user(request)
    return get_owned_or_404(connections_of(user), user, pk=pk)


@signed_in
@require_http_methods(["GET", "POST"])
def reconnect(request: HttpRequest, pk: str) -> HttpResponse:
    """Bring a login back: by its stored token at once, else with credentials typed in again."""
    connection = _connection(request, pk)
    spec = BROKERS.get(connection.broker)
    if spec is None:
        raise Http404
    quick = request.method == "POST" and "quick" in request.POST
    form = ConnectForm(spec, request.POST if request.method == "POST" and not quick else None, connection)
    if quick or (form.is_bound and form.is_valid()):
        credentials = None if quick else form.credentials
        if _reconnected(request, connection, credentials, form):
            return go(request, ACCOUNTS_PAGE)
    context = {
        **_choices(spec, form),
        "connection": connection,
        "environments": [e for e in spec.environments if e.value == connection.environment],
    }
    return render(request, "brokers/connect.html", context, status=400 if form.is_bound else 200)


def _reconnected(
    request: HttpRequest,
    connection: BrokerConnection,
    credentials: dict[str, str] | None,
    form: ConnectForm,
) -> bool:
    if not may_log_in(request):
        messages.error(request, TOO_OFTEN)
        return False
    try:
        logins.reconnect_login(connection, credentials, _user(request), request=request)
    except REFUSALS as error:
        if credentials is None:
            messages.error(request, refusal_of(error).sentence)
        else:
            form.take_refusal(refusal_of(error))
        return False
    messages.success(request, f"{connection} is connected.")
    return True


@signed_in
@require_POST
def edit(request: HttpRequest, pk: str) -> HttpResponse:
    """Rename a login, or switch it off and on."""
    connection = _connection(request, pk)
    enabled = request.POST.get("enabled")
    logins.edit_login(
        connection,
        _user(request),
        label=request.POST["label"].strip()[:80] if "label" in request.POST else None,
        enabled=None if enabled is None else enabled == "true",
        request=request,
    )
    messages.success(request, f"{connection} is changed.")
    return go(request, ACCOUNTS_PAGE)


@signed_in
@require_POST
def remove(request: HttpRequest, pk: str) -> HttpResponse:
    connection = _connection(request, pk)
    logins.remove_login(connection, _user(request), request=request)
    messages.success(request, f"{connection} is removed; its secrets are gone and its history stays.")
    return go(request, ACCOUNTS_PAGE)


# --- one account ------------------------------------------------------------------------------------------------------


@signed_in
@require_POST
def edit_account(request: HttpRequest, pk: str) -> HttpResponse:
    """One row of the table: the row as it is stored now, with what was wrong if it was not."""
    user = _user(request)
    account: BrokerAccount = get_owned_or_404(broker_accounts_of(user), user, pk=pk)
    form = AccountForm(request.POST)
    saved = form.is_valid()
    if saved:
        account = logins.edit_account(account, user, form.changes(), request=request)
    context = {"account": account, "form": form, "saved": saved}
    return render(request, "brokers/_account_row.html", context, status=200 if saved else 400)
