"""Reading the record: filters, sums, and one tenant never sees another's."""

from __future__ import annotations

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from recorder.selectors import (
    analytics_for,
    closed_trades,
    dashboard_totals,
    fills_of,
    open_snapshots,
    recorded_positions,
)
from tests.factories import StrategyFactory
from tests.recorder.venue import Desk, at, fill, money, position

pytestmark = pytest.mark.django_db
UTC = ZoneInfo("UTC")


@pytest.fixture
def record(desk) -> Desk:
    """A win of 40 at second 2, a loss of 10 at second 4, one position open, one traded by hand."""
    other = StrategyFactory(user=desk.account.user)
    desk.order("900", quantity=2)
    desk.order("901", side="sell", quantity=2, purpose="exit")
    desk.order("902", strategy=other)
    desk.order("903", strategy=other, side="sell", purpose="exit")
    desk.order("904")
    desk.ingest(
        fill(1, "900", "buy", 2, 100, commission=Decimal(1)),
        fill(2, "901", "sell", 2, 110, commission=Decimal(1)),
        fill(3, "902", "buy", 1, 100),
        fill(4, "903", "sell", 1, 95),
        fill(5, "904", "buy", 1, 100),
        fill(6, "777", "buy", 1, 100),
        position(2, 100),
        money(50000, open_pnl=Decimal("12.5")),
    )
    desk.other = other
    return desk


def test_it_lists_a_strategys_positions_newest_first(record, owner):
    rows = recorded_positions(owner, strategy=record.strategy)
    assert [row.entry_timestamp for row in rows] == [at(5), at(1)]
    assert [row.status for row in recorded_positions(owner, strategy=record.strategy.pk, status="open")] == [
        "open"
    ]
    assert recorded_positions(owner, status="finished").count() == 2


def test_it_narrows_by_time_and_account(record, owner):
    assert recorded_positions(owner, since=at(3), until=at(5)).get().strategy == record.other
    assert recorded_positions(owner, broker_account=record.account).count() == 3
    assert [trade.net for trade in closed_trades(owner, since=at(3))] == [-10]
    assert [trade.net for trade in closed_trades(owner, until=at(3))] == [38]


def test_it_shows_what_was_traded_by_hand_only_when_asked(record, owner):
    assert recorded_positions(owner).count() == 3
    assert recorded_positions(owner, include_external=True).count() == 4


def test_it_analyses_a_strategy_or_everything(record, owner):
    assert analytics_for(owner, strategy=record.strategy, timezone=UTC)["total_pnl"] == 38
    everything = analytics_for(owner, timezone=UTC)
    assert (everything["total_trades"], everything["total_pnl"], everything["fees"]) == (2, 28, 2)
    assert everything["win_rate"] == 50


def test_it_sums_up_for_the_dashboard(record, owner):
    assert dashboard_totals(owner, timezone=UTC, now=at(100)) == {
        "total_strategies": 2,
        "active_strategies": 2,
        "active_positions": 1,
        "total_trades": 2,
        "total_pnl": 28,
        "today_pnl": 28,
        "open_pnl": Decimal("12.5"),
    }


def test_it_starts_the_day_at_the_users_midnight(record, owner):
    evening = at(24 * 3600)
    assert dashboard_totals(owner, timezone=UTC, now=evening)["today_pnl"] == 0
    far_west = ZoneInfo(
        "Pacific/Honolulu"
    )  # 14:30 UTC is still early on the same day there, 24 h later is the next
    assert dashboard_totals(owner, timezone=far_west, now=at(9 * 3600))["today_pnl"] == 28


def test_it_shows_a_stranger_nothing(record, stranger):
    assert not recorded_positions(stranger, include_external=True).exists()
    assert not recorded_positions(stranger, strategy=record.strategy).exists()
    assert closed_trades(stranger, strategy=record.strategy) == []
    assert analytics_for(stranger, strategy=record.strategy, timezone=UTC)["total_trades"] == 0
    assert not fills_of(stranger, strategy=record.strategy).exists()
    assert not open_snapshots(stranger).exists()
    totals = dashboard_totals(stranger, timezone=UTC)
    assert (totals["total_strategies"], totals["total_pnl"], totals["open_pnl"]) == (0, 0, None)


def test_it_shows_staff_everything(record):
    assert recorded_positions(None, include_external=True).count() == 4
    assert dashboard_totals(None, timezone=UTC, now=at(100))["total_pnl"] == 28
    assert fills_of(None).count() == 6
    assert open_snapshots(None).get().net_quantity == 2


def test_it_needs_few_queries(record, owner, django_assert_num_queries):
    with django_assert_num_queries(1):
        [row.instrument.venue_symbol for row in recorded_positions(owner)]
    with django_assert_num_queries(1):
        analytics_for(owner, timezone=UTC)
