from __future__ import annotations

import pytest

from brokers.domain import OrderType, TimeInForce
from brokers.matching import InvalidChange, MatchingEngine, UnknownOrder
from tests.brokers.matching_helpers import BUY, SELL, engine_at, limit, order, stop, story, touch


def test_it_fills_a_market_order_at_the_side_it_takes():
    engine = engine_at(99.75, 100)
    assert story(engine.submit(order(1, BUY, 2))) == ["accepted 1", "fill 1 2@100"]
    assert story(engine.submit(order(2, SELL, 3))) == ["accepted 2", "fill 2 3@99.75"]
    assert 1 not in engine


def test_it_refuses_a_market_order_without_a_quote():
    engine = MatchingEngine()
    assert story(engine.submit(order(1))) == ["accepted 1", "rejected 1 no_quote"]
    engine.on_quote("ES", touch(None, 100))
    assert story(engine.submit(order(2, SELL))) == ["accepted 2", "rejected 2 no_quote"]


def test_it_keeps_a_limit_order_until_its_price_and_gives_a_better_one():
    engine = engine_at(99.75, 100)
    assert story(engine.submit(limit(1, BUY, 99))) == ["accepted 1"]
    assert engine.on_quote("ES", touch(99, 99.25)) == []
    assert story(engine.on_quote("ES", touch(98.25, 98.5))) == ["fill 1 1@98.5"]


def test_it_fills_a_marketable_limit_at_once_at_the_quote():
    engine = engine_at(99.75, 100)
    assert story(engine.submit(limit(1, BUY, 105))) == ["accepted 1", "fill 1 1@100"]
    assert story(engine.submit(limit(2, SELL, 90))) == ["accepted 2", "fill 2 1@99.75"]


def test_it_keeps_a_limit_order_while_there_is_no_quote():
    engine = MatchingEngine()
    assert story(engine.submit(limit(1, SELL, 100))) == ["accepted 1"]
    assert engine.busy_instruments() == ["ES"]
    assert story(engine.on_quote("ES", touch(100, 100.25))) == ["fill 1 1@100"]
    assert engine.busy_instruments() == []


def test_it_fills_older_limits_first_at_the_same_price():
    engine = engine_at()
    engine.submit(limit(7, BUY, 99), limit(3, BUY, 99), limit(5, BUY, 99.5))
    assert story(engine.on_quote("ES", touch(98.75, 99))) == ["fill 5 1@99", "fill 7 1@99", "fill 3 1@99"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (order(1, BUY, 0), "quantity"),
        (order(1, order_type=OrderType.LIMIT), "limit_price"),
        (order(1, order_type=OrderType.STOP), "stop_price"),
        (order(1, order_type=OrderType.STOP_LIMIT, limit_price=1), "stop_price"),
        (order(1, order_type=OrderType.TRAILING_STOP), "trail_offset"),
        (order(1, parent_id=9), "parent"),
    ],
)
def test_it_rejects_terms_that_cannot_be_worked(bad, reason):
    assert story(engine_at().submit(bad)) == [f"rejected 1 {reason}"]


def test_it_rejects_a_second_order_of_a_living_key():
    engine = engine_at()
    engine.submit(limit(1, BUY, 90))
    assert story(engine.submit(limit(1, BUY, 80))) == ["rejected 1 duplicate"]


def test_it_cancels_what_lives_and_knows_nothing_of_what_ended():
    engine = engine_at()
    engine.submit(limit(1, BUY, 90))
    assert story(engine.cancel(1)) == ["canceled 1 requested"]
    assert engine.on_quote("ES", touch(80, 80.25)) == []
    with pytest.raises(UnknownOrder):
        engine.cancel(1)


def test_it_works_new_terms_and_forgets_the_old_ones():
    engine = engine_at(99.75, 100)
    engine.submit(limit(1, BUY, 90, 2))
    assert story(engine.change(1, limit_price=touch(95, 0).bid)) == ["replaced 1"]
    assert story(engine.on_quote("ES", touch(94.75, 95))) == ["fill 1 2@95"]
    assert engine.on_quote("ES", touch(80, 80.25)) == []


def test_it_fills_a_change_that_is_marketable():
    engine = engine_at(99.75, 100)
    engine.submit(limit(1, BUY, 90))
    assert story(engine.change(1, order_type=OrderType.MARKET)) == ["replaced 1", "fill 1 1@100"]


def test_it_leaves_the_order_alone_when_a_change_makes_no_sense():
    engine = engine_at(99.75, 100)
    engine.submit(limit(1, BUY, 90))
    with pytest.raises(InvalidChange, match="limit_price"):
        engine.change(1, limit_price=None)
    assert story(engine.on_quote("ES", touch(89, 90))) == ["fill 1 1@90"]


def test_it_expires_only_what_it_is_told_to():
    engine = engine_at()
    engine.submit(limit(1, BUY, 90), limit(2, BUY, 91, time_in_force=TimeInForce.GTC), stop(3, SELL, 80))
    assert story(engine.expire(lambda one: one.time_in_force is TimeInForce.DAY)) == [
        "expired 1 expired",
        "expired 3 expired",
    ]
    assert 2 in engine


def test_it_holds_an_order_back_until_released():
    engine = engine_at(99.75, 100)
    assert story(engine.submit(order(1, held=True))) == ["accepted 1"]
    assert engine.on_quote("ES", touch(100.75, 101)) == []
    assert story(engine.release(1)) == ["fill 1 1@101"]


def test_it_forgets_thousands_of_canceled_orders():
    engine = engine_at()
    for number in range(3000):
        engine.submit(limit(number, BUY, 10))
        engine.cancel(number)
    assert sum(map(len, engine._books["ES"].limits.values())) < 100
