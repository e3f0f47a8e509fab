from __future__ import annotations

import itertools

import pytest

from brokers.simulators.tradovate import Options, create_simulator
from brokers.simulators.tradovate.charts import grouped, history
from brokers.simulators.tradovate.products import PRODUCTS
from tests.brokers.simulators.tradovate.people import front, set_price


def test_it_follows_its_seed():
    walk = sim_walk(3)
    assert walk == sim_walk(3)
    assert walk != sim_walk(4)


def sim_walk(seed):
    """Steps of the walk itself, without a clock."""
    prices = create_simulator(Options(logins=1, seed=seed)).simulator.prices
    walk = prices.walks["NQ"]
    steps = []
    for _ in range(200):
        prices._step(walk, 1)
        steps.append(walk.price)
    return steps


@pytest.mark.parametrize("root", sorted(PRODUCTS))
def test_it_moves_in_whole_ticks_around_its_start(root):
    venue = create_simulator(Options(logins=1))
    contract, prices = front(venue, root), venue.simulator.prices
    for _ in range(200):
        prices._step(prices.walk_of(contract), 1)
        touch = prices.shown(contract, prices.walk_of(contract))
        assert touch.bid % contract.tick == 0
        assert touch.ask - touch.bid == contract.tick
        assert touch.last in {touch.bid, touch.ask}
    away = abs(prices.walk_of(contract).price - contract.product.start_price)
    assert away < contract.product.start_price / 20


def test_it_shares_a_walk_only_among_equal_ticks():
    for product in PRODUCTS.values():
        assert PRODUCTS[product.walk].tick == product.tick
        assert PRODUCTS[product.walk].start_price == product.start_price


def test_it_catches_up_without_computing_every_missed_tick():
    venue = create_simulator(Options(logins=1))
    walk = venue.simulator.prices.walks["NQ"]
    venue.simulator.clock.advance(3 * 24 * 3600)
    venue.simulator.prices.touch(front(venue, "NQ"))
    assert walk.version == 1


def test_it_stands_still_while_nobody_looks():
    venue = create_simulator(Options(logins=1))
    venue.simulator.clock.advance(60)
    venue.simulator.tick()
    assert {walk.version for walk in venue.simulator.prices.walks.values()} == {0}


def test_it_freezes_one_underlying(venue):
    venue.simulator.options.frozen = False
    venue.control.call("market", {"symbol": "MNQ", "frozen": True})
    before = venue.control.call("quotes", {"symbol": "NQ"})
    venue.simulator.clock.advance(3600)
    after = venue.control.call("quotes", {"symbol": "NQ"})
    assert (before["bid"], before["frozen"]) == (after["bid"], True)
    venue.control.call("market", {"symbol": "MNQ", "frozen": False})
    venue.simulator.clock.advance(3600)
    assert venue.control.call("quotes", {"symbol": "NQ"})["bid"] != before["bid"]


def test_it_sets_a_price_and_a_spread(venue):
    told = venue.control.call("prices", {"symbol": "MNQ", "price": 25100, "bid": 25099, "ask": 25101})
    assert (told["bid"], told["ask"], told["last"]) == (25099, 25101, 25100)
    set_price(venue, 25200)
    assert venue.control.call("quotes", {"symbol": "MNQ"})["ask"] == 25200.25


def test_it_remembers_minutes(venue):
    contract, sim = front(venue, "MNQ"), venue.simulator
    for price in (25010, 24990, 25005):
        set_price(venue, price)
    walk = sim.prices.walk_of(contract)
    bar = history(walk, contract, sim.clock.now(), 1)[0]
    assert (bar.high, bar.low, bar.close) == (25010, 24990, 25005)
    sim.clock.advance(120)
    assert [b.close for b in history(walk, contract, sim.clock.now(), 2)] == [25005, 25005]


def test_it_makes_up_the_same_past_every_time(venue):
    contract, sim = front(venue, "MNQ"), venue.simulator
    walk, now = sim.prices.walk_of(contract), sim.clock.now()
    first, second = history(walk, contract, now, 300), history(walk, contract, now, 300)
    assert first == second
    assert all(a.close == b.open for a, b in itertools.pairwise(first[:-1]))
    fives = grouped(first, 5)
    assert all(bar.minute % 5 == 0 for bar in fives[1:])
    assert max(bar.high for bar in fives) == max(bar.high for bar in first)
