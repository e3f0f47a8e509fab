"""Keys for scripts: shown once, kept as a digest, never stronger than their maker."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ApiKey, AuditEntry
from accounts.services import MOST_API_KEYS, create_api_key
from tradeproject.common.ids import digest_secret

pytestmark = pytest.mark.django_db
PATH = "/api/v1/api-keys"


def with_key(secret: str) -> APIClient:
    return APIClient(HTTP_AUTHORIZATION=f"Api-Key {secret}", enforce_csrf_checks=True)


def key_for(user, *scopes: str, **kwargs) -> str:
    return create_api_key(user, name="script", scopes=scopes, **kwargs)[1]


def test_a_new_key_is_answered_once_and_works(api, owner):
    made = api.post(PATH, {"name": "laptop", "scopes": ["read", "admin", "read"]})

    body = made.json()
    assert made.status_code == 201
    assert body["key"].startswith("tas_")
    assert body["scopes"] == ["admin", "read"]
    row = ApiKey.objects.get()
    assert row.digest == digest_secret(body["key"])
    assert body["key"] not in str(vars(row))
    assert body["key"] not in api.get(PATH).content.decode()
    assert with_key(body["key"]).get("/api/v1/users/current").json()["email"] == owner.email
    assert "key" not in with_key(body["key"]).get(PATH).json()["results"][0]


def test_its_use_is_remembered(owner):
    secret = key_for(owner, "read")
    with_key(secret).get("/api/v1/users/current")

    assert ApiKey.objects.get().last_used_at is not None


def test_a_revoked_an_expired_and_a_made_up_key_are_refused(api, owner):
    secret = key_for(owner, "read")
    key = ApiKey.objects.get()
    assert api.delete(f"{PATH}/{key.pk}").status_code == 204
    assert with_key(secret).get("/api/v1/users/current").status_code == 401
    assert api.delete(f"{PATH}/{key.pk}/").status_code == 404
    assert api.get(PATH).json()["count"] == 0

    expired = key_for(owner, "read", expires_at=timezone.now() - timedelta(seconds=1))
    assert with_key(expired).get("/api/v1/users/current").status_code == 401
    assert with_key("tas_made-up").get("/api/v1/users/current").status_code == 401
    assert with_key("").get("/api/v1/users/current").status_code == 401


def test_a_deactivated_users_key_is_refused(owner):
    secret = key_for(owner, "read")
    owner.is_active = False
    owner.save()

    assert with_key(secret).get("/api/v1/users/current").status_code == 401


@pytest.mark.parametrize(
    ("scopes", "method", "path", "expected"),
    [
        (["read"], "get", "/api/v1/users/current", 200),
        (["trade"], "get", "/api/v1/users/current", 403),
        (["read"], "patch", "/api/v1/users/profile", 403),
        (["admin"], "patch", "/api/v1/users/profile", 200),
        (["read", "trade"], "get", "/api/v1/users/settings", 403),
        (["admin"], "get", "/api/v1/users/settings", 200),
        (["read", "trade"], "get", PATH, 403),
        (["read", "trade"], "post", PATH, 403),
        (["read", "trade"], "delete", f"{PATH}/x", 403),
    ],
)
def test_it_does_what_its_scopes_say(owner, scopes, method, path, expected):
    client = with_key(key_for(owner, *scopes))

    assert getattr(client, method)(path, {} if method != "get" else None).status_code == expected


def test_a_key_never_makes_a_stronger_one(owner):
    soon = timezone.now() + timedelta(days=1)
    client = with_key(key_for(owner, "read", "admin", expires_at=soon))

    stronger = client.post(PATH, {"name": "x", "scopes": ["trade"]})
    longer = client.post(PATH, {"name": "x", "scopes": ["read"]})
    equal = client.post(PATH, {"name": "x", "scopes": ["read"], "expires_at": soon.isoformat()})

    assert (stronger.status_code, stronger.json()["code"]) == (403, "scope_exceeded")
    assert (longer.status_code, longer.json()["code"]) == (403, "expiry_exceeded")
    assert equal.status_code == 201


def test_another_tenants_keys_do_not_exist(api, stranger_api, owner):
    key_for(owner, "read")
    key = ApiKey.objects.get()

    assert stranger_api.get(PATH).json()["count"] == 0
    assert stranger_api.delete(f"{PATH}/{key.pk}").status_code == 404
    assert stranger_api.delete(f"{PATH}/not-an-id").status_code == 404
    assert api.get(PATH).json()["count"] == 1


@pytest.mark.parametrize(
    "change",
    [
        {"scopes": []},
        {"scopes": ["root"]},
        {"scopes": "read"},
        {"name": ""},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": "soon"},
    ],
)
def test_it_refuses_what_makes_no_key(api, change):
    answer = api.post(PATH, {"name": "x", "scopes": ["read"], **change})

    assert answer.status_code == 400
    assert next(iter(answer.json()["errors"])).startswith(next(iter(change)))


def test_a_user_has_so_many_and_no_more(api, owner):
    for _ in range(MOST_API_KEYS):
        key_for(owner, "read")

    answer = api.post(PATH, {"name": "x", "scopes": ["read"]})
    assert answer.status_code == 400
    assert "Revoke one" in answer.json()["message"]


def test_an_act_by_key_names_the_key(owner):
    secret = key_for(owner, "admin")
    with_key(secret).patch("/api/v1/users/profile", {"name": "Ada"})

    assert AuditEntry.objects.get(action="profile_changed").detail["via"] == f"{secret[:12]}…"


def test_making_and_revoking_are_recorded_without_the_key(api, owner):
    made = api.post(PATH, {"name": "laptop", "scopes": ["read"]}).json()
    api.delete(f"{PATH}/{made['id']}")

    entries = list(AuditEntry.objects.filter(object_type="api_key").order_by("pk"))
    assert [entry.action for entry in entries] == ["api_key_created", "api_key_revoked"]
    assert all(entry.owner_id == owner.pk and entry.object_id == made["id"] for entry in entries)
    assert made["key"] not in "".join(str(vars(entry)) for entry in entries)
