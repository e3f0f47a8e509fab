"""Snapshot plus deltas is a fresh snapshot, whatever happened in between."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dashboard.diff import apply, delta, in_order

values = st.one_of(st.none(), st.integers(-5, 5).map(str), st.booleans())
rows = st.dictionaries(
    st.sampled_from("abcdefgh"),
    st.fixed_dictionaries({"price": values, "quantity": values, "sync": values}),
    max_size=8,
).map(lambda found: in_order({"id": key, **row} for key, row in found.items()))
states = st.fixed_dictionaries(
    {"positions": rows, "groups": rows, "open_pnl": values, "count": st.integers(0, 3)}
)


@given(st.lists(states, min_size=1, max_size=6))
def test_it_rebuilds_the_newest_state_from_the_oldest_and_the_deltas(history):
    seen = history[0]
    for old, new in pairwise(history):
        seen = apply(seen, delta(old, new))
    assert seen == history[-1]


@given(states, states)
def test_it_skips_what_was_in_between(first, last):
    assert apply(first, delta(first, last)) == last


@given(states)
def test_it_says_nothing_of_an_equal_state(state):
    assert delta(state, {**state, "positions": list(state["positions"])}) == {}


@given(states, states)
def test_it_changes_neither_state(old, new):
    before = repr((old, new))
    apply(old, delta(old, new))
    assert repr((old, new)) == before


def test_it_sends_of_a_changed_row_only_what_differs():
    old = {"positions": [{"id": "1", "price": "5", "quantity": "2"}], "open_pnl": "0"}
    new = {"positions": [{"id": "1", "price": "6", "quantity": "2"}], "open_pnl": "4"}
    assert delta(old, new) == {"positions": [{"id": "1", "price": "6"}], "open_pnl": "4"}


def test_it_names_what_is_gone_by_list():
    old = {"positions": [{"id": "1"}], "groups": [{"id": "1"}]}
    assert delta(old, {"positions": [], "groups": [{"id": "1"}]}) == {"removed": {"positions": ["1"]}}
