from __future__ import annotations

import json

import pytest

from tests.brokers.simulators.tradovate.people import set_price

BRACKETS = [
    {"qty": 2, "profitTarget": 10, "stopLoss": -12.5, "trailingStop": False},
    {"qty": 1, "profitTarget": 25, "stopLoss": -12.5, "trailingStop": False},
]


def params(brackets=BRACKETS, **entry):
    entry = {"orderQty": 3, "orderType": "Market", "timeInForce": "Day", **entry}
    return {"entryVersion": entry, "brackets": brackets}


def body(trader, told=None, **more):
    order = trader.order()
    base = {name: order[name] for name in ("accountId", "accountSpec", "symbol", "action", "isAutomated")}
    return {**base, "orderStrategyTypeId": 2, "params": json.dumps(told or params()), "uuid": "u-1", **more}


async def start(trader, told=None, **more):
    return (await trader.post("orderStrategy/startorderstrategy", **body(trader, told, **more)))[
        "orderStrategy"
    ]


async def orders_of(trader, strategy):
    links = await trader.get("orderStrategyLink/deps", masterid=strategy["id"])
    return [await trader.row("order", link["orderId"]) for link in links]


async def version(trader, order):
    return (await trader.get("orderVersion/deps", masterid=order["id"]))[-1]


async def test_it_puts_the_brackets_at_distances_from_the_fill(trader):
    strategy = await start(trader)
    assert (strategy["status"], strategy["uuid"]) == ("ActiveStrategy", "u-1")
    entry, *legs = await orders_of(trader, strategy)
    assert entry["ordStatus"] == "Filled"
    told = [await version(trader, leg) for leg in legs]
    assert [(v["orderType"], v["orderQty"], v.get("price") or v["stopPrice"]) for v in told] == [
        ("Limit", 2, 25010.25),
        ("Stop", 2, 24987.75),
        ("Limit", 1, 25025.25),
        ("Stop", 1, 24987.75),
    ]
    assert legs[0]["ocoId"] == legs[1]["id"]


async def test_it_signs_the_distances_of_a_short_the_other_way(trader):
    bracket = [{"qty": 3, "profitTarget": -30, "stopLoss": 15, "trailingStop": False}]
    strategy = await start(trader, params(bracket), action="Sell")
    _, target, guard = await orders_of(trader, strategy)
    assert (await version(trader, target))["price"] == 24970
    assert (await version(trader, guard))["stopPrice"] == 25015


async def test_it_finishes_when_the_last_bracket_is_done(venue, trader):
    strategy = await start(trader)
    set_price(venue, 25012)
    assert (await trader.row("orderStrategy", strategy["id"]))["status"] == "ActiveStrategy"
    set_price(venue, 25030)
    assert (await trader.row("orderStrategy", strategy["id"]))["status"] == "ExecutionFinished"
    assert (await trader.rows("position"))[0]["netPos"] == 0


async def test_it_waits_for_a_limit_entry(venue, trader):
    strategy = await start(trader, params(orderType="Limit", price=24900))
    assert len(await orders_of(trader, strategy)) == 1
    set_price(venue, 24899)
    assert len(await orders_of(trader, strategy)) == 5


async def test_it_trails_when_asked_to(trader):
    bracket = [{"qty": 3, "stopLoss": -20, "trailingStop": True}]
    _, guard = await orders_of(trader, await start(trader, params(bracket)))
    told = await version(trader, guard)
    assert (told["orderType"], told["pegDifference"]) == ("TrailingStop", 20)


async def test_it_fails_with_its_entry(trader):
    strategy = await start(trader, params(orderType="Limit", price=24900.1))
    told = await trader.row("orderStrategy", strategy["id"])
    assert told["status"] == "ExecutionFailed"
    assert told["failureMessage"]


async def test_it_stops_on_request_and_leaves_the_position(trader):
    strategy = await start(trader)
    told = await trader.post("orderStrategy/interruptorderstrategy", orderStrategyId=strategy["id"])
    assert told["orderStrategy"]["status"] == "StoppedByUser"
    assert {order["ordStatus"] for order in await orders_of(trader, strategy)} == {"Filled", "Canceled"}
    assert (await trader.rows("position"))[0]["netPos"] == 3
    again = await trader.post("orderStrategy/interruptorderstrategy", orderStrategyId=strategy["id"])
    assert "errorText" in again


@pytest.mark.parametrize(
    "bad",
    [
        {"params": params()},
        {"params": "{"},
        {"params": "{}"},
        {"params": json.dumps(params([{"qty": 3, "profitTarget": -10}]))},
        {"params": json.dumps(params([{"qty": 3, "stopLoss": 10}]))},
        {"params": json.dumps(params([{"qty": 4, "stopLoss": -10}]))},
        {"params": json.dumps(params([{"qty": 3, "stopLoss": -10.1}]))},
        {"orderStrategyTypeId": 1},
    ],
)
async def test_it_says_what_it_cannot_read(trader, bad):
    told = await trader.post("orderStrategy/startorderstrategy", **body(trader, **bad))
    assert told.keys() == {"errorText"}
    assert await trader.rows("order") == []


async def test_it_does_not_stop_the_strategy_of_another(trader, stranger):
    strategy = await start(trader)
    answer = await stranger.send("orderStrategy/interruptorderstrategy", {"orderStrategyId": strategy["id"]})
    assert answer.status_code == 404
