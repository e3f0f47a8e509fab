"""My Recorders, and the page of one strategy with its record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from recorder.summaries import earnings_of, last_signals_of
from tests.desk import build_desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(owner):
    return build_desk(owner, accounts=4, trades=10)


def test_it_lists_each_strategy_with_what_it_earned(browser, owner, desk):
    cards = {card["strategy"].name: card for card in browser.get("/user/strats").context["cards"]}
    trips = [t for t in desk.strategy.recorded_positions.all() if t.status != "open"]
    busy, idle = cards["Opening range breakout"], cards["Mean reversion"]
    assert busy["earned"].total == sum(t.net_pnl for t in trips)
    assert (busy["earned"].open, busy["accounts"]) == (2, 4)
    assert busy["last"] == desk.signal
    assert (idle["earned"], idle["last"]) == (None, None)


def test_it_counts_today_from_midnight(owner, desk):
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    earned = earnings_of(owner, hour_ago)[desk.strategy.pk]
    assert earned.today == sum(
        t.net_pnl for t in desk.strategy.recorded_positions.filter(exit_timestamp__gte=hour_ago)
    )


def test_it_finds_the_last_signal_of_each(owner, desk):
    assert last_signals_of([desk.strategy.pk, desk.second.pk]) == {desk.strategy.pk: desk.signal}


def test_its_queries_do_not_grow_with_the_strategies(browser, owner, desk, django_assert_max_num_queries):
    browser.get("/user/strats")
    with django_assert_max_num_queries(10):
        browser.get("/user/strats")


@pytest.mark.parametrize(
    ("show", "open_ones", "closed_ones"), [("all", 2, 10), ("open", 2, 0), ("closed", 0, 10), ("x", 2, 10)]
)
def test_it_shows_open_and_closed_positions(browser, desk, show, open_ones, closed_ones):
    page = browser.get(f"/user/strats/{desk.strategy.pk}?show={show}").context["page"]
    statuses = [row.status for row in page.paginator.object_list]
    assert statuses.count("open") == open_ones
    assert len(statuses) - statuses.count("open") == closed_ones


def test_it_shows_the_record_in_figures(browser, desk):
    html = browser.get(f"/user/strats/{desk.strategy.pk}").content.decode()
    for name in ("Win rate", "Profit factor", "Max drawdown", "Sharpe ratio", "Slippage", "Expectancy"):
        assert name in html


def test_it_offers_both_alert_messages(browser, desk):
    html = browser.get(f"/user/strats/{desk.strategy.pk}").content.decode()
    assert "&quot;market_position&quot;: &quot;{{strategy.market_position}}&quot;" in html
    assert "&quot;sentiment&quot;: &quot;{{strategy.market_position}}&quot;" in html


def test_it_starts_and_stops_recording(browser, desk):
    for wanted in ("false", "true"):
        browser.post(f"/user/strats/{desk.strategy.pk}/recording", {"recording": wanted})
        desk.strategy.refresh_from_db()
        assert desk.strategy.recording_enabled is (wanted == "true")


def test_a_strategy_that_never_traded_has_a_page(browser, desk):
    html = browser.get(f"/user/strats/{desk.second.pk}").content.decode()
    assert "Nothing recorded" in html
    assert "No alert yet" in html
