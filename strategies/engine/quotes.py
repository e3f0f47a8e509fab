"""Market prices for the limits that need one: asked of Redis when somebody has such a limit, a second old at most.

Redis may be away or slow; then there is no price, and what a limit makes of that is the gate's affair.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable
from datetime import UTC, datetime

import redis.asyncio as aioredis
from redis.exceptions import RedisError

from brokers.domain import Quote
from brokers.marketdata import quotes
from strategies.execution.terms import AccountView, PriceFact, RiskTerms

logger = logging.getLogger(__name__)

FRESH_SECONDS = 1.0
ASK_SECONDS = 0.05


def needs_price(*terms: RiskTerms) -> bool:
    """Whether any of these limits is measured against the market."""
    return any(
        each.by_class
        or each.price_collar_percent is not None
        or each.max_quote_age is not None
        or each.max_spread_percent is not None
        or each.max_order_notional is not None
        or each.max_margin_percent is not None
        or each.no_average_down
        for each in terms
    )


class MarketPrices:
    def __init__(self) -> None:
        self._client: aioredis.Redis | None = None
        self._known: dict[str, tuple[float, Quote | None]] = {}

    async def refresh(self, symbols: Collection[str]) -> None:
        """Ask for what is older than a second. Never raises, never takes long."""
        now = asyncio.get_running_loop().time()
        wanted = [s for s in symbols if s not in self._known or now - self._known[s][0] > FRESH_SECONDS]
        if not wanted:
            return
        found: dict[str, Quote] = {}
        try:
            async with asyncio.timeout(ASK_SECONDS):
                found = await self._ask(wanted)
        except (RedisError, OSError, TimeoutError) as error:
            logger.warning("no prices for the limits", extra={"reason": str(error)[:200]})
        self._known |= {symbol: (now, found.get(symbol)) for symbol in wanted}

    async def _ask(self, symbols: list[str]) -> dict[str, Quote]:
        if self._client is None:
            self._client = quotes.connect()
        await quotes.want(self._client, symbols, datetime.now(UTC))
        return await quotes.latest(self._client, symbols)

    def fact(self, symbol: str) -> PriceFact | None:
        known = self._known.get(symbol)
        quote = known[1] if known is not None else None
        if quote is None:
            return None
        age = max(0.0, (datetime.now(UTC) - quote.as_of).total_seconds())
        return PriceFact(quote.bid, quote.ask, quote.price, age)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()


def symbols_of(views: Iterable[AccountView], strategy: RiskTerms) -> set[str]:
    """The contracts whose price some limit needs."""
    return {
        view.instrument.venue_symbol
        for view in views
        if view.instrument is not None and needs_price(strategy, view.limits)
    }
