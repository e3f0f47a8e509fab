"""The description of the API: complete, without a warning, and true."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from rest_framework.test import APIClient

from tests.isolation_table import API
from tests.world import make_world

# The contract's paths and methods, as far as they exist.
CONTRACT = {
    "system/csrf-token": "get", "auth/check-auth": "get", "auth/login": "post", "auth/refresh": "post",
    "auth/verify": "post", "auth/logout": "post", "users": "get", "users/current": "get", "users/profile": "get patch",
    "users/settings": "get patch", "user/settings": "get patch", "user/toggle-discord-dms": "post",
    "api-keys": "get post", "api-keys/{id}": "delete", "connections": "get post", "connections/test": "post",
    "connections/{id}": "get patch delete", "connections/{id}/reconnect": "post", "broker-accounts": "get",
    "broker-accounts/{id}": "get patch", "accounts/get-all-at-accounts": "get", "accounts/add-tradovate": "post",
    "accounts/test-tradovate-connection": "post", "strategies": "get post", "strategies/{id}": "get put patch delete",
    "strategies/{id}/positions": "get", "strategies/{id}/analytics": "get", "strategies/{id}/logs": "get",
    "strategies/{id}/rotate-webhook": "post", "strategies/{id}/alert-template": "get", "signals": "get",
    "signals/{id}": "get", "signals/{id}/replay": "post", "orders": "get", "orders/{id}": "get",
    "orders/{id}/cancel": "post", "positions": "get", "positions/flatten": "post", "recorder/start/{id}": "post",
    "recorder/stop/{id}": "post", "recorder/positions/{id}": "get", "dashboard/summary": "get",
    "dashboard/analytics/{id}": "get", "dashboard/pnl": "get", "dashboard/trades": "get", "dashboard/performance": "get",
    "control/status": "get", "control/start": "post", "control/stop": "post", "control/pause": "post",
    "monitoring/system": "get", "monitoring/metrics": "get", "db-health/check": "get", "errors/recent": "get",
}  # fmt: skip


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    out = StringIO()
    call_command("spectacular", "--format", "openapi-json", "--fail-on-warn", "--validate", stdout=out)
    return json.loads(out.getvalue())


def test_it_is_made_without_a_warning_and_valid(schema):
    assert schema["openapi"].startswith("3.1")


def test_it_describes_every_path_of_the_contract_and_nothing_twice(schema):
    described = {
        path.removeprefix("/api/v1/"): " ".join(
            method for method in ("get", "post", "put", "patch", "delete") if method in operations
        )
        for path, operations in schema["paths"].items()
    }
    assert {path: described.get(path) for path in CONTRACT} == {
        path: " ".join(m for m in ("get", "post", "put", "patch", "delete") if m in methods.split())
        for path, methods in CONTRACT.items()
    }
    assert {path.replace("{id}", "{pk}") for path in described} == set(API)


def test_every_operation_has_a_name_of_its_own_words_and_an_area(schema):
    operations = [
        operation
        for path in schema["paths"].values()
        for key, operation in path.items()
        if key != "parameters"
    ]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    assert [operation["operationId"] for operation in operations if not operation.get("tags")] == []
    assert [operation["operationId"] for operation in operations if not operation.get("description")] == []


def test_no_answer_has_a_field_for_a_secret(schema):
    hidden = {"password", "credentials", "client_secret", "tokens", "access_token", "refresh_token"}
    for name, part in schema["components"]["schemas"].items():
        if name.endswith("Request") or "Request" in name:
            continue
        assert set(part.get("properties", {})) & hidden == set(), name


def resolve(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in part:
        part = schema["components"]["schemas"][part["$ref"].rsplit("/", 1)[-1]]
    return part


def differences(schema: dict[str, Any], part: dict[str, Any], value: Any, where: str) -> list[str]:
    """Where an answer is not as it is described: fields missing on either side, or of another type."""
    part = resolve(schema, part)
    for name in ("oneOf", "anyOf", "allOf"):
        if name in part:
            options = [option for option in part[name] if option != {"type": "null"}]
            if value is None:
                return []
            return min((differences(schema, option, value, where) for option in options), key=len)
    kinds = part.get("type")
    if value is None:
        return [] if kinds is None or "null" in kinds or "enum" in part else [f"{where} is null"]
    if isinstance(value, dict):
        fields = part.get("properties")
        if fields is None:
            return []
        wrong = [f"{where}.{name} is not described" for name in set(value) - set(fields)]
        wrong += [f"{where}.{name} is missing" for name in set(part.get("required", [])) - set(value)]
        for name in set(fields) & set(value):
            wrong += differences(schema, fields[name], value[name], f"{where}.{name}")
        return wrong
    if isinstance(value, list):
        return [w for item in value for w in differences(schema, part.get("items", {}), item, f"{where}[]")]
    return [] if _fits(kinds, value) else [f"{where}: {value!r} is no {kinds}"]


def _fits(kinds: Any, value: Any) -> bool:
    known = {"string": str, "integer": int, "number": (int, float), "boolean": bool}
    allowed = [kinds] if isinstance(kinds, str) else kinds or []
    return not allowed or any(isinstance(value, known[kind]) for kind in allowed if kind in known)


@pytest.mark.django_db
def test_answers_are_as_they_are_described(schema, owner, staff):
    world = make_world(owner)
    clients = {False: APIClient(), True: APIClient()}
    clients[False].force_authenticate(owner)
    clients[True].force_authenticate(staff)
    ids = {"strategies": "strategy", "recorder": "strategy", "dashboard": "strategy", "signals": "signal"}
    ids |= {
        "orders": "order",
        "connections": "connection",
        "broker-accounts": "broker_account",
        "drift": "drift",
    }
    wrong = []
    for path, operations in schema["paths"].items():
        if "get" not in operations:
            continue
        relative = path.removeprefix("/api/v1/")
        pk = world.ids[ids.get(relative.split("/")[0], "strategy")]
        is_staff = API[relative.replace("{id}", "{pk}")].kind == "staff"
        answer = clients[is_staff].get(path.replace("{id}", str(pk)))
        assert answer.status_code == 200, path
        described = operations["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        wrong += differences(schema, described, answer.json(), relative)
    # A key's own text is in the answer that makes it, and nowhere else; its description is shared by both.
    wrong = [line for line in wrong if line != "api-keys.results[].key is missing"]
    assert wrong == [], "\n".join(wrong)


@pytest.mark.django_db
def test_it_can_be_read_and_browsed(settings):
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    for address in ("/api/schema/", "/api/schema", "/api/docs/", "/api/docs"):
        assert Client().get(address).status_code == 200
