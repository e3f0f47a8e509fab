"""Signing out: the session and its tokens die at once."""

from __future__ import annotations

import pytest
from allauth.usersessions.models import UserSession
from django.conf import settings as django_settings
from rest_framework.test import APIClient

from accounts.models import AuditEntry
from accounts.services import MOST_SESSIONS

pytestmark = pytest.mark.django_db


def with_bearer(token: str) -> APIClient:
    return APIClient(HTTP_AUTHORIZATION=f"Bearer {token}")


@pytest.mark.parametrize("path", ["/api/v1/auth/logout", "/api/auth/logout/", "/auth/logout"])
def test_it_ends_the_session_of_the_bearer_token(login, script, owner, path):
    tokens = login().json()

    assert with_bearer(tokens["access"]).post(path).json() == {"success": True}

    assert with_bearer(tokens["access"]).get("/api/v1/users/current").status_code == 401
    assert APIClient().post("/auth/refresh", {"refresh": tokens["refresh"]}).status_code == 401
    assert script.get("/api/v1/auth/check-auth").json()["authenticated"] is False
    assert AuditEntry.objects.filter(action="logout", actor=owner).count() == 1


def test_it_ends_the_session_of_the_cookie(login, script):
    tokens = login().json()
    script.credentials(HTTP_X_CSRFTOKEN=script.cookies[django_settings.CSRF_COOKIE_NAME].value)

    answer = script.post("/api/v1/auth/logout")

    assert answer.status_code == 200
    assert answer.cookies[django_settings.SESSION_COOKIE_NAME].value == ""
    assert with_bearer(tokens["access"]).get("/api/v1/users/current").status_code == 401


def test_it_ends_the_session_of_a_refresh_token_sent_in_the_body(login):
    tokens = login().json()

    assert APIClient().post("/auth/logout", {"refresh": tokens["refresh"]}).status_code == 200
    assert with_bearer(tokens["access"]).get("/api/v1/users/current").status_code == 401
    assert APIClient().post("/auth/logout", {"refresh": tokens["refresh"]}).status_code == 401


def test_a_stale_access_token_does_not_stand_in_the_way_of_the_refresh_token(login):
    tokens = login().json()

    answer = with_bearer("a.b.c").post("/auth/logout", {"refresh": tokens["refresh"]})

    assert answer.status_code == 200
    assert with_bearer("a.b.c").post("/auth/logout").status_code == 401


def test_it_needs_somebody_to_sign_out(db):
    assert APIClient().post("/api/v1/auth/logout").status_code == 401


def test_it_leaves_other_sessions_alone(login):
    first, second = login(APIClient()).json(), login(APIClient()).json()

    with_bearer(first["access"]).post("/api/v1/auth/logout")

    assert with_bearer(second["access"]).get("/api/v1/users/current").status_code == 200


def test_it_has_nothing_to_end_for_an_api_key(owner):
    from accounts.services import create_api_key

    _, secret = create_api_key(owner, name="script", scopes=["read", "trade", "admin"])
    answer = APIClient(HTTP_AUTHORIZATION=f"Api-Key {secret}").post("/api/v1/auth/logout")

    assert (answer.status_code, answer.json()["code"]) == (400, "no_session")


def test_sessions_of_a_busy_script_do_not_pile_up(login, owner, settings):
    settings.ACCOUNT_RATE_LIMITS = {"login": "1000/m/ip"}
    for n in range(MOST_SESSIONS):
        UserSession.objects.create(user=owner, ip="127.0.0.1", session_key=f"old{n:029}", user_agent="")
    for _ in range(3):
        login(APIClient())

    assert UserSession.objects.filter(user=owner).count() <= MOST_SESSIONS
