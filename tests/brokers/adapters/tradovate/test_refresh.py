"""A new token from an old one: the rotating refresh token, else renewal, else a clear word about who can help."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs

import httpx
import pytest

from brokers.adapters.tradovate.auth import TradovateAuth
from brokers.adapters.tradovate.endpoints import Endpoints, Host
from brokers.domain import Environment, Tokens
from brokers.errors import AuthExpired, AuthPenalty, AuthRevoked, Unavailable
from tests.brokers.adapters.tradovate.venue import API, NOW, FakeVenue, envelope

RENEW, GRANT = "auth/renewaccesstoken", "auth/oauthtoken"
OLD = Tokens("AT-old", NOW + timedelta(minutes=10), market_data_token="MDT-old", venue_user_id="15461")
OAUTH = replace(
    OLD, refresh_token="RT-old", refresh_expires_at=NOW + timedelta(hours=20), market_data_token=""
)
REFUSED = envelope("http_oauthtoken__refused")
PASSWORD = {"username": "jdoe01", "password": "hunter2"}


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
    endpoints = Endpoints(host, host, "", f"{API}/{GRANT}", "app-1", "app-secret")
    return TradovateAuth(Environment.DEMO, endpoints, venue.http(), {}, sleep=sleep, now=lambda: NOW)


async def test_it_renews_with_the_access_token_by_get(venue, auth):
    venue.answers[RENEW] = envelope("http_renewaccesstoken")
    tokens = await auth.refresh(OLD, {})
    assert (tokens.access_token, tokens.market_data_token) == ("AT-renewed", "MDT-renewed")
    (call,) = venue.calls
    assert (call.operation, call.query, call.raw, call.token) == (RENEW, "", "", "AT-old")


async def test_it_keeps_what_the_renewal_leaves_out(venue, auth):
    venue.answers[RENEW] = (200, {"expirationTime": "2026-11-20T16:00:00Z"})
    tokens = await auth.refresh(OLD, {})
    assert (tokens.access_token, tokens.market_data_token, tokens.venue_user_id) == (
        "AT-old",
        "MDT-old",
        "15461",
    )
    assert tokens.expires_at == NOW.replace(hour=16, minute=0, second=0)


@pytest.mark.parametrize(
    "answer", [(401, "Expired Access Token"), (200, {"errorText": "Session closed"}), (400, "")]
)
async def test_it_asks_for_a_login_when_the_renewal_is_refused(venue, auth, answer):
    venue.answers[RENEW] = answer
    with pytest.raises(AuthExpired):
        await auth.refresh(OLD, {})


async def test_it_does_not_try_to_renew_what_has_expired(venue, auth):
    with pytest.raises(AuthExpired):
        await auth.refresh(replace(OLD, expires_at=NOW), {})
    assert venue.calls == []


@pytest.mark.parametrize("answer", [(500, ""), (408, ""), (200, {}), (200, "x"), httpx.ReadTimeout("late")])
async def test_it_leaves_the_token_alone_when_the_renewal_is_in_doubt(venue, auth, answer):
    venue.answers[RENEW] = answer
    with pytest.raises(Unavailable):
        await auth.refresh(OLD, {})


async def test_it_waits_out_a_short_penalty_and_shows_the_ticket(venue, auth, slept):
    venue.answers[RENEW] = [envelope("http_placeorder__ticket"), envelope("http_renewaccesstoken")]
    assert (await auth.refresh(OLD, {})).access_token == "AT-renewed"
    assert (slept, parse_qs(venue.calls[1].query)) == ([5], {"p-ticket": ["tick-9"]})


@pytest.mark.parametrize("answer", [(429, ""), (200, {"p-ticket": "t", "p-time": 100})])
async def test_it_says_when_the_venue_takes_no_more_renewals(venue, auth, answer):
    venue.answers[RENEW] = answer
    with pytest.raises(AuthPenalty):
        await auth.refresh(OLD, {})


async def test_it_prefers_the_refresh_token_and_keeps_the_new_one(venue, auth):
    venue.answers[GRANT] = (200, {**envelope("http_oauthtoken")[1], "refresh_token": "RT-2"})
    tokens = await auth.refresh(OAUTH, {})
    assert (tokens.access_token, tokens.refresh_token) == ("OT-1", "RT-2")
    assert tokens.expires_at == NOW + timedelta(hours=1)
    assert tokens.refresh_expires_at == NOW + timedelta(hours=26)
    form = {key: values[0] for key, values in parse_qs(venue.calls[0].raw).items()}
    assert form == {
        "grant_type": "refresh_token",
        "refresh_token": "RT-old",
        "client_id": "app-1",
        "client_secret": "app-secret",
    }


async def test_it_keeps_the_old_refresh_token_when_no_new_one_comes(venue, auth):
    venue.answers[GRANT] = (200, {"access_token": "OT-2", "expires_in": 5400})
    tokens = await auth.refresh(OAUTH, {})
    assert (tokens.refresh_token, tokens.refresh_expires_at) == ("RT-old", OAUTH.refresh_expires_at)


async def test_it_asks_twice_before_it_believes_a_refusal(venue, auth, slept):
    venue.answers[GRANT] = [REFUSED, envelope("http_oauthtoken")]
    assert (await auth.refresh(OAUTH, {})).access_token == "OT-1"
    assert len(slept) == 1


async def test_it_renews_the_living_token_when_the_refresh_token_is_refused(venue, auth):
    venue.answers |= {GRANT: REFUSED, RENEW: envelope("http_renewaccesstoken")}
    tokens = await auth.refresh(OAUTH, {})
    assert (tokens.access_token, tokens.refresh_token) == ("AT-renewed", "RT-old")


@pytest.mark.parametrize("answer", [REFUSED, (400, {"error": "invalid_grant"}), (401, "")])
async def test_it_sends_the_owner_to_sign_in_when_nothing_helps(venue, auth, answer):
    venue.answers |= {GRANT: answer, RENEW: (401, "Expired Access Token")}
    with pytest.raises(AuthRevoked, match="Sign in with Tradovate again"):
        await auth.refresh(OAUTH, {})
    assert len(venue.named(GRANT)) == 2


async def test_it_leaves_the_decision_to_the_caller_when_the_password_is_at_hand(venue, auth):
    venue.answers |= {GRANT: REFUSED, RENEW: (401, "Expired Access Token")}
    with pytest.raises(AuthExpired):
        await auth.refresh(OAUTH, PASSWORD)


@pytest.mark.parametrize("answer", [(500, ""), (200, "x"), (200, {}), httpx.ReadError("reset")])
async def test_it_does_not_take_trouble_for_a_refusal(venue, auth, answer):
    venue.answers[GRANT] = answer
    with pytest.raises(Unavailable):
        await auth.refresh(OAUTH, {})
    assert venue.named(RENEW) == []


async def test_it_calls_the_host_an_answer_names(venue):
    seen = []

    def handler(request):
        seen.append(request.url.host)
        if request.url.host == "demo.tradovateapi.com":
            return httpx.Response(
                200, json={"errorText": "renewAccessToken should be called on live.tradovateapi.com."}
            )
        return httpx.Response(200, json=envelope("http_renewaccesstoken")[1])

    http = httpx.AsyncClient(transport=httpx.MockTransport(handler))
    host = Host("https://demo.tradovateapi.com/v1", "")
    auth = TradovateAuth(Environment.DEMO, Endpoints(host, host, "", ""), http, {}, now=lambda: NOW)
    assert (await auth.refresh(OLD, {})).access_token == "AT-renewed"
    assert seen == ["demo.tradovateapi.com", "live.tradovateapi.com"]
