"""Curves the chart library accepts: rising seconds, few enough points, the drawdown beside the profit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from dashboard.charts import MOST_POINTS, curve, thinned

START = datetime(2026, 11, 1, tzinfo=UTC)


def points(*profits: str, step: float = 60):
    return [{"t": START + timedelta(seconds=step * n), "pnl": Decimal(p)} for n, p in enumerate(profits)]


def test_it_tells_profit_and_the_distance_from_its_best():
    found = curve(points("10", "25", "5", "30"))
    assert [point["value"] for point in found] == ["0", "10", "25", "5", "30"]
    assert [point["drawdown"] for point in found] == ["0", "0", "0", "-20", "0"]


def test_it_begins_at_zero_for_the_drawdown():
    assert curve(points("-7"))[-1]["drawdown"] == "-7"
    assert curve(points("-7"))[0]["value"] == "0"
    assert curve([]) == []


def test_it_keeps_the_last_of_one_second():
    found = curve(points("1", "2", "3", step=0.2))
    assert [(point["time"], point["value"]) for point in found[1:]] == [(int(START.timestamp()), "3")]


@given(st.lists(st.integers(-50, 50), max_size=60), st.integers(1, 90))
def test_it_rises_in_time_and_ends_where_the_profit_ends(profits, step):
    found = curve(points(*map(str, profits), step=step))
    times = [point["time"] for point in found]
    assert times == sorted(set(times))
    if profits:
        assert Decimal(found[-1]["value"]) == profits[-1]


@given(st.integers(0, 5000), st.integers(1, 700))
def test_it_thins_out_and_keeps_the_end(count, most):
    numbers = [{"n": n} for n in range(count)]
    found = thinned(numbers, most)
    assert len(found) <= max(most, 0) or count <= most
    assert found[-1:] == numbers[-1:]


def test_it_sends_no_more_than_the_chart_can_show():
    assert len(curve(points(*["1"] * (MOST_POINTS * 3)))) <= MOST_POINTS
