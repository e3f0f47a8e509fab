"""A strategy's round trips and figures over the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from accounts.models import AuditEntry
from recorder.models import RecordedPosition
from tests.factories import BrokerAccountFactory, ConnectionFactory, InstrumentFactory, StrategyFactory

pytestmark = pytest.mark.django_db

FIELDS = {
    "id", "strategy", "broker_account", "symbol", "side", "quantity", "entry_price", "entry_timestamp", "exit_price",
    "exit_timestamp", "exit_reason", "pnl", "pnl_percent", "commission", "net_pnl", "stop_loss_price",
    "take_profit_price", "status", "signal", "venue_position_id",
}  # fmt: skip
ANALYTICS = {
    "total_trades", "win_rate", "average_win", "average_loss", "largest_win", "largest_loss", "total_pnl",
    "profit_factor", "max_drawdown", "sharpe_ratio", "expectancy", "average_time_in_trade", "average_slippage",
    "best_day", "worst_day", "daily", "weekly", "monthly", "equity_curve", "gross_pnl", "fees",
}  # fmt: skip
START = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)


@pytest.fixture
def strategy(owner):
    return StrategyFactory(user=owner)


@pytest.fixture
def account(owner):
    return BrokerAccountFactory(connection=ConnectionFactory(user=owner))


def trip(of, account, hour: int, net: object = None, **more) -> RecordedPosition:
    at = START + timedelta(hours=hour)
    facts = {
        "user": of.user, "strategy": of, "broker_account": account, "instrument": InstrumentFactory(),
        "symbol": "MNQ", "side": "Buy", "quantity": Decimal(1), "open_quantity": Decimal(1),
        "entry_price": Decimal("21000.25"), "entry_timestamp": at,
    }  # fmt: skip
    if net is not None:
        facts |= {
            "open_quantity": Decimal(0), "exit_price": Decimal(21010), "exit_timestamp": at + timedelta(minutes=10),
            "exit_reason": "Take Profit", "status": "target_hit", "pnl": Decimal(str(net)) + 1, "commission": Decimal(1),
            "net_pnl": Decimal(str(net)),
        }  # fmt: skip
    return RecordedPosition.objects.create(**{**facts, **more})


def test_both_addresses_list_open_and_closed_newest_first(api, strategy, account):
    old, new = trip(strategy, account, 0, 20), trip(strategy, account, 1)
    named = api.get(f"/api/v1/recorder/positions/{strategy.pk}").json()
    assert set(named) == {"count", "next", "previous", "positions"}
    assert [row["id"] for row in named["positions"]] == [str(new.pk), str(old.pk)]
    assert set(named["positions"][0]) >= FIELDS
    plain = api.get(f"/api/strategies/{strategy.pk}/positions/").json()
    assert plain["results"] == named["positions"]
    closed = named["positions"][1]
    assert (closed["side"], closed["entry_price"], closed["exit_reason"]) == (
        "Buy",
        "21000.25",
        "Take Profit",
    )
    assert (closed["pnl"], closed["commission"], closed["net_pnl"]) == ("21", "1", "20")
    assert (named["positions"][0]["exit_reason"], named["positions"][0]["status"]) == (None, "open")


@pytest.mark.parametrize(
    ("status", "count"), [("open", 1), ("target_hit", 1), ("closed", 0), ("finished", 1), ("stopped_out", 0)]
)
def test_it_filters_by_status(api, strategy, account, status, count):
    trip(strategy, account, 0, 20)
    trip(strategy, account, 1)
    found = api.get(f"/api/v1/recorder/positions/{strategy.pk}", {"status": status}).json()
    assert found["count"] == count


def test_another_strategys_trips_are_not_in_it(api, owner, strategy, account):
    trip(StrategyFactory(user=owner), account, 0, 5)
    assert api.get(f"/api/v1/recorder/positions/{strategy.pk}").json()["positions"] == []


def test_the_figures_are_net_with_gross_and_fees_beside(api, strategy, account):
    trip(strategy, account, 0, 20)
    trip(strategy, account, 1, -5)
    found = api.get(f"/api/v1/strategies/{strategy.pk}/analytics").json()
    assert set(found) == ANALYTICS
    assert (found["total_trades"], found["win_rate"], found["total_pnl"]) == (2, "50", "15")
    assert (found["gross_pnl"], found["fees"], found["profit_factor"]) == ("17", "2", "4")
    assert found["daily"] == [{"date": "2026-03-02", "pnl": "15", "trades": 2}]
    assert found["equity_curve"][0] == {"t": "2026-03-02T14:10:00.000Z", "pnl": "20"}


def test_days_follow_the_users_own_calendar(api, owner, strategy, account):
    owner.timezone = "Asia/Tokyo"
    owner.save()
    trip(strategy, account, 2, 20)
    found = api.get(f"/api/v1/strategies/{strategy.pk}/analytics").json()
    assert found["daily"][0]["date"] == "2026-03-03"


def test_the_figures_can_be_bounded(api, strategy, account):
    trip(strategy, account, 0, 20)
    trip(strategy, account, 5, -5)
    address = f"/api/v1/strategies/{strategy.pk}/analytics"
    assert api.get(address, {"until": "2026-03-02T16:00:00Z"}).json()["total_pnl"] == "20"
    assert api.get(address, {"since": "2026-03-02T16:00:00Z"}).json()["total_pnl"] == "-5"
    assert api.get(address, {"broker_account": str(account.pk)}).json()["total_pnl"] == "15"
    wrong = api.get(address, {"since": "yesterday"})
    assert (wrong.status_code, list(wrong.json()["errors"])) == (400, ["since"])


@pytest.mark.parametrize(("action", "on"), [("start", True), ("stop", False)])
def test_recording_is_switched_and_written_down(api, strategy, action, on):
    type(strategy).objects.update(recording_enabled=not on)
    answer = api.post(f"/api/v1/recorder/{action}/{strategy.pk}").json()
    assert answer == {"strategy": str(strategy.pk), "recording_enabled": on}
    strategy.refresh_from_db()
    assert strategy.recording_enabled is on
    assert AuditEntry.objects.filter(action=f"recording_{action if on else 'stopp'}ed").count() == 1
