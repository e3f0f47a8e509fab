"""Making a strategy: as little as possible, everything, and what comes with it."""

from __future__ import annotations

import pytest

from accounts.models import AuditEntry
from strategies.models import Strategy
from tests.factories import BrokerAccountFactory, ConnectionFactory
from tradeproject.common.models import DomainEvent

pytestmark = pytest.mark.django_db

URL = "/api/v1/strategies"
FIELDS = {
    "id", "name", "symbol", "strat_type", "position_size", "position_add", "take_profit", "stop_loss", "tpsl_units",
    "trim", "directional_strategy", "days_to_expiry", "strike_offset", "active", "recording_enabled", "demo_account",
    "webhook_url", "allocations", "risk", "warnings", "alert_format", "created_at", "updated_at", "time_in_force",
}  # fmt: skip
LIMITS = {
    "max_order_quantity", "max_position", "max_orders_per_day", "max_orders_per_minute", "max_daily_loss",
    "max_drawdown", "max_signal_age", "price_collar_percent", "session", "blackout",
}  # fmt: skip


def test_a_name_and_a_symbol_are_enough(api, settings):
    answer = api.post(URL, {"name": "Scalper", "symbol": "MNQ1!"})

    assert answer.status_code == 201
    made = answer.json()
    assert set(made) == FIELDS | {"logs"}
    assert set(made["risk"]) >= LIMITS
    assert made["webhook_url"].startswith(f"{settings.SITE_URL}/webhook/")
    unset = ("position_size", "position_add", "take_profit", "stop_loss", "days_to_expiry", "demo_account")
    assert [made[name] for name in unset] == [None] * len(unset)
    assert (made["strat_type"], made["tpsl_units"], made["trim"]) == ("Futures", "Ticks", "All")
    assert (made["active"], made["recording_enabled"], made["alert_format"]) == (True, True, "auto")
    assert set(made["risk"].values()) == {None}
    assert made["allocations"] == []


def test_everything_can_be_said_at_once(api, owner):
    account = BrokerAccountFactory(connection=ConnectionFactory(user=owner))
    body = {
        "name": "Everything",
        "symbol": "ES1!",
        "strat_type": "futures",
        "position_size": "2",
        "position_add": 0,
        "time_in_force": "GTC",
        "take_profit": "10.5",
        "stop_loss": 5.25,
        "tpsl_units": "POINTS",
        "trim": "partial",
        "directional_strategy": "long",
        "days_to_expiry": 3,
        "strike_offset": -2,
        "active": False,
        "recording_enabled": False,
        "demo_account": str(account.pk),
        "allocations": [{"broker_account": str(account.pk), "multiplier": "1.5", "max_contracts": "4"}],
        "risk": {"max_position": "6", "max_signal_age": 30},
        "alert_format": "TradersPost",
    }
    made = api.post(URL, body).json()

    kept = {name: made[name] for name in body if name not in {"allocations", "risk"}}
    assert kept == {
        **{name: value for name, value in body.items() if name in kept},
        "strat_type": "Futures",
        "position_add": "0",
        "stop_loss": "5.25",
        "tpsl_units": "Points",
        "trim": "Partial",
        "directional_strategy": "Long",
        "time_in_force": "gtc",
        "alert_format": "traderspost",
    }
    assert made["allocations"] == [
        {"broker_account": str(account.pk), "multiplier": "1.5", "max_contracts": "4", "enabled": True}
    ]
    assert (made["risk"]["max_position"], made["risk"]["max_signal_age"]) == ("6", 30)


def test_it_belongs_to_who_made_it_whatever_the_body_says(api, owner, stranger):
    made = api.post(URL, {"name": "Mine", "symbol": "MNQ1!", "user": str(stranger.pk), "id": "1"}).json()
    assert Strategy.objects.get(pk=made["id"]).user == owner


def test_it_is_told_of_and_written_down(api, owner):
    made = api.post(URL, {"name": "Told", "symbol": "MNQ1!", "position_size": "2"}).json()

    event = DomainEvent.objects.get(type="strategy.changed")
    assert (event.user_id, event.data["change"], event.data["name"]) == (owner.pk, "created", "Told")
    entry = AuditEntry.objects.get(action="strategy_created")
    assert (entry.owner, entry.object_id, entry.detail["position_size"]) == (owner, made["id"], "2")
    assert "webhook" not in str(entry.detail).lower()


def test_the_list_has_a_name_of_its_own_and_the_contracts_fields(api):
    for name in ("B", "A"):
        api.post(URL, {"name": name, "symbol": "MNQ1!"})
    for address in (URL, f"{URL}/", "/api/strategies"):
        page = api.get(address).json()
        assert set(page) == {"count", "next", "previous", "strategies"}
        assert [row["name"] for row in page["strategies"]] == ["A", "B"]
        assert set(page["strategies"][0]) == FIELDS


def test_it_costs_the_same_queries_for_many(api, django_assert_max_num_queries):
    for number in range(12):
        api.post(URL, {"name": f"S{number}", "symbol": "MNQ1!"})
    with django_assert_max_num_queries(5):
        assert api.get(URL).json()["count"] == 12
