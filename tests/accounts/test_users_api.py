"""My profile and settings; everybody's names for staff."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from accounts import selectors
from accounts.models import AuditEntry
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def as_user(user) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.mark.parametrize(
    "path",
    [
        "users",
        "users/current",
        "users/profile",
        "users/settings",
        "user/settings",
        "api-keys",
        "api-keys/0190a0a0-0000-7000-8000-000000000000",
    ],
)
@pytest.mark.parametrize("prefix", ["/api/v1/", "/api/"])
def test_it_is_closed_to_the_anonymous_with_a_slash_and_without(path, prefix):
    for slash in ("", "/"):
        answer = APIClient().get(f"{prefix}{path}{slash}")
        assert answer.status_code == 401
        assert answer.json()["code"] == "not_authenticated"


def test_staff_see_everybody_paginated_and_nobody_else_does(owner, stranger, staff):
    UserFactory.create_batch(3)

    page = as_user(staff).get("/api/v1/users?page_size=2").json()
    assert page["count"] == 6
    assert len(page["results"]) == 2
    assert set(page["results"][0]) == {"id", "email", "name", "timezone", "theme", "is_staff", "date_joined"}
    assert as_user(owner).get("/api/v1/users").status_code == 403


def test_the_profile_changes_but_not_the_address_nor_the_rank(api, owner):
    answer = api.patch(
        "/api/v1/users/profile",
        {
            "name": "Ada",
            "timezone": "Europe/Berlin",
            "theme": "light",
            "email": "x@evil.example",
            "is_staff": True,
        },
    )

    assert answer.json() == {
        "email": "owner@example.com",
        "name": "Ada",
        "timezone": "Europe/Berlin",
        "theme": "light",
    }
    owner.refresh_from_db()
    assert (owner.email, owner.is_staff) == ("owner@example.com", False)
    entry = AuditEntry.objects.get(action="profile_changed")
    assert entry.detail["name"] == ["", "Ada"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("timezone", "Mars/Olympus"), ("timezone", "../../etc/passwd"), ("theme", "pink"), ("name", "x" * 121)],
)
def test_it_refuses_what_is_no_setting(api, field, value):
    answer = api.patch("/api/v1/users/profile", {field: value})

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]


@pytest.mark.parametrize("path", ["/api/v1/users/settings", "/api/user/settings/"])
def test_settings_show_the_webhook_secret_and_rotate_it(api, owner, path):
    before = api.get(path).json()
    assert before["webhook_secret"] == owner.webhook_secret
    assert before["discord_dm_state"] == "not_linked"

    assert api.patch(path, {"webhook_secret": "mine"}).json()["webhook_secret"] == owner.webhook_secret
    after = api.patch(path, {"rotate_webhook_secret": True, "theme": "light"}).json()

    assert after["webhook_secret"] not in {before["webhook_secret"], ""}
    assert after["theme"] == "light"
    entry = AuditEntry.objects.get(action="webhook_secret_rotated")
    assert after["webhook_secret"] not in str(vars(entry))


def test_direct_messages_are_switched(api, owner):
    answer = api.post("/api/v1/user/toggle-discord-dms", {"enabled": False})

    assert answer.json() == {"discord_dms_enabled": False, "discord_dm_state": "not_linked"}
    assert api.get("/api/v1/users/settings").json()["discord_dms_enabled"] is False
    assert api.post("/api/v1/user/toggle-discord-dms", {}).status_code == 400


def test_the_state_of_direct_messages_comes_from_whoever_owns_the_link(api, monkeypatch):
    monkeypatch.setattr(selectors, "_discord_state", [])
    selectors.provide_discord_state(lambda user: f"linked:{user.email}")

    assert api.get("/api/v1/users/settings").json()["discord_dm_state"] == "linked:owner@example.com"


def test_an_unchanged_setting_is_not_recorded(api):
    api.patch("/api/v1/users/profile", {"theme": "dark"})

    assert not AuditEntry.objects.filter(action="profile_changed").exists()
