"""The cache: shared with others on one Redis, and away with it."""

from __future__ import annotations

import redis
from django.conf import settings
from django.core.cache import cache

from tradeproject.cache import TolerantRedisCache


def test_it_forgets_only_its_own():
    other = redis.Redis.from_url(settings.REDIS_URL)
    foreign = f"{settings.REDIS_PREFIX}-somebody-else"
    other.set(foreign, "kept", ex=60)
    cache.set("mine", 1)
    cache.clear()
    assert cache.get("mine") is None
    assert other.get(foreign) == b"kept"
    other.delete(foreign)


def test_it_is_a_miss_while_redis_is_away():
    away = TolerantRedisCache("redis://127.0.0.1:1/0", {})
    away.set("key", 1)
    assert away.get("key") is None
    assert away.get("key", "fallback") == "fallback"
    assert away.get_many(["key"]) == {}
    assert away.add("key", 1) is True
    assert away.has_key("key") is False
