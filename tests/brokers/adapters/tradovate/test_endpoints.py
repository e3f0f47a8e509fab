"""Addresses: used as given, derived sensibly, and never leading from one server to another's."""

from __future__ import annotations

import pytest

from brokers.adapters.tradovate import SPEC
from brokers.adapters.tradovate.endpoints import Host, moved, own_api, read_endpoints
from brokers.domain import Environment

NAMES = (
    "API_URL",
    "DEMO_URL",
    "WS_URL",
    "DEMO_WS_URL",
    "MD_WS_URL",
    "MD_DEMO_WS_URL",
    "OAUTH_URL",
    "TOKEN_URL",
)


def read(**given):
    values = {f"TRADOVATE_{name}": value for name, value in given.items()}
    return read_endpoints(lambda name, default: values.get(name, default))


def test_it_defaults_to_the_venue():
    endpoints = read()
    assert endpoints.live == Host(
        "https://live.tradovateapi.com/v1",
        "wss://live.tradovateapi.com/v1/websocket",
        "wss://md.tradovateapi.com/v1/websocket",
    )
    assert endpoints.demo == Host(
        "https://demo.tradovateapi.com/v1",
        "wss://demo.tradovateapi.com/v1/websocket",
        "wss://md-demo.tradovateapi.com/v1/websocket",
    )
    assert endpoints.consent_page == "https://trader.tradovate.com/oauth"
    assert endpoints.token == "https://live.tradovateapi.com/auth/oauthtoken"


def test_it_uses_every_value_as_given():
    given = {name: f"{'wss' if 'WS' in name else 'https'}://h{n}.test/p{n}" for n, name in enumerate(NAMES)}
    endpoints = read(**given, CLIENT_ID="app", CLIENT_SECRET="hush")
    assert endpoints.live == Host(given["API_URL"], given["WS_URL"], given["MD_WS_URL"])
    assert endpoints.demo == Host(given["DEMO_URL"], given["DEMO_WS_URL"], given["MD_DEMO_WS_URL"])
    assert (endpoints.consent_page, endpoints.token) == (given["OAUTH_URL"], given["TOKEN_URL"])
    assert (endpoints.client_id, endpoints.client_secret) == ("app", "hush")
    assert "hush" not in repr(endpoints)


def test_it_derives_the_rest_from_another_server():
    endpoints = read(API_URL="http://127.0.0.1:9001/live/v1", DEMO_URL="http://127.0.0.1:9001/demo/v1")
    assert endpoints.live == Host(
        "http://127.0.0.1:9001/live/v1", "ws://127.0.0.1:9001/live/v1/websocket", ""
    )
    assert endpoints.demo == Host(
        "http://127.0.0.1:9001/demo/v1", "ws://127.0.0.1:9001/demo/v1/websocket", ""
    )
    assert endpoints.token == "http://127.0.0.1:9001/live/v1/auth/oauthtoken"
    assert endpoints.consent_page == "http://127.0.0.1:9001/oauth"


@pytest.mark.parametrize("name", ["API_URL", "DEMO_URL"])
def test_it_never_leads_from_another_server_to_the_venue(name):
    endpoints = read(**{name: "https://sim.test/v1"})
    addresses = [*_all(endpoints.live), *_all(endpoints.demo), endpoints.token, endpoints.consent_page]
    assert not [address for address in addresses if "tradovate" in address]


def test_it_takes_the_venue_for_one_environment_when_told_so():
    endpoints = read(API_URL="https://live.tradovateapi.com/v1", DEMO_URL="https://sim.test/v1")
    assert endpoints.live.market_data == "wss://md.tradovateapi.com/v1/websocket"
    assert endpoints.demo.market_data == ""


def _all(host):
    return [host.api, host.socket, host.market_data]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "value", ["localhost", "ftp://h/v1", "://x", "https:// h/v1", "http://h:99999/v1", "https://"]
)
def test_it_names_the_variable_that_is_not_an_address(name, value):
    with pytest.raises(ValueError, match=f"TRADOVATE_{name}: "):
        read(**{name: value})


OFFICIAL = "https://demo.tradovateapi.com/v1"


@pytest.mark.parametrize(
    ("api", "place", "target"),
    [
        (OFFICIAL, "demo-acme.tradovateapi.com", "https://demo-acme.tradovateapi.com/v1"),
        (OFFICIAL, "https://acme.ninjatrader.com/v1/order/list", "https://acme.ninjatrader.com/v1"),
        (OFFICIAL, "http://demo-acme.tradovateapi.com", None),
        (OFFICIAL, "https://tradovateapi.com.evil.test/v1", None),
        (OFFICIAL, "https://eviltradovateapi.com/v1", None),
        (OFFICIAL, "https://demo.tradovateapi.com@evil.test/v1", None),
        (OFFICIAL, "https://x@demo.tradovateapi.com/v1", None),
        (OFFICIAL, "", None),
        (OFFICIAL, "https://[bad/v1", None),
        ("http://127.0.0.1:9/demo/v1", "http://127.0.0.1:10/x", "http://127.0.0.1:10/demo/v1"),
        ("http://127.0.0.1:9/v1", "https://demo.tradovateapi.com/v1", None),
        ("https://sim.test/v1", "http://sim.test/v1", None),
        ("https://sim.test/v1", "https://other.test/v1", None),
    ],
)
def test_it_lets_a_token_go_only_to_the_same_keeper(api, place, target):
    assert moved(api, place) == target


def test_it_checks_a_kept_host_again():
    host = Host(OFFICIAL, "", "")
    good = {"host.demo": "https://demo-acme.tradovateapi.com/v1"}
    assert own_api(host, Environment.DEMO, good) == good["host.demo"]
    assert own_api(host, Environment.DEMO, {"host.demo": "https://evil.test/v1"}) == OFFICIAL
    assert own_api(host, Environment.LIVE, good) == OFFICIAL


def test_it_says_where_a_logins_accounts_may_be():
    assert SPEC.hosts_of(Environment.LIVE) == (Environment.LIVE, Environment.DEMO)
    assert SPEC.hosts_of(Environment.DEMO) == (Environment.DEMO,)
    secrets = {field.name for field in SPEC.credential_fields if field.secret}
    assert (SPEC.kind, secrets) == ("tradovate", {"password", "client_secret"})
