"""Signing in with the browser: the consent page, the code, and who it was."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from brokers.adapters.tradovate.auth import TradovateAuth
from brokers.adapters.tradovate.endpoints import Endpoints, Host
from brokers.domain import Environment
from brokers.errors import AuthError, AuthRevoked, Unavailable, Unsupported
from tests.brokers.adapters.tradovate.venue import API, NOW, FakeVenue, envelope

GRANT = "auth/oauthtoken"
BACK = "https://our.site/oauth/tradovate/callback"


@pytest.fixture
def venue():
    return FakeVenue({})


def auth(
    venue, credentials=None, client_id="app-1", client_secret="app-secret", page="https://page.test/oauth"
):
    host = Host(API, "", "")
    endpoints = Endpoints(host, host, page, f"{API}/{GRANT}", client_id, client_secret)

    async def sleep(_):
        return None

    return TradovateAuth(
        Environment.LIVE, endpoints, venue.http(), credentials or {}, sleep=sleep, now=lambda: NOW
    )


def asked(url):
    return {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}


def test_it_sends_the_browser_to_the_consent_page(venue):
    url = auth(venue).authorize_url(redirect_uri=BACK, state="st&1", code_challenge="")
    assert url.startswith("https://page.test/oauth?")
    assert asked(url) == {
        "response_type": "code",
        "client_id": "app-1",
        "redirect_uri": BACK,
        "state": "st&1",
    }


def test_it_adds_a_code_challenge_and_keeps_the_pages_own_query(venue):
    url = auth(venue, page="https://page.test/oauth?lang=en").authorize_url(
        redirect_uri=BACK, state="s", code_challenge="abc"
    )
    assert asked(url)["lang"] == "en"
    assert (asked(url)["code_challenge"], asked(url)["code_challenge_method"]) == ("abc", "S256")


def test_it_uses_the_connections_own_app_but_never_an_api_key_as_one(venue):
    own = auth(venue, {"client_id": "mine", "client_secret": "x"})
    key = auth(venue, {"username": "jdoe01", "client_id": "8123", "client_secret": "x"})
    for made, expected in ((own, "mine"), (key, "app-1")):
        url = made.authorize_url(redirect_uri=BACK, state="s", code_challenge="")
        assert asked(url)["client_id"] == expected


def test_it_says_when_there_is_no_app(venue):
    with pytest.raises(Unsupported, match="TRADOVATE_CLIENT_ID"):
        auth(venue, client_id="").authorize_url(redirect_uri=BACK, state="s", code_challenge="")


async def exchange(venue, verifier="ver"):
    return await auth(venue).exchange(code="code-1", redirect_uri=BACK, code_verifier=verifier)


async def test_it_exchanges_the_code_by_form_and_learns_who_it_was(venue):
    venue.answers |= {GRANT: envelope("http_oauthtoken"), "auth/me": envelope("http_auth_me")}
    tokens = await exchange(venue)
    assert (tokens.access_token, tokens.refresh_token, tokens.venue_user_id) == ("OT-1", "RT-1", "15461")
    assert tokens.refresh_expires_at == NOW + timedelta(hours=26)
    form = {key: values[0] for key, values in parse_qs(venue.named(GRANT)[0].raw).items()}
    assert form == {
        "grant_type": "authorization_code",
        "code": "code-1",
        "redirect_uri": BACK,
        "client_id": "app-1",
        "client_secret": "app-secret",
        "code_verifier": "ver",
    }
    assert venue.named("auth/me")[0].token == "OT-1"


async def test_it_reads_the_user_from_the_token_when_it_names_one(venue):
    claims = base64.urlsafe_b64encode(json.dumps({"sub": "4711"}).encode()).decode().rstrip("=")
    venue.answers[GRANT] = (200, {"access_token": f"head.{claims}.sign", "expires_in": 3600})
    tokens = await exchange(venue, verifier="")
    assert (tokens.venue_user_id, venue.named("auth/me")) == ("4711", [])
    assert "code_verifier" not in venue.named(GRANT)[0].raw


@pytest.mark.parametrize("me", [(401, ""), (404, ""), (500, ""), (200, {"errorText": "not yet"})])
async def test_it_signs_in_even_when_auth_me_lags(venue, me):
    venue.answers |= {GRANT: envelope("http_oauthtoken"), "auth/me": me}
    assert (await exchange(venue)).venue_user_id == ""


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        ((200, {"error": "invalid_grant", "error_description": "Code is used"}), AuthRevoked, "Code is used"),
        ((400, {"error": "invalid_client"}), AuthRevoked, "OAuth app's id"),
        ((401, ""), AuthRevoked, "401"),
        ((200, "nonsense"), Unavailable, "cannot use"),
        ((503, ""), Unavailable, "503"),
        ((429, ""), AuthError, "no more"),
    ],
)
async def test_it_says_why_the_sign_in_failed(venue, answer, error, words):
    venue.answers[GRANT] = answer
    with pytest.raises(error, match=words):
        await exchange(venue)


async def test_it_names_user_and_login_behind_a_token(venue):
    venue.answers["auth/me"] = envelope("http_auth_me")
    tokens = await auth(venue)._with_identity(await _tokens(venue))
    assert tokens.venue_user_id == "15461"
    assert await auth(venue).identity(tokens) == ("15461", "jdoe01")


async def _tokens(venue):
    venue.answers[GRANT] = envelope("http_oauthtoken")
    return await exchange(venue)
