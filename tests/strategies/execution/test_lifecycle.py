"""The one table of order states, and what reports do that come late, twice or in another order."""

from __future__ import annotations

from functools import reduce
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.domain import OrderStatus as S
from strategies.execution.lifecycle import may_follow, next_status

WORKING = {S.ACCEPTED, S.PARTIALLY_FILLED, S.PENDING_CANCEL}
ENDED = {S.FILLED, S.CANCELED, S.EXPIRED}
FOLLOWS = {
    S.PENDING: {S.DENIED, S.SUBMITTED},
    S.SUBMITTED: {S.UNKNOWN, S.REJECTED} | WORKING | ENDED,
    S.UNKNOWN: {S.SUBMITTED, S.REJECTED} | WORKING | ENDED,
    S.ACCEPTED: {S.PARTIALLY_FILLED, S.PENDING_CANCEL, S.REJECTED} | ENDED,
    S.PARTIALLY_FILLED: {S.PENDING_CANCEL} | ENDED,
    S.PENDING_CANCEL: {S.ACCEPTED, S.PARTIALLY_FILLED} | ENDED,
    S.EXPIRED: {S.ACCEPTED, S.PARTIALLY_FILLED, S.REJECTED, S.FILLED, S.CANCELED},
    S.CANCELED: {S.FILLED},
    S.REJECTED: {S.FILLED},
    S.DENIED: set(),
    S.FILLED: set(),
}
venue_reports = st.lists(st.sampled_from(sorted(WORKING | ENDED | {S.REJECTED})), max_size=8)


def after(current, *reports):
    return reduce(next_status, reports, current)


@pytest.mark.parametrize("current", S)
def test_it_follows_the_table(current):
    assert {status for status in S if may_follow(current, status)} == FOLLOWS[current]


@pytest.mark.parametrize("current", S)
def test_it_stays_where_it_is_when_a_report_may_not_follow(current):
    late = [status for status in S if status not in FOLLOWS[current]]
    assert {next_status(current, status) for status in late} == {current}


@pytest.mark.parametrize("current", S)
def test_the_same_report_again_changes_nothing(current):
    assert next_status(current, current) is current


@pytest.mark.parametrize("final", [S.DENIED, S.FILLED])
@settings(max_examples=50, deadline=None)
@given(reports=st.lists(st.sampled_from(S), max_size=8))
def test_nothing_follows_what_is_done_or_was_never_sent(final, reports):
    assert after(final, *reports) is final


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([S.SUBMITTED, S.UNKNOWN]), venue_reports, venue_reports)
def test_a_complete_fill_wins_whenever_it_is_reported(current, before, later):
    assert after(current, *before, S.FILLED, *later) is S.FILLED


@pytest.mark.parametrize("current", [S.SUBMITTED, S.UNKNOWN])
def test_a_fill_before_its_acknowledgement_counts(current):
    assert after(current, S.PARTIALLY_FILLED, S.ACCEPTED) is S.PARTIALLY_FILLED
    assert after(current, S.FILLED, S.ACCEPTED) is S.FILLED


@pytest.mark.parametrize("end", [S.FILLED, S.CANCELED])
def test_reports_in_any_order_end_the_same(end):
    orders = permutations([S.ACCEPTED, S.PARTIALLY_FILLED, S.PENDING_CANCEL, end])
    assert {after(S.SUBMITTED, *reports) for reports in orders} == {end}


@pytest.mark.parametrize("working", [S.ACCEPTED, S.PARTIALLY_FILLED])
def test_a_refused_cancel_leaves_it_working(working):
    assert after(working, S.PENDING_CANCEL, working) is working


def test_what_counted_as_never_arrived_may_turn_up():
    assert after(S.UNKNOWN, S.EXPIRED, S.ACCEPTED, S.FILLED) is S.FILLED


@settings(max_examples=100, deadline=None)
@given(venue_reports)
def test_what_the_venue_reports_never_looks_as_if_it_had_not_been_sent(reports):
    assert after(S.SUBMITTED, *reports) not in {S.PENDING, S.DENIED, S.UNKNOWN}


@pytest.mark.parametrize("sent", sorted(set(S) - {S.PENDING, S.DENIED}))
def test_what_was_sent_is_neither_denied_nor_pending_again(sent):
    assert not may_follow(sent, S.DENIED) and not may_follow(sent, S.PENDING)
