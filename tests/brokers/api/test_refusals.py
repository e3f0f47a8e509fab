"""What a broker or its form refuses, told in the API's one shape."""

from __future__ import annotations

import pytest

from brokers.errors import AuthPenalty, RateLimited, Unavailable
from brokers.models import BrokerConnection
from tests.brokers.api.venue import PASSWORD

pytestmark = pytest.mark.django_db

URL = "/api/v1/connections"
FLAT = "/api/v1/accounts/add-tradovate"
GOOD = {"username": "trader", "password": PASSWORD}


def body(**changes) -> dict:
    return {"broker": "tradovate", "environment": "demo", "credentials": GOOD, **changes}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"credentials": {}}, "credentials.username"),
        ({"credentials": {"username": "t"}}, "credentials.password"),
        ({"credentials": {**GOOD, "pin": "1"}}, "credentials.pin"),
        ({"credentials": {**GOOD, "username": ["a"]}}, "credentials.username"),
        ({"credentials": "trader"}, "credentials"),
        ({"environment": "paper"}, "environment"),
        ({"broker": ""}, "broker"),
        ({"label": "x" * 81}, "label"),
        ({"label": "a\x07b"}, "label"),
    ],
)
def test_a_field_that_is_not_right_is_named(api, venue, change, field):
    answer = api.post(URL, body(**change))
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid"
    assert field in answer.json()["errors"]
    assert venue.seen == []
    assert PASSWORD not in answer.content.decode()


def test_an_unknown_broker_is_told_with_the_known_ones(api, venue):
    answer = api.post(URL, body(broker="nobody"))
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_broker")
    assert "tradovate" in answer.json()["message"]


def test_a_wrong_password_is_the_brokers_word(api, venue):
    answer = api.post(URL, body(credentials={**GOOD, "password": "wrong"}))
    assert (answer.status_code, answer.json()["code"]) == (400, "auth_revoked")
    assert answer.json()["message"] == "The broker does not know this username and password. Check both."
    assert not BrokerConnection.objects.exists()


@pytest.mark.parametrize(
    ("refusal", "code", "wait"),
    [
        (AuthPenalty("Wait a moment.", retry_after=12.5, captcha=True), "auth_penalty", 12.5),
        (RateLimited("Too many.", retry_after=3), "rate_limited", 3),
        (RateLimited("Too many."), "rate_limited", None),
        (Unavailable("The broker is down. Try later."), "unavailable", None),
    ],
)
def test_a_wait_stands_beside_the_reason(api, venue, refusal, code, wait):
    venue.refusal = refusal
    answer = api.post(URL, body())
    assert (answer.status_code, answer.json()["code"], answer.json().get("retry_after")) == (400, code, wait)
    assert answer.json()["message"] == refusal.message
    assert answer.headers.get("Retry-After") == {12.5: "13", 3: "3", None: None}[wait]


@pytest.mark.parametrize("address", [f"{URL}/test", "/api/v1/accounts/test-tradovate-connection"])
def test_a_test_that_fails_is_an_answer_and_no_error(api, venue, address):
    venue.refusal = AuthPenalty("Wait a moment.", retry_after=5)
    answer = api.post(address, body() if "connections" in address else GOOD)
    assert answer.status_code == 200
    found = answer.json()
    assert (found["success"], found["error"], found["code"]) == (False, "Wait a moment.", "auth_penalty")
    assert found["retry_after"] == 5


def test_the_flat_routes_make_the_same_login(api, venue):
    answer = api.post(FLAT, {**GOOD, "client_id": "7", "client_secret": "shh", "label": "Flat"})
    assert answer.status_code == 201
    made = answer.json()
    assert made["success"] is True
    assert [row["external_id"] for row in made["accounts"]] == ["33001", "33002"]
    assert (made["connection"]["label"], made["connection"]["environment"]) == ("Flat", "demo")
    assert venue.seen[0] == {**GOOD, "client_id": "7", "client_secret": "shh"}
    assert "shh" not in answer.content.decode()


def test_the_flat_routes_refuse_in_the_same_shape(api, venue):
    wrong = api.post(FLAT, {**GOOD, "password": "wrong"}).json()
    assert (wrong["success"], wrong["code"]) == (False, "auth_revoked")
    assert wrong["error"] == wrong["message"]
    unknown = api.post(FLAT, {**GOOD, "pin": "1"})
    assert (unknown.status_code, list(unknown.json()["errors"])) == (400, ["credentials.pin"])
    nested = api.post(FLAT, {**GOOD, "app_id": {"a": 1}})
    assert (nested.status_code, list(nested.json()["errors"])) == (400, ["app_id"])
    assert api.post(FLAT, [1]).status_code == 400


def test_logins_cannot_be_tried_without_end(api, venue, settings):
    from brokers.api import BrokerLoginThrottle

    limit = int(BrokerLoginThrottle.THROTTLE_RATES["login"].split("/")[0])
    codes = [api.post(f"{URL}/test", body()).status_code for _ in range(limit + 1)]
    assert codes == [200] * limit + [429]
