from __future__ import annotations

import pytest

from tests.brokers.simulators.tradovate.people import set_price

TARGET = {"action": "Sell", "orderType": "Limit", "price": 25050.0, "clOrdId": "tp"}
GUARD = {"action": "Sell", "orderType": "Stop", "stopPrice": 24950.0, "clOrdId": "sl"}


async def states(trader, *order_ids) -> list[str]:
    return [(await trader.row("order", one))["ordStatus"] for one in order_ids]


async def place_oso(trader, **terms):
    told = await trader.post("order/placeoso", **trader.order(bracket1=TARGET, bracket2=GUARD, **terms))
    return told["orderId"], told["oso1Id"], told["oso2Id"]


async def test_it_links_a_pair_and_cancels_the_other(venue, trader):
    told = await trader.post(
        "order/placeoco", **trader.order(action="Sell", orderType="Limit", price=25050, other=GUARD)
    )
    first, second = told["orderId"], told["ocoId"]
    assert (await trader.row("order", first))["ocoId"] == second
    assert (await trader.row("order", second))["ocoId"] == first
    assert await states(trader, first, second) == ["Working", "Working"]
    set_price(venue, 25050)
    assert await states(trader, first, second) == ["Filled", "Canceled"]


async def test_it_needs_the_other_leg(trader):
    told = await trader.post("order/placeoco", **trader.order())
    assert told["violations"][0]["constraint"] == "other"
    told = await trader.post("order/placeoso", **trader.order())
    assert told["violations"][0]["constraint"] == "bracket1"


async def test_it_suspends_brackets_until_the_entry_fills(venue, trader):
    entry, target, guard = await place_oso(trader, orderType="Limit", price=24990, orderQty=2)
    assert await states(trader, entry, target, guard) == ["Working", "Suspended", "Suspended"]
    child = await trader.row("order", target)
    assert (child["parentId"], child["ocoId"]) == (entry, guard)
    version = (await trader.get("orderVersion/deps", masterid=target))[0]
    assert version["orderQty"] == 2, "the quantity follows the parent"
    set_price(venue, 24989)
    assert await states(trader, entry, target, guard) == ["Filled", "Working", "Working"]
    set_price(venue, 24940)
    assert await states(trader, target, guard) == ["Canceled", "Filled"]
    assert (await trader.rows("position"))[0]["netPos"] == 0


async def test_it_sends_the_brackets_of_a_market_entry_at_once(trader):
    assert await states(trader, *await place_oso(trader)) == ["Filled", "Working", "Working"]


async def test_it_keeps_the_client_ids_of_the_legs(trader):
    _, target, guard = await place_oso(trader, clOrdId="entry")
    ids = {row["orderId"]: row["clOrdId"] for row in await trader.rows("command")}
    assert (ids[target], ids[guard]) == ("tp", "sl")
    assert all(row["isAutomated"] for row in await trader.rows("command"))


async def test_it_cancels_the_brackets_with_the_entry(trader):
    entry, target, guard = await place_oso(trader, orderType="Limit", price=24000)
    await trader.post("order/cancelorder", orderId=entry)
    assert await states(trader, entry, target, guard) == ["Canceled"] * 3


async def test_it_rejects_the_brackets_of_a_rejected_entry(trader):
    entry, target, guard = await place_oso(trader, orderType="Limit", price=24000.1)
    assert await states(trader, entry, target, guard) == ["Rejected"] * 3
    assert [await trader.reason(one) for one in (entry, target)] == ["InvalidPrice", "ParentRejected"]


async def test_it_rejects_all_when_a_bracket_is_off_the_tick(trader):
    told = await trader.post(
        "order/placeoso", **trader.order(bracket1={**TARGET, "price": 25050.1}, bracket2=GUARD)
    )
    assert await states(trader, *told.values()) == ["Rejected"] * 3
    assert await trader.rows("fill") == []


async def test_it_takes_one_bracket_alone(trader):
    told = await trader.post("order/placeoso", **trader.order(bracket1=GUARD))
    assert set(told) == {"orderId", "oso1Id"}
    assert "ocoId" not in await trader.row("order", told["oso1Id"])


@pytest.mark.parametrize("missing", ["action", "orderType"])
async def test_it_checks_the_legs_too(trader, missing):
    leg = {name: value for name, value in GUARD.items() if name != missing}
    told = await trader.post("order/placeoso", **trader.order(bracket1=leg))
    assert told["violations"][0]["constraint"] == missing
    assert await trader.rows("order") == []
