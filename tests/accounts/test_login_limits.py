"""Guessing passwords and codes is slow, and locks nobody out of their own home."""

from __future__ import annotations

import pytest
from allauth.usersessions.models import UserSession
from rest_framework.test import APIClient

from accounts.selectors import FAILURES_PER_ADDRESS, FAILURES_PER_LOGIN, is_login_blocked
from accounts.services import record_audit
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


def guess(email: str, password: str = "wrong-horse", address: str = "198.51.100.7") -> APIClient:
    return APIClient(REMOTE_ADDR=address).post("/api/v1/auth/login", {"email": email, "password": password})


def test_it_stops_a_guesser_even_with_the_right_password(owner):
    codes = [guess(owner.email).status_code for _ in range(FAILURES_PER_ADDRESS + 1)]

    assert codes[:FAILURES_PER_ADDRESS] == [401] * FAILURES_PER_ADDRESS
    assert codes[-1] == 429
    refused = guess(owner.email, PASSWORD)
    assert refused.status_code == 429
    assert refused.json()["code"] == "throttled"
    assert int(refused["Retry-After"]) > 0


def test_it_does_not_lock_the_owner_out_elsewhere(owner):
    for _ in range(FAILURES_PER_ADDRESS + 1):
        guess(owner.email)

    assert guess(owner.email, PASSWORD, address="203.0.113.9").status_code == 200


def test_it_outlives_a_lost_redis(owner, settings):
    for _ in range(FAILURES_PER_ADDRESS):
        guess(owner.email)
    settings.CACHES = {"default": {**settings.CACHES["default"], "KEY_PREFIX": "after-the-loss"}}

    assert guess(owner.email, PASSWORD).status_code == 429
    assert guess(owner.email, PASSWORD, address="203.0.113.9").status_code == 200


def test_it_stops_many_addresses_together_but_not_a_known_one(owner):
    for _ in range(FAILURES_PER_LOGIN):
        record_audit("login_failed", actor=None, actor_email=owner.email)
    UserSession.objects.create(user=owner, ip="203.0.113.9", session_key="k" * 32, user_agent="")

    assert is_login_blocked(owner.email, "198.51.100.8")
    assert not is_login_blocked(owner.email, "203.0.113.9")


def test_a_password_reset_starts_the_count_afresh(owner):
    for _ in range(FAILURES_PER_ADDRESS):
        guess(owner.email)
    assert is_login_blocked(owner.email, "198.51.100.7")

    record_audit("password_reset", actor=owner)

    assert not is_login_blocked(owner.email, "198.51.100.7")


def test_it_counts_the_pages_and_the_headless_endpoints_into_the_same_limit(owner, client):
    for _ in range(FAILURES_PER_ADDRESS):
        client.post("/accounts/login/", {"login": owner.email, "password": "wrong-horse"})

    headless = client.post(
        "/_allauth/app/v1/auth/login",
        {"email": owner.email, "password": PASSWORD},
        content_type="application/json",
    )
    api = guess(owner.email, PASSWORD, address="127.0.0.1")
    assert headless.status_code == 400
    assert headless.json()["errors"][0]["code"] == "too_many_login_attempts"
    assert api.status_code == 429


def test_a_forged_forwarding_header_does_not_start_a_new_count(owner):
    codes = [
        APIClient(HTTP_X_FORWARDED_FOR=f"192.0.2.{n}")
        .post("/api/v1/auth/login", {"email": owner.email, "password": "wrong-horse"})
        .status_code
        for n in range(FAILURES_PER_ADDRESS + 1)
    ]

    assert codes[-1] == 429


def test_it_limits_guessing_the_second_factor(login, second_factor):
    codes = [login(code=f"{n:06}").status_code for n in range(FAILURES_PER_ADDRESS + 1)]

    assert codes[0] == 401
    assert codes[-1] == 429
    assert login(code=second_factor.code()).status_code == 429
