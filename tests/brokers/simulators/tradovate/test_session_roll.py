from __future__ import annotations

from tests.brokers.simulators.tradovate.people import set_price

WIPED = ("fill", "fillPair", "executionReport", "commandReport")


async def test_it_wipes_the_session_and_carries_positions(venue, trader):
    held = await trader.place(orderQty=2)
    await trader.place(action="Sell")
    venue.control.call("roll", {})
    for entity in WIPED:
        assert await trader.rows(entity) == []
    assert (await trader.send("order/item", method="GET", id=held)).status_code == 404
    position = (await trader.rows("position"))[0]
    assert (position["netPos"], position["prevPos"], position["bought"]) == (1, 1, 0)
    assert position["prevPrice"] == position["netPrice"] == 25000.25


async def test_it_drops_flat_rows_and_starts_the_profit_anew(venue, trader):
    await trader.place()
    await trader.place(action="Sell")
    before = (await trader.rows("cashBalance"))[0]
    venue.control.call("roll", {})
    assert await trader.rows("position") == []
    after = (await trader.rows("cashBalance"))[0]
    assert "realizedPnL" not in after
    assert after["amount"] == after["amountSOD"] == before["amount"]
    assert after["tradeDate"] != before["tradeDate"]
    logged = await trader.get("cashBalanceLog/deps", masterid=trader.account.id)
    assert [row["cashChangeType"] for row in logged] == ["NewSession"]


async def test_it_expires_day_orders_and_keeps_the_others_working(venue, trader):
    day = await trader.place(orderType="Limit", price=24000)
    resting = await trader.place(orderType="Limit", price=24000, timeInForce="GTC")
    venue.control.call("roll", {})
    assert [row["id"] for row in await trader.rows("order")] == [resting]
    assert (await trader.get("orderVersion/deps", masterid=resting))[0]["price"] == 24000
    set_price(venue, 23999)
    assert (await trader.row("order", resting))["ordStatus"] == "Filled"
    ledger = venue.control.call("ledger", {"account": str(trader.account.id)})["accounts"][0]
    assert {one["order_id"]: one["status"] for one in ledger["orders"]} == {day: "Expired", resting: "Filled"}


async def test_it_pairs_over_sessions_and_the_ledger_remembers(venue, trader):
    await trader.place(orderQty=2)
    venue.control.call("roll", {})
    set_price(venue, 25100.25)
    await trader.place(action="Sell", orderQty=2)
    assert (await trader.rows("cashBalance"))[0]["realizedPnL"] == 400
    ledger = venue.control.call("ledger", {"account": str(trader.account.id)})["accounts"][0]
    assert [fill["action"] for fill in ledger["fills"]] == ["Buy", "Sell"]
    assert ledger["realized_pnl"] == 400
    assert ledger["cash"] == 50_000 + ledger["net_pnl"]


async def test_it_rolls_by_the_clock_when_told_to(venue, trader):
    venue.control.call("settings", {"rolls_sessions": True, "token_seconds": 10**6})
    await trader.log_in()
    await trader.place()
    venue.simulator.clock.advance(24 * 3600)
    assert any(one.is_roll_due() for one in venue.simulator.venues.values())
    venue.simulator.roll(venue.simulator.clock.trade_date())
    assert await trader.rows("fill") == []
    assert not any(one.is_roll_due() for one in venue.simulator.venues.values())


async def test_it_lets_the_trade_date_follow_the_clock_without_rolling(venue, trader):
    venue.control.call("settings", {"token_seconds": 10**7})
    await trader.log_in()
    await trader.place()
    venue.simulator.clock.advance(3 * 24 * 3600)
    await trader.place()
    dates = [tuple(row["tradeDate"].values()) for row in await trader.rows("fill")]
    assert dates[0] < dates[1]
