"""A strategy's trading window, in its own time zone, over midnight and the change of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from strategies.execution.sessions import parse_window, window_is_open

DAY = {"start": "09:30", "end": "16:00", "timezone": "America/New_York", "days": [0, 1, 2, 3, 4]}
NIGHT = {"start": "18:00", "end": "05:00", "days": [6, 0]}


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        pytest.param("2026-10-06T13:29:59", False, id="a second before"),
        pytest.param("2026-10-06T13:30:00", True, id="at the start"),
        pytest.param("2026-10-06T19:59:59", True, id="a second before the end"),
        pytest.param("2026-10-06T20:00:00", False, id="at the end"),
        pytest.param("2026-10-10T15:00:00", False, id="on a Saturday"),
        pytest.param("2026-12-08T13:45:00", False, id="before the start in winter"),
        pytest.param("2026-12-08T14:30:00", True, id="at the start in winter"),
    ],
)
def test_it_is_open_between_its_times_on_its_days(moment, is_open):
    assert window_is_open(DAY, at(moment)) is is_open


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        pytest.param("2026-10-04T18:00:00", True, id="Sunday evening"),
        pytest.param("2026-10-05T04:59:00", True, id="Sunday's night on Monday"),
        pytest.param("2026-10-05T12:00:00", False, id="Monday noon"),
        pytest.param("2026-10-06T04:00:00", True, id="Monday's night on Tuesday"),
        pytest.param("2026-10-06T19:00:00", False, id="Tuesday evening"),
        pytest.param("2026-10-04T04:00:00", False, id="Saturday's night on Sunday"),
    ],
)
def test_over_midnight_it_belongs_to_the_day_it_starts_on(moment, is_open):
    assert window_is_open(NIGHT, at(moment)) is is_open


def test_it_is_open_every_day_in_utc_when_nothing_else_is_told():
    window = {"start": "13:00", "end": "14:00"}
    assert all(window_is_open(window, at(f"2026-10-{day:02}T13:30:00")) for day in range(5, 12))


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ({}, '"start" and "end"'),
        ({"start": "09:30"}, '"start" and "end"'),
        ({"start": "late", "end": "16:00"}, '"start" and "end"'),
        ({**DAY, "timezone": "New York"}, "'New York'"),
        ({**DAY, "days": [7]}, '"days"'),
        ({**DAY, "days": "Mon"}, '"days"'),
    ],
)
def test_it_names_what_is_wrong_with_it(window, words):
    with pytest.raises(ValueError, match=words):
        parse_window(window)
