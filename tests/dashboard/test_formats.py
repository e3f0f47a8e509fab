"""Numbers and times as text. The browser's own formats are held against these in tests/e2e/test_formats.py."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from dashboard.templatetags import ui


@pytest.mark.parametrize(
    ("value", "currency", "expected"),
    [
        ("1234.5", "USD", "$1,234.50"),
        (Decimal("-1234.5"), "USD", "−$1,234.50"),
        ("0", "USD", "$0.00"),
        ("-0.001", "USD", "$0.00"),
        ("0.005", "USD", "$0.00"),
        ("0.015", "USD", "$0.02"),
        ("1000000", "INR", "₹1,000,000.00"),
        ("5", "CHF", "CHF 5.00"),
        ("5", "", "5.00"),
        (None, "USD", "–"),
        ("", "USD", "–"),
        ("what", "USD", "–"),
    ],
)
def test_it_writes_money(value, currency, expected):
    assert ui.money(value, currency) == expected


def test_it_counts_an_orders_own_fills_without_those_of_its_stop_and_target():
    assert ui.own_fills([{"leg": None}, {"leg": None}, {"leg": "stop_loss"}]) == 2


@pytest.mark.parametrize(
    ("value", "text", "direction"),
    [
        ("12", "+$12.00", "up"),
        ("-12", "−$12.00", "down"),
        ("0", "$0.00", "flat"),
        ("-0.004", "$0.00", "flat"),
        (None, "–", "flat"),
    ],
)
def test_it_says_gain_and_loss_by_sign_and_class(value, text, direction):
    html = ui.pnl(value)
    assert text in html
    assert f"pnl-{direction}" in html


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("21870.250", "21,870.25"),
        ("21870", "21,870.00"),
        ("1.08452", "1.08452"),
        ("-5", "−5.00"),
        (None, "–"),
    ],
)
def test_it_writes_prices_with_two_decimals_at_least(value, expected):
    assert ui.price(value) == expected


@pytest.mark.parametrize(("value", "expected"), [("2.0", "2"), ("0.5", "0.5"), ("1500", "1,500"), (0, "0")])
def test_it_writes_quantities_plainly(value, expected):
    assert ui.quantity(value) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0s"),
        (59, "59s"),
        (61, "1m 01s"),
        (3600, "1h 00m"),
        (90_061, "1d 1h"),
        (-5, "0s"),
        (None, "–"),
        (timedelta(hours=2), "2h 00m"),
    ],
)
def test_it_writes_spans_in_two_units(seconds, expected):
    assert ui.span(seconds) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [("3.24", "3.2 ms"), (120, "120 ms"), (2400, "2.4 s"), (None, "–")]
)
def test_it_writes_milliseconds(value, expected):
    assert ui.milliseconds(value) == expected


def test_it_counts_down_and_says_when_it_is_over():
    now = timezone.now()
    assert "in 1h" in ui.until(now + timedelta(minutes=90))
    assert ">expired<" in ui.until(now - timedelta(seconds=1))
    assert ui.until(None) == "–"


def test_it_escapes_what_it_is_given():
    assert "<b>" not in ui.pill("<b>")
    assert "<b>" not in ui.icon("bell", "<b>")
