"""Signing in at a broker in the browser: out to its consent page, back with a code.

The state is bound to the browser's session, lives ten minutes and works once; the code is worth nothing without the PKCE
verifier that never leaves the session.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from datetime import timedelta
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_GET

from accounts.models import User
from brokers.errors import BrokerError
from brokers.logins import note_added
from brokers.registry import build_auth, get_spec
from brokers.services import finish_oauth, new_oauth_state
from tradeproject.common.clock import iso, parse_iso, utc_now
from tradeproject.common.http import make_client

SESSION_KEY = "broker_oauth"
VALID_FOR = timedelta(minutes=10)
MOST_AT_ONCE = 5
BACK_TO = "/user/accounts"


def redirect_uri(kind: str) -> str:
    """What the operator registers with the broker."""
    return f"{settings.SITE_URL}/oauth/{kind}/callback"


@login_required
@require_GET
def start(request: HttpRequest, kind: str) -> HttpResponse:
    """To the broker's consent page. ``?environment=`` says for which of its environments; the first unless told."""
    spec = get_spec(kind)
    allowed = [item.value for item in spec.environments]
    environment = request.GET.get("environment", allowed[0])
    if environment not in allowed:
        return _back(request, f"{spec.label} has {', '.join(allowed)}. Choose one of them and try again.")
    state, verifier = new_oauth_state()
    try:
        target = asyncio.run(_consent_page(kind, environment, state, verifier))
    except BrokerError as error:
        return _back(request, error.message)
    _remember(request, state, {"kind": kind, "environment": environment, "verifier": verifier})
    return HttpResponseRedirect(target)


async def _consent_page(kind: str, environment: str, state: str, verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    async with make_client(max_connections=1) as http:
        auth = build_auth(kind, environment, {}, http)
        return auth.authorize_url(redirect_uri=redirect_uri(kind), state=state, code_challenge=challenge)


def _remember(request: HttpRequest, state: str, flow: dict[str, str]) -> None:
    """A few flows may be open in different tabs; the oldest make room."""
    flows: dict[str, Any] = request.session.get(SESSION_KEY, {})
    flows[state] = {**flow, "at": iso(utc_now())}
    newest = sorted(flows.items(), key=lambda item: item[1]["at"], reverse=True)[:MOST_AT_ONCE]
    request.session[SESSION_KEY] = dict(newest)


def _recall(request: HttpRequest, kind: str) -> dict[str, str] | None:
    """The flow this answer belongs to, once; None when it was not started here, is too old or was used before."""
    flows: dict[str, Any] = request.session.get(SESSION_KEY, {})
    flow: dict[str, str] | None = flows.pop(request.GET.get("state", ""), None)
    request.session[SESSION_KEY] = flows
    if flow is None or flow["kind"] != kind or utc_now() - parse_iso(flow["at"]) > VALID_FOR:
        return None
    return flow


@login_required
@require_GET
def callback(request: HttpRequest, kind: str) -> HttpResponse:
    """Back from the broker's consent page: exchange the code, store the login."""
    spec = get_spec(kind)
    flow = _recall(request, kind)
    if flow is None:
        return _back(
            request, f"This answer of {spec.label} does not belong to a login started here. Start it again."
        )
    code = request.GET.get("code", "")
    if not code:
        return _back(request, f"{spec.label} gave no permission. Start again and confirm it there.")
    user = cast(User, request.user)
    try:
        connection = finish_oauth(
            user,
            kind,
            flow["environment"],
            code=code,
            redirect_uri=redirect_uri(kind),
            code_verifier=flow["verifier"],
        )
    except BrokerError as error:
        return _back(request, error.message)
    note_added(connection, user, "browser", request)
    messages.success(request, f"{connection} is connected with {connection.accounts.count()} account(s).")
    return HttpResponseRedirect(BACK_TO)


def _back(request: HttpRequest, problem: str) -> HttpResponse:
    messages.error(request, problem)
    return HttpResponseRedirect(BACK_TO)


__all__ = ["callback", "redirect_uri", "start"]
