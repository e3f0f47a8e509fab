"""Signing in by API."""

from __future__ import annotations

import time
from statistics import median

import pytest
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from rest_framework.test import APIClient

from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
COOKIE = django_settings.SESSION_COOKIE_NAME


@pytest.mark.parametrize(
    "path", ["/api/v1/auth/login", "/api/auth/login", "/auth/login", "/api/v1/auth/login/", "/auth/login/"]
)
def test_it_answers_tokens_the_user_and_a_session_cookie(owner, script, path):
    answer = script.post(path, {"email": "Owner@Example.com", "password": PASSWORD})

    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"access", "refresh", "user"}
    assert body["user"]["id"] == str(owner.pk)
    assert set(body["user"]) == {"id", "email", "name", "timezone", "theme", "is_staff", "date_joined"}
    assert answer.cookies[COOKIE]["httponly"]
    assert script.get("/api/v1/users/current").json()["email"] == owner.email


def test_it_refuses_unknown_users_and_wrong_passwords_alike(owner, script):
    answers = [
        script.post("/api/v1/auth/login", {"email": email, "password": "wrong-horse-battery"})
        for email in (owner.email, "nobody@example.com")
    ]

    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["code"] == "invalid_credentials"
    assert COOKIE not in answers[0].cookies


def test_it_hashes_a_password_for_unknown_users_too(owner, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    settings.ACCOUNT_RATE_LIMITS = False
    owner.set_password(PASSWORD)
    owner.save()

    def spent(email: str) -> float:
        started = time.process_time()
        APIClient().post("/api/v1/auth/login", {"email": email, "password": "wrong-horse"})
        return time.process_time() - started

    known = median(spent(owner.email) for _ in range(3))
    unknown = median(spent("nobody@example.com") for _ in range(3))
    assert unknown > known / 3


def test_it_says_that_a_user_was_switched_off_only_to_who_knows_the_password(script):
    UserFactory(email="gone@example.com", is_active=False)

    right = script.post("/api/v1/auth/login", {"email": "gone@example.com", "password": PASSWORD})
    wrong = script.post("/api/v1/auth/login", {"email": "gone@example.com", "password": "wrong-horse"})

    assert (right.status_code, right.json()["code"]) == (401, "user_inactive")
    assert (wrong.status_code, wrong.json()["code"]) == (401, "invalid_credentials")


def test_it_waits_for_the_confirmed_address_when_confirmation_is_mandatory(login, settings):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"

    answer = login()

    assert (answer.status_code, answer.json()["code"]) == (401, "email_not_verified")


def test_it_replaces_the_session_it_came_with(login, script):
    first = login().cookies[COOKIE].value
    second = login().cookies[COOKIE].value

    assert first != second
    assert not Session.objects.filter(pk=first).exists()


def test_a_failed_login_leaves_the_session_it_came_with(login, script):
    login()

    assert login(password="wrong-horse").status_code == 401

    assert script.get("/api/v1/auth/check-auth").json()["authenticated"] is True


def test_it_never_adopts_a_session_key_that_somebody_planted(owner, login, script):
    planted = APIClient()
    planted.get("/accounts/login/")
    session = planted.session
    session["planted"] = True
    session.save()
    script.cookies[COOKIE] = session.session_key

    assert login().cookies[COOKIE].value != session.session_key

    planted.cookies[COOKIE] = session.session_key
    assert planted.get("/api/v1/auth/check-auth").json()["authenticated"] is False


def test_the_login_page_gives_out_a_new_session_too(owner, client):
    client.get("/accounts/login/")
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies[COOKIE] = session.session_key

    client.post("/accounts/login/", {"login": owner.email, "password": PASSWORD})

    assert client.cookies[COOKIE].value != session.session_key
    assert not Session.objects.filter(pk=session.session_key).exists()


def test_it_is_not_started_by_another_site(login, script):
    script.credentials(HTTP_ORIGIN="https://evil.example")
    assert (login().status_code, login().json()["code"]) == (403, "foreign_origin")

    script.credentials(HTTP_ORIGIN="http://testserver")
    assert login().status_code == 200


def test_it_takes_json_only(owner, script):
    body = f'{{"email":"{owner.email}","password":"{PASSWORD}"}}'

    assert script.post("/api/v1/auth/login", body, content_type="text/plain").status_code == 415
    assert script.post("/api/v1/auth/login", "{", content_type="application/json").status_code == 400
    assert script.post("/api/v1/auth/login", {"email": "x"}).json()["errors"].keys() == {"email", "password"}
