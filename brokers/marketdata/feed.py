"""The feed: live quotes for whatever somebody looks at or holds, through logins that have the right to them.

One login per broker environment is asked at a time; one without market data rights is left alone for a while and the next
one tried. Without any, open profit and loss comes from the broker's own figures instead.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

import redis.asyncio as aioredis
from django.db import InterfaceError, OperationalError
from redis.exceptions import RedisError

from brokers.domain import Quote
from brokers.errors import BrokerError, Unsupported
from brokers.marketdata import quotes
from brokers.models import BrokerConnection
from brokers.registry import build_adapter, get_spec
from brokers.tokens import ConnectionTokens
from tradeproject.common.clock import utc_now
from tradeproject.common.threads import in_thread

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
PUBLISH_SECONDS = 0.1
NO_RIGHTS_SECONDS = 600.0
FAILED_SECONDS = 15.0

Place = tuple[str, str]  # broker, environment


def _logins(place: Place) -> list[BrokerConnection]:
    """The logins of a place that may be asked for quotes, the oldest first."""
    broker, environment = place
    if not get_spec(broker).capabilities.market_data:
        return []
    usable = BrokerConnection.objects.usable().filter(broker=broker, accounts__environment=environment)
    return list(usable.distinct().order_by("created_at")[:20])


@dataclass
class Feed:
    """``held()`` names, per place, the venue symbols of open positions; they are always quoted."""

    held: Callable[[], dict[Place, set[str]]]
    _symbols: dict[Place, set[str]] = field(default_factory=dict)
    _tasks: dict[Place, asyncio.Task[None]] = field(default_factory=dict)
    _pending: dict[str, Quote] = field(default_factory=dict)
    _resting: dict[UUID, float] = field(default_factory=dict)

    async def run(self) -> None:
        client = quotes.connect()
        publisher = asyncio.create_task(self._publish(client))
        try:
            while True:
                await self._look(client)
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            for task in (publisher, *self._tasks.values()):
                task.cancel()
            await asyncio.gather(publisher, *self._tasks.values(), return_exceptions=True)
            with contextlib.suppress(RedisError, OSError):
                await client.aclose()

    async def _look(self, client: aioredis.Redis) -> None:
        """What is wanted now; a place that has symbols gets a task, one that has none loses it."""
        held = await in_thread(self.held)
        try:
            wanted = await quotes.wanted(client, utc_now())
        except (RedisError, OSError) as error:
            logger.warning("wanted quotes unknown", extra={"reason": str(error)[:200]})
            wanted = set()
        for place, symbols in held.items():
            self._symbols[place] = symbols | wanted
        for place in self._symbols.keys() - held.keys():
            self._symbols[place] = set()
        for place, symbols in self._symbols.items():
            task = self._tasks.get(place)
            if symbols and (task is None or task.done()):
                self._tasks[place] = asyncio.create_task(self._follow(place))
            elif not symbols and task is not None:
                task.cancel()
                del self._tasks[place]

    async def _follow(self, place: Place) -> None:
        """Quotes of one place through the first login that may have them."""
        loop = asyncio.get_running_loop()
        try:
            logins = await in_thread(_logins, place)
        except (OperationalError, InterfaceError) as error:  # the next look begins anew
            logger.warning("quotes wait for the database", extra={"reason": str(error)[:200]})
            return
        for connection in logins:
            if self._resting.get(connection.pk, 0) > loop.time():
                continue
            adapter = build_adapter(connection.broker, place[1], ConnectionTokens(connection.pk))
            try:
                async for quote in adapter.quotes(lambda: self._symbols.get(place, set())):
                    known = self._pending.get(quote.venue_symbol)
                    self._pending[quote.venue_symbol] = known.updated(quote) if known else quote
            except Unsupported:
                self._resting[connection.pk] = loop.time() + NO_RIGHTS_SECONDS
            except BrokerError as error:
                logger.warning(
                    "quotes ended", extra={"connection": str(connection.pk), "reason": error.message}
                )
                self._resting[connection.pk] = loop.time() + FAILED_SECONDS
            finally:
                await adapter.close()

    async def _publish(self, client: aioredis.Redis) -> None:
        while True:
            await asyncio.sleep(PUBLISH_SECONDS)
            if self._pending:
                taken, self._pending = self._pending, {}
                try:
                    await quotes.publish(client, taken.values())
                except (RedisError, OSError) as error:
                    logger.warning("quotes not published", extra={"reason": str(error)[:200]})
                    await asyncio.sleep(1)
