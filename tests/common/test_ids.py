"""Identifiers: in order of creation, whatever the clock does, and of the right form."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import time_machine

from tradeproject.common.ids import uuid7


def test_they_rise_within_one_millisecond():
    ids = [uuid7() for _ in range(5000)]
    assert ids == sorted(set(ids))


def test_they_tell_their_version_and_millisecond():
    before = time.time_ns() // 1_000_000
    made = uuid7()
    after = time.time_ns() // 1_000_000
    assert made.version == 7 and made.variant == "specified in RFC 4122"
    assert before <= made.int >> 80 <= after


def test_they_rise_after_the_clock_was_set_back():
    now = uuid7()
    with time_machine.travel("2020-01-01", tick=False):
        assert uuid7() > now


def test_no_two_threads_get_the_same():
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: uuid7(), range(4000)))
    assert len(set(made)) == len(made)
