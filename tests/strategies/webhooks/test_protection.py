from __future__ import annotations

from decimal import Decimal

import pytest

from strategies.webhooks.alert import ProtectiveSpec
from tests.strategies.webhooks.helpers import parsed, read, refusal

D = Decimal


@pytest.mark.parametrize(
    ("fields", "spec"),
    [
        ({"stopLoss": {"amount": 30}}, ProtectiveSpec(offset=D(30))),
        ({"stop_loss": {"type": "stop", "stopPrice": "21800.25"}}, ProtectiveSpec(price=D("21800.25"))),
        ({"stopLoss": {"percent": "0.5"}}, ProtectiveSpec(percent=D("0.5"))),
        ({"stopLoss": {"pnlAmount": 250}}, ProtectiveSpec(money=D(250))),
        ({"stopLoss": 21800}, ProtectiveSpec(price=D(21800))),
        ({"sl": "21800"}, ProtectiveSpec(price=D(21800))),
        ({"stop": "21800"}, ProtectiveSpec(price=D(21800))),
        ({"dollar_sl": "100"}, ProtectiveSpec(money=D(100))),
        ({"percentage_sl": "1"}, ProtectiveSpec(percent=D(1))),
        (
            {"stopLoss": {"type": "trailing_stop", "trailAmount": 7.5}},
            ProtectiveSpec(offset=D("7.5"), trailing=True),
        ),
        (
            {"stopLoss": {"type": "trailing_stop", "trailPercent": 1}},
            ProtectiveSpec(percent=D(1), trailing=True),
        ),
        (
            {"stopLoss": {"type": "stop_limit", "stopPrice": 21800, "limitPrice": 21795}},
            ProtectiveSpec(price=D(21800), limit_price=D(21795)),
        ),
    ],
)
def test_it_reads_a_stop_in_each_of_its_shapes(fields, spec):
    assert read(**fields).stop_loss == spec


@pytest.mark.parametrize(
    ("fields", "spec"),
    [
        ({"takeProfit": {"amount": 60}}, ProtectiveSpec(offset=D(60))),
        ({"takeProfit": {"limitPrice": 21900}}, ProtectiveSpec(price=D(21900))),
        ({"takeProfit": {"price": 21900}}, ProtectiveSpec(price=D(21900))),
        ({"take_profit": "21900"}, ProtectiveSpec(price=D(21900))),
        ({"tp": "21900"}, ProtectiveSpec(price=D(21900))),
        ({"dollar_tp": "100"}, ProtectiveSpec(money=D(100))),
        ({"percentage_tp": "150"}, ProtectiveSpec(percent=D(150))),
    ],
)
def test_it_reads_a_target_in_each_of_its_shapes(fields, spec):
    assert read(**fields).take_profit == spec


@pytest.mark.parametrize("blank", ["NaN", "", "na"])
def test_it_makes_no_trade_without_the_stop_or_target_it_was_asked_for(blank):
    for name in ("stop", "sl", "stopLoss", "tp", "takeProfit", "dollar_sl"):
        assert refusal(**{name: blank}) == "invalid_number"
    assert refusal(stopLoss={"amount": blank}) == "invalid_number"
    assert refusal(takeProfit={"percent": blank}) == "invalid_number"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"stopLoss": {}}, "invalid_stop_loss"),
        ({"stopLoss": {"type": "mental"}}, "invalid_stop_loss"),
        ({"stopLoss": {"amount": 30, "stopPrice": 21800}}, "invalid_stop_loss"),
        ({"stopLoss": {"type": "trailing_stop"}}, "invalid_stop_loss"),
        ({"stopLoss": {"type": "trailing_stop", "trailAmount": 5, "amount": 30}}, "invalid_stop_loss"),
        ({"stopLoss": {"type": "stop_limit", "stopPrice": 21800}}, "invalid_number"),
        ({"stopLoss": [{"amount": 30}]}, "invalid_stop_loss"),
        ({"stopLoss": {"amount": 30}, "dollar_sl": 5}, "invalid_stop_loss"),
        ({"stopLoss": {"percent": 100}}, "invalid_number"),
        ({"stopLoss": {"amount": "-30"}}, "invalid_number"),
        ({"sl": "21800", "dollar_sl": "5"}, "invalid_stop_loss"),
        ({"takeProfit": {"percent": 1, "amount": 5}}, "invalid_take_profit"),
        ({"takeProfit": True}, "invalid_take_profit"),
        ({"tp": 0}, "invalid_number"),
    ],
)
def test_it_refuses_a_bracket_that_is_not_one_clear_measure(fields, code):
    assert refusal(**fields) == code


@pytest.mark.parametrize(
    "name",
    [
        "stoploss_ticks",
        "trailing",
        "tp2",
        "target_2",
        "profit_points",
        "hard_stop",
        "require_market_position",
    ],
)
def test_it_refuses_an_entry_whose_protection_it_cannot_read(name):
    assert refusal(**{name: "30"}) == "unsupported_field"
    assert read(**{name: 0}).quantity == 1
    found = parsed(action="exit", **{name: "30"})
    assert found.alert is not None
    assert any(name in warning for warning in found.warnings)


def test_it_leaves_such_names_alone_inside_extras():
    assert read(extras={"tp2": 5}).extras == {"tp2": 5}
