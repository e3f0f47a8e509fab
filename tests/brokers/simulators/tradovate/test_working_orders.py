"""Limits, stops and trails in a market that moves by command."""

from __future__ import annotations

from tests.brokers.simulators.tradovate.people import set_price


async def status(trader, order_id) -> str:
    return (await trader.row("order", order_id))["ordStatus"]


async def prices(trader, order_id) -> list[float]:
    return [row["price"] for row in await trader.get("fill/deps", masterid=order_id)]


async def test_it_fills_a_limit_when_the_market_comes_to_it(venue, trader):
    order_id = await trader.place(orderType="Limit", price=24990)
    set_price(venue, 24990)
    assert await status(trader, order_id) == "Working", "the ask is still a tick above"
    set_price(venue, 24989.75)
    assert await prices(trader, order_id) == [24990]
    assert await status(trader, order_id) == "Filled"


async def test_it_gives_a_limit_the_better_price_of_a_jump(venue, trader):
    order_id = await trader.place(action="Sell", orderType="Limit", price=25010)
    set_price(venue, 25050)
    assert await prices(trader, order_id) == [25050]


async def test_it_triggers_a_stop_and_fills_it_at_the_market(venue, trader):
    order_id = await trader.place(action="Sell", orderType="Stop", stopPrice=24980)
    set_price(venue, 24980.25)
    assert await status(trader, order_id) == "Working"
    set_price(venue, 24975)
    assert await prices(trader, order_id) == [24975]


async def test_it_works_a_stop_limit_as_limit_once_triggered(venue, trader):
    order_id = await trader.place(orderType="StopLimit", stopPrice=25010, price=25012)
    set_price(venue, 25020)
    assert await status(trader, order_id) == "Working"
    set_price(venue, 25011)
    assert await prices(trader, order_id) == [25011.25]


async def test_it_trails_by_the_distance_given_or_implied(venue, trader):
    given = await trader.place(action="Sell", orderType="TrailingStop", stopPrice=24980, pegDifference=-20)
    implied = await trader.place(action="Sell", orderType="TrailingStop", stopPrice=24980)
    set_price(venue, 25100)
    set_price(venue, 25081)
    assert [await status(trader, one) for one in (given, implied)] == ["Working", "Working"]
    set_price(venue, 25080)
    assert [await prices(trader, one) for one in (given, implied)] == [[25080], [25080]]


async def test_it_moves_every_month_and_the_micro_with_the_underlying(venue, trader):
    later = venue.simulator.library.chains["NQ"][-1].name
    micro = await trader.place(orderType="Limit", price=24000)
    big = await trader.place(orderType="Limit", price=24000, symbol=later)
    set_price(venue, 20000, root="NQ")
    assert (await prices(trader, micro))[0] == 20000.25
    assert (await prices(trader, big))[0] > 20000.25, "later months cost more"


async def test_it_cancels_immediate_orders_that_do_not_fill(trader):
    for time in ("IOC", "FOK"):
        order_id = await trader.place(orderType="Limit", price=24000, timeInForce=time)
        assert await status(trader, order_id) == "Canceled"


async def test_it_sees_a_price_move_by_itself(venue, trader):
    """The process is random but seeded: with high volatility a near limit fills within a few hundred ticks."""
    venue.control.call("settings", {"frozen": False, "volatility": 50})
    order_id = await trader.place(orderType="Limit", price=24999)
    for _ in range(500):
        venue.simulator.clock.advance(0.25)
        venue.simulator.tick()
        if await status(trader, order_id) == "Filled":
            break
    assert (await prices(trader, order_id))[0] <= 24999
