from __future__ import annotations

from decimal import Decimal

from brokers.domain import OrderType
from brokers.matching import MatchingEngine, is_reached
from tests.brokers.matching_helpers import BUY, SELL, engine_at, order, stop, story, touch


def trailing(order_id, side=SELL, offset=2, **terms):
    return order(order_id, side, order_type=OrderType.TRAILING_STOP, trail_offset=offset, **terms)


def test_it_triggers_a_stop_on_the_last_trade_and_fills_it_at_the_quote():
    engine = engine_at(99.75, 100, 100)
    assert story(engine.submit(stop(1, SELL, 98))) == ["accepted 1"]
    assert engine.on_quote("ES", touch(98, 98.25, 98.25)) == []
    assert story(engine.on_quote("ES", touch(97.25, 97.75, 97.5))) == ["triggered 1", "fill 1 1@97.25"]


def test_it_triggers_on_the_quote_when_there_is_no_trade():
    engine = engine_at(99.75, 100)
    engine.submit(stop(1, BUY, 101))
    assert engine.on_quote("ES", touch(100.5, 100.75)) == []
    assert story(engine.on_quote("ES", touch(100.75, 101))) == ["triggered 1", "fill 1 1@101"]


def test_it_triggers_a_stop_on_the_wrong_side_at_once():
    engine = engine_at(99.75, 100)
    assert is_reached(SELL, Decimal(105), touch(99.75, 100))
    assert story(engine.submit(stop(1, SELL, 105))) == ["accepted 1", "triggered 1", "fill 1 1@99.75"]


def test_it_turns_a_stop_limit_into_a_limit():
    engine = engine_at(99.75, 100)
    engine.submit(order(1, BUY, order_type=OrderType.STOP_LIMIT, stop_price=101, limit_price=101.5))
    assert story(engine.on_quote("ES", touch(102, 102.25))) == ["triggered 1"]
    assert story(engine.on_quote("ES", touch(101, 101.25))) == ["fill 1 1@101.25"]


def test_it_trails_the_best_price_and_never_moves_back():
    engine = engine_at(99.75, 100, 100)
    engine.submit(trailing(1, SELL, 2))
    assert engine.trigger_price(1) == 98
    engine.on_quote("ES", touch(104.75, 105, 105))
    assert engine.trigger_price(1) == 103
    engine.on_quote("ES", touch(103.5, 103.75, 103.75))
    assert engine.trigger_price(1) == 103
    assert story(engine.on_quote("ES", touch(102.75, 103, 103))) == ["triggered 1", "fill 1 1@102.75"]


def test_it_trails_downwards_for_a_buy():
    engine = engine_at(99.75, 100, 100)
    engine.submit(trailing(1, BUY, 2))
    engine.on_quote("ES", touch(94.75, 95, 95))
    assert engine.trigger_price(1) == 97
    assert story(engine.on_quote("ES", touch(97, 97.25, 97))) == ["triggered 1", "fill 1 1@97.25"]


def test_it_starts_a_trail_at_the_stop_it_was_given():
    engine = engine_at(99.75, 100, 100)
    engine.submit(trailing(1, SELL, 2, stop_price=99))
    assert engine.trigger_price(1) == 99
    engine.on_quote("ES", touch(101.75, 102, 102))
    assert engine.trigger_price(1) == 100


def test_it_waits_for_a_first_price_to_trail():
    engine = MatchingEngine()
    engine.submit(trailing(1, SELL, 2))
    assert engine.trigger_price(1) is None
    engine.on_quote("ES", touch(99.75, 100, 100))
    assert engine.trigger_price(1) == 98


def test_it_watches_a_moved_stop_where_it_stands_now():
    engine = engine_at(99.75, 100, 100)
    engine.submit(stop(1, SELL, 95))
    engine.change(1, stop_price=Decimal(98))
    assert story(engine.on_quote("ES", touch(97.75, 98, 98))) == ["triggered 1", "fill 1 1@97.75"]


def test_it_triggers_one_stop_once_after_it_changed_kind():
    engine = engine_at(99.75, 100, 100)
    engine.submit(trailing(1, SELL, 2))
    engine.change(1, order_type=OrderType.STOP, stop_price=Decimal(97))
    assert story(engine.on_quote("ES", touch(96.75, 97, 97))) == ["triggered 1", "fill 1 1@96.75"]


def test_it_triggers_older_stops_first():
    engine = engine_at(99.75, 100, 100)
    engine.submit(stop(4, SELL, 97), stop(2, SELL, 98), stop(9, BUY, 120))
    told = story(engine.on_quote("ES", touch(95, 95.25, 95)))
    assert told == ["triggered 4", "fill 4 1@95", "triggered 2", "fill 2 1@95"]
