"""Security-relevant acts that happen inside the sign-in library end up in the audit log."""

from __future__ import annotations

from typing import Any

from allauth.account import signals
from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa import signals as mfa_signals
from allauth.mfa.models import Authenticator
from django.contrib.auth.signals import user_logged_out
from django.dispatch import Signal
from django.http import HttpRequest

from accounts.models import User
from accounts.services import end_surplus_sessions, record_audit, settle_email_address


def on_login(request: HttpRequest, user: User, **kwargs: Any) -> None:
    methods = [
        record.get("type") or record.get("method") for record in get_authentication_records(request, user)
    ]
    agent = request.headers.get("User-Agent", "")[:200]
    record_audit("login", actor=user, detail={"methods": methods, "agent": agent}, request=request)
    settle_email_address(user)
    end_surplus_sessions(user)


def on_logout(request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    if user is not None:
        record_audit("logout", actor=user, request=request)


def on_email_changed(request: HttpRequest, user: User, **kwargs: Any) -> None:
    old, new = kwargs["from_email_address"], kwargs["to_email_address"]
    detail = {"from": old.email if old else "", "to": new.email}
    record_audit("email_changed", actor=user, detail=detail, request=request)


def _record_user_act(signal: Signal, action: str) -> None:
    def receiver(request: HttpRequest, user: User, **kwargs: Any) -> None:
        record_audit(action, actor=user, object_type="user", object_id=user.pk, request=request)

    signal.connect(receiver, weak=False, dispatch_uid=f"accounts.audit.{action}")


def _record_factor_act(signal: Signal, action: str) -> None:
    def receiver(request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: Any) -> None:
        record_audit(
            action,
            actor=user,
            object_type="authenticator",
            object_id=authenticator.pk or "",
            detail={"type": authenticator.type},
            request=request,
        )

    signal.connect(receiver, weak=False, dispatch_uid=f"accounts.audit.{action}")


def connect() -> None:
    signals.user_logged_in.connect(on_login, dispatch_uid="accounts.audit.login")
    user_logged_out.connect(on_logout, dispatch_uid="accounts.audit.logout")
    signals.email_changed.connect(on_email_changed, dispatch_uid="accounts.audit.email_changed")
    _record_user_act(signals.user_signed_up, "signup")
    _record_user_act(signals.password_set, "password_set")
    _record_user_act(signals.password_changed, "password_changed")
    _record_user_act(signals.password_reset, "password_reset")
    _record_factor_act(mfa_signals.authenticator_added, "mfa_added")
    _record_factor_act(mfa_signals.authenticator_removed, "mfa_removed")
    _record_factor_act(mfa_signals.authenticator_reset, "mfa_reset")
    _record_factor_act(mfa_signals.authentication_failed, "mfa_failed")
