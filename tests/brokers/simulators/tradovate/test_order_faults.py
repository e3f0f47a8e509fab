from __future__ import annotations

import pytest

from brokers.simulators.tradovate.faults import FAILURE_REASONS


def fault(venue, kind, **more):
    venue.control.call("faults", {"kind": kind, **more})


async def status(trader, order_id):
    return (await trader.row("order", order_id))["ordStatus"]


@pytest.mark.parametrize("reason", sorted(FAILURE_REASONS))
async def test_it_refuses_outright_with_any_reason(venue, trader, reason):
    fault(venue, "reject", reason=reason, text="because")
    told = await trader.post("order/placeorder", **trader.order())
    assert told == {"failureReason": reason, "failureText": "because"}
    assert await trader.rows("order") == []


async def test_it_rejects_late_with_any_reason(venue, trader):
    fault(venue, "reject", reason="MaxPosLimitReached", when="late")
    order_id = await trader.place()
    assert await status(trader, order_id) == "Rejected"
    assert await trader.reason(order_id) == "MaxPosLimitReached"


async def test_it_rejects_seconds_later(venue, trader, synced):
    fault(venue, "reject", reason="TooLate", when="late", delay_ms=80)
    order_id = await trader.place()
    assert await status(trader, order_id) == "PendingNew"
    told = await trader.post("order/cancelorder", orderId=order_id)
    assert told["failureReason"] == "AnotherCommandPending"
    await synced.event("order", lambda one: one["ordStatus"] == "Rejected")


async def test_it_refuses_the_next_orders_of_one_account(venue, trader):
    second = trader.login.on("demo")[1]
    fault(venue, "reject", reason="TradingLocked", account=second.id, count=2)
    body = trader.order(accountId=second.id, accountSpec=second.name)
    answers = [await trader.post("order/placeorder", **body) for _ in range(3)]
    assert [answer.get("failureReason") for answer in answers] == ["TradingLocked", "TradingLocked", None]
    await trader.place()


async def test_it_refuses_cancels_and_changes_by_path(venue, trader):
    order_id = await trader.place(orderType="Limit", price=24000)
    fault(venue, "reject", reason="TooLate", path="order/cancelorder")
    assert (await trader.post("order/cancelorder", orderId=order_id))["failureReason"] == "TooLate"
    fault(venue, "reject", reason="TooLate", path="order/cancelorder", when="late")
    told = await trader.post("order/cancelorder", orderId=order_id)
    reports = await trader.get("commandReport/deps", masterid=told["commandId"])
    assert reports[-1]["rejectReason"] == "TooLate"
    assert await status(trader, order_id) == "Working"


async def test_it_times_out_the_risk_check_and_takes_the_order_all_the_same(venue, trader):
    fault(venue, "risk_timeout")
    told = await trader.post("order/placeorder", **trader.order())
    assert told["failureReason"] == "RiskCheckTimeout"
    assert await status(trader, told["orderId"]) == "Filled"


async def test_it_fills_in_pieces_at_once(venue, trader):
    fault(venue, "partial", pieces=3)
    order_id = await trader.place(orderQty=7)
    assert [row["qty"] for row in await trader.get("fill/deps", masterid=order_id)] == [3, 3, 1]
    assert await status(trader, order_id) == "Filled"


async def test_it_fills_in_pieces_over_time(venue, trader, synced):
    fault(venue, "partial", pieces=3, interval_ms=40)
    order_id = await trader.place(orderQty=3)
    assert await status(trader, order_id) == "Working"
    await synced.event("order", lambda one: one["ordStatus"] == "Filled")
    trades = [one for one in synced.events("executionReport") if one["entity"]["execType"] == "Trade"]
    assert [(t["entity"]["cumQty"], t["entity"]["ordStatus"]) for t in trades] == [
        (1, "Working"),
        (2, "Working"),
        (3, "Filled"),
    ]


async def test_it_fills_late(venue, trader, synced):
    fault(venue, "fill_delay", ms=60)
    order_id = await trader.place()
    assert await status(trader, order_id) == "Working"
    assert (await synced.event("fill"))["orderId"] == order_id


async def test_it_never_fills_but_can_be_canceled(venue, trader):
    fault(venue, "no_fill")
    order_id = await trader.place()
    await trader.place()
    assert await status(trader, order_id) == "Working"
    await trader.post("order/cancelorder", orderId=order_id)
    assert await status(trader, order_id) == "Canceled"


async def test_it_protects_a_partly_filled_entry_by_what_it_has(venue, trader):
    fault(venue, "partial", pieces=3, interval_ms=60_000)
    guard = {"action": "Sell", "orderType": "Stop", "stopPrice": 24950}
    told = await trader.post("order/placeoso", **trader.order(orderQty=3, bracket1=guard))
    assert await status(trader, told["oso1Id"]) == "Working"
    await trader.post("order/cancelorder", orderId=told["orderId"])
    version = (await trader.get("orderVersion/deps", masterid=told["oso1Id"]))[0]
    assert version["orderQty"] == 1
