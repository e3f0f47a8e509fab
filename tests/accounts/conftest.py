"""People's tests: cheap password hashes, limits that start at zero, clients that behave like scripts and browsers."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from rest_framework.test import APIClient

from accounts.models import User
from tests.factories import PASSWORD


@pytest.fixture(autouse=True)
def _cheap_and_fresh(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # nothing is collected here
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    default = settings.CACHES["default"]
    settings.CACHES = {"default": {**default, "KEY_PREFIX": f"{default['KEY_PREFIX']}{uuid.uuid4().hex[:8]}"}}


@pytest.fixture
def script() -> APIClient:
    """Somebody's script: no session, no CSRF token, and the server checks both."""
    return APIClient(enforce_csrf_checks=True)


@pytest.fixture
def login(owner, script) -> Callable[..., Any]:
    """POST auth/login as the owner (or whom the arguments say)."""

    def post(client: APIClient | None = None, **changes: Any) -> Any:
        body = {"email": owner.email, "password": PASSWORD, **changes}
        return (client or script).post("/api/v1/auth/login", body)

    return post


@pytest.fixture
def bearer(login) -> APIClient:
    """A script that signed in and sends its access token, and no cookie."""
    client = APIClient(enforce_csrf_checks=True)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {login().json()['access']}")
    return client


class SecondFactor:
    """An authenticator app in the owner's hand."""

    def __init__(self, user: User) -> None:
        self.secret = totp.generate_totp_secret()
        totp.TOTP.activate(user, self.secret)
        self.recovery_codes = RecoveryCodes.activate(user).generate_codes()

    def code(self, step: int = 0) -> str:
        now = list(totp.yield_hotp_counters_from_time())[1]
        return totp.format_hotp_value(totp.hotp_value(self.secret, now + step))


@pytest.fixture
def second_factor(owner) -> SecondFactor:
    return SecondFactor(owner)
