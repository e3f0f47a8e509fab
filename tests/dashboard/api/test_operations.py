"""What the operator can ask: the parts, the database, metrics and troubles; staff alone."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from accounts.services import create_api_key
from brokers.models import ReportBatch
from tests.factories import ConnectionFactory, OrderFactory, SignalFactory
from tradeproject.common import heartbeat

pytestmark = pytest.mark.django_db

PATHS = ["monitoring/system", "monitoring/metrics", "db-health/check", "errors/recent"]


@pytest.fixture
def staff_api(staff):
    client = APIClient()
    client.force_authenticate(staff)
    return client


@pytest.mark.parametrize("path", PATHS)
def test_it_is_for_staff(api, staff_api, staff, path):
    address = f"/api/v1/{path}"
    assert APIClient().get(address).status_code == 401
    assert api.get(address).status_code == 403
    assert staff_api.get(address).status_code == 200
    for scopes, allowed in ((["read"], 403), (["admin"], 200)):
        _, secret = create_api_key(staff, name="k", scopes=scopes)
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Api-Key {secret}")
        assert client.get(address).status_code == allowed


def test_the_system_tells_its_parts(staff_api):
    heartbeat.beat("execution")
    found = staff_api.get("/api/v1/monitoring/system").json()
    (part,) = found["parts"]
    assert (part["name"], part["alive"]) == ("execution", True)
    assert found["cpus"] >= 1
    assert len(found["load"]) == 3


@pytest.mark.parametrize(
    ("name", "age", "alive"),
    [
        ("execution", 7, True),
        ("execution", 9, False),
        ("background", 12, True),  # it is asked every ten seconds
        ("background", 40, False),
        ("streams", None, False),
    ],
)
def test_a_part_is_alive_for_as_long_as_its_own_pace_allows(name, age, alive):
    assert heartbeat.is_alive(name, age) is alive


def test_the_database_tells_its_health(staff_api):
    found = staff_api.get("/api/v1/db-health/check").json()
    assert (found["status"], found["pending_migrations"]) == ("ok", [])
    assert 0 < found["connections"] <= found["max_connections"]
    assert found["size_bytes"] > 0


def test_metrics_are_those_of_the_scraper(staff_api, owner):
    SignalFactory(strategy__user=owner)
    metrics = staff_api.get("/api/v1/monitoring/metrics").json()["metrics"]
    assert {"name": "trade_signals", "labels": {"status": "accepted"}, "value": 1.0} in metrics


def test_recent_troubles_come_from_everywhere_newest_first(staff_api, owner):
    OrderFactory(
        signal__strategy__user=owner, status="denied", deny_code="QUANTITY_ZERO", deny_context={"size": "1"}
    )
    OrderFactory(signal__strategy__user=owner, status="rejected", reject_reason="no margin")
    OrderFactory(signal__strategy__user=owner, status="filled")
    SignalFactory(strategy__user=owner, status="rejected", code="malformed_json", message="It is no JSON.")
    login = ConnectionFactory(user=owner, state="needs_reauthorization", state_reason="Sign in again.")
    ReportBatch.objects.create(connection=login, environment="demo", payload={"items": []}, attempts=3)
    page = staff_api.get("/api/v1/errors/recent").json()
    kinds = [row["kind"] for row in page["results"]]
    assert sorted(kinds) == [
        "connection_needs_reauthorization",
        "order_denied",
        "order_rejected",
        "reports_set_aside",
        "signal_rejected",
    ]
    times = [row["at"] for row in page["results"]]
    assert times == sorted(times, reverse=True)
    told = {row["kind"]: row for row in page["results"]}
    assert "no margin" in told["order_rejected"]["message"]
    assert told["order_denied"]["user"] == owner.email
