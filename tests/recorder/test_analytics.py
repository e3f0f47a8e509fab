"""The figures of a track record, on a small record counted by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from recorder.analytics import Trade, analyse

MONDAY = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def trade(day: int, net: str, *, fees: str = "0", minutes: int = 10, slippage: str | None = None) -> Trade:
    closed = MONDAY + timedelta(days=day, minutes=minutes)
    return Trade(
        closed - timedelta(minutes=minutes),
        closed,
        Decimal(net) + Decimal(fees),
        Decimal(fees),
        None if slippage is None else Decimal(slippage),
    )


RECORD = [
    trade(0, "100", fees="2.50", slippage="0.25"),
    trade(0, "-50", minutes=20),
    trade(1, "30", slippage="0.75"),
    trade(7, "-120", minutes=40),
    trade(35, "0"),
]


def figures(trades=RECORD, zone="UTC"):
    return analyse(trades, ZoneInfo(zone))


def test_it_counts_and_averages_net_of_costs():
    found = figures()
    assert found["total_trades"] == 5
    assert found["win_rate"] == 40
    assert (found["average_win"], found["average_loss"]) == (65, -85)
    assert (found["largest_win"], found["largest_loss"]) == (100, -120)
    assert (found["total_pnl"], found["gross_pnl"], found["fees"]) == (-40, Decimal("-37.5"), Decimal("2.5"))
    assert found["expectancy"] == -8
    assert found["profit_factor"] == Decimal("0.7647")


def test_it_measures_the_deepest_fall_of_closed_equity():
    assert [point["pnl"] for point in figures()["equity_curve"]] == [100, 50, 80, -40, -40]
    assert figures()["max_drawdown"] == 140


def test_it_counts_a_fall_from_the_start_as_a_drawdown():
    assert figures([trade(0, "-30")])["max_drawdown"] == 30


def test_it_groups_by_day_week_and_month():
    found = figures()
    assert found["daily"][0] == {"date": date(2026, 3, 2), "pnl": 50, "trades": 2}
    assert [day["pnl"] for day in found["daily"]] == [50, 30, -120, 0]
    assert [(w["date"], w["pnl"]) for w in found["weekly"]] == [
        (date(2026, 3, 2), 80),
        (date(2026, 3, 9), -120),
        (date(2026, 4, 6), 0),
    ]
    assert [(m["date"], m["trades"]) for m in found["monthly"]] == [
        (date(2026, 3, 1), 4),
        (date(2026, 4, 1), 1),
    ]
    assert found["best_day"] == {"date": date(2026, 3, 2), "pnl": 50}
    assert found["worst_day"] == {"date": date(2026, 3, 9), "pnl": -120}


def test_it_counts_a_trade_on_the_day_it_ended_where_the_user_lives():
    late = Trade(MONDAY, datetime(2026, 3, 3, 3, 30, tzinfo=UTC), Decimal(10))
    assert figures([late], "America/New_York")["daily"][0]["date"] == date(2026, 3, 2)
    assert figures([late], "Asia/Kolkata")["daily"][0]["date"] == date(2026, 3, 3)


def test_it_averages_time_in_seconds_and_only_the_known_slippage():
    assert figures()["average_time_in_trade"] == 18 * 60
    assert figures()["average_slippage"] == Decimal("0.5")


def test_it_annualises_the_daily_ratio():
    # mean 10, sample deviation sqrt(200): 10 / 14.1421… × sqrt(252)
    assert figures([trade(0, "20"), trade(1, "0")])["sharpe_ratio"] == Decimal("11.2250")


def test_it_leaves_open_what_has_no_meaning():
    assert figures([trade(0, "20")])["sharpe_ratio"] is None
    assert figures([trade(0, "5"), trade(1, "5")])["sharpe_ratio"] is None
    assert figures([trade(0, "20")])["profit_factor"] is None
    assert figures([trade(0, "20")])["average_slippage"] is None


def test_it_answers_for_no_trades_at_all():
    found = figures([])
    assert found["total_trades"] == found["win_rate"] == found["total_pnl"] == found["max_drawdown"] == 0
    assert found["best_day"] is found["worst_day"] is found["profit_factor"] is None
    assert found["daily"] == found["equity_curve"] == []
