from __future__ import annotations

from decimal import Decimal

import pytest

from brokers.domain import OrderType, TimeInForce
from strategies.webhooks.alert import QuantityKind
from tests.strategies.webhooks.helpers import parsed, read, refusal


@pytest.mark.parametrize(
    ("fields", "kind", "limit", "stop"),
    [
        ({}, None, None, None),
        ({"order_type": "MARKET"}, OrderType.MARKET, None, None),
        ({"orderType": "limit", "limitPrice": 21870}, OrderType.LIMIT, 21870, None),
        ({"type": "LMT", "limit_price": "21870"}, OrderType.LIMIT, 21870, None),
        ({"order_type": "stop", "stop_price": "21900"}, OrderType.STOP, None, 21900),
        ({"order_type": "stp", "trigger_price": "21900"}, OrderType.STOP, None, 21900),
        (
            {"order_type": "stop_limit", "stop_price": "21900", "limit_price": "21905"},
            OrderType.STOP_LIMIT,
            21905,
            21900,
        ),
    ],
)
def test_it_reads_the_orders_type_and_prices(fields, kind, limit, stop):
    alert = read(**fields)
    assert (alert.order_type, alert.limit_price, alert.stop_price) == (kind, limit, stop)


def test_it_reads_a_trailing_order_by_points_or_per_cent():
    assert read(order_type="trailing_stop", trailAmount="7.5").trail_offset == Decimal("7.5")
    assert read(order_type="trailing_stop", trail_percent="1").trail_percent == 1
    assert refusal(order_type="trailing_stop") == "missing_price"
    assert refusal(order_type="trailing_stop", trailAmount="1", trailPercent="1") == "missing_price"


def test_it_takes_a_lone_limit_price_for_a_limit_order():
    found = parsed(limit_price="21870")
    assert found.alert is not None
    assert found.alert.order_type is OrderType.LIMIT
    assert found.warnings


@pytest.mark.parametrize(
    "fields", [{"stop_price": "21800"}, {"trailAmount": "5"}, {"order_type": "market", "stop_price": "1"}]
)
def test_it_does_not_guess_what_a_stray_price_was_for(fields):
    assert refusal(**fields) == "contradiction"


@pytest.mark.parametrize(
    "fields",
    [
        {"order_type": "limit"},
        {"order_type": "stop"},
        {"order_type": "stop_limit", "stop_price": "21900"},
        {"order_type": "limit", "price": "21870"},
    ],
)
def test_it_refuses_an_order_without_its_price(fields):
    assert refusal(**fields) == "missing_price"


def test_it_refuses_a_blank_price_of_an_order_that_needs_it():
    assert refusal(order_type="limit", limit_price="NaN") == "invalid_number"


def test_it_refuses_unknown_types_and_times_in_force():
    assert refusal(order_type="iceberg") == "invalid_order_type"
    assert refusal(tif="gtd") == "invalid_time_in_force"
    assert read(timeInForce="GTC").time_in_force is TimeInForce.GTC
    assert read(tif="opg").time_in_force is None


def test_it_leaves_a_type_that_is_no_order_type_as_free_text():
    assert read(type="entry signal").extras == {"type": "entry signal"}


def test_it_takes_price_and_close_for_the_signals_price():
    for name in ("price", "close", "signalPrice"):
        assert read(**{name: "21875.25"}).signal_price == Decimal("21875.25")


def test_it_reads_quantities_of_the_kinds_that_futures_have():
    alert = read(action="exit", quantityType="percent_of_position", contracts="50")
    assert (alert.quantity, alert.quantity_kind) == (50, QuantityKind.PERCENT_OF_POSITION)
    assert refusal(quantityType="percent_of_position") == "invalid_quantity_type"
    assert refusal(action="exit", quantityType="percent_of_position", contracts="101") == "invalid_number"
    assert refusal(quantityType="percent_of_equity") == "unsupported_quantity_type"
    assert refusal(quantityType="lots of it") == "invalid_quantity_type"
    assert refusal(risk_percentage="1") == "unsupported_quantity_type"
    assert read(risk_percentage="0").quantity == 1
