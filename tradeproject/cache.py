"""The cache: a missing Redis is a miss, never an error page."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import redis
from django.core.cache.backends.redis import RedisCache

logger = logging.getLogger(__name__)


def _tolerant(name: str, fallback: Any) -> Callable[..., Any]:
    original = getattr(RedisCache, name)

    def method(self: RedisCache, *args: Any, **kwargs: Any) -> Any:
        try:
            return original(self, *args, **kwargs)
        except (redis.ConnectionError, redis.TimeoutError) as error:
            logger.warning("cache unavailable", extra={"operation": name, "reason": str(error)[:120]})
            if name == "get" and (len(args) > 1 or "default" in kwargs):
                return args[1] if len(args) > 1 else kwargs["default"]
            return fallback() if callable(fallback) else fallback

    return method


class TolerantRedisCache(RedisCache):
    """Django's Redis cache whose reads miss and whose writes are dropped while Redis is away."""

    get = _tolerant("get", None)
    set = _tolerant("set", None)
    add = _tolerant("add", True)
    delete = _tolerant("delete", False)
    touch = _tolerant("touch", False)
    has_key = _tolerant("has_key", False)
    get_many = _tolerant("get_many", dict)
    set_many = _tolerant("set_many", list)
    delete_many = _tolerant("delete_many", None)

    def clear(self) -> None:
        """Forget what this installation cached. Django's own empties the whole database, which others may share."""
        client = self._cache.get_client(None, write=True)
        for key in client.scan_iter(match=self.make_key("*"), count=1000):
            client.delete(key)
