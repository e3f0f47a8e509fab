"""Windows shared by the executors and the background worker, through Redis: a login's, and what a venue counts apart.

The executor takes its calls in its own memory and tells afterwards how many they were (``sync``); what the readers leave over
is lent to it. A reader asks before every call (``take``). Each side has a share that needs nobody's word, so that together they
stay below the limit; Redis only moves what is between them. While it is away the executor keeps to its share, and each
reading process to a quarter of the readers'.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import redis.asyncio as aioredis
from django.conf import settings

from brokers.domain import Call, RateLimit
from brokers.ratelimit import HOUR, MINUTE, READ_SHARE, declared

logger = logging.getLogger(__name__)

ASK_SECONDS = 1.0
KEPT_SECONDS = 3700
UNLIMITED = 10**9

Meter = UUID | str
"""A login, or what a venue counts apart: "<login>:reads", "address:<broker>:server:orders"."""
M = TypeVar("M", bound=Meter)

# What is told of one meter: um:0 and uh:0 are the calls of executor 0 in the last minute and hour, lm:0 and lh:0 its limits.
# Reads are counted in buckets of ten seconds on the clock of Redis; a window counts the bucket it begins in as a whole.
_STATE = """
local now = tonumber(redis.call('TIME')[1])
local bucket = math.floor(now / 10)
local function reads(key)
  local minute, hour = 0, 0
  local all = redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    local age, calls = bucket - tonumber(all[i]), tonumber(all[i + 1])
    if age > 360 then redis.call('HDEL', key, all[i]) else
      hour = hour + calls
      if age <= 6 then minute = minute + calls end
    end
  end
  return minute, hour
end
"""

# What an executor used, against what it may use from now on. Half of the readers' share is never lent, and none of what
# another executor owns or was lent.
_SYNC = (
    _STATE
    + """
local who, of = ARGV[10], tonumber(ARGV[11])
local minute, hour = reads(KEYS[2])
local function lend(used, own, total, calls, field)
  local others = 0
  for i = 0, of - 1 do
    if tostring(i) ~= who then
      others = others + math.max(own, tonumber(redis.call('HGET', KEYS[1], field .. i) or 0))
    end
  end
  local kept = math.max(calls, math.ceil((total - own * of) / 2))
  return math.max(own, math.min(used + math.ceil(total / 10), total - kept - others))
end
local before = redis.call('HMGET', KEYS[1], 'um:' .. who, 'uh:' .. who, 'slow', 'slow_for')
local m = lend(tonumber(ARGV[1]), tonumber(ARGV[3]), tonumber(ARGV[5]), minute, 'lm:')
local h = lend(tonumber(ARGV[2]), tonumber(ARGV[4]), tonumber(ARGV[6]), hour, 'lh:')
redis.call('HSET', KEYS[1], 'um:' .. who, ARGV[1], 'uh:' .. who, ARGV[2], 'lm:' .. who, m, 'lh:' .. who, h,
           'factor', ARGV[7], 'held', now + math.ceil(tonumber(ARGV[8])))
redis.call('EXPIRE', KEYS[1], ARGV[9])
return {m, h, minute, hour, tonumber(before[1] or 0), tonumber(before[2] or 0), tonumber(before[3] or 0), before[4] or '0'}
"""
)

# One read that several meters count: 0 when it may go (and is counted by each), else the seconds until it is worth asking
# again.
_TAKE = (
    _STATE
    + """
local function executors(key)
  local s = {um = 0, uh = 0, lm = 0, lh = 0, factor = 1, held = 0, told = false}
  local all = redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    local field = string.match(all[i], '^([ul][mh]):')
    if field then
      s[field] = s[field] + tonumber(all[i + 1])
      s.told = true
    elseif all[i] == 'factor' or all[i] == 'held' then
      s[all[i]] = tonumber(all[i + 1])
    end
  end
  return s
end
local function fits(s, calls, lent, used, share, total, venue)
  local room = share
  if s.told then room = total - lent end
  if calls + 1 > math.max(1, math.floor(room * s.factor)) then return false end
  return venue == 0 or calls + 1 + math.max(lent, used) <= venue
end
local wait = 0
for k = 1, #KEYS, 2 do
  local a = (k - 1) * 3
  local function arg(n) return tonumber(ARGV[a + n]) end
  local s = executors(KEYS[k])
  local minute, hour = reads(KEYS[k + 1])
  if s.held > now then wait = math.max(wait, s.held - now) end
  if not fits(s, minute, s.lm, s.um, arg(1), arg(3), arg(5)) then wait = math.max(wait, 5) end
  if not fits(s, hour, s.lh, s.uh, arg(2), arg(4), arg(6)) then wait = math.max(wait, 60) end
end
if wait > 0 then return wait end
for k = 1, #KEYS, 2 do
  redis.call('HINCRBY', KEYS[k + 1], bucket, 1)
  redis.call('EXPIRE', KEYS[k + 1], ARGV[#ARGV])
end
return 0
"""
)


@dataclass(frozen=True, slots=True)
class Used:
    """What an executor tells of one meter: calls of the last minute and hour, its own share, and the whole.

    It is the ``shard``-th of ``shards`` executors that make such calls.
    """

    minute: int
    hour: int
    own: tuple[int, int]
    total: tuple[int, int]
    factor: float = 1.0
    held_seconds: float = 0.0
    shard: int = 0
    shards: int = 1


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

    @classmethod
    def of_class(cls, sizes: Mapping[int, int], share: float) -> ReaderLimits:
        """Of what a venue counts apart; ``share`` is the readers'."""
        total = sizes.get(MINUTE, UNLIMITED), sizes.get(HOUR, UNLIMITED)
        return cls(total, (max(1, int(total[0] * share)), max(1, int(total[1] * share))), (0, 0))


def class_meter(of: Meter, call: Call) -> str:
    """The name of what a venue counts apart, of a login or an address."""
    return f"{of}:{call.value}"


def _keys(meter: Meter) -> list[str]:
    name = f"{settings.REDIS_PREFIX}:limits:{meter}"
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

    async def sync(self, used: Mapping[M, Used]) -> dict[M, Granted]:
        """Tell of many meters at once, in one round trip."""
        if not used:
            return {}
        async with self._client.pipeline(transaction=False) as pipe:
            for meter, each in used.items():
                arguments = [each.minute, each.hour, *each.own, *each.total, each.factor, each.held_seconds]
                arguments += [KEPT_SECONDS, each.shard, each.shards]
                await self._sync(_keys(meter), arguments, client=pipe)
            answers: list[Sequence[Any]] = await pipe.execute()
        return {
            meter: Granted((a[0], a[1]), (a[2], a[3]), (a[4], a[5]), a[6], float(a[7]))
            for meter, a in zip(used, answers, strict=True)
        }

    async def take(self, limits: Mapping[M, ReaderLimits]) -> float:
        """Count one read if every meter has room: 0.0; else how many seconds to wait before asking again."""
        keys = [key for meter in limits for key in _keys(meter)]
        numbers = [number for each in limits.values() for number in (*each.share, *each.total, *each.venue)]
        return float(await self._take(keys, [*numbers, KEPT_SECONDS]))

    async def slow_down(self, connection_id: UUID, seconds: float) -> None:
        """A reader was asked to slow down: the executor hears of it at its next ``sync``."""
        key = _keys(connection_id)[0]
        async with self._client.pipeline(transaction=True) as pipe:
            pipe.hincrby(key, "slow", 1)
            pipe.hset(key, "slow_for", str(seconds))
            pipe.expire(key, KEPT_SECONDS)
            await pipe.execute()
