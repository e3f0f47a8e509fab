"""The same figures, counted again in another way."""

from __future__ import annotations

import statistics
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import combinations
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.analytics import Trade, analyse

START = datetime(2026, 1, 1, tzinfo=UTC)
ZONE = ZoneInfo("America/Chicago")
FEW = settings(max_examples=150, deadline=None)

trades = st.lists(
    st.builds(
        lambda start, length, gross, fees: Trade(
            START + timedelta(minutes=start),
            START + timedelta(minutes=start + length),
            Decimal(gross) / 100,
            Decimal(fees) / 100,
        ),
        st.integers(0, 60 * 24 * 60),
        st.integers(0, 3000),
        st.integers(-50_000, 50_000),
        st.integers(0, 900),
    ),
    max_size=25,
)


@FEW
@given(trades)
def test_it_adds_up(items):
    found = analyse(items, ZONE)
    total = sum((t.gross_pnl for t in items), Decimal(0)) - sum((t.fees for t in items), Decimal(0))
    assert found["total_pnl"] == total == found["gross_pnl"] - found["fees"]
    for period in ("daily", "weekly", "monthly"):
        assert sum((row["pnl"] for row in found[period]), Decimal(0)) == total
        assert sum(row["trades"] for row in found[period]) == len(items)
    if items:
        assert found["equity_curve"][-1]["pnl"] == total


@FEW
@given(trades)
def test_it_finds_the_worst_of_all_falls(items):
    found = analyse(items, ZONE)
    equity = [Decimal(0), *(point["pnl"] for point in found["equity_curve"])]
    falls = [before - after for before, after in combinations(equity, 2)]
    assert found["max_drawdown"] == max([*falls, Decimal(0)])


@FEW
@given(trades)
def test_it_agrees_with_floating_point_statistics(items):
    found = analyse(items, ZONE)
    nets = [float(trade.gross_pnl) - float(trade.fees) for trade in items]
    wins, losses = [n for n in nets if n > 1e-9], [n for n in nets if n < -1e-9]
    if losses:
        assert abs(float(found["profit_factor"]) - sum(wins) / -sum(losses)) < 1e-3 * max(1, sum(wins))
    if nets:
        assert abs(float(found["win_rate"]) - 100 * len(wins) / len(nets)) < 1e-3
        assert abs(float(found["expectancy"]) - statistics.fmean(nets)) < 1e-3
    days = [float(day["pnl"]) for day in found["daily"]]
    if len(days) > 1 and statistics.stdev(days) > 1:
        naive = statistics.fmean(days) / statistics.stdev(days) * 252**0.5
        assert abs(float(found["sharpe_ratio"]) - naive) < 1e-3


@FEW
@given(trades)
def test_it_lists_periods_once_and_in_order(items):
    found = analyse(items, ZONE)
    for period in ("daily", "weekly", "monthly"):
        dates = [row["date"] for row in found[period]]
        assert dates == sorted(set(dates))
    assert {row["date"].weekday() for row in found["weekly"]} <= {0}
    assert {row["date"].day for row in found["monthly"]} <= {1}
    times = [point["t"] for point in found["equity_curve"]]
    assert times == sorted(times)
