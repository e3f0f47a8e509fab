"""Latest prices, shared by all processes through Redis and never stored: a hash of the last values and a channel of changes.

Whoever wants a symbol says so (``want``); the feed subscribes to what somebody wanted within the last minute.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

import redis.asyncio as aioredis
from django.conf import settings
from redis.exceptions import RedisError

from brokers.domain import Quote
from tradeproject.common.clock import iso, parse_iso
from tradeproject.common.money import plain

logger = logging.getLogger(__name__)

_LAST = f"{settings.REDIS_PREFIX}:quotes:last"
_CHANNEL = f"{settings.REDIS_PREFIX}:quotes"
_WANTED = f"{settings.REDIS_PREFIX}:quotes:wanted"
LAST = _LAST  # for readers without an event loop
WANTED_SECONDS = 60
STALE_SECONDS = 15


def connect() -> aioredis.Redis:
    """A client for this loop; reads block for as long as nothing comes, so it has no read timeout."""
    return aioredis.from_url(
        settings.REDIS_URL, socket_timeout=None, socket_connect_timeout=3, decode_responses=True
    )


def encode(quote: Quote) -> str:
    values = {
        "s": quote.venue_symbol,
        "t": iso(quote.as_of),
        "b": plain(quote.bid),
        "a": plain(quote.ask),
        "l": plain(quote.last),
    }
    return json.dumps(
        {key: value for key, value in values.items() if value is not None}, separators=(",", ":")
    )


def decode(text: str | bytes) -> Quote:
    raw: dict[str, Any] = json.loads(text)
    prices = {
        name: Decimal(raw[key]) if key in raw else None
        for name, key in (("bid", "b"), ("ask", "a"), ("last", "l"))
    }
    return Quote(venue_symbol=raw["s"], as_of=parse_iso(raw["t"]), **prices)


async def publish(client: aioredis.Redis, quotes: Iterable[Quote]) -> None:
    """Store and announce a few quotes at once."""
    texts = [encode(quote) for quote in quotes]
    if texts:
        pipe = client.pipeline(transaction=False)
        pipe.hset(_LAST, mapping={json.loads(text)["s"]: text for text in texts})
        pipe.publish(_CHANNEL, "\n".join(texts))
        await pipe.execute()


async def latest(client: aioredis.Redis, symbols: Collection[str]) -> dict[str, Quote]:
    """The last known quote of each symbol; what nobody quotes is missing. Raises RedisError."""
    if not symbols:
        return {}
    names = list(symbols)
    texts = await client.hmget(_LAST, names)
    return {name: decode(text) for name, text in zip(names, texts, strict=True) if text}


async def want(client: aioredis.Redis, symbols: Collection[str], now: datetime) -> None:
    """Say that these symbols are looked at. Repeat within a minute, or the feed drops them."""
    if symbols:
        await client.zadd(_WANTED, {symbol: now.timestamp() for symbol in symbols})


async def wanted(client: aioredis.Redis, now: datetime) -> set[str]:
    """What anybody wanted within the last minute."""
    floor = now.timestamp() - WANTED_SECONDS
    await client.zremrangebyscore(_WANTED, "-inf", floor)
    return {str(symbol) for symbol in await client.zrange(_WANTED, 0, -1)}


class QuoteListener:
    """All quotes of one process: the last values in ``prices``, and a call for every batch of changes.

    It reconnects by itself; while Redis is away the last values stay and grow old.
    """

    def __init__(self) -> None:
        self.prices: dict[str, Quote] = {}
        self._callbacks: set[Callable[[set[str]], None]] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run(), name="quote listener")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def add(self, callback: Callable[[set[str]], None]) -> None:
        """``callback`` is called in the loop with the symbols that changed; it must not block."""
        self._callbacks.add(callback)

    def remove(self, callback: Callable[[set[str]], None]) -> None:
        self._callbacks.discard(callback)

    async def _run(self) -> None:
        while True:
            client = connect()
            try:
                async with client.pubsub(ignore_subscribe_messages=True) as channel:
                    await channel.subscribe(_CHANNEL)
                    self._take((await client.hvals(_LAST)) or [])
                    async for message in channel.listen():
                        self._take(message["data"].split("\n"))
            except (RedisError, OSError) as error:
                logger.warning("quotes are not arriving", extra={"reason": str(error)[:200]})
                await asyncio.sleep(1)
            finally:
                with contextlib.suppress(RedisError, OSError):
                    await client.aclose()

    def _take(self, texts: Iterable[str | bytes]) -> None:
        changed: set[str] = set()
        for text in texts:
            quote = decode(text)
            known = self.prices.get(quote.venue_symbol)
            self.prices[quote.venue_symbol] = known.updated(quote) if known else quote
            changed.add(quote.venue_symbol)
        for callback in list(self._callbacks):
            callback(changed)
