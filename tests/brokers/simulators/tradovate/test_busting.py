from __future__ import annotations

import pytest

from brokers.simulators.tradovate.control import BadWish
from tests.brokers.simulators.tradovate.people import set_price


async def fill_of(trader, order_id):
    return (await trader.get("fill/deps", masterid=order_id))[0]


async def test_it_takes_a_fill_back_with_its_contracts_and_fees(venue, trader, synced):
    kept = await trader.place(orderQty=1)
    set_price(venue, 25100)
    order_id = await trader.place(orderQty=2)
    fill = await fill_of(trader, order_id)
    venue.control.call("bust", {"fill_id": fill["id"]})
    told = await synced.event("fill", lambda one: one["id"] == fill["id"] and not one["active"])
    assert told["qty"] == 2
    report = await synced.event("executionReport", lambda one: one["execType"] == "TradeCancel")
    assert report["execRefId"] == str(fill["id"])
    position = (await trader.rows("position"))[0]
    assert (position["netPos"], position["netPrice"], position["bought"]) == (1, 25000.25, 1)
    assert (await trader.rows("cashBalance"))[0]["amount"] == 50_000 - 0.81
    ledger = venue.control.call("ledger", {"account": str(trader.account.id)})["accounts"][0]
    assert [one["active"] for one in ledger["fills"]] == [True, False]
    assert {one["order_id"]: one["filled"] for one in ledger["orders"]} == {kept: 1, order_id: 0}
    assert ledger["cash"] == 50_000 + ledger["net_pnl"]


async def test_it_cannot_take_back_what_was_closed(venue, trader):
    fill = await fill_of(trader, await trader.place())
    await trader.place(action="Sell")
    for fill_id in (fill["id"], 1):
        with pytest.raises(BadWish, match="not paired"):
            venue.control.call("bust", {"fill_id": fill_id})
    with pytest.raises(BadWish, match="fill_id is required"):
        venue.control.call("bust", {})


async def test_it_strikes_a_cancel_by_the_account_of_its_order(venue, trader):
    order_id = await trader.place(orderType="Limit", price=24000)
    strike = {"kind": "status", "status": 500, "path": "order/cancelorder"}
    venue.control.call("faults", {**strike, "account": trader.account.name})
    assert (await trader.send("order/cancelorder", {"orderId": order_id})).status_code == 500
    assert (await trader.send("order/cancelorder", {"orderId": order_id})).status_code == 200
