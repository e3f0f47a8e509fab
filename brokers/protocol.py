"""The contract every broker fulfils, on one page.

An adapter serves one login at one environment (one host). It is built by ``brokers.registry`` and used from one asyncio
loop. It raises only ``brokers.errors``; it never logs or stores a secret; it filters every list by account id.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol, runtime_checkable

import httpx

from brokers.adaptation import Adaptation
from brokers.domain import (
    AccountInfo,
    AccountRef,
    AccountReport,
    Capabilities,
    Environment,
    FillReport,
    Instrument,
    InstrumentQuery,
    LegSpec,
    OrderChange,
    OrderIntent,
    OrderReport,
    PositionReport,
    Quote,
    RateLimit,
    Side,
    StreamItem,
    SubmitResult,
    Tokens,
)
from brokers.rush import NO_RUSH, Rush


class TokenSource(Protocol):
    """Where an adapter gets its access token. Refreshing is single-flight across all processes."""

    async def current(self) -> Tokens:
        """A token that is valid now. Raises AuthRevoked when only the owner can mend it."""
        ...

    async def renewed(self, stale: Tokens) -> Tokens:
        """A token other than ``stale``: somebody else's newer one, or a fresh one."""
        ...


@runtime_checkable
class BrokerAdapter(Protocol):
    """One login at one environment."""

    kind: str
    capabilities: Capabilities
    limits: Sequence[RateLimit]
    adaptation: Adaptation
    """How its budget gives way when the venue asks to slow down."""

    async def open(self) -> None:
        """Connect and authorise the order socket, if the venue has one. Raises AuthError or Unavailable."""
        ...

    async def close(self) -> None:
        """Close sockets. Never raises; safe to call twice."""
        ...

    # Commands never raise for what the venue answers: they return one of the three outcomes (law 4).
    async def submit(self, intent: OrderIntent) -> SubmitResult: ...
    async def modify(self, change: OrderChange) -> SubmitResult: ...
    async def cancel(
        self, account: AccountRef, venue_order_id: str, client_order_id: str
    ) -> SubmitResult: ...
    async def protect(
        self,
        account: AccountRef,
        instrument: Instrument,
        side: Side,
        quantity: Decimal,
        legs: Sequence[LegSpec],
        client_order_id: str,
    ) -> SubmitResult:
        """Place protective orders at absolute prices for a position that exists: a stop, a target, or both as OCO.

        ``side`` is the position's own (buy = long). Each leg's handle is ``client_order_id`` + "t" (target) or "s" (stop);
        their order ids come back in ``leg_order_ids``.
        """
        ...

    async def flatten(
        self, account: AccountRef, instrument: Instrument, client_order_id: str
    ) -> SubmitResult:
        """Cancel the account's working orders of this instrument and close its position at market."""
        ...

    # Reads raise Unavailable, RateLimited, AuthError or ProtocolSurprise. An empty answer means "none", a failure never does.
    async def order_report(
        self, account: AccountRef, *, client_order_id: str = "", venue_order_id: str = ""
    ) -> OrderReport | None:
        """One order by our handle or the venue's; None only when a successful query proves it is not there (yet)."""
        ...

    async def order_reports(self, since: datetime | None = None) -> list[OrderReport]: ...
    async def fill_reports(self, since: datetime | None = None) -> list[FillReport]: ...
    async def position_reports(self) -> list[PositionReport]:
        """All non-flat positions of this login's accounts; what is missing is flat."""
        ...

    async def account_report(self, account: AccountRef) -> AccountReport: ...
    async def accounts(self) -> list[AccountInfo]: ...
    async def instruments(self, query: InstrumentQuery) -> list[Instrument]:
        """The matching contracts, the one to trade first; empty when the venue knows none."""
        ...

    def stream(self) -> AsyncIterator[StreamItem]:
        """A StreamSnapshot, then every change. Ends by raising StreamClosed or AuthError. Call after ``open``."""
        ...

    def quotes(self, venue_symbols: Callable[[], set[str]]) -> AsyncIterator[Quote]:
        """Live quotes for the symbols the callable names at any moment. Raises Unsupported when there is no right."""
        ...


class BrokerAuth(Protocol):
    """Secrets in, tokens out. Raises AuthRevoked, AuthPenalty or Unavailable, each with a sentence for the user."""

    async def login(self, credentials: Mapping[str, str]) -> Tokens: ...
    async def refresh(self, tokens: Tokens, credentials: Mapping[str, str]) -> Tokens:
        """A new token from an old one, without the password. Raises AuthExpired when only a login can help."""
        ...

    def authorize_url(self, *, redirect_uri: str, state: str, code_challenge: str) -> str:
        """The venue's consent page. Raises Unsupported when the broker has no browser login."""
        ...

    async def exchange(self, *, code: str, redirect_uri: str, code_verifier: str) -> Tokens: ...


@dataclass(frozen=True, slots=True)
class CredentialField:
    """One thing a connect form asks for. ``secret`` fields are write-only everywhere."""

    name: str
    label: str
    required: bool = True
    secret: bool = False
    help: str = ""


@dataclass(frozen=True, slots=True)
class AdapterConfig:
    """Everything an adapter is given. ``endpoints`` is the broker's own type."""

    environment: Environment
    endpoints: Any
    http: httpx.AsyncClient
    tokens: TokenSource
    accounts: tuple[AccountRef, ...] = ()
    """The accounts this login may trade; reports of any other account are dropped."""
    extra: Mapping[str, str] = field(default_factory=dict)
    rush: Rush = NO_RUSH
    """While it is on, what the stream tells may wait; answers to commands may not."""


@dataclass(frozen=True, slots=True)
class BrokerSpec:
    """One broker, as data: what the registry, the forms and the checks need to know of it."""

    kind: str
    label: str
    environments: tuple[Environment, ...]
    credential_fields: tuple[CredentialField, ...]
    capabilities: Capabilities
    limits: tuple[RateLimit, ...]
    read_endpoints: Callable[[Callable[[str, str], str]], Any]
    """Builds the broker's endpoints from a reader ``(name, default) -> URL text``; raises ValueError naming the variable."""
    build_adapter: Callable[[AdapterConfig], BrokerAdapter]
    build_auth: Callable[[Environment, Any, httpx.AsyncClient, Mapping[str, str]], BrokerAuth]
    """From environment, endpoints, HTTP client and the connection's own app credentials."""
    hosts_of: Callable[[Environment], tuple[Environment, ...]]
    """The environments whose accounts one login at the given environment can trade."""
    api_of: Callable[[Any, Environment], str] | None = None
    """The URL of one environment's API, from the endpoints; left out, its calls count as leaving by the server's address."""
    browser_login: bool = False
    help_url: str = ""
