"""That the person at the keyboard is the one who signed in: asked again before something that a found session must not do."""

from __future__ import annotations

from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from allauth.core import ratelimit
from allauth.mfa.models import Authenticator
from django.http import HttpRequest

from accounts.models import User
from tradeproject.common.api import Problem

MESSAGE = "Say who you are again: send your password, or a one-time code of your authenticator app."


def demand_proof(request: HttpRequest, user: User, *, password: str = "", code: str = "") -> None:
    """Raises Problem 403 ``reauthentication_required`` unless the password or a one-time code is right, 429 after many tries."""
    if not (password or code):
        if not _has_either(user) and did_recently_reauthenticate(request):
            return  # signs in by passkey or another site: that it did so lately must do
        raise Problem("reauthentication_required", MESSAGE, status_code=403)
    if not ratelimit.consume(request, action="reauthenticate", user=user):
        raise Problem("throttled", "Too many tries. Wait a minute, then try again.", status_code=429)
    if not (_is_password(user, password) or _is_code(user, code)):
        raise Problem("reauthentication_failed", f"That was not right. {MESSAGE}", status_code=403)


def _has_either(user: User) -> bool:
    return user.has_usable_password() or _totp(user) is not None


def _totp(user: User) -> Authenticator | None:
    found: Authenticator | None = Authenticator.objects.filter(
        user=user, type=Authenticator.Type.TOTP
    ).first()
    return found


def _is_password(user: User, password: str) -> bool:
    return bool(password) and user.check_password(password)


def _is_code(user: User, code: str) -> bool:
    row = _totp(user)
    return bool(code) and row is not None and bool(row.wrap().validate_code(code))
