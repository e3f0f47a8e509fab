from __future__ import annotations

from brokers.domain import TimeInForce
from tests.brokers.matching_helpers import BUY, SELL, engine_at, limit, order, story, touch


def test_it_fills_no_more_than_the_size_shown():
    engine = engine_at()
    engine.on_quote("ES", touch(99.75, 100, ask_size=2))
    assert story(engine.submit(order(1, BUY, 5))) == ["accepted 1", "fill 1 2@100"]
    assert story(engine.on_quote("ES", touch(100, 100.25, ask_size=2))) == ["fill 1 2@100.25"]
    assert story(engine.on_quote("ES", touch(100, 100.5))) == ["fill 1 1@100.5"]


def test_it_shares_the_size_shown_among_orders():
    engine = engine_at()
    engine.submit(limit(1, BUY, 99, 2), limit(2, BUY, 99, 2))
    assert story(engine.on_quote("ES", touch(98.75, 99, ask_size=3))) == ["fill 1 2@99", "fill 2 1@99"]
    assert engine.remaining(2) == 1


def test_it_fills_in_the_pieces_asked_for():
    engine = engine_at(99.75, 100)
    assert story(engine.submit(order(1, BUY, 5, max_fill=2))) == ["accepted 1", "fill 1 2@100"]
    assert engine.would_fill(1)
    assert story(engine.advance(1)) == ["fill 1 2@100"]
    assert story(engine.on_quote("ES", touch(100, 101))) == ["fill 1 1@101"]


def test_it_takes_one_piece_a_quote_for_a_resting_limit():
    engine = engine_at()
    engine.submit(limit(1, SELL, 105, 3, max_fill=1))
    assert story(engine.on_quote("ES", touch(105, 105.25))) == ["fill 1 1@105"]
    assert engine.on_quote("ES", touch(104, 104.25)) == []
    assert story(engine.on_quote("ES", touch(105.5, 106))) == ["fill 1 1@105.5"]
    assert not engine.on_quote("ES", touch(104, 104.25))
    assert not engine.would_fill(1)


def test_it_cancels_the_rest_of_immediate_or_cancel():
    engine = engine_at()
    engine.on_quote("ES", touch(99.75, 100, ask_size=2))
    told = story(engine.submit(order(1, BUY, 5, time_in_force=TimeInForce.IOC)))
    assert told == ["accepted 1", "fill 1 2@100", "canceled 1 unfilled"]
    assert story(engine.submit(limit(2, BUY, 90, time_in_force=TimeInForce.IOC)))[-1] == "canceled 2 unfilled"


def test_it_fills_or_kills_as_a_whole():
    engine = engine_at()
    engine.on_quote("ES", touch(99.75, 100, ask_size=4))
    fok = {"time_in_force": TimeInForce.FOK}
    assert story(engine.submit(order(1, BUY, 5, **fok))) == ["accepted 1", "canceled 1 unfilled"]
    assert story(engine.submit(order(2, BUY, 4, **fok))) == ["accepted 2", "fill 2 4@100"]


def test_it_counts_what_was_filled_when_the_quantity_changes():
    engine = engine_at(99.75, 100)
    engine.submit(limit(1, BUY, 99, 5, max_fill=2))
    engine.on_quote("ES", touch(98.75, 99))
    assert story(engine.change(1, quantity=touch(3, 0).bid)) == ["replaced 1", "fill 1 1@99"]


def test_it_keeps_the_place_of_a_restored_order():
    engine = engine_at(99.75, 100)
    engine.restore(limit(1, BUY, 99, 5), filled=touch(2, 0).bid)
    assert story(engine.on_quote("ES", touch(98.75, 99))) == ["fill 1 3@99"]
