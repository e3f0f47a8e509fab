"""Changing the e-mail address: only its owner, only once it is confirmed, never without a login name."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal import auth as totp

from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


def test_taking_over_an_address_needs_the_password_again(browser, owner):
    answer = browser.post("/accounts/email/", {"action_add": "", "email": "thief@example.com"})

    assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert not EmailAddress.objects.filter(email="thief@example.com").exists()


def test_an_address_is_changed_once_the_new_one_is_confirmed(client, owner, mailoutbox):
    client.post("/accounts/login/", {"login": owner.email, "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    totp.TOTP.activate(owner, totp.generate_totp_secret())
    client.post("/accounts/email/", {"action_add": "", "email": "new@example.com"})
    assert client.get("/accounts/email/").status_code == 200
    owner.refresh_from_db()
    assert owner.email == "owner@example.com"

    link = re.search(r"http\S+/confirm-email/\S+", mailoutbox[-1].body)[0]
    path = link[link.index("/accounts") :]
    assert client.get(path).status_code == 200
    client.post(path)

    owner.refresh_from_db()
    assert owner.email == "new@example.com"
    assert list(EmailAddress.objects.values_list("email", "verified", "primary")) == [
        ("new@example.com", True, True)
    ]


def test_an_address_that_was_never_confirmed_stays_the_login_until_the_new_one_is(client, mailoutbox, login):
    body = {"email": "demo@example.com", "password1": PASSWORD, "password2": PASSWORD}
    client.post("/accounts/signup/", body)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})

    for address in ("new@example.com", "newer@example.com"):
        client.post("/accounts/email/", {"action_add": "", "email": address})

    assert login(email="demo@example.com").status_code == 200
    assert EmailAddress.objects.filter(email="demo@example.com", verified=True, primary=True).exists()
