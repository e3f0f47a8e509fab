from __future__ import annotations

from tests.brokers.simulators.tradovate.people import set_price


async def reports_of(trader, command_id):
    return [row["commandStatus"] for row in await trader.get("commandReport/deps", masterid=command_id)]


async def modify(trader, order_id, **terms):
    return await trader.post(
        "order/modifyorder", orderId=order_id, **{"orderQty": 1, "orderType": "Limit", **terms}
    )


async def test_it_replaces_the_terms_with_a_new_version(venue, trader):
    order_id = await trader.place(orderType="Limit", price=24000)
    told = await modify(trader, order_id, price=24990, orderQty=2, clOrdId="m-1", isAutomated=True)
    versions = {row["id"]: row for row in await trader.get("orderVersion/deps", masterid=order_id)}
    assert versions[told["commandId"]]["price"] == 24990
    command = await trader.row("command", told["commandId"])
    assert (command["commandType"], command["clOrdId"]) == ("Modify", "m-1")
    first = next(row for row in await trader.rows("command") if row["commandType"] == "New")
    assert first["commandStatus"] == "Replaced"
    executions = await trader.get("executionReport/deps", masterid=told["commandId"])
    assert [row["execType"] for row in executions] == ["Replaced"]
    set_price(venue, 24989)
    assert [row["qty"] for row in await trader.get("fill/deps", masterid=order_id)] == [2]


async def test_it_needs_quantity_and_type_every_time(trader):
    order_id = await trader.place(orderType="Limit", price=24000)
    for missing in ("orderQty", "orderType"):
        told = await modify(trader, order_id, price=24001, **{missing: None})
        assert told["violations"][0]["constraint"] == missing


async def test_it_refuses_bad_terms_behind_a_command_id_and_keeps_the_order(venue, trader):
    order_id = await trader.place(orderType="Limit", price=24000)
    told = await modify(trader, order_id, price=24000.1)
    assert await reports_of(trader, told["commandId"]) == ["ExecutionRejected"]
    assert (await trader.row("order", order_id))["ordStatus"] == "Working"
    set_price(venue, 23999)
    assert (await trader.get("fill/deps", masterid=order_id))[0]["price"] == 23999.25


async def test_it_cancels_a_working_order(trader):
    order_id = await trader.place(orderType="Limit", price=24000)
    told = await trader.post("order/cancelorder", orderId=order_id, clOrdId="x-1", isAutomated=True)
    assert (await trader.row("order", order_id))["ordStatus"] == "Canceled"
    command = await trader.row("command", told["commandId"])
    assert (command["commandType"], command["clOrdId"]) == ("Cancel", "x-1")
    assert await reports_of(trader, told["commandId"]) == ["AtExecution"]


async def test_it_is_too_late_to_change_what_ended(trader):
    order_id = await trader.place()
    for answer in (
        await trader.post("order/cancelorder", orderId=order_id),
        await modify(trader, order_id, price=1),
    ):
        assert answer["failureReason"] == "TooLate"
        assert "commandId" not in answer


async def test_it_may_answer_a_late_cancel_with_401(venue, trader):
    venue.control.call("settings", {"late_cancel_is_401": True})
    order_id = await trader.place()
    answer = await trader.send("order/cancelorder", {"orderId": order_id})
    assert (answer.status_code, answer.text) == (401, "Access is denied")


async def test_it_denies_what_it_does_not_know(trader):
    told = await trader.post("order/cancelorder", orderId=1)
    assert told["failureText"] == "Access is denied"
    assert "violations" in await trader.post("order/cancelorder")


async def test_it_turns_a_limit_into_a_market_order(trader):
    order_id = await trader.place(orderType="Limit", price=24000)
    await modify(trader, order_id, orderType="Market")
    assert (await trader.row("order", order_id))["ordStatus"] == "Filled"


async def test_it_moves_a_stop(venue, trader):
    order_id = await trader.place(action="Sell", orderType="Stop", stopPrice=24900)
    await modify(trader, order_id, orderType="Stop", stopPrice=24990)
    set_price(venue, 24990)
    assert (await trader.row("order", order_id))["ordStatus"] == "Filled"
