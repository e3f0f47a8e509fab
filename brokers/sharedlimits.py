"""One login's windows shared by the executor and the background worker, through Redis.

The executor takes its calls in its own memory and tells afterwards how many they were (``sync``); what the readers leave over
is lent to it. A reader asks before every call (``take``). Each side has a share that needs nobody's word, so that together they
stay below the limit; Redis only moves what is between them. While it is away the executor keeps to its share, and each
reading process to a quarter of the readers'.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import redis.asyncio as aioredis
from django.conf import settings

from brokers.domain import RateLimit
from brokers.ratelimit import READ_SHARE, declared

logger = logging.getLogger(__name__)

ASK_SECONDS = 1.0
KEPT_SECONDS = 3700

# Reads are counted in buckets of ten seconds on the clock of Redis; a window counts the bucket it begins in as a whole.
_READS = """
local now = tonumber(redis.call('TIME')[1])
local bucket = math.floor(now / 10)
local minute, hour = 0, 0
local all = redis.call('HGETALL', KEYS[2])
for i = 1, #all, 2 do
  local age, calls = bucket - tonumber(all[i]), tonumber(all[i + 1])
  if age > 360 then redis.call('HDEL', KEYS[2], all[i]) else
    hour = hour + calls
    if age <= 6 then minute = minute + calls end
  end
end
"""

# What the executor used, against what it may use from now on. Half of the readers' share is never lent.
_SYNC = (
    _READS
    + """
local function lend(used, own, total, reads)
  local kept = math.max(reads, math.ceil((total - own) / 2))
  return math.max(own, math.min(used + math.ceil(total / 10), total - kept))
end
local before = redis.call('HMGET', KEYS[1], 'um', 'uh', 'slow', 'slow_for')
local m = lend(tonumber(ARGV[1]), tonumber(ARGV[3]), tonumber(ARGV[5]), minute)
local h = lend(tonumber(ARGV[2]), tonumber(ARGV[4]), tonumber(ARGV[6]), hour)
redis.call('HSET', KEYS[1], 'um', ARGV[1], 'uh', ARGV[2], 'lm', m, 'lh', h, 'factor', ARGV[7],
           'held', now + math.ceil(tonumber(ARGV[8])))
redis.call('EXPIRE', KEYS[1], ARGV[9])
return {m, h, minute, hour, tonumber(before[1] or 0), tonumber(before[2] or 0), tonumber(before[3] or 0), before[4] or '0'}
"""
)

# One read: 0 when it may go (and is counted), else the seconds until it is worth asking again.
_TAKE = (
    _READS
    + """
local s = redis.call('HMGET', KEYS[1], 'lm', 'lh', 'um', 'uh', 'factor', 'held')
local factor = tonumber(s[5] or 1)
if s[6] and tonumber(s[6]) > now then return tonumber(s[6]) - now end
local function fits(reads, lent, used, share, total, venue)
  local room = share
  if lent then room = total - tonumber(lent) end
  if reads + 1 > math.max(1, math.floor(room * factor)) then return false end
  local others = math.max(tonumber(lent or 0), tonumber(used or 0))
  return venue == 0 or reads + 1 + others <= venue
end
if not fits(minute, s[1], s[3], tonumber(ARGV[1]), tonumber(ARGV[3]), tonumber(ARGV[5])) then return 5 end
if not fits(hour, s[2], s[4], tonumber(ARGV[2]), tonumber(ARGV[4]), tonumber(ARGV[6])) then return 60 end
redis.call('HINCRBY', KEYS[2], bucket, 1)
redis.call('EXPIRE', KEYS[2], ARGV[7])
return 0
"""
)


@dataclass(frozen=True, slots=True)
class Used:
    """What the executor tells of one login: calls of the last minute and hour, its own share, and the whole."""

    minute: int
    hour: int
    own: tuple[int, int]
    total: tuple[int, int]
    factor: float = 1.0
    held_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Granted:
    """What it learns: its limits from now on, the readers' calls, what was told before, how often readers were slowed down."""

    limits: tuple[int, int]
    reads: tuple[int, int]
    before: tuple[int, int]
    slowed: int
    slowed_for: float


@dataclass(frozen=True, slots=True)
class ReaderLimits:
    """The whole of one login's calls in a minute and an hour, the readers' share of it, and the venue's own limit (0: none)."""

    total: tuple[int, int]
    share: tuple[int, int]
    venue: tuple[int, int]

    @classmethod
    def of(cls, limits: Iterable[RateLimit]) -> ReaderLimits:
        minute, hour = declared(limits)
        ours = settings.API_CALLS_PER_MINUTE_LIMIT, settings.API_CALLS_PER_HOUR_LIMIT
        total = min(ours[0], minute or ours[0]), min(ours[1], hour or ours[1])
        share = max(1, int(total[0] * READ_SHARE)), max(1, int(total[1] * READ_SHARE))
        return cls(total, share, (minute or 0, hour or 0))


def _keys(connection_id: UUID) -> list[str]:
    name = f"{settings.REDIS_PREFIX}:limits:{connection_id}"
    return [name, f"{name}:reads"]


class SharedLimits:
    """For one event loop. Raises RedisError or OSError while Redis is away."""

    def __init__(self) -> None:
        self._client: aioredis.Redis = aioredis.from_url(
            settings.REDIS_URL,
            socket_timeout=ASK_SECONDS,
            socket_connect_timeout=ASK_SECONDS,
            decode_responses=True,
        )
        self._sync = self._client.register_script(_SYNC)
        self._take = self._client.register_script(_TAKE)

    async def close(self) -> None:
        await self._client.aclose()

    async def sync(self, used: Mapping[UUID, Used]) -> dict[UUID, Granted]:
        """Tell of many logins at once, in one round trip."""
        if not used:
            return {}
        async with self._client.pipeline(transaction=False) as pipe:
            for connection_id, each in used.items():
                arguments = [each.minute, each.hour, *each.own, *each.total, each.factor, each.held_seconds]
                await self._sync(_keys(connection_id), [*arguments, KEPT_SECONDS], client=pipe)
            answers: list[Sequence[Any]] = await pipe.execute()
        return {
            connection_id: Granted((a[0], a[1]), (a[2], a[3]), (a[4], a[5]), a[6], float(a[7]))
            for connection_id, a in zip(used, answers, strict=True)
        }

    async def take(self, connection_id: UUID, limits: ReaderLimits) -> float:
        """Count one read if there is room: 0.0; else how many seconds to wait before asking again."""
        arguments = [*limits.share, *limits.total, *limits.venue, KEPT_SECONDS]
        return float(await self._take(_keys(connection_id), arguments))

    async def slow_down(self, connection_id: UUID, seconds: float) -> None:
        """A reader was asked to slow down: the executor hears of it at its next ``sync``."""
        key = _keys(connection_id)[0]
        async with self._client.pipeline(transaction=True) as pipe:
            pipe.hincrby(key, "slow", 1)
            pipe.hset(key, "slow_for", str(seconds))
            pipe.expire(key, KEPT_SECONDS)
            await pipe.execute()
