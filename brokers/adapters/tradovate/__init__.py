"""The Tradovate broker: ``SPEC`` is all the registry needs."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from brokers.adapters.tradovate.adapter import TradovateAdapter
from brokers.adapters.tradovate.auth import TradovateAuth
from brokers.adapters.tradovate.constants import CAPABILITIES, HELP_URL, KIND, LABEL, LIMITS
from brokers.adapters.tradovate.endpoints import Endpoints, read_endpoints
from brokers.domain import Environment
from brokers.protocol import AdapterConfig, BrokerAdapter, BrokerAuth, BrokerSpec, CredentialField


def _build_adapter(config: AdapterConfig) -> BrokerAdapter:
    return TradovateAdapter(config)


def _build_auth(
    environment: Environment, endpoints: Endpoints, http: httpx.AsyncClient, credentials: Mapping[str, str]
) -> BrokerAuth:
    return TradovateAuth(environment, endpoints, http, credentials)


def _hosts_of(environment: Environment) -> tuple[Environment, ...]:
    """A live login sees its demo accounts on the demo host as well, prop-firm evaluations among them."""
    if environment is Environment.LIVE:
        return Environment.LIVE, Environment.DEMO
    return (Environment.DEMO,)


def _api_of(endpoints: Endpoints, environment: Environment) -> str:
    return endpoints.host(environment).api


SPEC = BrokerSpec(
    kind=KIND,
    label=LABEL,
    environments=(Environment.LIVE, Environment.DEMO),
    credential_fields=(
        CredentialField("username", "Username"),
        CredentialField(
            "password", "Password", secret=True, help="Or the dedicated password of the API key."
        ),
        CredentialField("client_id", "API key id (cid)", required=False, help="From Settings, API Access."),
        CredentialField("client_secret", "API key secret (sec)", required=False, secret=True),
        CredentialField(
            "app_id",
            "API key nickname",
            required=False,
            help="As given to the key at Tradovate, if it has one.",
        ),
        CredentialField(
            "device_id",
            "Device id",
            required=False,
            help="Leave empty to use one derived from the username. A new device must be approved by e-mail.",
        ),
    ),
    capabilities=CAPABILITIES,
    limits=LIMITS,
    read_endpoints=read_endpoints,
    build_adapter=_build_adapter,
    build_auth=_build_auth,
    hosts_of=_hosts_of,
    api_of=_api_of,
    browser_login=True,
    help_url=HELP_URL,
)

__all__ = ["SPEC"]
