"""Tradovate behind our verbs: one login at one host. The work is done by the modules beside this one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from decimal import Decimal

from brokers.adapters.tradovate import lookup, reads
from brokers.adapters.tradovate.commands import Commands
from brokers.adapters.tradovate.constants import ADAPTATION, CAPABILITIES, KIND, LIMITS, TIMINGS, Timings
from brokers.adapters.tradovate.contracts import Contracts
from brokers.adapters.tradovate.feed import Feed
from brokers.adapters.tradovate.legs import Protection
from brokers.adapters.tradovate.quotes import Quotes
from brokers.adapters.tradovate.session import Session
from brokers.domain import (
    AccountInfo,
    AccountRef,
    AccountReport,
    Capabilities,
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
)
from brokers.protocol import AdapterConfig
from tradeproject.common.clock import utc_now


class TradovateAdapter:
    """``BrokerAdapter`` for Tradovate (see brokers/protocol.py for what each verb promises)."""

    kind: str = KIND
    capabilities: Capabilities = CAPABILITIES
    limits: Sequence[RateLimit] = LIMITS
    adaptation = ADAPTATION

    def __init__(
        self,
        config: AdapterConfig,
        *,
        timings: Timings = TIMINGS,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._accounts = frozenset(account.id for account in config.accounts)
        self._environment = config.environment
        self._now = now
        self._session = Session(config, timings)
        self._commands = Commands(self._session)
        self._contracts = Contracts(self._session.reads, now)

    async def open(self) -> None:
        await self._session.open()

    async def close(self) -> None:
        await self._session.close()

    # --- commands -----------------------------------------------------------------------------------------------

    async def submit(self, intent: OrderIntent) -> SubmitResult:
        return self._foreign(intent.account) or await self._commands.submit(intent)

    async def modify(self, change: OrderChange) -> SubmitResult:
        return self._foreign(change.account) or await self._commands.modify(change)

    async def cancel(self, account: AccountRef, venue_order_id: str, client_order_id: str) -> SubmitResult:
        """``client_order_id`` is not needed: the venue cancels by its own id, and the command's clOrdId stays unused
        so that only the command which created an order carries our id."""
        return self._foreign(account) or await self._commands.cancel(venue_order_id)

    async def protect(
        self,
        account: AccountRef,
        instrument: Instrument,
        side: Side,
        quantity: Decimal,
        legs: Sequence[LegSpec],
        client_order_id: str,
    ) -> SubmitResult:
        wanted = Protection(account, instrument, side, quantity, tuple(legs), client_order_id)
        return self._foreign(account) or await self._commands.protect(wanted)

    async def flatten(
        self, account: AccountRef, instrument: Instrument, client_order_id: str
    ) -> SubmitResult:
        """``client_order_id`` is not carried: the venue's command has no field for it. Doubt is settled by the position."""
        return self._foreign(account) or await self._commands.flatten(account, instrument)

    def _foreign(self, account: AccountRef) -> SubmitResult | None:
        """The refusal of a command for an account this login was not given; None when it may be traded."""
        if not self._accounts or account.id in self._accounts:
            return None
        return SubmitResult.rejected(
            "FOREIGN_ACCOUNT",
            "This account is not one of the connection's. Reconnect the login to read them again.",
        )

    # --- reads --------------------------------------------------------------------------------------------------

    async def order_report(
        self, account: AccountRef, *, client_order_id: str = "", venue_order_id: str = ""
    ) -> OrderReport | None:
        return await lookup.find_order(self._session.reads, account, client_order_id, venue_order_id)

    async def order_reports(self, since: datetime | None = None) -> list[OrderReport]:
        return await reads.order_reports(self._session.reads, self._accounts, since)

    async def fill_reports(self, since: datetime | None = None) -> list[FillReport]:
        return await reads.fill_reports(self._session.reads, self._accounts, since)

    async def position_reports(self) -> list[PositionReport]:
        return await reads.position_reports(self._session.reads, self._accounts)

    async def account_report(self, account: AccountRef) -> AccountReport:
        return await reads.account_report(self._session.reads, account, self._now())

    async def accounts(self) -> list[AccountInfo]:
        return await reads.accounts(self._session.reads, self._environment)

    async def instruments(self, query: InstrumentQuery) -> list[Instrument]:
        return await self._contracts.find(query)

    # --- streams ------------------------------------------------------------------------------------------------

    def stream(self) -> AsyncIterator[StreamItem]:
        return Feed(self._session, self._accounts, self._now).run()

    def quotes(self, venue_symbols: Callable[[], set[str]]) -> AsyncIterator[Quote]:
        return Quotes(self._session, self._contracts, venue_symbols).run()
