"""Which acts around a login leave a trace."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator

from accounts.models import AuditEntry
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
NEW = "another-battery-staple"


def actions(**filters) -> list[str]:
    return list(AuditEntry.objects.filter(**filters).order_by("pk").values_list("action", flat=True))


def test_a_login_by_api_and_by_page_with_its_methods(login, client, owner):
    login()
    client.post("/accounts/login/", {"login": owner.email, "password": PASSWORD})

    entries = AuditEntry.objects.filter(action="login", actor=owner)
    assert [entry.detail["methods"] for entry in entries] == [["password"], ["password"]]
    assert all(entry.address == "127.0.0.1" for entry in entries)


def test_a_second_factor_is_named(login, second_factor):
    login(code=second_factor.code())

    assert AuditEntry.objects.get(action="login").detail["methods"] == ["password", "totp"]


def test_a_failed_login_of_a_user_and_of_nobody(login, owner):
    login(password="wrong-horse")
    login(email="nobody@example.com")

    known, unknown = AuditEntry.objects.filter(action="login_failed").order_by("pk")
    assert (known.actor, known.owner, known.actor_email) == (None, owner, owner.email)
    assert (unknown.actor, unknown.owner, unknown.actor_email) == (None, None, "nobody@example.com")
    assert "wrong-horse" not in str(vars(known))


def test_a_logout_by_page(browser, owner):
    browser.post("/accounts/logout/")

    assert actions(owner=owner) == ["logout"]


def test_a_sign_up(client):
    client.post("/accounts/signup/", {"email": "new@example.com", "password1": NEW, "password2": NEW})

    assert actions(actor_email="new@example.com") == ["signup", "login"]


def test_a_password_change_keeps_this_session_and_ends_the_others(login, browser, owner):
    other = login().json()["access"]
    browser.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})

    assert "password_changed" in actions(owner=owner)
    assert browser.get("/api/v1/auth/check-auth").json()["authenticated"] is True
    assert browser.post("/api/v1/auth/verify", {"token": other}, "application/json").status_code == 401


def test_second_factors_made_and_removed(browser, owner, django_capture_on_commit_callbacks, second_factor):
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    for page in ("recovery-codes/generate", "totp/deactivate"):
        with django_capture_on_commit_callbacks(execute=True):
            browser.post(f"/accounts/2fa/{page}/")

    assert actions(owner=owner, object_type="authenticator") == ["mfa_reset", "mfa_removed", "mfa_removed"]
    assert not Authenticator.objects.filter(user=owner).exists()
