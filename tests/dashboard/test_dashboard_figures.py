"""The head of the dashboard: the record of the period, today, what is open, and few queries for all of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from dashboard.selectors import currency_of, first_steps, record_of
from tests.desk import build_desk

pytestmark = pytest.mark.django_db


def test_it_adds_up_the_closed_trades(owner, small_desk):
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    record = record_of(owner, midnight)
    trips = [t for t in small_desk.strategy.recorded_positions.all() if t.status != "open"]
    assert record.total == sum(t.net_pnl for t in trips)
    assert (record.trades, record.wins) == (8, sum(t.net_pnl > 0 for t in trips))
    assert record.win_rate == Decimal(100 * record.wins) / 8


def test_it_keeps_to_the_strategy_and_the_days(owner, small_desk):
    midnight = datetime.now(UTC)
    assert record_of(owner, midnight, strategy=small_desk.second.pk).trades == 0
    since = datetime.now(UTC) - timedelta(days=12)
    some = record_of(owner, midnight, since=since)
    rest = record_of(owner, midnight, until=since)
    assert 0 < some.trades < 8
    assert some.trades + rest.trades == 8


def test_it_has_no_win_rate_without_trades(owner):
    assert record_of(owner, datetime.now(UTC)).win_rate is None


def test_it_names_one_currency_or_none(owner, small_desk):
    assert currency_of(owner) == "USD"
    small_desk.accounts[0].currency = "EUR"
    small_desk.accounts[0].save()
    assert currency_of(owner) == ""


def test_it_knows_how_far_a_newcomer_has_come(owner, stranger):
    assert not first_steps(owner).connected
    build_desk(stranger, accounts=1, trades=0)
    assert not first_steps(owner).connected
    assert first_steps(stranger).done


def test_it_needs_few_queries_however_much_there_is(browser, owner, django_assert_max_num_queries):
    build_desk(owner, accounts=25, trades=1000)
    browser.get("/user/dashboard")
    with django_assert_max_num_queries(21):
        html = browser.get("/user/dashboard").content.decode()
    assert "1000 closed trades" in html
    assert html.count("member-row") >= 23


def test_a_fragment_asks_only_for_what_it_shows(browser, small_desk, django_assert_max_num_queries):
    with django_assert_max_num_queries(8):
        browser.get("/user/dashboard", headers={"HX-Request": "true", "HX-Target": "health"})


def test_the_curve_ends_at_the_total(browser, owner, small_desk):
    points = browser.get("/user/dashboard/equity").json()["points"]
    total = record_of(owner, datetime.now(UTC)).total
    assert Decimal(points[-1]["value"]) == total
    assert browser.get(f"/user/dashboard/equity?strategy={small_desk.second.pk}").json() == {"points": []}


@pytest.mark.parametrize("query", ["since=yesterday", "until=2026-13-01", "since=", "page=-4&since=1"])
def test_it_takes_a_date_that_is_none_for_no_date(browser, small_desk, query):
    assert browser.get(f"/user/dashboard?{query}").status_code == 200
