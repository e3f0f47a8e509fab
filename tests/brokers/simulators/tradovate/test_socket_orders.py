"""Orders over the socket, and the order in which the venue tells what became of them."""

from __future__ import annotations

import time

import httpx

from tests.brokers.simulators.tradovate.people import set_price

CHAIN = [
    ("order", "Created", "PendingNew"),
    ("command", "Created", "Pending"),
    ("orderVersion", "Created", None),
    ("commandReport", "Created", "RiskPassed"),
    ("commandReport", "Created", "PendingExecution"),
    ("commandReport", "Created", "AtExecution"),
    ("command", "Updated", "AtExecution"),
    ("executionReport", "Created", "New"),
    ("order", "Updated", "Working"),
    ("fill", "Created", None),
    ("executionReport", "Created", "Trade"),
    ("position", "Created", None),
    ("fillFee", "Created", None),
    ("cashBalance", "Updated", None),
    ("marginSnapshot", "Updated", None),
    ("order", "Updated", "Filled"),
]


def line(event):
    entity = event["entity"]
    status = entity.get("ordStatus") if event["entityType"] == "order" else None
    status = status or entity.get("commandStatus") or entity.get("execType")
    return (event["entityType"], event["eventType"], status)


async def test_it_answers_first_and_then_tells_the_chain(synced, trader):
    number = await synced.say("order/placeorder", trader.order(clOrdId="c-1"))
    await synced.event("order", lambda order: order["ordStatus"] == "Filled")
    told = [message.get("i") or "event" for message in synced.messages]
    place = told.index(number)
    assert set(told[:place]) & {"event"} == set()
    assert [line(event) for event in synced.events()] == CHAIN


async def test_it_tells_the_same_entity_as_rest(synced, trader):
    await synced.ask("order/placeorder", trader.order())
    order = await synced.event("order", lambda one: one["ordStatus"] == "Filled")
    assert order == await trader.row("order", order["id"])
    position = await synced.event("position")
    assert position == await trader.row("position", position["id"])


async def test_it_tells_what_rest_and_the_web_trader_do_as_well(venue, synced, trader):
    order_id = await trader.place()
    assert (await synced.event("fill"))["orderId"] == order_id
    told = venue.control.call(
        "trade",
        {
            "account": str(trader.account.id),
            "symbol": trader.order()["symbol"],
            "action": "Sell",
            "orderQty": 1,
        },
    )
    command = await synced.event("command", lambda one: one["orderId"] == told["orderId"])
    assert command["isAutomated"] is False
    assert "clOrdId" not in command


async def test_it_tells_a_rejection_after_the_order_id(synced, trader):
    told = await synced.ask("order/placeorder", trader.order(orderType="Limit", price=24000.1))
    assert told["d"].keys() == {"orderId"}
    await synced.event("order", lambda one: one["ordStatus"] == "Rejected")
    report = await synced.event("commandReport", lambda one: "rejectReason" in one)
    assert report["rejectReason"] == "InvalidPrice"


async def test_it_tells_closing_pairs_and_realized_profit(venue, synced, trader):
    await trader.place()
    set_price(venue, 25010)
    await trader.place(action="Sell")
    pair = await synced.event("fillPair")
    assert (pair["buyPrice"], pair["sellPrice"]) == (25000.25, 25010)
    balance = await synced.event("cashBalance", lambda one: one.get("realizedPnL"))
    assert balance["realizedPnL"] == 19.5
    flat = await synced.event("position", lambda one: one["netPos"] == 0)
    assert "netPrice" not in flat


async def test_it_tells_what_the_market_did(venue, synced, trader):
    order_id = await trader.place(action="Sell", orderType="Stop", stopPrice=24990)
    set_price(venue, 24989)
    assert (await synced.event("fill"))["orderId"] == order_id


async def test_it_tells_a_cancel_step_by_step(synced, trader):
    order_id = await trader.place(orderType="Limit", price=24000)
    await synced.ask("order/cancelorder", {"orderId": order_id, "isAutomated": True})
    await synced.event("order", lambda one: one["ordStatus"] == "Canceled")
    states = [
        event["entity"]["ordStatus"] for event in synced.events("order") if event["entity"]["id"] == order_id
    ]
    assert states == ["PendingNew", "Working", "PendingCancel", "Canceled"]


async def test_it_tells_a_modify_step_by_step(synced, trader):
    order_id = await trader.place(orderType="Limit", price=24000)
    body = {"orderId": order_id, "orderQty": 1, "orderType": "Limit", "price": 24001}
    await synced.ask("order/modifyorder", body)
    await synced.event("executionReport", lambda one: one["execType"] == "Replaced")
    await synced.ask("user/list")
    states = [event["entity"]["ordStatus"] for event in synced.events("order")]
    assert states == ["PendingNew", "Working", "PendingReplace", "Working"]


async def test_it_takes_many_orders_at_once(synced, trader):
    numbers = [await synced.say("order/placeorder", trader.order(clOrdId=f"c-{n}")) for n in range(50)]
    answers = [await synced.answer(number) for number in numbers]
    assert len({answer["d"]["orderId"] for answer in answers}) == 50
    await synced.event("position", lambda one: one["netPos"] == 50)


async def test_it_notes_when_the_last_byte_of_an_order_arrived(venue, url, synced, trader):
    """On the sender's own monotonic clock, before any latency of the venue."""
    venue.simulator.options.latency_ms = 60
    headers = {"Authorization": f"Bearer {trader.token}"}
    for transport in ("socket", "rest"):
        before = time.monotonic_ns()
        if transport == "socket":
            await synced.ask("order/placeorder", trader.order())
        else:
            async with httpx.AsyncClient(headers=headers) as http:
                await http.post(f"{url}/demo/v1/order/placeorder", json=trader.order())
        after = time.monotonic_ns()
        row = venue.control.call("requests", {"last": 1})["commands"][0]
        assert row["transport"] == transport
        assert before < row["received_monotonic_ns"] < after - 55_000_000
        assert abs(row["received"] - time.time()) < 5
