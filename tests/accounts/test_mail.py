"""What mails say and link to is ours, whatever Host header asked for them."""

from __future__ import annotations

import re

import pytest
from django.conf import settings as django_settings

from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
EVIL = "evil.example"
HEADLESS = "/_allauth/app/v1"


@pytest.fixture(autouse=True)
def _any_host(settings) -> None:
    """The careless operator's ALLOWED_HOSTS: the attack's best case."""
    settings.ALLOWED_HOSTS = ["*"]
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"


def links(mail) -> list[str]:
    return re.findall(r"https?://\S+", mail.body)


def check(mail) -> None:
    assert EVIL not in mail.subject + mail.body + str(mail.message())
    assert links(mail)
    assert all(link.startswith(django_settings.SITE_URL) for link in links(mail))


def test_a_password_reset_link_cannot_be_poisoned(owner, client, mailoutbox):
    client.post("/accounts/password/reset/", {"email": owner.email}, HTTP_HOST=EVIL)
    client.post(
        f"{HEADLESS}/auth/password/request", {"email": owner.email}, "application/json", HTTP_HOST=EVIL
    )

    assert len(mailoutbox) == 2
    for mail in mailoutbox:
        check(mail)
        assert any("/accounts/password/reset/key/" in link for link in links(mail))


def test_a_reset_changes_the_password_once(owner, client, mailoutbox, login):
    tokens = login().json() if not owner.emailaddress_set.exists() else {}
    client.post("/accounts/password/reset/", {"email": owner.email})
    path = links(mailoutbox[-1])[0].removeprefix(django_settings.SITE_URL)
    form = client.get(path, follow=True).redirect_chain[-1][0]
    new = {"password1": "another-battery-staple", "password2": "another-battery-staple"}

    assert client.post(form, new)["Location"] == "/accounts/password/reset/key/done/"

    owner.refresh_from_db()
    assert owner.check_password("another-battery-staple")
    assert tokens.get("access") is None
    again = client.get(path, follow=True).content.decode()
    assert 'name="password1"' not in again


def test_an_address_nobody_has_is_answered_alike(owner, client, mailoutbox):
    known = client.post("/accounts/password/reset/", {"email": owner.email})
    unknown = client.post("/accounts/password/reset/", {"email": "nobody@example.com"}, HTTP_HOST=EVIL)

    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    check(mailoutbox[-1])


def test_confirmation_and_taken_address_mails_cannot_be_poisoned(owner, client, mailoutbox):
    for email in ("new@example.com", owner.email):
        client.post(
            "/accounts/signup/",
            {"email": email, "password1": PASSWORD, "password2": PASSWORD},
            HTTP_HOST=EVIL,
        )

    assert len(mailoutbox) == 2
    for mail in mailoutbox:
        check(mail)


def test_a_signed_up_user_gets_in_after_opening_the_link(client, mailoutbox):
    client.post(
        "/accounts/signup/", {"email": "new@example.com", "password1": PASSWORD, "password2": PASSWORD}
    )
    body = {"email": "new@example.com", "password": PASSWORD}
    early = client.post("/api/v1/auth/login", body, "application/json")
    assert (early.status_code, early.json()["code"]) == (401, "email_not_verified")

    path = next(link for link in links(mailoutbox[0]) if "confirm-email" in link)
    client.post(path.removeprefix(django_settings.SITE_URL))

    assert client.post("/api/v1/auth/login", body, "application/json").status_code == 200
