"""A second factor cannot be walked around, by any door."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.conf import settings as django_settings
from rest_framework.test import APIClient

from accounts.models import AuditEntry
from accounts.second_factor import SingleUseTOTP
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
COOKIE = django_settings.SESSION_COOKIE_NAME
HEADLESS = "/_allauth/app/v1"


def test_the_password_alone_is_not_enough(login, script, second_factor):
    answer = login()

    assert (answer.status_code, answer.json()["code"]) == (401, "mfa_required")
    assert COOKIE not in answer.cookies
    assert "access" not in answer.json()
    assert script.get("/api/v1/auth/check-auth").json() == {"authenticated": False, "user": None}


def test_a_code_opens_the_door_once(login, second_factor):
    code = second_factor.code()

    assert login(code=code).status_code == 200
    replayed = login(APIClient(), code=code)
    assert (replayed.status_code, replayed.json()["code"]) == (401, "invalid_code")


def test_a_used_code_stays_used_when_the_cache_is_lost_and_while_clock_drift_is_allowed(
    login, second_factor, settings
):
    code = second_factor.code(step=1)
    assert login(code=code).status_code == 200
    settings.CACHES = {"default": {**settings.CACHES["default"], "KEY_PREFIX": "lost"}}

    assert login(APIClient(), code=code).status_code == 401
    assert login(APIClient(), code=second_factor.code()).status_code == 401, (
        "an older code must not work either"
    )


def test_the_library_asks_our_class_everywhere(owner, second_factor):
    authenticator = Authenticator.objects.get(user=owner, type=Authenticator.Type.TOTP)

    assert isinstance(authenticator.wrap(), SingleUseTOTP)
    assert second_factor.secret not in str(authenticator.data)


def test_one_step_of_clock_drift_is_allowed_and_no_more(login, second_factor):
    assert login(code=second_factor.code(step=-2)).status_code == 401
    assert login(code=second_factor.code(step=2)).status_code == 401
    assert login(code=second_factor.code(step=-1)).status_code == 200


def test_a_recovery_code_works_once(login, second_factor):
    code = second_factor.recovery_codes[0]

    assert login(code=code).status_code == 200
    assert login(APIClient(), code=code).json()["code"] == "invalid_code"
    assert login(APIClient(), code=second_factor.recovery_codes[1]).status_code == 200


def test_a_wrong_code_is_refused_and_recorded(login, owner, second_factor):
    answer = login(code="000000" if second_factor.code() != "000000" else "000001")

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_code")
    assert AuditEntry.objects.filter(action="mfa_failed", owner=owner).exists()


def test_a_code_is_not_asked_for_before_the_password_is_right(login, second_factor):
    assert login(password="wrong-horse").json()["code"] == "invalid_credentials"
    assert login(password="wrong-horse", code=second_factor.code()).json()["code"] == "invalid_credentials"


def test_the_headless_endpoints_enforce_it(owner, client, second_factor):
    answer = client.post(
        f"{HEADLESS}/auth/login",
        {"email": owner.email, "password": PASSWORD},
        content_type="application/json",
    )
    body = answer.json()
    assert answer.status_code == 401
    assert "access_token" not in body["meta"]

    half = APIClient(HTTP_X_SESSION_TOKEN=body["meta"]["session_token"])
    assert half.get(f"{HEADLESS}/auth/session").status_code == 401
    done = half.post(f"{HEADLESS}/auth/2fa/authenticate", {"code": second_factor.code()})
    assert done.status_code == 200
    assert done.json()["meta"]["access_token"]


def test_half_a_login_is_worth_nothing_as_a_cookie_or_bearer(owner, client, second_factor):
    answer = client.post(
        f"{HEADLESS}/auth/login",
        {"email": owner.email, "password": PASSWORD},
        content_type="application/json",
    )
    token = answer.json()["meta"]["session_token"]

    by_cookie = APIClient()
    by_cookie.cookies[COOKIE] = token
    assert by_cookie.get("/api/v1/users/current").status_code == 401
    by_bearer = APIClient(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert by_bearer.get("/api/v1/users/current").status_code == 401


def test_the_login_page_asks_for_it(owner, client, second_factor):
    answer = client.post("/accounts/login/", {"login": owner.email, "password": PASSWORD})

    assert answer["Location"] == "/accounts/2fa/authenticate/"
    assert client.get("/api/v1/auth/check-auth").json()["authenticated"] is False
    done = client.post("/accounts/2fa/authenticate/", {"code": second_factor.code()})
    assert done["Location"] == django_settings.LOGIN_REDIRECT_URL
    assert client.get("/api/v1/auth/check-auth").json()["authenticated"] is True


def test_the_admin_has_no_login_of_its_own(staff, client):
    totp.TOTP.activate(staff, totp.generate_totp_secret())

    answer = client.post("/admin/login/", {"username": staff.email, "password": PASSWORD})

    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")
    assert client.get("/api/v1/auth/check-auth").json()["authenticated"] is False


def test_nor_can_one_of_the_staff_become_another_there(staff, client):
    colleague = UserFactory(email="colleague@example.com", is_staff=True)
    client.force_login(colleague, backend="allauth.account.auth_backends.AuthenticationBackend")

    answer = client.post("/admin/login/", {"username": staff.email, "password": PASSWORD})

    assert answer["Location"] == "/admin/"
    assert client.get("/api/v1/users/current").json()["email"] == colleague.email


def test_the_admin_turns_other_users_away(browser, client):
    assert browser.get("/admin/login/").status_code == 403
    assert client.get("/admin/")["Location"].startswith("/admin/login/")
    assert client.get("/admin/login/?next=/admin/x/")["Location"] == "/accounts/login/?next=/admin/x/"


def test_a_password_reset_does_not_get_past_it(owner, client, second_factor, mailoutbox):
    client.post("/accounts/password/reset/", {"email": owner.email})
    link = next(line for line in mailoutbox[0].body.splitlines() if "/password/reset/key/" in line)
    form = client.get(urlsplit(link).path, follow=True)
    client.post(
        form.redirect_chain[-1][0],
        {"password1": "another-battery-staple", "password2": "another-battery-staple"},
    )

    assert client.get("/api/v1/auth/check-auth").json()["authenticated"] is False
    owner.refresh_from_db()
    assert owner.check_password("another-battery-staple")
    again = client.post("/accounts/login/", {"login": owner.email, "password": "another-battery-staple"})
    assert again["Location"] == "/accounts/2fa/authenticate/"
