"""When exchanges trade: their hours in their own time zone, weekly and by holiday.

Hours are the exchanges' regular electronic sessions (CME Globex, ICE, NYSE/Nasdaq, NSE, BSE, MCX trading hours pages).
United States holidays follow their rules; those of India that move with the moon are announced each year and belong
into a blackout.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MONDAY_TO_FRIDAY = frozenset(range(5))
SUNDAY_TO_THURSDAY = frozenset({6, 0, 1, 2, 3})
ALL_DAYS = frozenset(range(7))


def _no_holidays(year: int) -> frozenset[date]:
    return frozenset()


@dataclass(frozen=True, slots=True)
class Exchange:
    """A session belongs to the day it starts on; one that ends at or before its start ends the next day."""

    name: str
    zone: ZoneInfo
    start: time
    end: time
    days: frozenset[int]
    holidays: Callable[[int], frozenset[date]] = _no_holidays


def is_open(exchange: Exchange, now: datetime) -> bool:
    """Whether its session runs. A holiday closes the session whose trading day it is: an evening session counts for the
    next day, as the exchanges have it."""
    local = now.astimezone(exchange.zone)
    clock, today = local.time().replace(tzinfo=None), local.date()
    overnight = exchange.end <= exchange.start
    if not overnight:
        return exchange.start <= clock < exchange.end and _trades(exchange, today, today)
    if clock >= exchange.start and _trades(exchange, today, today + timedelta(days=1)):
        return True
    return clock < exchange.end and _trades(exchange, today - timedelta(days=1), today)


def _trades(exchange: Exchange, starts: date, counts_for: date) -> bool:
    return starts.weekday() in exchange.days and counts_for not in exchange.holidays(counts_for.year)


# --- holidays -----------------------------------------------------------------------------------------------------


@lru_cache(maxsize=16)
def us_holidays(year: int) -> frozenset[date]:
    """Full-day closings of NYSE and Nasdaq (NYSE rule 7.2)."""
    fixed = [date(year, 6, 19), date(year, 7, 4), date(year, 12, 25)]
    new_year = date(year, 1, 1)
    observed = [_observed(day) for day in fixed]
    if new_year.weekday() != 5:  # one on a Saturday is not made up for
        observed.append(_observed(new_year))
    moving = [
        _weekday_of(year, 1, 0, 3),  # Martin Luther King Day
        _weekday_of(year, 2, 0, 3),  # Washington's Birthday
        _easter(year) - timedelta(days=2),
        _weekday_of(year, 6, 0, 1) - timedelta(days=7),  # Memorial Day: the last Monday of May
        _weekday_of(year, 9, 0, 1),  # Labor Day
        _weekday_of(year, 11, 3, 4),  # Thanksgiving
    ]
    return frozenset((*observed, *moving))


@lru_cache(maxsize=16)
def globex_holidays(year: int) -> frozenset[date]:
    """The days without any session at CME; on the other holidays it closes early, and the venue says so."""
    return frozenset({date(year, 1, 1), _easter(year) - timedelta(days=2), date(year, 12, 25)})


@lru_cache(maxsize=16)
def indian_holidays(year: int) -> frozenset[date]:
    """Those with a fixed date."""
    days = ((1, 26), (5, 1), (8, 15), (10, 2), (12, 25))
    return frozenset(date(year, month, day) for month, day in days)


def _observed(day: date) -> date:
    shift = {5: -1, 6: 1}.get(day.weekday(), 0)
    return day + timedelta(days=shift)


def _weekday_of(year: int, month: int, weekday: int, count: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (count - 1))


def _easter(year: int) -> date:
    """Gregorian Easter by the anonymous algorithm (Meeus, Astronomical Algorithms, chapter 8)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


_CHICAGO, _NEW_YORK, _KOLKATA = (
    ZoneInfo(name) for name in ("America/Chicago", "America/New_York", "Asia/Kolkata")
)
_GLOBEX = (_CHICAGO, time(17), time(16), SUNDAY_TO_THURSDAY, globex_holidays)
_US_STOCKS = (_NEW_YORK, time(9, 30), time(16), MONDAY_TO_FRIDAY, us_holidays)
_INDIA = (_KOLKATA, time(9, 15), time(15, 30), MONDAY_TO_FRIDAY, indian_holidays)

EXCHANGES = {
    exchange.name: exchange
    for exchange in (
        *(Exchange(name, *_GLOBEX) for name in ("CME", "CBOT", "NYMEX", "COMEX")),
        Exchange("ICEUS", _NEW_YORK, time(20), time(18), SUNDAY_TO_THURSDAY, globex_holidays),
        *(Exchange(name, *_US_STOCKS) for name in ("NYSE", "NASDAQ")),
        *(Exchange(name, *_INDIA) for name in ("NSE", "BSE", "NFO", "BFO")),
        Exchange("MCX", _KOLKATA, time(9), time(23, 30), MONDAY_TO_FRIDAY, indian_holidays),
        Exchange("FOREX", _NEW_YORK, time(17), time(17), SUNDAY_TO_THURSDAY),
        Exchange("CRYPTO", ZoneInfo("UTC"), time(0), time(0), ALL_DAYS),
    )
}
