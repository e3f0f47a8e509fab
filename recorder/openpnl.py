"""Open profit and loss where nobody may see quotes: the broker's own figure, asked for while a position is open.

A login has few calls to spare for this, so its accounts take turns; the answer goes through the recorder's one door like
everything else the broker says.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

import redis.asyncio as aioredis
from django.conf import settings
from redis.exceptions import RedisError

from brokers.domain import AccountRef, AccountReport
from brokers.errors import BrokerError
from brokers.marketdata import quotes
from brokers.models import BrokerConnection
from brokers.protocol import BrokerAdapter
from brokers.registry import build_adapter
from brokers.tokens import ConnectionTokens
from recorder.ingest import ingest
from recorder.models import PositionSnapshot
from tradeproject.common.clock import utc_now
from tradeproject.common.threads import in_thread

logger = logging.getLogger(__name__)

ROUND_SECONDS = 5.0
SHARE_OF_BUDGET = 0.12  # of a login's calls per minute
FAILED_SECONDS = 60.0

Place = tuple[UUID, str]  # connection, environment


@dataclass(frozen=True, slots=True)
class Holder:
    """An account with an open position."""

    place: Place
    broker: str
    ref: AccountRef
    symbol: str


def holders() -> list[Holder]:
    """Every account that holds something now."""
    rows = (
        PositionSnapshot.objects.exclude(net_quantity=0)
        .filter(broker_account__enabled=True, broker_account__connection__deleted_at__isnull=True)
        .exclude(broker_account__connection__state__in=["disabled", "needs_reauthorization"])
        .values_list(
            "broker_account__connection_id",
            "broker_account__environment",
            "broker_account__connection__broker",
            "broker_account__external_id",
            "broker_account__name",
            "instrument__venue_symbol",
        )
    )
    return [Holder((c, e), broker, AccountRef(x, name), symbol) for c, e, broker, x, name, symbol in rows]


def held_symbols() -> dict[tuple[str, str], set[str]]:
    """Per broker and environment, the contracts somebody holds: what the feed must quote."""
    symbols: dict[tuple[str, str], set[str]] = defaultdict(set)
    for holder in holders():
        symbols[holder.broker, holder.place[1]].add(holder.symbol)
    return symbols


@dataclass
class OpenPnl:
    _adapters: dict[Place, BrokerAdapter] = field(default_factory=dict)
    _turn: dict[Place, int] = field(default_factory=dict)
    _resting: dict[Place, float] = field(default_factory=dict)

    async def run(self) -> None:
        client = quotes.connect()
        try:
            while True:
                await self._round(client)
                await asyncio.sleep(ROUND_SECONDS)
        finally:
            await client.aclose()
            await asyncio.gather(
                *(adapter.close() for adapter in self._adapters.values()), return_exceptions=True
            )

    async def _round(self, client: aioredis.Redis) -> None:
        found = await in_thread(holders)
        quoted = await self._quoted(client, {holder.symbol for holder in found})
        by_place: dict[Place, dict[str, Holder]] = defaultdict(dict)
        for holder in found:
            if holder.symbol not in quoted:
                by_place[holder.place][holder.ref.id] = holder
        for place in self._adapters.keys() - by_place.keys():
            await self._adapters.pop(place).close()
        await asyncio.gather(*(self._ask(place, list(some.values())) for place, some in by_place.items()))

    @staticmethod
    async def _quoted(client: aioredis.Redis, symbols: Iterable[str]) -> set[str]:
        try:
            last = await quotes.latest(client, list(symbols))
        except (RedisError, OSError):
            return set()
        now = utc_now()
        return {s for s, quote in last.items() if (now - quote.as_of).total_seconds() < quotes.STALE_SECONDS}

    async def _ask(self, place: Place, waiting: list[Holder]) -> None:
        """As many of a login's accounts as its share allows, in turn."""
        loop = asyncio.get_running_loop()
        if self._resting.get(place, 0.0) > loop.time():
            return
        adapter = self._adapters.get(place)
        if adapter is None:
            tokens = ConnectionTokens(place[0])
            adapter = build_adapter(waiting[0].broker, place[1], tokens, [h.ref for h in waiting])
            self._adapters[place] = adapter
        calls = max(1, int(settings.API_CALLS_PER_MINUTE_LIMIT * SHARE_OF_BUDGET * ROUND_SECONDS / 60))
        start = self._turn.get(place, 0)
        taken = [waiting[(start + n) % len(waiting)] for n in range(min(calls, len(waiting)))]
        self._turn[place] = (start + len(taken)) % len(waiting)
        try:
            reports = [await adapter.account_report(holder.ref) for holder in taken]
        except BrokerError as error:
            logger.warning(
                "open profit not told", extra={"connection": str(place[0]), "reason": error.message}
            )
            self._resting[place] = loop.time() + FAILED_SECONDS
            await self._adapters.pop(place).close()
            return
        await in_thread(_store, place, reports)


def _store(place: Place, reports: list[AccountReport]) -> None:
    connection = BrokerConnection.objects.filter(pk=place[0]).first()
    if connection is not None:
        ingest(connection, place[1], reports, source="poll")
