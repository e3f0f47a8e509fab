"""Time. Everything inside is timezone-aware UTC; leases and order use the database's clock, never this one."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

_ISO = re.compile(
    r"^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?\s*(Z|[+-]\d{2}:?\d{2})?$",
    re.ASCII,
)

_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

_offsets: list[timedelta] = []


def utc_now() -> datetime:
    return datetime.now(UTC) + sum(_offsets, timedelta())


def be_off(seconds: float) -> None:
    """From now on this process's clock is wrong by so much, which nothing that decides may notice. For chaos tests."""
    _offsets[:] = [timedelta(seconds=seconds)] if seconds else []


def steady_seconds() -> float:
    """A clock for waits that no setting of the time moves, read now (an event loop's may be a moment old). Where the system has
    one, it goes on while the machine is suspended.
    """
    return time.clock_gettime(_STEADY)


def parse_iso(text: str) -> datetime:
    """An ISO-8601 instant as UTC. Seconds, fractions and the offset may be missing (missing offset = UTC).

    Raises ValueError for anything else, out-of-range fields included.
    """
    match = _ISO.match(text.strip())
    if match is None:
        raise ValueError(f"{text[:40]!r} is not an ISO-8601 time")
    year, month, day, hour, minute = (int(match[n]) for n in range(1, 6))
    second = int(match[6] or 0)
    micro = int((match[7] or "0").ljust(9, "0")[:6])
    moment = datetime(year, month, day, hour, minute, second, micro, tzinfo=UTC)
    offset = match[8]
    if offset and offset != "Z":
        digits = offset[1:].replace(":", "")
        shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        try:
            moment = moment - shift if offset[0] == "+" else moment + shift
        except OverflowError as error:
            raise ValueError(f"{text[:40]!r} is out of range") from error
    return moment


def iso(moment: datetime | None) -> str | None:
    """UTC with milliseconds and Z, the form every answer of ours uses; None stays None."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds_between(earlier: datetime | None, later: datetime | None) -> float | None:
    if earlier is None or later is None:
        return None
    return round((later - earlier).total_seconds() * 1000, 3)
