"""Every page around a login answers, in the product's look, without inline code."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp

from accounts.templatetags.account_ui import plain_detail
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db

SIGNED_OUT = [
    "login/",
    "signup/",
    "password/reset/",
    "password/reset/done/",
    "password/reset/key/done/",
    "password/reset/key/1-set-password/",
    "inactive/",
    "confirm-email/",
    "confirm-email/not-a-key/",
]
SIGNED_IN = [
    "logout/",
    "email/",
    "password/change/",
    "reauthenticate/",
    "sessions/",
    "api-keys/",
    "activity/",
    "2fa/",
    "2fa/webauthn/",
    "2fa/webauthn/add/",
    "2fa/totp/activate/",
]
WITH_FACTOR = [
    "2fa/totp/deactivate/",
    "2fa/recovery-codes/",
    "2fa/recovery-codes/generate/",
    "2fa/reauthenticate/",
]
INLINE = [
    re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")", re.I),
    re.compile(r"\sstyle=", re.I),
    re.compile(r"<style", re.I),
    re.compile(r"\son[a-z]+=\"", re.I),
    re.compile(r"javascript:", re.I),
]


def check(answer, product_class: str = "btn") -> str:
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "script-src 'self';" in answer["Content-Security-Policy"]
    assert answer["Cache-Control"] == "no-store" or "no-store" in answer["Cache-Control"]
    assert re.search(r"<title>\s*\S", html)
    for pattern in INLINE:
        assert not pattern.search(html), pattern.pattern
    return html


@pytest.fixture
def fresh(browser):
    """Signed in, and the password given again just now."""
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return browser


@pytest.mark.parametrize("path", SIGNED_OUT)
def test_a_signed_out_page(client, path):
    check(client.get(f"/accounts/{path}"))


@pytest.mark.parametrize("path", SIGNED_IN)
def test_a_page_of_ones_own_login(fresh, path):
    check(fresh.get(f"/accounts/{path}"))


@pytest.mark.parametrize("path", WITH_FACTOR)
def test_a_page_of_a_second_factor(fresh, second_factor, path):
    check(fresh.get(f"/accounts/{path}"))


@pytest.mark.parametrize("path", [path for path in SIGNED_IN + WITH_FACTOR if path != "logout/"])
def test_it_sends_the_signed_out_to_the_login_page(client, path):
    answer = client.get(f"/accounts/{path}")

    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")


def test_fields_have_labels_and_errors_are_read_out(client):
    html = client.post("/accounts/login/", {"login": "x", "password": ""}).content.decode()

    for name in ("login", "password"):
        assert f'for="id_{name}"' in html
    assert html.count('role="alert"') >= 2
    assert "is-invalid" in html


def test_an_authenticator_app_is_set_up_and_gives_recovery_codes(fresh, owner):
    html = check(fresh.get("/accounts/2fa/totp/activate/"))
    assert 'src="data:image/svg+xml;base64,' in html
    secret = fresh.session["mfa.totp.secret"]
    code = totp.format_hotp_value(totp.hotp_value(secret, list(totp.yield_hotp_counters_from_time())[1]))

    answer = fresh.post("/accounts/2fa/totp/activate/", {"code": code})

    assert answer["Location"] == "/accounts/2fa/recovery-codes/"
    assert Authenticator.objects.filter(user=owner).count() == 2
    codes = Authenticator.objects.get(user=owner, type="recovery_codes").wrap().get_unused_codes()
    assert ">" + "\n".join(codes) + "</textarea>" in check(fresh.get("/accounts/2fa/recovery-codes/"))
    download = fresh.get("/accounts/2fa/recovery-codes/download/")
    assert "attachment" in download["Content-Disposition"]
    assert download.content.decode().split() == codes


@pytest.mark.parametrize("page", ["done/", "key/done/"])
def test_a_password_reset_leads_back_to_signing_in(client, page):
    assert 'href="/accounts/login/"' in check(client.get(f"/accounts/password/reset/{page}"))


def test_activity_is_told_in_words():
    detail = {"position_size": "2", "active": True, "allocations": [{"multiplier": "1"}] * 3, "label": ""}
    assert plain_detail(detail) == "position size: 2; active: yes; allocations: 3"


def test_sessions_are_listed_and_the_others_ended(login, client, owner):
    other = login().json()["access"]
    client.post("/accounts/login/", {"login": owner.email, "password": PASSWORD}, HTTP_USER_AGENT="Browser/1")

    html = check(client.get("/accounts/sessions/"))
    assert "Browser/1" in html
    client.post("/accounts/sessions/")

    assert client.post("/auth/verify", {"token": other}, "application/json").status_code == 401
    assert client.get("/api/v1/auth/check-auth").json()["authenticated"] is True


def test_nobody_signs_up_where_that_is_closed(client, settings):
    settings.SIGNUP_OPEN = False

    assert "closed" in check(client.get("/accounts/signup/"))
    client.post(
        "/accounts/signup/", {"email": "new@example.com", "password1": PASSWORD, "password2": PASSWORD}
    )
    assert not EmailAddress.objects.exists()
