"""A cookie alone never changes anything."""

from __future__ import annotations

import pytest
from django.conf import settings as django_settings
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/api/v1/system/csrf-token", "/api/system/csrf-token/"])
def test_a_token_and_its_cookie_can_be_fetched(script, path):
    answer = script.get(path)

    assert len(answer.json()["csrfToken"]) >= 32
    assert answer.cookies[django_settings.CSRF_COOKIE_NAME].value


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("patch", "/api/v1/users/profile"),
        ("patch", "/api/v1/users/settings"),
        ("post", "/api/v1/user/toggle-discord-dms"),
        ("post", "/api/v1/api-keys"),
        ("post", "/api/v1/auth/logout"),
        ("post", "/auth/logout"),
    ],
)
def test_a_write_by_cookie_needs_it(login, script, method, path):
    login()

    answer = getattr(script, method)(path, {})

    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")


def test_a_write_by_cookie_with_it_passes(login, script):
    login()
    token = script.get("/api/v1/system/csrf-token").json()["csrfToken"]
    script.credentials(HTTP_X_CSRFTOKEN=token)

    assert script.patch("/api/v1/users/profile", {"name": "Ada"}).json()["name"] == "Ada"


def test_a_script_without_a_session_signs_in_and_writes_with_its_bearer_token(bearer):
    assert bearer.patch("/api/v1/users/profile", {"name": "Ada"}).status_code == 200


def test_checking_who_i_am_never_fails(login, script):
    assert script.get("/api/v1/auth/check-auth").json() == {"authenticated": False, "user": None}
    stale = APIClient(HTTP_AUTHORIZATION="Bearer a.b.c")
    assert stale.get("/api/auth/check-auth/").json() == {"authenticated": False, "user": None}

    login()
    body = script.get("/api/v1/auth/check-auth").json()
    assert body["authenticated"] is True
    assert body["user"]["email"] == "owner@example.com"
