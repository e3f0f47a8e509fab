"""Numbers of money: exact, on the grid, and written plainly."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tradeproject.common.money import (
    ceil_to_step,
    cents,
    floor_to_step,
    normal,
    parse_plain,
    plain,
    round_to_step,
    sign,
    to_decimal,
)

amounts = st.decimals(-(10**9), 10**9, allow_nan=False, allow_infinity=False, places=8)
steps = st.sampled_from(
    [Decimal(s) for s in ("0.25", "0.01", "0.1", "0.00005", "0.0078125", "1", "5", "0.03", "75")]
)


@given(amounts, steps)
def test_it_puts_every_price_on_the_grid(value, step):
    for rounded in (floor_to_step(value, step), ceil_to_step(value, step), round_to_step(value, step)):
        assert (Fraction(rounded) / Fraction(step)).denominator == 1


@given(amounts, steps)
def test_it_floors_to_the_largest_multiple_not_above(value, step):
    assert 0 <= Fraction(value) - Fraction(floor_to_step(value, step)) < Fraction(step)


@given(amounts, steps)
def test_it_ceils_to_the_smallest_multiple_not_below(value, step):
    assert 0 <= Fraction(ceil_to_step(value, step)) - Fraction(value) < Fraction(step)


@given(amounts, steps)
def test_it_rounds_to_the_nearest_multiple(value, step):
    assert abs(Fraction(round_to_step(value, step)) - Fraction(value)) <= Fraction(step) / 2


@given(amounts, steps)
def test_it_leaves_what_is_on_the_grid_where_it_is(value, step):
    on_grid = floor_to_step(value, step)
    assert (
        floor_to_step(on_grid, step) == ceil_to_step(on_grid, step) == round_to_step(on_grid, step) == on_grid
    )


@pytest.mark.parametrize(
    ("value", "nearest"), [("0.125", "0"), ("0.375", "0.5"), ("-0.125", "0"), ("21870.1251", "21870.25")]
)
def test_it_sends_a_tie_to_the_even_multiple(value, nearest):
    assert round_to_step(Decimal(value), Decimal("0.25")) == Decimal(nearest)


@given(amounts)
def test_it_leaves_a_value_alone_where_there_is_no_grid(value):
    assert round_to_step(value, Decimal(0)) == value


# --- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [None, True, False, "", "abc", "1,000", "NaN", "sNaN", "Infinity", "-inf"])
def test_it_refuses_what_is_no_number(value):
    with pytest.raises(ValueError, match="number"):
        to_decimal(value)


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), float("-inf"), Decimal("NaN"), [1], {"a": 1}, b"1"]
)
def test_it_refuses_what_is_not_finite_or_no_single_number(value):
    with pytest.raises(ValueError, match="number"):
        to_decimal(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(0.1)
def test_it_takes_a_float_by_its_shortest_text(value):
    assert float(to_decimal(value)) == value
    assert len(to_decimal(value).as_tuple().digits) <= 17


@given(amounts)
def test_it_keeps_a_decimal_as_it_is(value):
    assert to_decimal(value) is value


@pytest.mark.parametrize("work", [floor_to_step, ceil_to_step, round_to_step])
def test_it_does_no_arithmetic_with_a_float(work):
    with pytest.raises(TypeError):
        work(0.1, Decimal("0.25"))
    with pytest.raises(TypeError):
        work(Decimal("0.1"), 0.25)


@pytest.mark.parametrize(
    "text", ["1e3", "1_000", "0x10", "٣", ".5", "5.", "+-1", "1.2.3", "", "1" * 21, "nan", "1\n2"]
)
def test_it_takes_only_plain_digits_from_outside(text):
    with pytest.raises(ValueError, match="plain decimal"):
        parse_plain(text)


@pytest.mark.parametrize(
    ("text", "value"), [(" 1.50 ", "1.5"), ("-3", "-3"), ("+0.25", "0.25"), ("007", "7")]
)
def test_it_reads_plain_digits(text, value):
    assert parse_plain(text) == Decimal(value)


# --- writing ----------------------------------------------------------------------------------------------------------


@given(amounts)
def test_it_writes_a_number_that_reads_back_the_same(value):
    text = plain(value)
    assert Decimal(text) == value
    assert "E" not in text


@pytest.mark.parametrize(
    ("value", "text"),
    [("21870.250", "21870.25"), ("1E+2", "100"), ("-0", "0"), ("0.00", "0"), ("1E-8", "0.00000001")],
)
def test_it_writes_no_exponent_and_no_empty_digits(value, text):
    assert plain(Decimal(value)) == text


def test_it_keeps_an_unknown_number_unknown():
    assert plain(None) is None


@given(amounts)
def test_it_changes_only_the_writing_of_a_number(value):
    assert normal(value) == value


def test_it_rounds_money_to_the_even_cent():
    assert [cents(Decimal(v)) for v in ("0.005", "0.015", "-0.005")] == [
        Decimal(v) for v in ("0.00", "0.02", "0.00")
    ]


def test_it_tells_the_sign():
    assert [sign(Decimal(v)) for v in ("-2", "0", "0.1")] == [-1, 0, 1]
