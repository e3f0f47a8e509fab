"""A secret is in no log and no exception, however talkative the libraries are told to be."""

from __future__ import annotations

import logging
from decimal import Decimal

import pytest

from brokers.adapters.tradovate.auth import TradovateAuth
from brokers.adapters.tradovate.endpoints import Endpoints, Host
from brokers.domain import Environment, OrderIntent, Side
from brokers.errors import BrokerError
from tests.brokers.adapters.tradovate.venue import ACCOUNT, API, MNQ, FakeTokens, envelope

SECRETS = ("AT-first", "AT-second", "MDT-first", "hunter2-long", "s3cr3t-uuid", "RT-old", "app-secret")
CREDENTIALS = {
    "username": "jdoe01",
    "password": "hunter2-long",
    "client_id": "8",
    "client_secret": "s3cr3t-uuid",
}


def assert_silent(text):
    assert [secret for secret in SECRETS if secret in text] == []


async def test_it_logs_no_token_while_it_trades(live, caplog):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="websockets.client")
    caplog.set_level(logging.INFO, logger="websockets.server")  # the test's own end
    adapter = live.adapter(
        FakeTokens("AT-first", "AT-second", market_data_token="MDT-first"), market_data=live.url
    )
    await adapter.open()
    live.answers["order/placeorder"] = [(401, "Expired Access Token"), envelope("http_placeorder")]
    await adapter.submit(OrderIntent("sig-1", ACCOUNT, MNQ, Side.BUY, Decimal(1)))
    await adapter.position_reports()
    await adapter.close()
    assert live.frames[0].endswith("AT-first")
    assert_silent(caplog.text)


@pytest.mark.parametrize(
    "answer",
    [(500, "hunter2-long"), (401, "key s3cr3t-uuid"), (200, {"errorText": "hunter2-long s3cr3t-uuid"})],
)
async def test_it_tells_no_secret_when_a_login_fails(venue, caplog, answer):
    caplog.set_level(logging.DEBUG)
    venue.answers["auth/accesstokenrequest"] = answer
    host = Host(API, "", "")
    endpoints = Endpoints(host, host, "", "", "app-1", "app-secret")
    auth = TradovateAuth(Environment.DEMO, endpoints, venue.http(), CREDENTIALS)
    with pytest.raises(BrokerError) as caught:
        await auth.login(CREDENTIALS)
    assert_silent(caplog.text + str(caught.value) + repr(caught.value) + repr(endpoints))


async def test_it_shows_no_token_of_what_it_holds(venue):
    venue.answers["auth/accesstokenrequest"] = envelope("http_accesstokenrequest")
    host = Host(API, "", "")
    auth = TradovateAuth(Environment.DEMO, Endpoints(host, host, "", ""), venue.http(), CREDENTIALS)
    assert_silent(repr(await auth.login(CREDENTIALS)))
