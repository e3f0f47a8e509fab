"""Accounts: shown, switched, sized, named."""

from __future__ import annotations

from decimal import Decimal

import pytest
from rest_framework.test import APIClient

from accounts.models import AuditEntry
from accounts.services import create_api_key
from tests.factories import BrokerAccountFactory, ConnectionFactory
from tradeproject.common.models import DomainEvent

pytestmark = pytest.mark.django_db

URL = "/api/v1/broker-accounts"


@pytest.fixture
def account(owner):
    return BrokerAccountFactory(connection=ConnectionFactory(user=owner), balance=Decimal("50000.5000"))


def test_it_is_shown_with_plain_numbers(api, account):
    shown = api.get(f"{URL}/{account.pk}").json()
    assert (shown["balance"], shown["multiplier"], shown["max_contracts"]) == ("50000.5", "1", None)
    assert api.get(f"{URL}/").json()["results"] == [shown]
    assert api.get("/api/v1/accounts/get-all-at-accounts/").json() == {"accounts": [shown]}


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"enabled": False}, False),
        ({"multiplier": "0.5"}, "0.5"),
        ({"multiplier": 0}, "0"),
        ({"max_contracts": "3"}, "3"),
        ({"max_contracts": 0}, "0"),
        ({"max_contracts": None}, None),
        ({"label": "Funded"}, "Funded"),
        ({"label": ""}, ""),
    ],
)
def test_it_is_edited(api, account, change, shown):
    (name,) = change
    assert api.patch(f"{URL}/{account.pk}", change).json()[name] == shown


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"multiplier": "-1"}, "multiplier"),
        ({"multiplier": None}, "multiplier"),
        ({"multiplier": "NaN"}, "multiplier"),
        ({"max_contracts": "x"}, "max_contracts"),
        ({"max_contracts": "1e30"}, "max_contracts"),
        ({"enabled": "maybe"}, "enabled"),
        ({"label": "x" * 81}, "label"),
    ],
)
def test_what_is_not_right_is_named(api, account, change, field):
    answer = api.patch(f"{URL}/{account.pk}", change)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


def test_the_venues_facts_are_not_anybodys_to_edit(api, account, stranger):
    facts = {
        "external_id": "1",
        "balance": "9",
        "user": str(stranger.pk),
        "connection": "x",
        "state": "closed",
    }
    shown = api.patch(f"{URL}/{account.pk}", facts).json()
    assert (shown["external_id"], shown["balance"], shown["state"]) == (
        account.external_id,
        "50000.5",
        "ready",
    )


def test_an_edit_is_told_of_and_written_down_with_before_and_after(api, account):
    api.patch(f"{URL}/{account.pk}", {"max_contracts": "3", "multiplier": "1"})
    assert AuditEntry.objects.get(action="broker_account_edited").detail == {"max_contracts": [None, "3"]}
    assert DomainEvent.objects.filter(type="connection.accounts").count() == 1


def test_an_account_that_left_its_login_is_gone(api, account):
    type(account).objects.update(state="missing")
    assert api.get(f"{URL}/{account.pk}").status_code == 404
    assert api.get(URL).json()["count"] == 0


@pytest.mark.parametrize(("scopes", "read", "write"), [(["read"], 200, 403), (["read", "admin"], 200, 200)])
def test_a_key_needs_the_scope_for_broker_logins(owner, account, scopes, read, write):
    _, secret = create_api_key(owner, name="k", scopes=scopes)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Api-Key {secret}")
    assert client.get(f"{URL}/{account.pk}").status_code == read
    assert client.patch(f"{URL}/{account.pk}", {"label": "x"}).status_code == write
    assert client.delete(f"/api/v1/connections/{account.connection_id}").status_code == (
        403 if write == 403 else 204
    )
