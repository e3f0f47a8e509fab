"""The three ways to be somebody at the API: a Bearer JWT, an API key, the browser's session."""

from __future__ import annotations

from allauth.headless.contrib.rest_framework.authentication import JWTTokenAuthentication
from django.core.exceptions import PermissionDenied
from rest_framework import authentication, exceptions
from rest_framework.request import Request

from accounts.models import ApiKey, User
from tradeproject.common.api import Problem
from tradeproject.common.ids import digest_secret

CHALLENGE = "Bearer"  # what a 401 asks for; without it DRF would answer 403


class BearerAuthentication(JWTTokenAuthentication):
    """``Authorization: Bearer <access token>`` from ``auth/login``; refused at once after logout."""

    keyword = "Bearer"

    def authenticate_credentials(self, key: str) -> tuple[User, object]:
        user, payload = super().authenticate_credentials(key)
        if not user.is_active:
            raise exceptions.AuthenticationFailed("This user is not active.")
        return user, payload


class ApiKeyAuthentication(authentication.BaseAuthentication):
    """``Authorization: Api-Key <key>``. The key's scopes are checked by ``accounts.permissions.ScopeAllows``."""

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "api-key":
            return None
        key = (
            ApiKey.objects.usable()
            .select_related("user")
            .filter(digest=digest_secret(secret.strip()))
            .first()
        )
        if key is None:
            raise exceptions.AuthenticationFailed("This API key is unknown, expired or revoked.")
        key.touch()
        return key.user, key


class CookieAuthentication(authentication.SessionAuthentication):
    """The browser's session, with CSRF protection."""

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE

    def enforce_csrf(self, request: Request) -> None:
        try:
            super().enforce_csrf(request)
        except (PermissionDenied, exceptions.PermissionDenied):
            raise Problem(
                "csrf_failed",
                "The CSRF token is missing or old. Get one from system/csrf-token and send it as X-CSRFToken.",
                status_code=403,
            ) from None
