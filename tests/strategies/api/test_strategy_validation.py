"""What a strategy refuses, each with a sentence at the field it is about."""

from __future__ import annotations

import pytest

from strategies.models import Strategy

pytestmark = pytest.mark.django_db

URL = "/api/v1/strategies"
GOOD = {"name": "S", "symbol": "MNQ1!"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": 7}, "name"),
        ({"name": None}, "name"),
        ({"symbol": ""}, "symbol"),
        ({"symbol": "M" * 65}, "symbol"),
        ({"symbol": "M\tNQ"}, "symbol"),
        ({"strat_type": "Bonds"}, "strat_type"),
        ({"strat_type": None}, "strat_type"),
        ({"tpsl_units": "pips"}, "tpsl_units"),
        ({"trim": 1}, "trim"),
        ({"directional_strategy": "up"}, "directional_strategy"),
        ({"position_size": "-1"}, "position_size"),
        ({"position_size": "NaN"}, "position_size"),
        ({"position_size": "1,000"}, "position_size"),
        ({"position_size": ""}, "position_size"),
        ({"position_size": True}, "position_size"),
        ({"position_size": [1]}, "position_size"),
        ({"position_size": "1e20"}, "position_size"),
        ({"position_size": "0.000000001"}, "position_size"),
        ({"take_profit": "Infinity"}, "take_profit"),
        ({"stop_loss": "-0.25"}, "stop_loss"),
        ({"days_to_expiry": -1}, "days_to_expiry"),
        ({"days_to_expiry": 1.5}, "days_to_expiry"),
        ({"strike_offset": "two"}, "strike_offset"),
        ({"active": "maybe"}, "active"),
        ({"active": None}, "active"),
        ({"alert_format": "morse"}, "alert_format"),
        ({"demo_account": "no-id"}, "demo_account"),
        ({"risk": []}, "risk"),
        ({"risk": {"max_size": 1}}, "risk.max_size"),
        ({"allocations": {}}, "allocations"),
        ({"allocations": ["x"]}, "allocations"),
        ({"allocations": [{}]}, "allocations.0.broker_account"),
    ],
)
def test_it_refuses(api, change, field):
    answer = api.post(URL, {**GOOD, **change})

    assert answer.status_code == 400
    body = answer.json()
    assert set(body) == {"code", "message", "errors"}
    assert body["code"] == "invalid"
    assert list(body["errors"]) == [field]
    assert all(sentence[0].isupper() or sentence[0] in "'\"" for sentence in body["errors"][field])
    assert not Strategy.objects.exists()


def test_it_tells_all_problems_at_once(api):
    errors = api.post(URL, {"symbol": "", "position_size": "x", "risk": {"foo": 1, "max_position": 0}}).json()
    assert set(errors["errors"]) == {"name", "symbol", "position_size", "risk.foo", "risk.max_position"}


@pytest.mark.parametrize("body", [[], "text", 5, None])
def test_it_wants_an_object(api, body):
    answer = api.post(URL, body, format="json")
    assert answer.status_code == 400
    assert answer.json()["code"] in {"invalid", "malformed_json"}


def test_a_name_is_used_once_per_user(api, stranger_api):
    assert api.post(URL, GOOD).status_code == 201
    again = api.post(URL, GOOD)
    assert (again.status_code, list(again.json()["errors"])) == (400, ["name"])
    assert api.post(URL, {**GOOD, "name": " S "}).status_code == 400
    assert stranger_api.post(URL, GOOD).status_code == 201


def test_renaming_to_a_taken_name_is_refused_and_keeping_ones_own_is_not(api):
    first = api.post(URL, GOOD).json()
    other = api.post(URL, {**GOOD, "name": "T"}).json()
    assert api.patch(f"{URL}/{other['id']}", {"name": "S"}).status_code == 400
    assert api.patch(f"{URL}/{first['id']}", {"name": "S"}).status_code == 200


def test_broken_json_is_told_as_such(api):
    answer = api.generic("POST", URL, "{", content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")
