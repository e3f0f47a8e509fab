"""When entries are allowed: trading windows and blackouts.

A window is ``{"start": "09:30", "end": "16:00", "timezone": "America/New_York", "days": [0, 1, …]}``. Times are local; one
whose end is not after its start crosses midnight and belongs to the day it starts on. ``days`` are 0 (Monday) to 6; missing
means every day. With ``"exchange": "CME"`` that exchange must be open too, its time zone is the window's unless told, and
start and end may be left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from strategies.execution.exchanges import EXCHANGES, Exchange, is_open
from tradeproject.common.clock import parse_iso


def exchange_of(window: Mapping[str, Any]) -> Exchange | None:
    """The exchange whose hours the window follows. Raises ValueError for one that is not known here."""
    name = window.get("exchange")
    if name is None:
        return None
    try:
        return EXCHANGES[str(name).upper()]
    except KeyError:
        raise ValueError(f"{name!r} is none of the exchanges {', '.join(EXCHANGES)}.") from None


def parse_window(window: Mapping[str, Any]) -> tuple[time, time, ZoneInfo, frozenset[int]]:
    """The window's parts. Raises ValueError naming what is wrong."""
    exchange = exchange_of(window)
    start, end = _hours(window, exchange)
    usual = str(exchange.zone) if exchange is not None else "UTC"
    try:
        zone = ZoneInfo(str(window.get("timezone", usual)))
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(
            f"{window.get('timezone')!r} is not a time zone such as America/New_York."
        ) from error
    days = window.get("days", list(range(7)))
    if not isinstance(days, list) or not all(isinstance(day, int) and 0 <= day <= 6 for day in days):
        raise ValueError('"days" is a list of numbers from 0 (Monday) to 6 (Sunday).')
    return start, end, zone, frozenset(days)


def _hours(window: Mapping[str, Any], exchange: Exchange | None) -> tuple[time, time]:
    if exchange is not None and "start" not in window and "end" not in window:
        return time(0), time(0)
    try:
        start, end = (time.fromisoformat(str(window[name])) for name in ("start", "end"))
    except (KeyError, ValueError) as error:
        raise ValueError('A trading window needs "start" and "end" as HH:MM.') from error
    return start, end


def window_is_open(window: Mapping[str, Any], now: datetime) -> bool:
    exchange = exchange_of(window)
    if exchange is not None and not is_open(exchange, now):
        return False
    start, end, zone, days = parse_window(window)
    local = now.astimezone(zone)
    clock = local.time().replace(tzinfo=None)
    if start < end:
        return start <= clock < end and local.weekday() in days
    if clock >= start:
        return local.weekday() in days
    return clock < end and (local - timedelta(days=1)).weekday() in days


def in_words(window: Mapping[str, Any]) -> str:
    """``09:30–16:00 America/New_York``, or the exchange's name for its own hours."""
    all_day = window.get("start") == window.get("end")
    hours = "" if all_day else f"{window['start']}–{window['end']} {window.get('timezone', 'UTC')}"
    exchange = f"of {window['exchange']}" if window.get("exchange") else ""
    return f"{hours} {exchange}".strip()


def open_spans(spans: Iterable[Mapping[str, Any]], now: datetime) -> Iterable[Mapping[str, Any]]:
    """The blackouts that hold now; their end is the first moment after them."""
    return (span for span in spans if parse_iso(str(span["start"])) <= now < parse_iso(str(span["end"])))


def next_moment(clock: Mapping[str, Any], now: datetime) -> datetime:
    """When ``{"time": "17:00", "timezone": "America/Chicago"}`` comes next."""
    moment = last_moment(clock, now).astimezone(zone_of(clock))
    return datetime.combine(
        moment.date() + timedelta(days=1), time.fromisoformat(str(clock["time"])), zone_of(clock)
    )


def last_moment(clock: Mapping[str, Any], now: datetime) -> datetime:
    """When it was last, at the latest now."""
    local = now.astimezone(zone_of(clock))
    today = datetime.combine(local.date(), time.fromisoformat(str(clock["time"])), zone_of(clock))
    return today if today <= now else datetime.combine(local.date() - timedelta(days=1), today.timetz())


def zone_of(clock: Mapping[str, Any]) -> ZoneInfo:
    return ZoneInfo(str(clock.get("timezone") or "UTC"))
