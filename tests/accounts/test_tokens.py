"""Access and refresh tokens: what they are good for, and everything they are not."""

from __future__ import annotations

import time

import jwt
import pytest
import time_machine
from allauth.headless.tokens.strategies.jwt import internal
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from rest_framework.test import APIClient

from accounts.models import AuditEntry
from accounts.sign_in import REUSE_GRACE_SECONDS

pytestmark = pytest.mark.django_db


def me(token: str) -> int:
    return APIClient(HTTP_AUTHORIZATION=f"Bearer {token}").get("/api/v1/users/current").status_code


def verify(token: str) -> int:
    return APIClient().post("/api/v1/auth/verify", {"token": token}).status_code


def refresh(token: str, path: str = "/api/v1/auth/refresh"):
    return APIClient().post(path, {"refresh": token})


@pytest.fixture
def tokens(login) -> dict[str, str]:
    return login().json()


def forged(token: str, key: str, algorithm: str, **claims) -> str:
    payload = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode({**payload, **claims}, key, algorithm=algorithm)


def test_an_access_token_is_accepted_and_verified(tokens):
    assert me(tokens["access"]) == 200
    assert verify(tokens["access"]) == verify(tokens["refresh"]) == 200


@pytest.mark.parametrize(
    "kind", ["none", "wrong-secret", "public-info", "tampered", "expired", "garbage", "empty"]
)
def test_a_token_that_is_not_ours_is_refused(tokens, kind):
    good = tokens["access"]
    bad = {
        "none": forged(good, "", "none"),
        "wrong-secret": forged(good, "x" * 64, "HS256"),
        "public-info": forged(good, django_settings.SITE_URL * 4, "HS512"),
        "tampered": good[:-4] + ("AAAA" if good[-4:] != "AAAA" else "BBBB"),
        "expired": forged(good, django_settings.HEADLESS_JWT_PRIVATE_KEY, "HS256", exp=int(time.time()) - 1),
        "garbage": "a.b.c",
        "empty": "x",
    }[kind]

    assert me(bad) == 401
    assert verify(bad) == 401
    assert refresh(bad).status_code == 401


def test_an_access_token_lives_ten_minutes(tokens):
    with time_machine.travel(time.time() + 601, tick=True):
        assert me(tokens["access"]) == 401
        assert verify(tokens["access"]) == 401
        assert refresh(tokens["refresh"]).status_code == 200


def test_the_kinds_are_not_interchangeable(tokens):
    assert me(tokens["refresh"]) == 401
    assert refresh(tokens["access"]).status_code == 401


def test_a_token_names_its_own_user_only(tokens, stranger):
    stolen = forged(tokens["access"], django_settings.HEADLESS_JWT_PRIVATE_KEY, "HS256", sub=str(stranger.pk))

    assert me(stolen) == 401, "the session belongs to somebody else"


@pytest.mark.parametrize("path", ["/api/v1/auth/refresh", "/api/auth/refresh/", "/auth/refresh"])
def test_refreshing_rotates(tokens, path):
    pair = refresh(tokens["refresh"], path)

    assert pair.status_code == 200
    assert me(pair.json()["access"]) == 200
    old = refresh(tokens["refresh"], path)
    assert (old.status_code, old.json()["code"]) == (401, "token_not_valid")
    assert refresh(pair.json()["refresh"], path).status_code == 200


def test_an_old_refresh_token_in_other_hands_ends_the_session(tokens, owner):
    pair = refresh(tokens["refresh"]).json()
    with time_machine.travel(time.time() + REUSE_GRACE_SECONDS + 1, tick=True):
        assert refresh(tokens["refresh"]).status_code == 401

        assert me(pair["access"]) == 401
        assert refresh(pair["refresh"]).status_code == 401
    assert AuditEntry.objects.filter(action="refresh_token_reused", owner=owner).count() == 1


def test_a_refresh_token_outlives_its_day_no_more(tokens):
    with time_machine.travel(time.time() + 86_401, tick=True):
        assert refresh(tokens["refresh"]).status_code == 401


def test_a_password_change_and_a_deactivation_end_every_token(tokens, owner):
    owner.set_password("another-battery-staple")
    owner.save()
    assert me(tokens["access"]) == 401
    assert refresh(tokens["refresh"]).status_code == 401


def test_a_deactivated_user_is_out_at_once(tokens, owner, script):
    owner.is_active = False
    owner.save()

    assert me(tokens["access"]) == 401
    assert refresh(tokens["refresh"]).status_code == 401
    assert script.get("/api/v1/users/current").status_code == 401


def test_a_token_does_not_give_the_session_away(tokens):
    payload = jwt.decode(tokens["access"], options={"verify_signature": False})

    assert not Session.objects.filter(pk=payload["sid"]).exists()
    assert Session.objects.filter(pk=internal.session_key_from_sid(payload["sid"])).exists()
