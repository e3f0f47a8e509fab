"""When contracts expire: the exchanges' rules without their holidays."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta

from brokers.simulators.tradovate.clock import NEW_YORK

MONTH_CODES = "FGHJKMNQUVXZ"
OPENING = time(9, 30)


def _is_business(day: date) -> bool:
    return day.weekday() < 5


def business_days_before(day: date, count: int) -> date:
    """The business day ``count`` business days before ``day``; 0 = the last one not after it."""
    while not _is_business(day):
        day -= timedelta(days=1)
    while count:
        day -= timedelta(days=1)
        count -= _is_business(day)
    return day


def nth_weekday(year: int, month: int, weekday: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


def last_day(year: int, month: int) -> date:
    return date(year, month, monthrange(year, month)[1])


def _last_friday(year: int, month: int) -> date:
    day = last_day(year, month)
    return day - timedelta(days=(day.weekday() - 4) % 7)


def _before_25th(year: int, month: int) -> date:
    """Energy ends in the month before the one it is named after."""
    before = date(year, month, 1) - timedelta(days=1)
    return business_days_before(date(before.year, before.month, 25), 3)


RULES: dict[str, Callable[[int, int], date]] = {
    "third_friday": lambda year, month: nth_weekday(year, month, 4, 3),
    "before_25th": _before_25th,
    "third_last_business_day": lambda year, month: business_days_before(last_day(year, month), 2),
    "near_month_end": lambda year, month: business_days_before(last_day(year, month), 7),
    "before_third_wednesday": lambda year, month: business_days_before(nth_weekday(year, month, 2, 3), 2),
    "last_friday": _last_friday,
    "before_15th": lambda year, month: business_days_before(date(year, month, 15) - timedelta(days=1), 0),
}


def expiry_of(rule: str, year: int, month: int) -> datetime:
    """The moment trading ends, as UTC."""
    day = RULES[rule](year, month)
    return datetime.combine(day, OPENING, NEW_YORK).astimezone(UTC)


def maturities(months: str, rule: str, now: datetime, ahead: int) -> Iterator[tuple[int, int, datetime]]:
    """(year, month, expiry) of those expired since last year's start, then of the next ``ahead`` living ones."""
    year, month = now.year - 1, 1
    while ahead:
        if MONTH_CODES[month - 1] in months:
            expiry = expiry_of(rule, year, month)
            yield year, month, expiry
            ahead -= expiry > now
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
