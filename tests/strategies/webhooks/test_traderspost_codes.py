from __future__ import annotations

from typing import Any

import pytest

from tests.strategies.webhooks.test_traderspost import found


def refusal(**fields: Any) -> str:
    parsed = found(**fields)
    assert parsed.error is not None, parsed.alert
    return parsed.error.code


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"action": "byu"}, "invalid-action"),
        ({"action": "exit", "sentiment": "flat"}, "invalid-sentiment-action"),
        ({"sentiment": "sideways"}, "invalid-sentiment"),
        ({"orderType": "iceberg"}, "invalid-order-type"),
        ({"orderType": "limit"}, "invalid-order-type"),
        ({"orderType": "trailing_stop"}, "invalid-trailing-stop"),
        ({"timeInForce": "gtd"}, "invalid-time-in-force"),
        ({"quantity": "1,050"}, "invalid-quantity"),
        ({"quantity": "NaN"}, "invalid-quantity"),
        ({"quantityType": "handful"}, "invalid-quantity-type"),
        ({"quantityType": "percent_of_position"}, "invalid-percent-of-position-action"),
        (
            {"action": "exit", "quantity": None, "quantityType": "percent_of_position"},
            "quantity-type-requires-quantity",
        ),
        ({"extendedHours": "perhaps"}, "invalid-extended-hours"),
        ({"expiresAt": "soon"}, "invalid-expires-at"),
        ({"cancelAfter": 4000}, "invalid-payload"),
        ({"bidAskSpreadFilter": 0.5}, "unsupported_field"),
        ({"optionType": "both ways"}, "invalid-option-type"),
        ({"intrinsicValue": "atm"}, "invalid-intrinsic-value"),
        ({"strikesAway": "x"}, "invalid-strikes-away"),
        ({"strikePrice": "x"}, "invalid-strike-price"),
        ({"strikeCount": "x"}, "invalid-strike-count"),
        ({"optionType": "call"}, "invalid-asset-class"),
    ],
)
def test_it_answers_with_the_codes_its_users_know(fields, code):
    assert refusal(**fields) == code


@pytest.mark.parametrize(
    "kind",
    [
        "dollar_amount",
        "risk_dollar_amount",
        "risk_percent",
        "percent_of_equity",
        "amount_per_position",
        "risk_per_position",
    ],
)
def test_it_names_the_kind_of_quantity_that_futures_do_not_have(kind):
    parsed = found(quantityType=kind)
    assert parsed.error is not None
    assert parsed.error.code == "invalid-quantity-type-for-asset-class"
    assert kind in parsed.error.message


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("takeProfit", {}, "invalid-take-profit-value-required"),
        ("takeProfit", {"percent": "x"}, "invalid-take-profit-percent"),
        ("takeProfit", {"amount": "NaN"}, "invalid-take-profit-amount"),
        ("takeProfit", {"limitPrice": 0}, "invalid-take-profit-limit-price"),
        ("takeProfit", {"percent": 1, "amount": 1}, "invalid-take-profit-amount-and-percent"),
        ("takeProfit", {"limitPrice": 1, "amount": 1}, "invalid-take-profit-relative-and-absolute"),
        ("takeProfit", 21900, "invalid-take-profit-value-required"),
        ("stopLoss", {"type": "mental"}, "invalid-stop-loss-type"),
        ("stopLoss", {"type": "stop"}, "invalid-stop-loss-value-required"),
        ("stopLoss", {"stopPrice": "x"}, "invalid-stop-loss-stop-price"),
        ("stopLoss", {"type": "stop_limit", "stopPrice": 1}, "invalid-stop-loss-limit-price"),
        ("stopLoss", {"type": "trailing_stop"}, "invalid-stop-loss-trail-value-required"),
        ("stopLoss", {"type": "trailing_stop", "trailPercent": "x"}, "invalid-stop-loss-trail-percent"),
        (
            "stopLoss",
            {"type": "trailing_stop", "trailAmount": 1, "trailPercent": 1},
            "invalid-stop-loss-trail-value",
        ),
    ],
)
def test_it_answers_with_the_bracket_codes_its_users_know(name, value, code):
    assert refusal(**{name: value}) == code
