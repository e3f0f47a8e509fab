"""Signing in and out by API, through allauth's own login flow: its limits, stages and second factors all apply."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.stages import EmailVerificationStage, LoginStageController
from allauth.core import ratelimit
from allauth.headless import app_settings
from allauth.headless.account.inputs import LoginInput
from allauth.headless.constants import Client
from allauth.headless.internal import authkit, sessionkit
from allauth.headless.internal.decorators import mark_request_as_headless
from allauth.headless.tokens.strategies.jwt import internal as jwt
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.stages import AuthenticateStage
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest
from rest_framework.exceptions import Throttled

from accounts.models import User
from accounts.services import end_session, record_audit
from tradeproject.common.api import Problem

# A refresh token that was exchanged already may come again by mistake (an answer lost on the way, two tabs) for this
# long; it is refused, no more. Later it can only be a copy in other hands, and the session ends (RFC 9700 §4.14.2).
REUSE_GRACE_SECONDS = 60
ROTATED = "headless_refresh_rotated"
MOST_REMEMBERED = 200  # a day of exchanging every ten minutes, and then some
WAIT_AFTER_LIMIT_SECONDS = 60


@dataclass(frozen=True)
class SignedIn:
    """A finished login: who, and the tokens that live as long as the session in the request."""

    user: User
    access: str
    refresh: str


def _refused(code: str, message: str) -> Problem:
    return Problem(code, message, status_code=401)


def sign_in(request: HttpRequest, *, email: str, password: str, code: str = "") -> SignedIn:
    """Sign in with e-mail, password and, when a second factor is on, a one-time or recovery code.

    On success ``request.session`` is a new session and the one the request came with is gone; a refusal (Problem 401,
    Throttled) leaves the request's session as it was.
    """
    if not ratelimit.consume(request, action="login"):
        raise Throttled(wait=WAIT_AFTER_LIMIT_SECONDS)
    with _new_session(request):
        _first_factor(request, email, password)
        if not request.user.is_authenticated:
            _second_factor(request, code)
        user = request.user
        if not isinstance(user, User) or not user.is_authenticated:
            raise _refused("login_incomplete", "This login needs a further step. Sign in on the login page.")
        tokens = app_settings.TOKEN_STRATEGY.create_access_token_payload(request)
        request.session.modified = True
    return SignedIn(user, tokens["access_token"], tokens["refresh_token"])


@contextmanager
def _new_session(request: HttpRequest) -> Iterator[None]:
    """Run a login in a session of its own: what the client brought is neither used nor, on refusal, touched."""
    before = request.session
    request.session = sessionkit.new_session()
    authkit.purge_request_user_cache(request)
    mark_request_as_headless(request, Client.BROWSER)
    finished = False
    try:
        yield
        finished = True
    finally:
        if not finished:
            request.session = before
            authkit.purge_request_user_cache(request)
    if before.session_key:
        end_session(before.session_key)


def _first_factor(request: HttpRequest, email: str, password: str) -> None:
    form = LoginInput(data={"email": email, "password": password})
    if not form.is_valid():
        if _has_error(form, "too_many_login_attempts"):
            raise Throttled(wait=WAIT_AFTER_LIMIT_SECONDS)
        raise _refused("invalid_credentials", "The email address or the password is not right. Try again.")
    if not form.login.user.is_active:
        raise _refused("user_inactive", "This user is switched off. Ask whoever runs this server.")
    perform_password_login(request, form.cleaned_data, form.login)


def _second_factor(request: HttpRequest, code: str) -> None:
    stage = LoginStageController.enter(request, AuthenticateStage.key)
    if stage is None:
        if LoginStageController.enter(request, EmailVerificationStage.key):
            raise _refused(
                "email_not_verified", "Confirm your email address first: we have just sent you a link."
            )
        return
    if not code:
        raise _refused("mfa_required", "Send `code` too: from your authenticator app, or a recovery code.")
    form = AuthenticateForm(data={"code": code}, user=stage.login.user)
    if not form.is_valid():
        if _has_error(form, "too_many_login_attempts"):
            raise Throttled(wait=WAIT_AFTER_LIMIT_SECONDS)
        raise _refused("invalid_code", "The code is not right or was used already. Wait for the next one.")
    form.save()
    stage.exit()


def _has_error(form: Any, code: str) -> bool:
    return any(form.has_error(name, code) for name in form.errors)


def refresh_tokens(refresh: str, request: HttpRequest | None = None) -> tuple[str, str] | None:
    """Exchange a refresh token for (access, refresh); None when it is not, or no longer, good."""
    payload = jwt.decode_token(refresh, "refresh")
    session_key = jwt.session_key_from_sid(payload["sid"]) if payload else None
    if payload is None or not session_key:
        return None
    with transaction.atomic():
        # One at a time: two exchanges of the same token would otherwise both succeed.
        Session.objects.select_for_update().filter(pk=session_key).first()
        pair = app_settings.TOKEN_STRATEGY.refresh_token(refresh)
        session = sessionkit.lookup_session(session_key)
        if session is None:
            return None
        if pair is None:
            _notice_reuse(session, payload, request)
            return None
        _remember_rotation(session, payload)
    return pair


def _remember_rotation(session: SessionBase, payload: dict[str, Any]) -> None:
    now = int(time.time())
    oldest = now - int(app_settings.JWT_REFRESH_TOKEN_EXPIRES_IN)
    rotated = [(jti, at) for jti, at in session.get(ROTATED, {}).items() if at > oldest]
    session[ROTATED] = {**dict(rotated[-MOST_REMEMBERED:]), payload["jti"]: now}
    session.save()


def _notice_reuse(session: SessionBase, payload: dict[str, Any], request: HttpRequest | None) -> None:
    rotated_at = session.get(ROTATED, {}).get(payload["jti"])
    if rotated_at is None or time.time() - rotated_at <= REUSE_GRACE_SECONDS:
        return
    end_session(str(session.session_key))
    user = User.objects.filter(pk=payload["sub"]).first()
    record_audit("refresh_token_reused", actor=None, owner=user, request=request)


def is_live_token(token: str) -> bool:
    """Whether an access or refresh token of ours would still be accepted."""
    return bool(jwt.validate_access_token(token) or jwt.validate_refresh_token(token))


def user_of_access_token(token: str) -> User | None:
    found = jwt.validate_access_token(token)
    return found[0] if found else None


def session_of_token(payload: dict[str, Any]) -> str | None:
    """The session key inside a verified token's payload."""
    return jwt.session_key_from_sid(payload["sid"])


def sign_out_by_refresh_token(refresh: str, request: HttpRequest | None = None) -> bool:
    """End the session of a live refresh token. False when the token is not good."""
    found = jwt.validate_refresh_token(refresh)
    if found is None:
        return False
    user, session, _ = found
    end_session_of(user, str(session.session_key), request)
    return True


def end_session_of(user: User, session_key: str, request: HttpRequest | None = None) -> None:
    with transaction.atomic():
        end_session(session_key)
        record_audit("logout", actor=user, request=request)
