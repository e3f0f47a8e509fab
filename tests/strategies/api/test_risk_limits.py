"""Limits of the user and of an account, and the administrator's cap that no owner exceeds."""

from __future__ import annotations

import pytest

from accounts.models import AuditEntry
from strategies.risk_models import RiskLimits
from tests.factories import BrokerAccountFactory, ConnectionFactory, StrategyFactory

URL = "/api/v1/risk-limits"
STRATEGIES = "/api/v1/strategies"
pytestmark = pytest.mark.django_db


@pytest.fixture
def account(owner):
    return BrokerAccountFactory(connection=ConnectionFactory(user=owner))


def cap(scope: str = "platform", object_id: object = "", user=None, **limits) -> None:
    RiskLimits.objects.create(user=user, scope=scope, object_id=str(object_id), kind="cap", limits=limits)


def change(api, scope: str = "user", pk: object = None, **limits):
    return api.patch(URL, {"scope": scope, "id": str(pk) if pk else None, "limits": limits})


def test_an_account_has_the_usual_limits(api, account):
    (shown,) = api.get(URL).json()["broker_accounts"]
    assert shown["effective"] == {"max_working_orders": "20", "max_rejects_in_a_row": "5"}
    assert set(shown["limits"].values()) == {None} and shown["caps"] == {}


def test_real_money_has_more_of_them(api, owner):
    connection = ConnectionFactory(user=owner, environment="live")
    BrokerAccountFactory(connection=connection, environment="live")
    (shown,) = api.get(URL).json()["broker_accounts"]
    assert shown["effective"]["max_orders_per_day"] == "200"


def test_the_users_limits_hold_on_every_account(api, account):
    answer = change(api, max_position="4", max_daily_loss="500").json()
    assert answer["user"]["limits"]["max_position"] == "4"
    assert answer["broker_accounts"][0]["effective"]["max_position"] == "4"
    assert "max_daily_loss" not in answer["broker_accounts"][0]["effective"]
    assert answer["user"]["effective"]["max_daily_loss"] == "500"


def test_the_strictest_holds(api, account):
    change(api, max_position="4")
    answer = change(api, "broker_account", account.pk, max_position="9", max_working_orders=50).json()
    effective = answer["broker_accounts"][0]["effective"]
    assert (effective["max_position"], effective["max_working_orders"]) == ("4", "50")


def test_null_switches_one_off(api, account):
    change(api, "broker_account", account.pk, max_position="9")
    change(api, "broker_account", account.pk, max_position=None)
    assert RiskLimits.objects.get().limits == {}
    assert AuditEntry.objects.filter(action="risk_limits_changed").count() == 2


def test_a_cap_holds_unasked(api, account):
    cap(max_position="3")
    (shown,) = api.get(URL).json()["broker_accounts"]
    assert (shown["caps"], shown["effective"]["max_position"]) == ({"max_position": "3"}, "3")


@pytest.mark.parametrize("scope", ["platform", "user", "broker_account"])
def test_no_account_exceeds_a_cap(api, owner, account, scope):
    cap(
        scope,
        {"platform": "", "user": owner.pk, "broker_account": account.pk}[scope],
        owner,
        max_position="3",
    )
    answer = change(api, "broker_account", account.pk, max_position="4")
    assert answer.status_code == 400
    assert "at most 3" in answer.json()["errors"]["max_position"][0]
    assert change(api, "broker_account", account.pk, max_position="3").status_code == 200


@pytest.mark.parametrize("scope", ["platform", "user"])
def test_no_strategy_exceeds_a_cap(api, owner, scope):
    cap(scope, owner.pk if scope == "user" else "", owner, max_orders_per_day=50)
    body = {"name": "S", "symbol": "MNQ1!", "risk": {"max_orders_per_day": 51}}
    answer = api.post(STRATEGIES, body)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["risk.max_orders_per_day"])
    assert "at most 50" in answer.json()["errors"]["risk.max_orders_per_day"][0]


def test_a_cap_on_one_strategy_binds_its_edit(api, owner):
    strategy = StrategyFactory(user=owner)
    cap("strategy", strategy.pk, owner, max_daily_loss="100")
    answer = api.patch(f"{STRATEGIES}/{strategy.pk}", {"risk": {"max_daily_loss": "100.01"}})
    assert "at most 100" in answer.json()["errors"]["risk.max_daily_loss"][0]


def test_what_is_anothers_does_not_exist(stranger_api, account, owner):
    for scope, pk in (("broker_account", account.pk), ("user", owner.pk), ("broker_account", "x")):
        assert change(stranger_api, scope, pk, max_position="1").status_code == 404
    assert not RiskLimits.objects.exists()


@pytest.mark.parametrize("name", ["max_position", "max_fun"])
def test_it_names_what_is_wrong(api, name):
    answer = change(api, **{name: "-1"})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [name])


def test_the_platform_is_not_an_owners(api):
    assert change(api, "platform", max_position="1").status_code == 400
    assert api.patch(URL, {"scope": "user"}).status_code == 400
