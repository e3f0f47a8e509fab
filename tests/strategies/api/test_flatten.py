"""Closing positions: one order per account and contract, for the executor to send."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import AuditEntry
from recorder.models import PositionSnapshot, RecordedPosition
from strategies.models import Order
from strategies.requests import flatten
from tests.factories import (
    AllocationFactory,
    BrokerAccountFactory,
    ConnectionFactory,
    InstrumentFactory,
    StrategyFactory,
)
from tradeproject.common.clock import utc_now
from tradeproject.common.ids import client_order_id

pytestmark = pytest.mark.django_db

URL = "/api/v1/positions/flatten"


@pytest.fixture
def mnq():
    return InstrumentFactory()


@pytest.fixture
def mes():
    return InstrumentFactory(venue_id="77", venue_symbol="MESZ6", root="MES")


@pytest.fixture
def accounts(owner) -> list:
    login = ConnectionFactory(user=owner)
    return [BrokerAccountFactory(connection=login, name=f"ACC{n}") for n in range(2)]


def hold(account: Any, instrument: Any, net: Any) -> None:
    PositionSnapshot.objects.create(
        broker_account=account,
        instrument=instrument,
        net_quantity=Decimal(net),
        as_of=utc_now(),
        source="stream",
    )


def brief(answer: Any) -> list[tuple[str, str, str]]:
    orders = answer.json()["orders"]
    return sorted((order["side"], order["quantity"], order["venue_symbol"]) for order in orders)


def test_everything_is_closed_one_order_a_contract(api, accounts, mnq, mes):
    hold(accounts[0], mnq, 3)
    hold(accounts[0], mes, -2)
    hold(accounts[1], mnq, 0)
    answer = api.post(URL, {"all": True})
    assert answer.status_code == 202
    assert brief(answer) == [("buy", "2", "MESZ6"), ("sell", "3", "MNQZ6")]
    row = Order.objects.get(side="sell")
    assert (row.purpose, row.status, row.signal, row.order_type) == ("flatten", "pending", None, "market")
    assert row.client_order_id == client_order_id(row.pk, 0)


def test_one_account_alone(api, accounts, mnq):
    hold(accounts[0], mnq, 1)
    hold(accounts[1], mnq, 5)
    assert brief(api.post(URL, {"broker_account": str(accounts[1].pk)})) == [("sell", "5", "MNQZ6")]


@pytest.mark.parametrize(
    ("symbol", "closed"),
    [
        ("MNQ", 1),
        ("mnq1!", 1),
        ("CME_MINI:MNQ1!", 1),
        ("MNQZ6", 1),
        ("MNQZ2026", 1),
        ("MNQH2027", 0),
        ("MES", 1),
        ("ES", 0),
    ],
)
def test_one_symbol_alone(api, accounts, mnq, mes, symbol, closed):
    hold(accounts[0], mnq, 1)
    hold(accounts[0], mes, 1)
    answer = api.post(URL, {"all": True, "symbol": symbol})
    assert len(answer.json()["orders"]) == closed
    assert len(answer.json()["warnings"]) == 1 - closed


def test_a_strategy_closes_its_own_contract_on_its_own_accounts(api, owner, accounts, mnq, mes):
    strategy = StrategyFactory(user=owner, symbol="MNQ1!")
    AllocationFactory(strategy=strategy, broker_account=accounts[0])
    for account in accounts:
        hold(account, mnq, 1)
    hold(accounts[0], mes, 1)
    answer = api.post(URL, {"strategy": str(strategy.pk)})
    assert brief(answer) == [("sell", "1", "MNQZ6")]
    assert Order.objects.get().broker_account == accounts[0]
    assert Order.objects.get().strategy == strategy


def test_a_strategy_does_not_close_what_another_one_holds(api, owner, accounts, mnq):
    mine, theirs = (StrategyFactory(user=owner, symbol="MNQ1!") for _ in range(2))
    for strategy in (mine, theirs):
        AllocationFactory(strategy=strategy, broker_account=accounts[0])
    hold(accounts[0], mnq, 3)
    RecordedPosition.objects.create(
        user=owner, strategy=theirs, broker_account=accounts[0], instrument=mnq, symbol="MNQ", side="Buy",
        quantity=Decimal(2), open_quantity=Decimal(2), entry_price=Decimal(21000), entry_timestamp=utc_now(),
    )  # fmt: skip
    answer = api.post(URL, {"strategy": str(mine.pk)}).json()
    assert answer["orders"] == []
    assert "another strategy holds some of it" in answer["warnings"][0]
    assert len(api.post(URL, {"broker_account": str(accounts[0].pk)}).json()["orders"]) == 1


@pytest.mark.parametrize("state", ["disabled", "needs_reauthorization"])
def test_a_login_that_cannot_be_used_is_told(api, accounts, mnq, state):
    hold(accounts[0], mnq, 1)
    type(accounts[0].connection).objects.update(state=state)
    answer = api.post(URL, {"all": True}).json()
    assert answer["orders"] == []
    assert "cannot be used" in answer["warnings"][0]


def test_asking_twice_does_not_close_twice(api, accounts, mnq):
    hold(accounts[0], mnq, 1)
    first = api.post(URL, {"all": True}).json()["orders"]
    assert [order["id"] for order in api.post(URL, {"all": True}).json()["orders"]] == [first[0]["id"]]
    Order.objects.update(status="filled")
    assert api.post(URL, {"all": True}).json()["orders"][0]["id"] != first[0]["id"]


def test_foreign_positions_are_out_of_reach(api, stranger, mnq):
    account = BrokerAccountFactory(connection=ConnectionFactory(user=stranger))
    strategy = StrategyFactory(user=stranger)
    AllocationFactory(strategy=strategy, broker_account=account)
    hold(account, mnq, 1)
    assert api.post(URL, {"broker_account": str(account.pk)}).status_code == 404
    assert api.post(URL, {"strategy": str(strategy.pk)}).status_code == 404
    assert api.post(URL, {"all": True}).json() == {"orders": [], "warnings": []}
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    "body", [{}, {"all": False}, {"all": True, "broker_account": "x"}, {"symbol": "MNQ"}]
)
def test_it_must_be_said_what_to_close(api, body):
    answer = api.post(URL, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_it_is_written_down_for_every_owner(owner, stranger, staff, mnq):
    for user in (owner, stranger):
        hold(BrokerAccountFactory(connection=ConnectionFactory(user=user)), mnq, 1)
    flatten(None, everything=True, actor=staff)
    entries = AuditEntry.objects.filter(action="positions_flattened")
    assert {entry.owner for entry in entries} == {owner, stranger}
    assert {entry.actor for entry in entries} == {staff}
    assert all(len(entry.detail["orders"]) == 1 for entry in entries)
