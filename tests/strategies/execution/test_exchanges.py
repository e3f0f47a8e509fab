"""Exchange hours in the exchange's own time: across midnight, on holidays, over the clock change."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from strategies.execution.exchanges import EXCHANGES, globex_holidays, is_open, us_holidays
from strategies.execution.sessions import in_words, last_moment, next_moment, parse_window, window_is_open


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "moment", "is_so"),
    [
        ("CME", "2026-10-04T21:59", False),  # Sunday before 17:00 in Chicago
        ("CME", "2026-10-04T22:00", True),
        ("CME", "2026-10-06T04:00", True),  # over midnight
        ("CME", "2026-10-06T21:30", False),  # the daily break
        ("CME", "2026-10-06T22:00", True),
        ("CME", "2026-10-09T20:59", True),  # Friday
        ("CME", "2026-10-09T21:00", False),
        ("CME", "2026-10-09T23:00", False),  # no session starts on Friday
        ("CME", "2026-12-09T22:30", False),  # winter time: the break is an hour later in UTC
        ("CME", "2026-12-25T15:00", False),
        ("CME", "2026-12-24T23:30", False),  # Christmas Eve's evening counts for Christmas
        ("NYSE", "2026-10-06T13:29", False),
        ("NYSE", "2026-10-06T13:30", True),
        ("NYSE", "2026-10-06T20:00", False),
        ("NYSE", "2026-11-26T15:00", False),  # Thanksgiving
        ("NYSE", "2026-10-10T15:00", False),  # Saturday
        ("NSE", "2026-10-06T03:45", True),
        ("NSE", "2026-10-06T10:00", False),
        ("NSE", "2026-10-02T05:00", False),  # Gandhi Jayanti
        ("MCX", "2026-10-06T17:59", True),
        ("FOREX", "2026-10-06T21:00", True),  # one session ends as the next begins
        ("FOREX", "2026-10-09T21:00", False),
        ("CRYPTO", "2026-10-10T03:00", True),
    ],
)
def test_it_knows_when_an_exchange_trades(name, moment, is_so):
    assert is_open(EXCHANGES[name], utc(moment)) is is_so


def test_it_knows_the_holidays_of_a_year():
    assert us_holidays(2026) == {
        date(2026, 1, 1),
        date(2026, 1, 19),
        date(2026, 2, 16),
        date(2026, 4, 3),
        date(2026, 5, 25),
        date(2026, 6, 19),
        date(2026, 7, 3),
        date(2026, 9, 7),
        date(2026, 11, 26),
        date(2026, 12, 25),
    }
    assert date(2021, 12, 31) not in us_holidays(2021) and date(2022, 1, 1) not in us_holidays(2022)
    assert date(2027, 3, 26) in globex_holidays(2027)


@pytest.mark.parametrize(
    ("window", "moment", "is_so"),
    [
        ({"exchange": "CME"}, "2026-10-06T21:30", False),
        ({"exchange": "CME"}, "2026-10-06T14:00", True),
        ({"exchange": "cme", "start": "09:30", "end": "16:00"}, "2026-10-06T14:00", False),  # 9:00 in Chicago
        ({"exchange": "CME", "start": "09:30", "end": "16:00"}, "2026-10-06T14:30", True),
        ({"exchange": "CME", "start": "22:00", "end": "02:00"}, "2026-10-06T06:00", True),
        ({"exchange": "CME", "days": [0]}, "2026-10-06T14:00", False),
    ],
)
def test_a_window_follows_its_exchange(window, moment, is_so):
    assert window_is_open(window, utc(moment)) is is_so


def test_it_refuses_an_exchange_it_does_not_know():
    with pytest.raises(ValueError, match="MOON"):
        parse_window({"exchange": "MOON"})
    with pytest.raises(ValueError, match="start"):
        parse_window({"exchange": "CME", "start": "09:30"})


def test_it_says_a_window_in_words():
    assert in_words({"exchange": "CME"}) == "of CME"
    assert (
        in_words({"exchange": "CME", "start": "9:30", "end": "16:00", "timezone": "UTC"})
        == "9:30–16:00 UTC of CME"
    )


def test_a_days_turn_follows_its_zone():
    clock = {"time": "17:00", "timezone": "America/Chicago"}
    now = utc("2026-10-31T23:00")  # the last evening of summer time
    assert last_moment(clock, now) == utc("2026-10-31T22:00")
    assert next_moment(clock, now) == utc("2026-11-01T23:00")
    assert last_moment(clock, utc("2026-10-31T21:59")) == utc("2026-10-30T22:00")
