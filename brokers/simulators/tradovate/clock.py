"""The venue's time: the wall clock plus an offset that tests may move, and the exchange's trade dates."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
ROLL_HOUR = 18  # the trade date turns at 18:00 New York


class Clock:
    """``now`` is seconds since 1970; ``monotonic`` is for durations and never moves with the offset."""

    def __init__(self) -> None:
        self.offset = 0.0
        self._roll: tuple[float, date] = (0.0, date.min)
        self._stamp: tuple[int, str] = (0, "")

    def now(self) -> float:
        return time.time() + self.offset

    def advance(self, seconds: float) -> None:
        self.offset += seconds
        self._roll = (0.0, date.min)

    def stamp(self) -> str:
        """Now, as the venue writes times; one text serves a whole millisecond."""
        now = self.now()
        milliseconds = int(now * 1000)
        if milliseconds != self._stamp[0]:
            self._stamp = milliseconds, stamp(now)
        return self._stamp[1]

    def trade_date(self) -> date:
        """The session a trade belongs to now; computed once per session."""
        moment = self.now()
        if moment >= self._roll[0]:
            self._roll = _next_roll(moment), trade_date_at(moment)
        return self._roll[1]


def stamp(at: float) -> str:
    """2026-03-02T14:31:07.512Z"""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def local(at: float) -> datetime:
    return datetime.fromtimestamp(at, NEW_YORK)


def trade_date_at(at: float) -> date:
    """From 18:00 on the next day, over the weekend Monday."""
    moment = local(at)
    day = moment.date() + timedelta(days=1 if moment.hour >= ROLL_HOUR else 0)
    return day + timedelta(days={5: 2, 6: 1}.get(day.weekday(), 0))


def _next_roll(at: float) -> float:
    moment = local(at)
    roll = moment.replace(hour=ROLL_HOUR, minute=0, second=0, microsecond=0)
    if moment >= roll:
        roll = (roll.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=NEW_YORK)
    return roll.timestamp()


def is_trading(at: float) -> bool:
    """Sunday 18:00 to Friday 17:00, with a pause from 17:00 to 18:00 every day."""
    moment = local(at)
    weekday, hour = moment.weekday(), moment.hour
    if weekday == 5 or hour == 17:
        return False
    if weekday == 6:
        return hour >= ROLL_HOUR
    return not (weekday == 4 and hour >= 17)
