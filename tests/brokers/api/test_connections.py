"""Broker logins over the API: made, shown, edited, renewed, forgotten; never their secrets."""

from __future__ import annotations

import pytest

from accounts.models import AuditEntry
from brokers.models import BrokerAccount, BrokerConnection
from tests.brokers.api.venue import PASSWORD, account
from tests.factories import BrokerAccountFactory, ConnectionFactory

pytestmark = pytest.mark.django_db

URL = "/api/v1/connections"
FIELDS = {
    "id", "broker", "environment", "label", "state", "state_reason", "token_expires_at", "last_used_at", "accounts",
}  # fmt: skip
ACCOUNT_FIELDS = {
    "id", "connection", "broker", "environment", "external_id", "name", "label", "currency", "balance", "equity",
    "enabled", "multiplier", "max_contracts", "state", "last_synced_at",
}  # fmt: skip
SECRETS = (PASSWORD, "venue-token", "very-secret")


def body(**changes) -> dict:
    credentials = {"username": "trader", "password": PASSWORD, "client_secret": "very-secret"}
    return {"broker": "tradovate", "environment": "demo", "credentials": credentials, **changes}


def assert_no_secret(answer) -> None:
    assert [secret for secret in SECRETS if secret in answer.content.decode()] == []


def test_a_login_comes_back_with_its_accounts_and_without_its_secrets(api, venue, owner):
    answer = api.post(URL, body(label="Prop firm"))

    assert answer.status_code == 201
    made = answer.json()
    assert set(made) >= FIELDS
    assert (made["state"], made["label"], made["environment"]) == ("connected", "Prop firm", "demo")
    assert [(row["external_id"], row["currency"]) for row in made["accounts"]] == [
        ("33001", "USD"),
        ("33002", "EUR"),
    ]
    assert set(made["accounts"][0]) >= ACCOUNT_FIELDS
    assert "credentials" not in made
    assert_no_secret(answer)
    stored = BrokerConnection.objects.get()
    assert stored.user == owner
    assert "password" not in stored.credentials
    entry = AuditEntry.objects.get(action="connection_added")
    assert (entry.owner, entry.detail["accounts"]) == (owner, 2)


def test_the_password_is_kept_only_for_unattended_logins(api, venue):
    credentials = {"username": "trader", "password": PASSWORD, "unattended": "true"}
    assert_no_secret(api.post(URL, body(credentials=credentials)))
    assert BrokerConnection.objects.get().credentials["password"] == PASSWORD


def test_a_live_login_brings_its_demo_accounts(api, venue):
    made = api.post(URL, body(environment="live")).json()
    assert sorted((row["environment"], row["external_id"]) for row in made["accounts"]) == [
        ("demo", "33001"),
        ("demo", "33002"),
        ("live", "33009"),
    ]


def test_the_same_login_again_is_renewed_and_not_doubled(api, venue):
    first = api.post(URL, body()).json()
    venue.accounts["demo"].append(account(3))
    second = api.post(URL, body()).json()
    assert second["id"] == first["id"]
    assert len(second["accounts"]) == 3


def test_testing_stores_nothing(api, venue):
    answer = api.post(f"{URL}/test", body())
    assert answer.status_code == 200
    assert answer.json()["success"] is True
    assert [row["external_id"] for row in answer.json()["accounts"]] == ["33001", "33002"]
    assert_no_secret(answer)
    assert not BrokerConnection.objects.exists()


def test_lists_and_details_show_the_same_and_no_secret(api, venue):
    made = api.post(URL, body()).json()
    page = api.get(f"{URL}/")
    assert page.json()["results"] == [made] == [api.get(f"{URL}/{made['id']}/").json()]
    assert_no_secret(page)


def test_it_is_renamed_and_switched_off_and_on(api, venue):
    made = api.post(URL, body()).json()
    address = f"{URL}/{made['id']}"
    assert api.patch(address, {"label": "Mine"}).json()["label"] == "Mine"
    off = api.patch(address, {"enabled": False}).json()
    assert (off["state"], off["state_reason"]) == ("disabled", "Switched off by its owner.")
    assert api.patch(address, {"enabled": True}).json()["state"] == "connected"
    edits = AuditEntry.objects.filter(action="connection_edited").order_by("id")
    assert [sorted(set(entry.detail) & {"label", "enabled"}) for entry in edits] == [
        ["label"],
        ["enabled", "label"],
        ["enabled", "label"],
    ]


def test_what_is_not_its_owners_to_set_is_passed_over(api, venue, stranger):
    made = api.post(URL, body(user=str(stranger.pk))).json()
    api.patch(
        f"{URL}/{made['id']}", {"user": str(stranger.pk), "state": "error", "tokens": {}, "broker": "x"}
    )
    stored = BrokerConnection.objects.get()
    assert (stored.user.email, stored.state, stored.broker) == ("owner@example.com", "connected", "tradovate")


def test_forgetting_takes_the_secrets_and_leaves_the_history(api, venue):
    made = api.post(URL, body()).json()
    assert api.delete(f"{URL}/{made['id']}").status_code == 204
    stored = BrokerConnection.objects.get()
    assert (stored.credentials, stored.tokens) == ({}, None)
    assert api.get(f"{URL}/{made['id']}").status_code == 404
    assert api.get(URL).json()["count"] == 0
    assert api.get("/api/v1/broker-accounts").json()["count"] == 0
    assert BrokerAccount.objects.count() == 2
    assert AuditEntry.objects.filter(action="connection_removed").exists()


def test_reconnecting_renews_the_token_or_takes_new_credentials(api, venue):
    made = api.post(URL, body()).json()
    address = f"{URL}/{made['id']}/reconnect"
    BrokerConnection.objects.update(state="error", token_expires_at=None)
    assert api.post(address).json()["state"] == "connected"
    answer = api.post(address, {"credentials": {"password": PASSWORD}})
    assert (answer.status_code, answer.json()["state"]) == (200, "connected")
    assert_no_secret(answer)


def test_a_reconnection_that_fails_says_what_to_do(api, venue, owner):
    connection = ConnectionFactory(user=owner, credentials={"username": "trader"}, tokens=None)
    answer = api.post(f"{URL}/{connection.pk}/reconnect", {})
    assert (answer.status_code, answer.json()["code"]) == (400, "auth_revoked")
    assert "Accounts page" in answer.json()["message"]


def test_the_list_costs_the_same_for_many(api, owner, django_assert_max_num_queries):
    for _ in range(6):
        BrokerAccountFactory.create_batch(3, connection=ConnectionFactory(user=owner))
    with django_assert_max_num_queries(4):
        assert api.get(URL).json()["count"] == 6
    with django_assert_max_num_queries(3):
        assert len(api.get("/api/v1/accounts/get-all-at-accounts").json()["accounts"]) == 18
