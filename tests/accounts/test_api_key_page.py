"""The page for API keys."""

from __future__ import annotations

import re

import pytest

from accounts.models import ApiKey

pytestmark = pytest.mark.django_db


def test_a_key_is_made_shown_once_and_revoked(browser, stranger, client):
    html = browser.post(
        "/accounts/api-keys/", {"name": "laptop", "scopes": ["read"], "days": "90"}
    ).content.decode()
    secret = re.search(r"tas_[\w-]{30,}", html)[0]
    assert secret not in browser.get("/accounts/api-keys/").content.decode()
    key = ApiKey.objects.get()
    assert key.expires_at is not None

    client.force_login(stranger, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.post(f"/accounts/api-keys/{key.pk}/revoke/").status_code == 404
    assert client.post("/accounts/api-keys/nonsense/revoke/").status_code == 404
    browser.post(f"/accounts/api-keys/{key.pk}/revoke/")
    assert not ApiKey.objects.usable().exists()
    assert "API key revoked" in browser.get("/accounts/activity/").content.decode()


def test_a_form_that_is_not_right_makes_no_key(browser):
    for change in ({"name": ""}, {"scopes": []}, {"scopes": ["root"]}, {"days": "9999"}):
        body = {"name": "x", "scopes": ["read"], "days": "90", **change}
        assert browser.post("/accounts/api-keys/", body).status_code == 400
    assert not ApiKey.objects.exists()
