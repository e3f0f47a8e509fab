"""Kind → broker. The only place that imports adapters; adding a broker is one line here and one folder there."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any

import httpx
from django.core.exceptions import ImproperlyConfigured

from brokers.adapters import tradovate
from brokers.addresses import LOCAL, SERVER, address_meter, egress_to
from brokers.domain import AccountRef, Environment
from brokers.errors import AuthPenalty, RateLimited
from brokers.models import BrokerConnection
from brokers.protocol import AdapterConfig, BrokerAdapter, BrokerAuth, BrokerSpec, TokenSource
from brokers.readgate import ReadGate
from brokers.rush import NO_RUSH, Rush
from tradeproject import env
from tradeproject.common.http import make_client

BROKERS: dict[str, BrokerSpec] = {spec.kind: spec for spec in (tradovate.SPEC,)}

_clients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = (
    weakref.WeakKeyDictionary()
)


class UnknownBroker(KeyError):
    """No broker of that name is built in."""


def get_spec(kind: str) -> BrokerSpec:
    try:
        return BROKERS[kind]
    except KeyError:
        known = ", ".join(sorted(BROKERS))
        raise UnknownBroker(f"There is no broker called {kind!r}. Known ones: {known}.") from None


@lru_cache(maxsize=32)
def get_endpoints(kind: str) -> Any:
    """The broker's addresses from the environment. A malformed one stops the start, naming its variable."""
    try:
        return get_spec(kind).read_endpoints(env.text)
    except ValueError as error:
        raise ImproperlyConfigured(str(error)) from error


def check_environment() -> None:
    for kind in BROKERS:
        get_endpoints(kind)


def egress_of(kind: str, environment: str) -> str:
    """The name of the address by which calls to this broker leave: ``LOCAL`` when it is on this machine or beside it."""
    spec = BROKERS.get(kind)
    if spec is None or spec.api_of is None:
        return SERVER
    return egress_to(spec.api_of(get_endpoints(kind), Environment(environment)))


def loop_client() -> httpx.AsyncClient:
    """The HTTP client of the running loop, shared by all adapters in it."""
    loop = asyncio.get_running_loop()
    client = _clients.get(loop)
    if client is None or client.is_closed:
        client = _clients[loop] = make_client()
    return client


async def close_loop_client() -> None:
    """Close the running loop's client; the last thing a process does."""
    client = _clients.pop(asyncio.get_running_loop(), None)
    if client is not None:
        await client.aclose()


def build_auth(
    kind: str, environment: str, credentials: Mapping[str, str], http: httpx.AsyncClient | None = None
) -> BrokerAuth:
    spec = get_spec(kind)
    return spec.build_auth(Environment(environment), get_endpoints(kind), http or loop_client(), credentials)


def build_adapter(
    kind: str,
    environment: str,
    tokens: TokenSource,
    accounts: Iterable[AccountRef] = (),
    http: httpx.AsyncClient | None = None,
    extra: Mapping[str, str] | None = None,
    rush: Rush = NO_RUSH,
) -> BrokerAdapter:
    """An adapter with no socket open yet. Paper or live is decided here, by kind and environment, and nowhere below."""
    config = AdapterConfig(
        environment=Environment(environment),
        endpoints=get_endpoints(kind),
        http=http or loop_client(),
        tokens=tokens,
        accounts=tuple(accounts),
        extra=extra or {},
        rush=rush,
    )
    return get_spec(kind).build_adapter(config)


@asynccontextmanager
async def open_adapter(connection: BrokerConnection, environment: str) -> AsyncIterator[BrokerAdapter]:
    """An adapter for a few reads (no socket) within the login's shared windows, with a client of its own that is closed
    afterwards.
    """
    from brokers.tokens import ConnectionTokens

    accounts = [
        account.ref
        async for account in connection.accounts.filter(environment=environment).exclude(state="missing")
    ]
    egress = egress_of(connection.broker, environment)
    address = "" if egress == LOCAL else address_meter(connection.broker, egress)
    gate = ReadGate(connection.pk, get_spec(connection.broker).limits, address)
    async with make_client(max_connections=20) as http:
        http.event_hooks = {"request": [gate.admit]}
        adapter = build_adapter(
            connection.broker, environment, ConnectionTokens(connection.pk), accounts, http
        )
        try:
            yield adapter
        except (RateLimited, AuthPenalty) as error:
            await gate.tell(error)
            raise
        finally:
            await adapter.close()
            await gate.close()
