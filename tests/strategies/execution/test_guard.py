"""Which part of a position stands without its stop."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from brokers.domain import Side
from strategies.execution.guard import WORKS, Entry, naked_entries

BUY, SELL = Side.BUY, Side.SELL


def entry(filled: int, stop: str | None = "canceled", side: Side = BUY, **more) -> Entry:
    pk = more.pop("pk", None) or uuid4()
    protected = Decimal(filled if stop in WORKS else 0)
    return Entry(pk, True, False, side, Decimal(filled), stop=stop, stop_quantity=protected, **more)


def exit_(filled: int, side: Side = SELL) -> Entry:
    return Entry(uuid4(), False, False, side, Decimal(filled))


def needs(net: int, *orders: Entry) -> list[tuple[UUID, int]]:
    return [(need.order_id, int(need.quantity)) for need in naked_entries(Decimal(net), orders)]


def test_a_stop_that_was_canceled_leaves_its_entry_naked():
    one = entry(2)
    assert needs(2, one) == [(one.order_id, 2)]


def test_what_works_protects():
    assert needs(2, entry(2, "accepted")) == []
    assert needs(2, entry(2, "unknown")) == []  # to be looked up first


def test_flat_needs_nothing():
    assert needs(0, entry(2)) == []
    assert needs(2, entry(2), exit_(2), entry(2, None)) == []


def test_what_no_stop_was_asked_for_stays_as_it_is():
    assert needs(2, entry(2, None)) == []


def test_what_was_bought_by_hand_is_not_protected():
    one = entry(2)
    assert needs(5, one) == [(one.order_id, 2)]
    assert needs(5, entry(2, "accepted")) == []


def test_what_was_sold_by_hand_needs_no_stop():
    one = entry(3)
    assert needs(1, one) == [(one.order_id, 1)]
    assert needs(-2, one) == []


def test_only_the_part_that_is_left():
    old, new = entry(2, "canceled"), entry(3, "accepted")
    assert needs(5, old, new) == [(old.order_id, 2)]
    assert needs(3, old, new, exit_(2)) == []


def test_a_closed_account_begins_anew():
    closed = Entry(uuid4(), False, True, SELL, Decimal(0))
    one = entry(1)
    assert needs(1, entry(2), closed, one) == [(one.order_id, 1)]


orders = st.lists(
    st.builds(
        Entry,
        order_id=st.uuids(),
        is_entry=st.booleans(),
        closes_all=st.sampled_from([False, False, False, True]),
        side=st.sampled_from([BUY, SELL]),
        filled=st.integers(0, 4).map(Decimal),
        closed=st.integers(0, 2).map(Decimal),
        stop=st.sampled_from([None, "canceled", "rejected", "accepted"]),
        stop_quantity=st.integers(0, 4).map(Decimal),
    ),
    max_size=10,
)


@given(st.integers(-6, 6), orders)
def test_never_more_than_is_held_and_never_for_the_other_side(net, history):
    found = naked_entries(Decimal(net), history)
    by_id = {order.order_id: order for order in history}
    assert sum(need.quantity for need in found) <= abs(net)
    for need in found:
        order = by_id[need.order_id]
        assert 0 < need.quantity <= order.filled and order.side.sign * net > 0
        assert order.stop is not None and order.stop not in WORKS
