from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.webhooks.parser import parse
from tests.strategies.webhooks.helpers import body, parsed, read, refusal

AMBIGUOUS = [
    "1,050",
    "1,250.5",
    "1.250,5",
    "1 050",
    "1_000",
    "+2",
    "2.",
    ".5",
    "1e3",
    "0x10",
    "٣",
    "２",
    "two",
    "1.0.0",
]


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_it_refuses_a_number_that_can_be_read_in_two_ways(text):
    assert refusal(contracts=text) == "invalid_number"
    assert refusal(price=text) == "invalid_number"


@pytest.mark.parametrize("value", ["Infinity", "-Infinity", True, [1], {"a": 1}, "1" * 16, "0.12345678901"])
def test_it_refuses_what_is_no_usable_number(value):
    assert refusal(contracts=value) == "invalid_number"


@pytest.mark.parametrize("value", ["0", 0, "-1", -1, "0.00"])
def test_it_refuses_a_quantity_that_is_not_more_than_nothing(value):
    assert refusal(contracts=value) == "invalid_number"
    assert refusal(action="exit", contracts=value) == "invalid_number"


@pytest.mark.parametrize("value", ["2", 2, "2.0", 2.0, " 2 "])
def test_it_reads_numbers_with_and_without_quotes(value):
    assert read(contracts=value).quantity == 2


@pytest.mark.parametrize("blank", ["", "NaN", "nan", "na", "null"])
def test_it_leaves_out_an_optional_number_that_is_blank(blank):
    found = parsed(price=blank)
    assert found.alert is not None
    assert found.alert.signal_price is None
    assert any(warning.startswith("price is") for warning in found.warnings)


@pytest.mark.parametrize("blank", ["", "NaN", "na"])
def test_it_refuses_an_entry_whose_quantity_is_blank(blank):
    assert refusal(contracts=blank) == "invalid_number"
    assert read(action="exit", contracts=blank).quantity is None


def test_it_takes_null_for_not_set():
    data = {"ticker": "MNQ1!", "action": "buy", "contracts": None, "price": None, "stopLoss": None}
    found = parse(json.dumps(data).encode())
    assert found.alert is not None
    assert found.alert.quantity is None
    assert found.alert.stop_loss is None


@given(st.decimals(min_value="0.00000001", max_value="99999999999999", places=8))
def test_it_keeps_every_digit(number):
    text = format(number, "f")
    assert read(price=text).signal_price == Decimal(text)


@given(st.floats(min_value=0.001, max_value=1e9, allow_nan=False))
def test_it_never_passes_a_number_through_a_float(number):
    text = format(Decimal(repr(number)), "f")
    found = parse(body().replace(b'"contracts": "1"', b'"contracts": 1, "price": ' + text.encode()))
    if found.alert is not None:
        assert found.alert.signal_price == Decimal(text)
    else:
        assert found.error is not None
        assert found.error.code == "invalid_number"
