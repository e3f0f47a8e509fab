"""What we change in django-allauth: who may sign up, how guessing is slowed, what mails say, how factors are kept."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.internal.ratelimit import truncate_ip
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.http import HttpRequest

from accounts.audit import client_address
from accounts.models import User
from accounts.selectors import is_login_blocked
from accounts.services import record_audit
from tradeproject.common.crypto import seal, unseal

SITE = SimpleNamespace(name=settings.PRODUCT_NAME, domain=settings.SITE_URL)


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.SIGNUP_OPEN)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        super().pre_authenticate(request, **credentials)
        if is_login_blocked(_login_name(credentials), client_address(request)):
            raise self.validation_error("too_many_login_attempts")

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        email = _login_name(credentials)
        record_audit(
            "login_failed",
            actor=None,
            actor_email=email,
            owner=User.objects.filter(email=email).first(),
            request=request,
        )

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        # Per login and address (an IPv6 network counts as one): counted per login alone, a stranger could lock its
        # owner out. And never per Host header, which the client chooses.
        return f"{_login_name(credentials)}/{truncate_ip(client_address(request) or '')}"

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        # The library would name the site by the request's Host header.
        super().send_mail(template_prefix, email, {**context, "current_site": SITE})


def _login_name(credentials: dict[str, Any]) -> str:
    return str(credentials.get("email") or credentials.get("username") or "").strip().lower()


class MFAAdapter(DefaultMFAAdapter):
    """Second-factor secrets are sealed like broker credentials, and rotated with them."""

    def encrypt(self, text: str) -> str:
        return seal(text).decode("ascii")

    def decrypt(self, encrypted_text: str) -> str:
        return str(unseal(encrypted_text.encode("ascii")))
