from __future__ import annotations

import pytest


async def test_it_takes_a_market_order_and_fills_it_at_the_quote(trader):
    order_id = await trader.place(orderQty=2)
    order = await trader.row("order", order_id)
    assert order["ordStatus"] == "Filled"
    assert not {"orderQty", "price", "orderType", "filledQty", "clOrdId", "symbol"} & set(order)
    fill = (await trader.get("fill/deps", masterid=order_id))[0]
    assert (fill["qty"], fill["price"], fill["action"], fill["active"]) == (2, 25000.25, "Buy", True)
    assert "accountId" not in fill
    assert fill["tradeDate"].keys() == {"year", "month", "day"}


async def test_it_fills_a_sell_at_the_bid(trader):
    order_id = await trader.place(action="Sell")
    assert (await trader.get("fill/deps", masterid=order_id))[0]["price"] == 25000


async def test_it_keeps_the_terms_on_the_version_and_the_client_id_on_the_command(trader):
    order_id = await trader.place(
        orderType="Limit",
        price=24000.5,
        clOrdId="c-1",
        text="strat-17",
        customTag50="tag",
        timeInForce="GTC",
        orderQty=3,
    )
    command = (await trader.get("command/deps", masterid=order_id))[0]
    version = (await trader.get("orderVersion/deps", masterid=order_id))[0]
    assert command["id"] == version["id"]
    assert (command["clOrdId"], command["customTag50"], command["isAutomated"]) == ("c-1", "tag", True)
    assert (command["commandType"], command["commandStatus"]) == ("New", "AtExecution")
    assert command["senderId"] == trader.login.user_id
    terms = {key: version[key] for key in ("orderQty", "orderType", "price", "timeInForce", "text")}
    assert terms == {
        "orderQty": 3,
        "orderType": "Limit",
        "price": 24000.5,
        "timeInForce": "GTC",
        "text": "strat-17",
    }
    assert (await trader.row("order", order_id))["ordStatus"] == "Working"


async def test_it_says_false_when_a_client_forgets_to_say_automated(trader):
    order_id = await trader.place(isAutomated=None)
    assert (await trader.get("command/deps", masterid=order_id))[0]["isAutomated"] is False


async def test_it_does_not_deduplicate_client_ids(trader):
    first, second = await trader.place(clOrdId="same"), await trader.place(clOrdId="same")
    assert first != second
    assert [row["orderId"] for row in await trader.rows("command") if row["clOrdId"] == "same"] == [
        first,
        second,
    ]


async def test_it_reports_the_chain_of_a_market_order(trader):
    order_id = await trader.place()
    command = (await trader.get("command/deps", masterid=order_id))[0]
    reports = await trader.get("commandReport/deps", masterid=command["id"])
    assert [row["commandStatus"] for row in reports] == ["RiskPassed", "PendingExecution", "AtExecution"]
    executions = await trader.get("executionReport/deps", masterid=command["id"])
    assert [(row["execType"], row["ordStatus"]) for row in executions] == [
        ("New", "Working"),
        ("Trade", "Filled"),
    ]
    trade = executions[1]
    assert (trade["lastQty"], trade["lastPx"], trade["cumQty"], trade["avgPx"]) == (1, 25000.25, 1, 25000.25)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"accountId": None}, "accountId"),
        ({"symbol": None}, "symbol"),
        ({"action": None}, "action"),
        ({"action": "buy"}, "action"),
        ({"orderType": "Iceberg"}, "orderType"),
        ({"orderQty": None}, "orderQty"),
        ({"orderQty": 0}, "orderQty"),
        ({"orderQty": -1}, "orderQty"),
        ({"orderType": "Limit"}, "price"),
        ({"orderType": "Stop"}, "stopPrice"),
        ({"orderType": "StopLimit", "price": 1}, "stopPrice"),
        ({"timeInForce": "Forever"}, "timeInForce"),
        ({"clOrdId": "x" * 65}, "clOrdId"),
        ({"text": "x" * 65}, "text"),
    ],
)
async def test_it_lists_what_violates_the_rules_and_takes_nothing(trader, change, constraint):
    told = await trader.post("order/placeorder", **trader.order(**change))
    assert [one["constraint"] for one in told["violations"]] == [constraint]
    assert await trader.rows("order") == []


@pytest.mark.parametrize(
    "change",
    [
        {"accountId": "33112"},
        {"orderQty": "1"},
        {"orderQty": 1.5},
        {"orderType": "Limit", "price": "25000"},
        {"isAutomated": "true"},
        {"isAutomated": 1},
        {"clOrdId": 7},
    ],
)
async def test_it_answers_400_to_wrong_json_types(trader, change):
    assert (await trader.send("order/placeorder", trader.order(**change))).status_code == 400
    assert await trader.rows("order") == []


async def test_it_takes_no_chart_symbols(trader):
    for symbol in ("MNQ1!", "CME_MINI:MNQZ2026", "MNQ"):
        told = await trader.post("order/placeorder", **trader.order(symbol=symbol))
        assert told["failureReason"] == "InvalidContract"


async def test_it_never_says_partly_filled(venue, trader):
    venue.control.call("faults", {"kind": "partial", "pieces": 3, "interval_ms": 60_000})
    order_id = await trader.place(orderQty=3)
    assert (await trader.row("order", order_id))["ordStatus"] == "Working"
    assert [row["qty"] for row in await trader.get("fill/deps", masterid=order_id)] == [1]


async def test_it_says_what_the_risk_check_would_say_without_taking_anything(trader):
    order = {"symbol": trader.order()["symbol"], "action": "Buy", "orderQty": 1, "orderType": "Limit"}
    body = {"accountId": trader.account.id, "orders": [{**order, "price": 24000}]}
    assert (await trader.post("order/dryrun", **body))["rejectReason"] == "Success"
    body["orders"][0]["price"] = 24000.1
    assert (await trader.post("order/dryrun", **body))["rejectReason"] == "InvalidPrice"
    assert await trader.rows("order") == []
