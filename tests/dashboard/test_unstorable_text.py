"""Text that the database cannot keep is a bad request on every page."""

from __future__ import annotations

import pytest

from strategies.models import ControlState

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "page", ["/user/orders?status=%00", "/user/signals?status=a%00b", "/user/dashboard?from=%00"]
)
def test_in_a_query(browser, page):
    browser.raise_request_exception = False
    answer = browser.get(page)
    assert answer.status_code == 400
    assert "Content-Security-Policy" in answer.headers


def test_in_a_form(browser):
    browser.raise_request_exception = False
    answer = browser.post("/user/control", {"scope": "user", "state": "halted", "reason": "a\x00b"})
    assert answer.status_code == 400
    assert not ControlState.objects.exists()


def test_in_a_logins_label(browser, small_desk):
    browser.raise_request_exception = False
    login = small_desk.accounts[0].connection
    answer = browser.post(f"/user/accounts/login/{login.pk}/edit", {"label": "\x00"})
    assert answer.status_code == 400
    before = login.label
    login.refresh_from_db()
    assert login.label == before


def test_the_api_names_the_field_itself(api):
    answer = api.post("/api/v1/control/pause", {"scope": "user", "reason": "a\x00b"})
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["reason"]


def test_the_sign_in_librarys_api_takes_no_endless_nesting(client):
    client.raise_request_exception = False
    answer = client.post("/_allauth/app/v1/auth/login", "[" * 100_000, content_type="application/json")
    assert answer.status_code == 400
