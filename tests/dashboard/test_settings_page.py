"""Profile, look and the generic webhook's secret."""

from __future__ import annotations

import pytest

from accounts.models import AuditEntry

pytestmark = pytest.mark.django_db


def test_it_changes_the_profile(browser, owner):
    answer = browser.post("/user/settings", {"name": "Ada", "timezone": "America/New_York", "theme": "light"})
    assert answer.status_code == 302
    owner.refresh_from_db()
    assert (owner.name, owner.timezone, owner.theme) == ("Ada", "America/New_York", "light")
    assert 'data-bs-theme="light"' in browser.get("/user/settings").content.decode()


def test_it_keeps_what_was_typed_when_something_is_wrong(browser, owner):
    answer = browser.post("/user/settings", {"name": "Ada", "timezone": "Mars/Base", "theme": "dark"})
    assert answer.status_code == 400
    html = answer.content.decode()
    assert 'value="Ada"' in html
    assert "Mars/Base is not one of the available choices" in html
    owner.refresh_from_db()
    assert owner.timezone == "UTC"


def test_it_remembers_the_look(browser, owner):
    assert browser.post("/user/theme", {"theme": "light"}).status_code == 204
    owner.refresh_from_db()
    assert owner.theme == "light"
    assert browser.post("/user/theme", {"theme": "neon"}).status_code == 404


def test_it_makes_a_new_webhook_secret(browser, owner):
    before = owner.webhook_secret
    browser.post("/user/settings/webhook-secret")
    owner.refresh_from_db()
    assert owner.webhook_secret != before
    assert AuditEntry.objects.filter(action="webhook_secret_rotated", owner=owner).exists()


def test_it_shows_the_secret_to_its_owner_only_behind_a_mask(browser, owner):
    html = browser.get("/user/settings").content.decode()
    assert html.count(owner.webhook_secret) == 1
    assert f'data-secret="{owner.webhook_secret}"' in html
