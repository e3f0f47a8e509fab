"""The dashboard's figures over the API: the head, money by day, trades, performance and its parts."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from rest_framework.test import APIClient

from tests.factories import BrokerAccountFactory, ConnectionFactory, StrategyFactory
from tests.recorder.api.test_recorded_positions import trip
from tests.world import make_world
from tradeproject.common.clock import utc_now

pytestmark = pytest.mark.django_db

URL = "/api/v1/dashboard"


@pytest.fixture
def strategy(owner):
    return StrategyFactory(user=owner, name="Scalper")


@pytest.fixture
def account(owner):
    return BrokerAccountFactory(connection=ConnectionFactory(user=owner), name="DEMO1")


@pytest.fixture
def staff_api(staff):
    client = APIClient()
    client.force_authenticate(staff)
    return client


def test_an_empty_dashboard_is_zeros_and_no_rates(api):
    found = api.get(f"{URL}/summary").json()
    assert (found["total_strategies"], found["active_positions"], found["total_trades"]) == (0, 0, 0)
    assert (found["total_pnl"], found["today_pnl"], found["open_pnl"]) == ("0", "0", "0")
    assert (found["win_rate"], found["price_source"]) == (None, "none")
    assert set(found["connections"].values()) == {0}


def test_the_head_counts_and_adds_up(api, owner, strategy, account):
    make_world(owner)
    StrategyFactory(user=owner, active=False)
    trip(strategy, account, 0, 20)
    trip(strategy, account, 1, -5)
    ConnectionFactory(user=owner, state="error")
    ConnectionFactory(user=owner, deleted_at=utc_now())
    found = api.get(f"{URL}/summary/").json()
    assert (found["total_strategies"], found["active_strategies"], found["active_positions"]) == (3, 2, 1)
    assert (found["total_trades"], found["win_rate"], found["total_pnl"]) == (3, "66.6667", "33.5")
    assert (found["open_pnl"], found["price_source"]) == ("12.5", "broker")
    assert (found["connections"]["connected"], found["connections"]["error"]) == (2, 1)
    assert found["total_connections"] == 3


def test_money_by_day_and_its_curve(api, strategy, account):
    trip(strategy, account, 0, 20)
    trip(strategy, account, 30, -5)
    found = api.get(f"{URL}/pnl").json()
    assert (found["total_pnl"], found["gross_pnl"], found["fees"], found["max_drawdown"]) == (
        "15",
        "17",
        "2",
        "5",
    )
    assert [(day["date"], day["pnl"]) for day in found["daily"]] == [
        ("2026-03-02", "20"),
        ("2026-03-03", "-5"),
    ]
    assert [point["pnl"] for point in found["equity_curve"]] == ["20", "15"]


def test_trades_are_the_finished_ones_latest_exit_first(api, strategy, account):
    old, new = trip(strategy, account, 0, 20), trip(strategy, account, 1, -5)
    trip(strategy, account, 2)
    trip(strategy, account, 3, 7, strategy=None)
    page = api.get(f"{URL}/trades").json()
    assert [row["id"] for row in page["results"]] == [str(new.pk), str(old.pk)]


def test_performance_has_its_parts(api, owner, strategy, account):
    other = StrategyFactory(user=owner, name="Swing")
    trip(strategy, account, 0, 20)
    trip(strategy, account, 1, -5)
    trip(other, account, 2, 100)
    found = api.get(f"{URL}/performance").json()
    assert (found["total_trades"], found["total_pnl"]) == (3, "115")
    lines = [(row["name"], row["total_pnl"], row["win_rate"], row["fees"]) for row in found["strategies"]]
    assert lines == [("Swing", "100", "100", "1"), ("Scalper", "15", "50", "2")]
    (own,) = found["broker_accounts"]
    assert (own["broker_account"], own["total_trades"], own["gross_pnl"]) == (str(account.pk), 3, "118")


@pytest.mark.parametrize("path", ["pnl", "trades", "performance"])
@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 2),
        ({"strategy": "own"}, 1),
        ({"broker_account": "own"}, 2),
        ({"since": "2026-03-02T18:00:00Z"}, 1),
        ({"until": "2026-03-02T18:00:00Z"}, 1),
    ],
)
def test_every_figure_can_be_narrowed(api, owner, strategy, account, path, query, count):
    trip(strategy, account, 0, 20)
    trip(StrategyFactory(user=owner), account, 10, 30)
    own = {"strategy": strategy.pk, "broker_account": account.pk}
    query = {name: str(own[name]) if value == "own" else value for name, value in query.items()}
    found = api.get(f"{URL}/{path}", query).json()
    seen = found.get("total_trades", found.get("count", len(found.get("equity_curve", []))))
    assert seen == count


def test_one_strategys_record(api, strategy, account):
    trip(strategy, account, 0, 20)
    found = api.get(f"{URL}/analytics/{strategy.pk}").json()
    assert (found["total_trades"], found["total_pnl"]) == (1, "20")


@pytest.mark.parametrize("path", ["summary", "pnl", "trades", "performance"])
def test_staff_can_look_at_one_users_and_nobody_else_can(
    api, staff_api, stranger_api, owner, strategy, account, path
):
    trip(strategy, account, 0, 20)
    address, query = f"{URL}/{path}", {"user": str(owner.pk)}
    mine = api.get(address, query)
    assert mine.status_code == 200
    assert staff_api.get(address, query).json() == mine.json()
    assert stranger_api.get(address, query).status_code == 404
    assert stranger_api.get(address, {"user": "x"}).status_code == 404
    assert staff_api.get(address).json() != mine.json()


def test_today_starts_at_the_users_own_midnight(api, owner, strategy, account):
    exit_at = utc_now()
    trip(strategy, account, 0, 20, exit_timestamp=exit_at)
    trip(strategy, account, 0, 5, exit_timestamp=exit_at - timedelta(days=2), open_quantity=Decimal(0))
    assert api.get(f"{URL}/summary").json()["today_pnl"] == "20"
