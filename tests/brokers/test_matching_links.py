from __future__ import annotations

from decimal import Decimal

from brokers.matching import EventKind, MatchingEngine
from tests.brokers.matching_helpers import BUY, SELL, engine_at, limit, order, stop, story, touch


def bracket(quantity=3, entry_price=98, **entry):
    """A limit entry with its target and its stop, which exclude one another."""
    legs = {"quantity": quantity, "parent_id": 1, "oco_group": "legs"}
    return (
        limit(1, BUY, entry_price, quantity, **entry),
        limit(2, SELL, 105, **legs),
        stop(3, SELL, 95, **legs),
    )


def test_it_cancels_the_other_leg_when_one_fills():
    engine = engine_at()
    engine.submit(limit(1, SELL, 105, oco_group="a"), stop(2, SELL, 95, oco_group="a"))
    assert story(engine.on_quote("ES", touch(105, 105.25))) == ["fill 1 1@105", "canceled 2 oco"]
    assert engine.on_quote("ES", touch(90, 90.25)) == []


def test_it_takes_from_the_other_leg_what_one_has_filled():
    engine = engine_at()
    engine.submit(limit(1, SELL, 105, 3, oco_group="a"), stop(2, SELL, 95, 3, oco_group="a"))
    assert story(engine.on_quote("ES", touch(105, 105.25, bid_size=2))) == ["fill 1 2@105", "resized 2 1 oco"]
    assert story(engine.on_quote("ES", touch(95, 95.25))) == ["triggered 2", "fill 2 1@95", "canceled 1 oco"]


def test_it_keeps_the_other_leg_when_one_is_canceled_by_hand():
    engine = engine_at()
    engine.submit(limit(1, SELL, 105, oco_group="a"), stop(2, SELL, 95, oco_group="a"))
    engine.cancel(1)
    assert 2 in engine


def test_it_fills_only_one_leg_when_a_jump_reaches_both():
    engine = engine_at()
    engine.submit(stop(1, SELL, 95, oco_group="a"), stop(2, SELL, 94, oco_group="a"))
    assert story(engine.on_quote("ES", touch(90, 90.25))) == ["triggered 1", "fill 1 1@90", "canceled 2 oco"]


def test_it_suspends_children_until_the_parent_fills():
    engine = engine_at()
    assert story(engine.submit(*bracket())) == ["accepted 1", "accepted 2", "accepted 3"]
    assert engine.is_suspended(2)
    assert engine.on_quote("ES", touch(110, 110.25)) == []
    engine.on_quote("ES", touch(97.75, 98))
    assert not engine.is_suspended(3)
    assert story(engine.on_quote("ES", touch(94, 94.25))) == ["triggered 3", "fill 3 3@94", "canceled 2 oco"]


def test_it_protects_no_more_than_the_parent_has_filled():
    engine = engine_at()
    engine.submit(*bracket())
    told = story(engine.on_quote("ES", touch(97.75, 98, ask_size=1)))
    assert told == ["fill 1 1@98", "activated 2", "activated 3"]
    told = engine.on_quote("ES", touch(95, 99, 95))
    assert [e.quantity for e in told if e.kind is EventKind.FILL] == [1]
    assert 2 in engine, "two contracts of the entry are still to come, so the legs stay"


def test_it_never_exits_twice_while_the_parent_is_partly_filled():
    engine = engine_at()
    engine.submit(*bracket())
    engine.on_quote("ES", touch(97.75, 98, ask_size=1))
    engine.on_quote("ES", touch(105, 105.25))
    assert all(e.kind is not EventKind.FILL for e in engine.on_quote("ES", touch(94.75, 99, 94.75)))


def test_it_shrinks_the_children_to_what_a_canceled_parent_did():
    engine = engine_at()
    engine.submit(*bracket())
    engine.on_quote("ES", touch(97.75, 98, ask_size=1))
    assert story(engine.cancel(1)) == ["canceled 1 requested", "resized 2 1 parent", "resized 3 1 parent"]


def test_it_ends_the_children_with_a_parent_that_did_nothing():
    engine = engine_at()
    engine.submit(*bracket())
    assert story(engine.cancel(1)) == ["canceled 1 requested", "canceled 2 parent", "canceled 3 parent"]
    engine = MatchingEngine()
    told = story(engine.submit(order(1), stop(2, SELL, 95, parent_id=1)))
    assert told == ["accepted 1", "accepted 2", "rejected 1 no_quote", "rejected 2 parent"]


def test_it_activates_the_children_of_a_market_order_in_the_same_call():
    engine = engine_at(99.75, 100)
    told = story(engine.submit(order(1), stop(2, SELL, 95, parent_id=1)))
    assert told == ["accepted 1", "accepted 2", "fill 1 1@100", "activated 2"]


def test_it_keeps_links_over_a_restart():
    before, _, _ = bracket()
    engine = MatchingEngine()
    target, guard = bracket()[1:]
    engine.restore(before, filled=Decimal(1))
    engine.restore(target)
    engine.restore(guard)
    told = engine.on_quote("ES", touch(105, 105.25))
    assert [(e.order_id, e.quantity) for e in told if e.kind is EventKind.FILL] == [(2, 1)]
