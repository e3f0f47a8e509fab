from __future__ import annotations

import base64
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.brokers.simulators.tradovate.people import Person

CALLBACK = "http://127.0.0.1:8000/oauth/tradovate/callback"


@pytest.fixture
async def browser(venue):
    transport = httpx.ASGITransport(app=venue.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://simulator") as client:
        yield client


@pytest.fixture
def app_fields(venue):
    return {
        "client_id": venue.simulator.oauth.client_id,
        "client_secret": venue.simulator.oauth.client_secret,
    }


async def consent(browser, venue, **more):
    query = {
        "response_type": "code",
        "client_id": venue.simulator.oauth.client_id,
        "redirect_uri": CALLBACK,
        "state": "s-1",
        **more,
    }
    return await browser.get("/oauth", params=query)


async def code_for(browser, venue, username="sim-1") -> str:
    answer = await consent(browser, venue, username=username, allow="1")
    return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]


async def exchange(browser, venue, app_fields, code=None, path="/live/auth/oauthtoken"):
    code = code or await code_for(browser, venue)
    body = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, **app_fields}
    return (await browser.post(path, data=body)).json()


async def test_it_shows_a_page_whose_button_leads_back_with_code_and_state(browser, venue):
    page = await consent(browser, venue)
    assert page.headers["content-type"].startswith("text/html")
    assert "Allow" in page.text
    assert "<option>sim-1</option>" in page.text
    answer = await browser.post(str(page.url), data={"username": "sim-2", "allow": "1"})
    assert answer.status_code == 302
    target = urlsplit(answer.headers["location"])
    assert answer.headers["location"].startswith(CALLBACK)
    assert parse_qs(target.query)["state"] == ["s-1"]
    assert parse_qs(target.query)["code"]


async def test_it_leads_back_with_an_error_when_denied(browser, venue):
    answer = await consent(browser, venue, username="sim-1", allow="0")
    assert "error=access_denied" in answer.headers["location"]


@pytest.mark.parametrize(
    "bad", [{"client_id": "1"}, {"response_type": "token"}, {"redirect_uri": "javascript:1"}]
)
async def test_it_refuses_a_wrong_request_for_consent(browser, venue, bad):
    assert (await consent(browser, venue, **bad)).status_code == 400


@pytest.mark.parametrize(
    "path",
    ["/live/auth/oauthtoken", "/live/v1/auth/oauthtoken", "/demo/v1/auth/oauthtoken", "/v1/auth/oAuthToken"],
)
async def test_it_exchanges_a_code_at_every_documented_path(browser, venue, app_fields, path):
    told = await exchange(browser, venue, app_fields, path=path)
    assert set(told) >= {"access_token", "refresh_token", "token_type", "expires_in"}
    assert "mdAccessToken" not in told
    person = Person(venue)
    person.token = told["access_token"]
    assert await person.rows("account")


async def test_it_takes_json_and_basic_credentials_too(browser, venue, app_fields):
    body = {"grant_type": "authorization_code", "redirect_uri": CALLBACK}
    told = await browser.post(
        "/v1/auth/oauthtoken", json={**body, "code": await code_for(browser, venue), **app_fields}
    )
    assert "access_token" in told.json()
    basic = base64.b64encode(":".join(app_fields.values()).encode()).decode()
    told = await browser.post(
        "/v1/auth/oauthtoken",
        data={**body, "code": await code_for(browser, venue)},
        headers={"Authorization": f"Basic {basic}"},
    )
    assert "access_token" in told.json()


async def test_it_spends_a_code_once(browser, venue, app_fields):
    code = await code_for(browser, venue)
    assert "access_token" in await exchange(browser, venue, app_fields, code)
    assert (await exchange(browser, venue, app_fields, code))["error"] == "invalid_grant"


async def test_it_refuses_with_200_and_an_error(browser, venue, app_fields):
    wrong = {**app_fields, "client_secret": "no"}
    answer = await browser.post("/v1/auth/oauthtoken", data={"grant_type": "refresh_token", **wrong})
    assert (answer.status_code, answer.json()["error"]) == (200, "invalid_client")
    body = {"grant_type": "authorization_code", "code": await code_for(browser, venue), **app_fields}
    answer = await browser.post("/v1/auth/oauthtoken", data={**body, "redirect_uri": CALLBACK + "/"})
    assert answer.json()["error"] == "invalid_grant"
    assert (await browser.post("/v1/auth/oauthtoken", data={})).status_code == 400


async def test_it_changes_the_refresh_token_at_every_use(browser, venue, app_fields):
    first = await exchange(browser, venue, app_fields)
    body = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], **app_fields}
    second = (await browser.post("/live/auth/oauthtoken", data=body)).json()
    assert second["refresh_token"] != first["refresh_token"]
    again = (await browser.post("/live/auth/oauthtoken", data=body)).json()
    assert again["error"] == "invalid_grant"


async def test_it_forgets_a_refresh_token_after_26_hours(browser, venue, app_fields):
    first = await exchange(browser, venue, app_fields)
    venue.simulator.clock.advance(26 * 3600 + 1)
    body = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], **app_fields}
    assert (await browser.post("/live/auth/oauthtoken", data=body)).json()["error"] == "invalid_grant"


async def test_it_keeps_risk_data_from_oauth_apps(browser, venue, app_fields):
    person = Person(venue)
    person.token = (await exchange(browser, venue, app_fields))["access_token"]
    assert (await person.send("accountRiskStatus/list")).status_code == 401
    assert (await person.send("cashBalance/list")).status_code == 200
