"""Which accounts follow a strategy, and how large; only the owner's own."""

from __future__ import annotations

import pytest

from strategies.models import Allocation
from strategies.services import set_allocations
from tests.factories import BrokerAccountFactory, ConnectionFactory, StrategyFactory

pytestmark = pytest.mark.django_db

URL = "/api/v1/strategies"


@pytest.fixture
def accounts(owner) -> list:
    login = ConnectionFactory(user=owner)
    return [BrokerAccountFactory(connection=login) for _ in range(3)]


def item(account, **terms) -> dict:
    return {"broker_account": str(account.pk), **terms}


def test_the_list_is_replaced_and_what_stays_keeps_its_row(api, owner, accounts):
    strategy = StrategyFactory(user=owner)
    first, second, third = accounts
    address = f"{URL}/{strategy.pk}"
    api.patch(address, {"allocations": [item(first), item(second, multiplier="2")]})
    kept = Allocation.objects.get(broker_account=second)

    answer = api.patch(address, {"allocations": [item(second, enabled=False), item(third)]}).json()

    assert {row["broker_account"]: (row["multiplier"], row["enabled"]) for row in answer["allocations"]} == {
        str(second.pk): ("2", False),
        str(third.pk): ("1", True),
    }
    assert Allocation.objects.get(broker_account=second).pk == kept.pk
    assert not Allocation.objects.filter(broker_account=first).exists()


@pytest.mark.parametrize("broken", ["foreign", "unknown", "nonsense", "removed"])
def test_an_account_that_is_not_ones_own_does_not_exist(api, owner, accounts, stranger, broken):
    foreign = BrokerAccountFactory(connection=ConnectionFactory(user=stranger))
    removed = BrokerAccountFactory(connection=accounts[0].connection, state="missing")
    value = {
        "foreign": str(foreign.pk),
        "unknown": "0190a0a0-0000-7000-8000-000000000000",
        "nonsense": "x",
        "removed": str(removed.pk),
    }[broken]
    answers = [
        api.post(URL, {"name": "S", "symbol": "M", "allocations": [{"broker_account": value}]}),
        api.post(URL, {"name": "S", "symbol": "M", "demo_account": value}),
    ]
    sentence = "You have no broker account with this id. Take one from broker-accounts."
    assert [answer.status_code for answer in answers] == [400, 400]
    assert answers[0].json()["errors"] == {"allocations.0.broker_account": [sentence]}
    assert answers[1].json()["errors"] == {"demo_account": [sentence]}
    assert not Allocation.objects.exists()


def test_an_account_cannot_be_in_it_twice(api, accounts):
    twice = [item(accounts[0]), item(accounts[0])]
    answer = api.post(URL, {"name": "S", "symbol": "M", "allocations": twice})
    assert list(answer.json()["errors"]) == ["allocations.1.broker_account"]


@pytest.mark.parametrize(
    ("name", "value"), [("multiplier", "-1"), ("max_contracts", "x"), ("enabled", "perhaps")]
)
def test_its_terms_are_checked(api, accounts, name, value):
    answer = api.post(URL, {"name": "S", "symbol": "M", "allocations": [item(accounts[0], **{name: value})]})
    assert list(answer.json()["errors"]) == [f"allocations.0.{name}"]


def test_the_service_takes_accounts_themselves(owner, accounts):
    strategy = StrategyFactory(user=owner)
    rows = set_allocations(strategy, [{"broker_account": accounts[0], "max_contracts": 2}])
    assert [(row.broker_account, row.max_contracts) for row in rows] == [(accounts[0], 2)]
