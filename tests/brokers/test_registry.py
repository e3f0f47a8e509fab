"""Kind → broker: what is built in, and what is said about the rest."""

from __future__ import annotations

import asyncio

import pytest

from brokers.domain import AccountRef, Environment
from brokers.protocol import BrokerAdapter
from brokers.registry import (
    BROKERS,
    UnknownBroker,
    build_adapter,
    build_auth,
    close_loop_client,
    get_spec,
    loop_client,
)
from tests.brokers.adapters.tradovate.venue import FakeTokens

KINDS = sorted(BROKERS)


@pytest.mark.parametrize("kind", KINDS)
def test_it_knows_each_broker_by_its_own_name(kind):
    assert get_spec(kind).kind == kind


@pytest.mark.parametrize("kind", ["", "nobody", "Tradovate", "tradovate "])
def test_it_names_the_known_brokers_when_asked_for_another(kind):
    with pytest.raises(UnknownBroker, match="tradovate"):
        get_spec(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_it_builds_an_adapter_that_keeps_the_contract(kind):
    async def build() -> BrokerAdapter:
        adapter = build_adapter(kind, "demo", FakeTokens(), [AccountRef("1", "DEMO1")])
        await adapter.close()
        await close_loop_client()
        return adapter

    adapter = asyncio.run(build())
    assert isinstance(adapter, BrokerAdapter)
    assert adapter.kind == kind


@pytest.mark.parametrize("kind", KINDS)
async def test_it_refuses_an_environment_that_does_not_exist(kind):
    with pytest.raises(ValueError, match="elsewhere"):
        build_adapter(kind, "elsewhere", FakeTokens())
    with pytest.raises(ValueError, match="elsewhere"):
        build_auth(kind, "elsewhere", {})
    await close_loop_client()


@pytest.mark.parametrize("kind", KINDS)
def test_it_says_of_each_broker_which_hosts_a_login_opens(kind):
    spec = get_spec(kind)
    for environment in spec.environments:
        assert environment in spec.hosts_of(Environment(environment))


@pytest.mark.parametrize("kind", KINDS)
def test_it_marks_every_password_like_field_as_secret(kind):
    for field in get_spec(kind).credential_fields:
        if "password" in field.name or "secret" in field.name:
            assert field.secret, field.name


async def test_it_shares_one_client_in_a_loop():
    first = loop_client()
    assert loop_client() is first
    await close_loop_client()
    assert first.is_closed


async def test_it_makes_another_client_after_the_first_was_closed():
    first = loop_client()
    await close_loop_client()
    assert loop_client() is not first
    await close_loop_client()


def test_it_gives_every_loop_a_client_of_its_own():
    async def client():
        made = loop_client()
        await close_loop_client()
        return made

    assert asyncio.run(client()) is not asyncio.run(client())
