"""The trading switches over the API: who may turn which, and what then holds."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from accounts.models import AuditEntry
from strategies.control import effective_state
from strategies.models import ControlState
from tests.factories import BrokerAccountFactory, ConnectionFactory, StrategyFactory
from tradeproject.common.models import DomainEvent

pytestmark = pytest.mark.django_db

URL = "/api/v1/control"


@pytest.fixture
def strategy(owner):
    return StrategyFactory(user=owner)


@pytest.fixture
def account(owner):
    return BrokerAccountFactory(connection=ConnectionFactory(user=owner))


@pytest.fixture
def staff_api(staff):
    client = APIClient()
    client.force_authenticate(staff)
    return client


def turn(client, action: str, scope: str, pk: object = None, **more):
    body = {"scope": scope, **({} if pk is None else {"id": str(pk)}), **more}
    return client.post(f"{URL}/{action}", body)


@pytest.mark.parametrize(
    ("action", "state"), [("stop", "halted"), ("pause", "reducing"), ("start", "running")]
)
def test_the_three_states(api, owner, strategy, action, state):
    answer = turn(api, action, "strategy", strategy.pk, reason="lunch")
    assert answer.status_code == 200
    assert answer.json() == {
        "scope": "strategy", "id": str(strategy.pk), "name": strategy.name, "state": state,
        "canceled": 0, "orders": [], "warnings": [],
    }  # fmt: skip
    assert effective_state(owner, strategy=strategy).state == state
    row = ControlState.objects.get()
    assert (row.reason, row.changed_by) == ("lunch", owner)


def test_my_own_trading_is_meant_unless_told(api, owner):
    assert api.post(f"{URL}/stop").json()["id"] == str(owner.pk)
    assert turn(api, "stop", "user", owner.pk).status_code == 200
    assert effective_state(owner).state == "halted"


def test_the_most_restrictive_switch_wins(api, staff_api, owner, strategy, account):
    turn(api, "pause", "user")
    assert effective_state(owner, strategy=strategy, broker_account=account).state == "reducing"
    turn(api, "stop", "broker_account", account.pk)
    assert effective_state(owner, strategy=strategy, broker_account=account).scope == "broker_account"
    assert effective_state(owner, strategy=strategy).state == "reducing"
    turn(api, "start", "user")
    assert effective_state(owner, strategy=strategy).state == "running"
    turn(staff_api, "stop", "platform")
    assert effective_state(owner).scope == "platform"


def test_a_brokers_switch_holds_for_its_accounts_alone(staff_api, owner, account):
    assert turn(staff_api, "stop", "broker", "tradovate").status_code == 200
    assert effective_state(owner, broker_account=account).scope == "broker"
    assert effective_state(owner).state == "running"
    assert turn(staff_api, "stop", "broker", "nobody").status_code == 404


@pytest.mark.parametrize("scope", ["platform", "broker"])
def test_the_wide_switches_are_for_staff(api, scope):
    answer = turn(api, "stop", scope, "tradovate")
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    assert not ControlState.objects.exists()


def test_stopping_again_begins_anew_and_leaves_one_course(api, owner):
    turn(api, "stop", "user")
    turn(api, "stop", "user", flatten=True)
    (halt,) = api.get(f"{URL}/status").json()["halts"]
    assert halt["flatten"] is True
    assert turn(api, "start", "user").status_code == 403


def test_what_was_stopped_needs_a_proof_of_who_starts_it(api, owner, strategy):
    from tests.factories import PASSWORD

    turn(api, "stop", "strategy", strategy.pk)
    refused = turn(api, "start", "strategy", strategy.pk)
    assert (refused.status_code, refused.json()["code"]) == (403, "reauthentication_required")
    wrong = turn(api, "start", "strategy", strategy.pk, password="not it")
    assert (wrong.status_code, wrong.json()["code"]) == (403, "reauthentication_failed")
    turn(api, "pause", "strategy", strategy.pk)  # letting exits through is no way around it
    assert turn(api, "start", "strategy", strategy.pk).status_code == 403
    assert turn(api, "start", "strategy", strategy.pk, password=PASSWORD).status_code == 200
    assert effective_state(owner, strategy=strategy).state == "running"


def test_a_one_time_code_is_a_proof_and_works_once(api, owner):
    from allauth.mfa.totp.internal.auth import (
        TOTP,
        format_hotp_value,
        generate_totp_secret,
        hotp_value,
        yield_hotp_counters_from_time,
    )

    secret = generate_totp_secret()
    TOTP.activate(owner, secret)
    code = format_hotp_value(hotp_value(secret, list(yield_hotp_counters_from_time())[1]))
    turn(api, "stop", "user")
    assert turn(api, "start", "user", code=code).status_code == 200
    turn(api, "stop", "user")
    assert turn(api, "start", "user", code=code).status_code == 403


def test_the_course_of_a_halt_is_in_the_status(api, owner):
    turn(api, "stop", "user", flatten=True)
    (halt,) = api.get(f"{URL}/status").json()["halts"]
    assert (halt["scope"], halt["phase"], halt["flatten"]) == ("user", "blocked", True)


@pytest.mark.parametrize("scope", ["user", "strategy", "broker_account"])
def test_what_belongs_to_others_does_not_exist(stranger_api, owner, strategy, account, scope):
    foreign = {"user": owner.pk, "strategy": strategy.pk, "broker_account": account.pk}[scope]
    answers = [turn(stranger_api, "stop", scope, pk) for pk in (foreign, account.user_id, "x", strategy.pk)]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert not ControlState.objects.exists()


def test_staff_may_turn_anybodys(staff_api, owner, strategy):
    turn(staff_api, "stop", "strategy", strategy.pk)
    turn(staff_api, "pause", "user", owner.pk)
    assert {entry.owner for entry in AuditEntry.objects.filter(action="control_changed")} == {owner}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"scope": "galaxy"}, "scope"),
        ({"scope": "strategy"}, "id"),
        ({"scope": "user", "flatten": "x"}, "flatten"),
    ],
)
def test_bad_input_is_named(api, body, field):
    answer = api.post(f"{URL}/stop", body)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


def test_it_is_told_of_and_written_down(api, owner, strategy):
    turn(api, "stop", "strategy", strategy.pk, reason="enough")
    event = DomainEvent.objects.get(type="control.changed")
    assert (event.user_id, event.data["state"], event.data["reason"]) == (owner.pk, "halted", "enough")
    assert AuditEntry.objects.get(action="control_changed").detail["state"] == ["running", "halted"]


def test_the_status_shows_what_holds_for_each(api, staff_api, owner, strategy, account, stranger):
    StrategyFactory(user=stranger, name="not mine")
    turn(api, "pause", "strategy", strategy.pk, reason="why not")
    turn(staff_api, "stop", "broker", "tradovate")
    status = api.get(f"{URL}/status").json()
    assert (status["state"], status["scope"]) == ("running", "")
    assert status["platform"]["state"] == status["user"]["state"] == "running"
    assert [(row["broker"], row["state"], row["changed_by"]) for row in status["brokers"]] == [
        ("tradovate", "halted", "")
    ]
    (own,) = status["strategies"]
    assert (own["state"], own["effective"], own["reason"], own["changed_by"]) == (
        "reducing",
        "reducing",
        "why not",
        owner.email,
    )
    (found,) = status["broker_accounts"]
    assert (found["state"], found["effective"], found["effective_scope"]) == ("running", "halted", "broker")
