"""A broker that lives in the test: logins, accounts and moods, behind the registry's own door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from brokers.domain import AccountInfo, Environment, Tokens
from brokers.errors import AuthExpired, AuthRevoked, BrokerError, Unsupported
from brokers.protocol import AdapterConfig, BrokerSpec
from tradeproject.common.clock import utc_now

PASSWORD = "right-password"


@dataclass
class Venue:
    """``refusal`` is raised by every login; ``codes`` are what the consent page would hand out."""

    accounts: dict[Environment, list[AccountInfo]] = field(default_factory=dict)
    refusal: BrokerError | None = None
    refreshable: bool = True
    codes: dict[str, str] = field(default_factory=lambda: {"good-code": "verifier"})
    seen: list[dict[str, Any]] = field(default_factory=list)

    def spec(self, real: BrokerSpec) -> BrokerSpec:
        return replace(
            real,
            build_auth=lambda environment, endpoints, http, credentials: VenueAuth(self),
            build_adapter=lambda config: VenueAdapter(self, config),
        )


@dataclass
class VenueAuth:
    venue: Venue

    async def login(self, credentials: Mapping[str, str]) -> Tokens:
        self.venue.seen.append(dict(credentials))
        if self.venue.refusal is not None:
            raise self.venue.refusal
        if credentials.get("password") != PASSWORD:
            raise AuthRevoked("The broker does not know this username and password. Check both.")
        return self._tokens(credentials["username"])

    @staticmethod
    def _tokens(user: str) -> Tokens:
        return Tokens(f"venue-token-{user}", utc_now() + timedelta(hours=1), venue_user_id=user)

    async def refresh(self, tokens: Tokens, credentials: Mapping[str, str]) -> Tokens:
        if not self.venue.refreshable:
            raise AuthExpired("The token cannot be renewed any more.")
        return self._tokens(tokens.venue_user_id)

    def authorize_url(self, *, redirect_uri: str, state: str, code_challenge: str) -> str:
        if self.venue.refusal is not None:
            raise self.venue.refusal
        return (
            f"https://venue.test/consent?redirect_uri={redirect_uri}&state={state}&challenge={code_challenge}"
        )

    async def exchange(self, *, code: str, redirect_uri: str, code_verifier: str) -> Tokens:
        self.venue.seen.append({"code": code, "redirect_uri": redirect_uri, "verifier": code_verifier})
        if code not in self.venue.codes:
            raise AuthRevoked("The broker did not take the code. Start the login again.")
        return self._tokens("browser-user")


@dataclass
class VenueAdapter:
    venue: Venue
    config: AdapterConfig

    async def accounts(self) -> list[AccountInfo]:
        await self.config.tokens.current()
        return list(self.venue.accounts.get(self.config.environment, []))

    async def instruments(self, query: Any) -> list[Any]:
        raise Unsupported("Not here.")

    async def close(self) -> None:
        return None


def account(number: int, environment: str = "demo", **more: Any) -> AccountInfo:
    return AccountInfo(str(33000 + number), f"DEMO{number}", Environment(environment), **more)
