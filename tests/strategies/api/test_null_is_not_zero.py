"""Null means "not set", zero means zero: on the way in, in the row, on the way out."""

from __future__ import annotations

from decimal import Decimal

import pytest

from strategies.models import Allocation, Strategy
from tests.factories import BrokerAccountFactory, ConnectionFactory

pytestmark = pytest.mark.django_db

URL = "/api/v1/strategies"
NUMBERS = ["position_size", "position_add", "take_profit", "stop_loss"]
WHOLE = ["days_to_expiry", "strike_offset"]


@pytest.mark.parametrize("field", NUMBERS)
@pytest.mark.parametrize(
    ("given", "kept", "shown"), [(None, None, None), ("0", Decimal(0), "0"), (0, 0, "0")]
)
def test_a_number_is_null_or_zero(api, field, given, kept, shown):
    made = api.post(URL, {"name": "S", "symbol": "M", field: given}).json()
    assert made[field] == shown
    assert getattr(Strategy.objects.get(), field) == kept


@pytest.mark.parametrize("field", WHOLE)
@pytest.mark.parametrize("given", [None, 0])
def test_a_whole_number_is_null_or_zero(api, field, given):
    made = api.post(URL, {"name": "S", "symbol": "M", field: given}).json()
    assert made[field] == given
    assert getattr(Strategy.objects.get(), field) == given


@pytest.mark.parametrize("field", NUMBERS)
def test_patching_moves_between_null_and_zero_and_leaves_the_rest(api, field):
    made = api.post(URL, {"name": "S", "symbol": "M", **dict.fromkeys(NUMBERS, "3")}).json()
    address = f"{URL}/{made['id']}"
    assert api.patch(address, {field: 0}).json()[field] == "0"
    assert api.patch(address, {field: None}).json()[field] is None
    others = api.patch(address, {"name": "T"}).json()
    assert others[field] is None
    assert {others[name] for name in NUMBERS if name != field} == {"3"}


@pytest.mark.parametrize(
    ("given", "shown"), [({}, None), ({"max_contracts": None}, None), ({"max_contracts": 0}, "0")]
)
def test_an_accounts_maximum_is_null_or_zero(api, owner, given, shown):
    account = BrokerAccountFactory(connection=ConnectionFactory(user=owner))
    item = {"broker_account": str(account.pk), "multiplier": "0", **given}
    made = api.post(URL, {"name": "S", "symbol": "M", "allocations": [item]}).json()
    assert made["allocations"][0]["max_contracts"] == shown
    assert made["allocations"][0]["multiplier"] == "0"
    assert Allocation.objects.get().multiplier == 0


def test_a_multiplier_is_never_null(api, owner):
    account = BrokerAccountFactory(connection=ConnectionFactory(user=owner))
    item = {"broker_account": str(account.pk), "multiplier": None}
    answer = api.post(URL, {"name": "S", "symbol": "M", "allocations": [item]})
    assert list(answer.json()["errors"]) == ["allocations.0.multiplier"]


@pytest.mark.parametrize("value", ["2", 2, 2.0, "2.00", "2e0"])
def test_numbers_come_back_in_one_spelling(api, value):
    made = api.post(URL, {"name": "S", "symbol": "M", "position_size": value}).json()
    assert made["position_size"] == "2"
