"""Open positions at the latest known prices, for a page's first paint (later the socket keeps them current)."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import Any

import redis
from django.conf import settings
from redis.exceptions import RedisError

from brokers.domain import Quote
from brokers.marketdata import quotes
from dashboard.positions import PositionRow, value
from tradeproject.common.clock import utc_now

logger = logging.getLogger(__name__)

WAIT_SECONDS = 0.2
_client: redis.Redis | None = None


def valued_now(rows: Sequence[PositionRow]) -> list[dict[str, Any]]:
    """The rows in the API's shape. Without quotes, or with Redis away, the broker's own figures stand."""
    if not rows:
        return []
    prices = latest_quotes({row.venue_symbol for row in rows})
    now = utc_now()
    return [value(row, prices.get(row.venue_symbol), now) for row in rows]


def latest_quotes(symbols: Collection[str]) -> dict[str, Quote]:
    names = list(symbols)
    try:
        texts = _connection().hmget(quotes.LAST, names)
    except (RedisError, OSError) as error:
        logger.warning("no quotes for a page", extra={"reason": str(error)[:120]})
        return {}
    return {name: quotes.decode(text) for name, text in zip(names, texts, strict=True) if text}


def _connection() -> redis.Redis:
    """One small pool per process; a page waits for it at most WAIT_SECONDS."""
    global _client  # noqa: PLW0603 - made at the first use, after a fork
    if _client is None:
        _client = redis.Redis.from_url(
            settings.REDIS_URL,
            socket_timeout=WAIT_SECONDS,
            socket_connect_timeout=WAIT_SECONDS,
            decode_responses=True,
            max_connections=8,
        )
    return _client
