"""When an account counts as drifted: two looks apart in time, nothing of ours under way, and never when nobody knows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from strategies.execution.drift import APART, QUIET, Look, Sync, Verdict, judge

START = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
amounts = st.integers(-5, 5).map(Decimal)


def look(seconds: float, wanted: int = 2, held: int | None = 1, **more) -> Look:
    known = None if held is None else Decimal(held)
    return Look(at=START + timedelta(seconds=seconds), wanted=Decimal(wanted), held=known, **more)


def after(*looks: Look) -> Verdict:
    verdict = None
    for one in looks:
        verdict = judge(verdict, one)
    assert verdict is not None
    return verdict


def test_one_mismatch_is_none():
    assert after(look(0, held=2), look(3)).state is Sync.SYNCED
    assert after(look(0)).state is Sync.UNKNOWN


def test_two_mismatches_are_a_drift_since_the_first():
    verdict = after(look(0, held=2), look(3), look(6))
    assert (verdict.state, verdict.since) == (Sync.DRIFTED, START + timedelta(seconds=3))
    assert (verdict.wanted, verdict.held) == (2, 1)


def test_two_looks_at_once_count_as_one():
    assert after(look(0, held=2), look(3), look(3.1), look(3.2)).state is Sync.SYNCED


def test_a_match_in_between_starts_the_count_anew():
    assert after(look(0), look(3, held=2), look(6)).state is Sync.SYNCED


def test_nothing_counts_within_five_seconds_of_an_order_of_ours():
    acted = START
    looks = [look(s, acted_at=acted) for s in (1, 3, 4.9)]
    assert after(look(0, held=2), *looks).state is Sync.SYNCED
    assert after(look(0, held=2), *looks, look(5.1, acted_at=acted), look(8, acted_at=acted)).state is (
        Sync.DRIFTED
    )


def test_while_an_order_is_under_way_nothing_changes():
    assert after(look(0, held=2), *[look(s, is_busy=True) for s in range(3, 60, 3)]).state is Sync.SYNCED


def test_a_drift_stays_one_while_it_is_brought_back():
    assert after(look(0), look(3), look(6, is_busy=True)).state is Sync.DRIFTED
    assert after(look(0), look(3), look(6, is_busy=True), look(9, held=2)).state is Sync.SYNCED


def test_an_entry_that_rests_is_no_drift():
    assert after(*[look(s, held=0, working=Decimal(2)) for s in (0, 3, 6)]).state is Sync.SYNCED
    assert after(*[look(s, held=0, working=Decimal(1)) for s in (0, 3, 6)]).state is Sync.DRIFTED


@given(st.lists(st.tuples(amounts, st.none() | amounts, st.booleans(), st.floats(0.1, 10)), max_size=25))
def test_what_is_not_known_is_never_told_as_anything_else(items):
    verdict, seconds = None, 0.0
    for wanted, held, busy, wait in items:
        seconds += wait
        one = Look(
            START + timedelta(seconds=seconds), wanted, held, "" if held is not None else "x", is_busy=busy
        )
        verdict = judge(verdict, one)
        if held is None:
            assert (verdict.state, verdict.held) == (Sync.UNKNOWN, None)
        elif wanted == held:
            assert verdict.state is Sync.SYNCED


@given(st.lists(st.tuples(st.floats(0.1, 6), st.booleans(), st.booleans()), max_size=40))
def test_every_drift_had_two_quiet_mismatches_in_a_row_apart_in_time(items):
    """``items``: the wait before each look, whether it agrees, whether an order of ours changed at it."""
    verdict, at, acted, counted = None, START, None, []
    for wait, agrees, acts in items:
        at += timedelta(seconds=wait)
        acted = at if acts else acted
        one = Look(at, Decimal(2), Decimal(2 if agrees else 1), acted_at=acted)
        was = verdict.state if verdict else None
        verdict = judge(verdict, one)
        if agrees or not one.is_quiet:
            counted = []
        elif not counted or at - counted[-1] >= APART:
            counted.append(at)
        if verdict.state is Sync.DRIFTED and was is not Sync.DRIFTED:
            assert len(counted) >= 2
            assert acted is None or at - acted >= QUIET


@given(amounts, amounts)
def test_looking_again_changes_nothing_but_the_time(wanted, held):
    one = Look(START, wanted, held)
    verdict = judge(judge(None, one), replace(one, at=START + timedelta(seconds=3)))
    again = judge(verdict, replace(one, at=START + timedelta(seconds=6)))
    assert (again.state, again.since) == (verdict.state, verdict.since)
