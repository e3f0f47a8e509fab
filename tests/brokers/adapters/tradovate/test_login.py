"""Username, password and API key for a token; penalties waited out or told; refusals in the venue's words."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from brokers.adapters.tradovate.auth import TradovateAuth, device_id
from brokers.adapters.tradovate.endpoints import Endpoints, Host
from brokers.domain import Environment
from brokers.errors import AuthPenalty, AuthRevoked, Unavailable
from tests.brokers.adapters.tradovate.venue import API, NOW, FakeVenue, envelope

LOGIN = "auth/accesstokenrequest"
CREDENTIALS = {
    "username": "jdoe01",
    "password": "hunter2-long",
    "client_id": "8123",
    "client_secret": "s3cr3t-uuid",
}


@pytest.fixture
def venue():
    return FakeVenue({})


@pytest.fixture
def slept():
    return []


@pytest.fixture
def auth(venue, slept):
    async def sleep(seconds):
        slept.append(seconds)

    host = Host(API, "", "")
    endpoints = Endpoints(host, host, "", f"{API}/auth/oauthtoken")
    return TradovateAuth(Environment.DEMO, endpoints, venue.http(), CREDENTIALS, sleep=sleep, now=lambda: NOW)


async def test_it_logs_in(venue, auth):
    venue.answers[LOGIN] = envelope("http_accesstokenrequest")
    tokens = await auth.login(CREDENTIALS)
    assert (tokens.access_token, tokens.market_data_token, tokens.venue_user_id) == (
        "AT-first",
        "MDT-first",
        "15461",
    )
    assert tokens.expires_at == datetime(2026, 11, 20, 15, 40, 30, 56000, tzinfo=UTC)
    assert tokens.refresh_token == ""
    (call,) = venue.calls
    assert (call.token, call.body["name"], call.body["password"]) == ("", "jdoe01", "hunter2-long")
    assert (call.body["cid"], call.body["sec"], call.body["appId"] != "") == (8123, "s3cr3t-uuid", True)
    assert call.body["deviceId"] == device_id("jdoe01")


async def test_it_sends_the_key_as_text_when_it_is_no_number_and_not_at_all_without_one(venue, auth):
    venue.answers[LOGIN] = envelope("http_accesstokenrequest")
    await auth.login({**CREDENTIALS, "client_id": "key-7"})
    await auth.login(
        {"username": "jdoe01", "password": "hunter2-long", "device_id": "my-device", "app_id": "Nick"}
    )
    first, second = venue.calls
    assert first.body["cid"] == "key-7"
    assert not {"cid", "sec"} & set(second.body)
    assert (second.body["deviceId"], second.body["appId"]) == ("my-device", "Nick")


def test_it_names_the_same_device_for_the_same_user():
    assert device_id("JDoe01 ") == device_id("jdoe01") != device_id("other")
    assert len(device_id("x" * 200)) <= 64


async def test_it_waits_out_a_short_penalty_and_sends_the_same_with_the_ticket(venue, auth, slept):
    venue.answers[LOGIN] = [envelope("http_accesstokenrequest__ticket"), envelope("http_accesstokenrequest")]
    assert (await auth.login(CREDENTIALS)).access_token == "AT-first"
    first, second = venue.calls
    assert second.body == {**first.body, "p-ticket": "tick-1"}
    assert slept == [15]


@pytest.mark.parametrize(
    ("answer", "wait", "captcha"),
    [
        (envelope("http_accesstokenrequest__captcha"), 3600, True),
        ((200, {"p-ticket": "t", "p-time": 21}), 21, False),
        ((200, {"p-ticket": "t", "p-time": "soon"}), 3600, False),
    ],
)
async def test_it_tells_of_a_penalty_it_will_not_wait_out(venue, auth, slept, answer, wait, captcha):
    venue.answers[LOGIN] = answer
    with pytest.raises(AuthPenalty) as caught:
        await auth.login(CREDENTIALS)
    assert (caught.value.retry_after, caught.value.captcha, slept) == (wait, captcha, [])


async def test_it_waits_once_only(venue, auth):
    venue.answers[LOGIN] = envelope("http_accesstokenrequest__ticket")
    with pytest.raises(AuthPenalty) as caught:
        await auth.login(CREDENTIALS)
    assert (caught.value.retry_after, caught.value.ticket, len(venue.calls)) == (15, "tick-1", 2)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (envelope("http_accesstokenrequest__wrong_password"), AuthRevoked),
        ((400, "Malformed"), AuthRevoked),
        ((401, "Access is denied"), AuthRevoked),
        ((429, ""), AuthPenalty),
        ((500, "oops"), Unavailable),
        ((404, ""), Unavailable),
        ((200, {}), Unavailable),
        ((200, {"accessToken": "x", "errorText": "locked"}), AuthRevoked),
        (httpx.Response(200, content=b"<html>"), Unavailable),
        (httpx.ConnectError("refused"), Unavailable),
        (httpx.ReadTimeout("late"), Unavailable),
    ],
)
async def test_it_says_what_to_do_when_no_token_is_given(venue, auth, answer, error):
    venue.answers[LOGIN] = answer
    with pytest.raises(error) as caught:
        await auth.login(CREDENTIALS)
    assert type(caught.value) is error or issubclass(type(caught.value), error)


async def test_it_repeats_the_venues_words(venue, auth):
    venue.answers[LOGIN] = envelope("http_accesstokenrequest__wrong_password")
    with pytest.raises(AuthRevoked, match=r"Incorrect username or password.*connect again"):
        await auth.login(CREDENTIALS)


async def test_it_never_repeats_a_secret(venue, auth):
    venue.answers[LOGIN] = (200, {"errorText": "bad password hunter2-long or key s3cr3t-uuid"})
    with pytest.raises(AuthRevoked) as caught:
        await auth.login(CREDENTIALS)
    assert "hunter2" not in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("missing", ["username", "password"])
async def test_it_asks_for_what_is_missing_without_asking_the_venue(venue, auth, missing):
    with pytest.raises(AuthRevoked):
        await auth.login({**CREDENTIALS, missing: ""})
    assert venue.calls == []


async def test_it_keeps_the_hosts_the_venue_assigns_when_they_are_the_venues(auth):
    body = envelope("http_renewaccesstoken")[1]
    assert auth._hosts(body) == {}  # our venue is another server: its tokens go nowhere else
    official = Host("https://live.tradovateapi.com/v1", ""), Host("https://demo.tradovateapi.com/v1", "")
    real = TradovateAuth(Environment.LIVE, Endpoints(*official, "", ""), auth._http, {})
    assert real._hosts(body) == {
        "host.live": "https://live-acme.tradovateapi.com/v1",
        "host.demo": "https://demo-acme.tradovateapi.com/v1",
    }
    assert real._hosts({"apiHosts": {"live": "evil.test", "demo": 7}}) == {}
