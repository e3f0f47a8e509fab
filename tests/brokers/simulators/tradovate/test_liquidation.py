from __future__ import annotations

from tests.brokers.simulators.tradovate.people import front


def body(venue, trader, **more):
    return {"accountId": trader.account.id, "contractId": front(venue, "MNQ").id, "admin": False, **more}


async def net(trader) -> int:
    return sum(row["netPos"] for row in await trader.rows("position"))


async def test_it_cancels_what_works_and_closes_the_position(venue, trader):
    await trader.place(orderQty=3)
    resting = await trader.place(orderType="Limit", price=24000)
    told = await trader.post("order/liquidateposition", **body(venue, trader))
    assert (await trader.row("order", told["orderId"]))["action"] == "Sell"
    assert (await trader.row("order", resting))["ordStatus"] == "Canceled"
    assert await net(trader) == 0


async def test_it_closes_a_short_too_and_leaves_other_contracts_alone(venue, trader):
    await trader.place(action="Sell", orderQty=2)
    other = await trader.place(symbol=front(venue, "MES").name, orderType="Limit", price=6000)
    await trader.post("order/liquidateposition", **body(venue, trader))
    assert await net(trader) == 0
    assert (await trader.row("order", other))["ordStatus"] == "Working"


async def test_it_may_leave_resting_orders_behind(venue, trader):
    venue.control.call("settings", {"liquidation_keeps_orders": True})
    await trader.place()
    resting = await trader.place(orderType="Limit", price=24000)
    await trader.post("order/liquidateposition", **body(venue, trader))
    assert (await trader.row("order", resting))["ordStatus"] == "Working"


async def test_it_gives_no_order_when_there_is_nothing(venue, trader):
    told = await trader.post("order/liquidateposition", **body(venue, trader))
    assert "orderId" not in told
    assert told["failureReason"] == "UnknownReason"


async def test_it_checks_the_body(venue, trader):
    told = await trader.post("order/liquidateposition", accountId=trader.account.id, contractId=1)
    assert told["violations"][0]["constraint"] == "admin"
    told = await trader.post("order/liquidateposition", **body(venue, trader, contractId=1))
    assert told["failureReason"] == "InvalidContract"


async def test_it_closes_several_positions_by_their_ids(venue, trader, stranger):
    await trader.place(orderQty=2)
    await trader.place(symbol=front(venue, "MES").name)
    ids = [row["id"] for row in await trader.rows("position")]
    told = await stranger.post("order/liquidatepositions", positions=ids, admin=False)
    assert told["ok"] is False
    assert await net(trader) == 3
    assert (await trader.post("order/liquidatepositions", positions=ids, admin=False))["ok"]
    assert [row["netPos"] for row in await trader.rows("position")] == [0, 0], "flat rows stay"
