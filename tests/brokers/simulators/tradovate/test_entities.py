from __future__ import annotations

import pytest

from brokers.simulators.tradovate.catalog import SPECS, Scope
from tests.brokers.simulators.tradovate.people import Person, front


async def test_it_lists_all_accounts_of_the_login_mixed(trader):
    first, second = trader.login.on("demo")
    await trader.place()
    await trader.place(accountId=second.id, accountSpec=second.name)
    assert {row["accountId"] for row in await trader.rows("order")} == {first.id, second.id}
    assert {row["accountId"] for row in await trader.get("position/list", accountId=first.id)} == {
        first.id,
        second.id,
    }, "an undocumented filter is ignored"


async def test_it_answers_an_empty_list_with_200(trader):
    for entity in ("order", "fill", "position", "command", "orderStrategy", "fillPair"):
        assert await trader.rows(entity) == []


async def test_it_finds_items_and_refuses_unknown_ones(trader):
    order_id = await trader.place()
    assert (await trader.row("order", order_id))["id"] == order_id
    assert (await trader.send("order/item", method="GET", id=1)).status_code == 404
    assert [row["id"] for row in await trader.get("order/items", ids=f"{order_id},1")] == [order_id]


async def test_it_answers_an_empty_404_to_more_than_ten_ids(trader):
    answer = await trader.send("order/items", method="GET", ids=",".join(map(str, range(11))))
    assert (answer.status_code, answer.content) == (404, b"")
    assert await trader.get("order/items", ids=",".join(map(str, range(10)))) == []


async def test_it_knows_the_children_of_every_master(trader):
    order_id = await trader.place()
    commands = await trader.get("command/deps", masterid=order_id)
    assert [row["orderId"] for row in commands] == [order_id]
    versions = await trader.get("orderVersion/deps", masterid=order_id)
    assert [row["id"] for row in versions] == [commands[0]["id"]]
    reports = await trader.get("executionReport/ldeps", masterids=f"{commands[0]['id']},1")
    assert {row["execType"] for row in reports} == {"New", "Trade"}
    fills = await trader.get("fill/deps", masterid=order_id)
    fees = await trader.get("fillFee/deps", masterid=fills[0]["id"])
    assert [row["id"] for row in fees] == [fills[0]["id"]]
    orders = await trader.get("order/deps", masterid=trader.account.id)
    assert [row["id"] for row in orders] == [order_id]


async def test_it_finds_by_name_only_what_has_a_name(trader):
    account = trader.account
    assert (await trader.get("account/find", name=account.name))["id"] == account.id
    assert (await trader.send("account/find", method="GET", name="DEMO1")).status_code == 404
    await trader.place()
    assert (await trader.send("position/find", method="GET", name="MNQ")).status_code == 404


async def test_it_shares_the_account_id_among_its_attachments(trader):
    for entity in ("accountRiskStatus", "userAccountAutoLiq", "marginSnapshot"):
        ids = {row["id"] for row in await trader.rows(entity)}
        assert ids == {account.id for account in trader.login.on("demo")}
        assert (await trader.get(f"{entity}/deps", masterid=trader.account.id))[0]["id"] == trader.account.id


async def test_it_tells_more_fields_than_the_published_schema(trader):
    await trader.place()
    for entity in ("order", "fill", "position", "account"):
        assert all("schemaRevision" in row for row in await trader.rows(entity))


async def test_it_shows_the_firm_as_owner_of_prop_accounts(stranger):
    owners = {row["userId"] for row in await stranger.rows("account")}
    assert stranger.login.user_id not in owners
    assert len(owners) == 1
    assert (await stranger.rows("user"))[0]["id"] == stranger.login.user_id


PRIVATE = sorted(
    name for name, spec in SPECS.items() if spec.scope is Scope.ACCOUNT and "list" in spec.operations
)


@pytest.mark.parametrize("entity", PRIVATE)
async def test_it_shows_nobody_the_rows_of_another(venue, trader, stranger, entity):
    await trader.place()
    await trader.place(action="Sell")
    mine = await trader.rows(entity)
    foreign = {row["id"] for row in await stranger.rows(entity)}
    assert not foreign & {row["id"] for row in mine}
    for row in mine[:1]:
        assert (await stranger.send(f"{entity}/item", method="GET", id=row["id"])).status_code == 404
        assert await stranger.get(f"{entity}/items", ids=str(row["id"])) == []


async def test_it_refuses_orders_for_the_account_of_another(venue, trader, stranger):
    told = await stranger.post("order/placeorder", **trader.order())
    assert told == {"failureReason": "UnknownReason", "failureText": "Access is denied"}
    order_id = await trader.place(orderType="Limit", price=20000)
    for path, body in (
        ("order/cancelorder", {"orderId": order_id}),
        ("order/modifyorder", {"orderId": order_id, "orderQty": 2, "orderType": "Limit", "price": 1}),
        (
            "order/liquidateposition",
            {"accountId": trader.account.id, "contractId": front(venue, "MNQ").id, "admin": False},
        ),
    ):
        assert (await stranger.post(path, **body))["failureText"] == "Access is denied"
    told = await stranger.post("cashBalance/getcashbalancesnapshot", accountId=trader.account.id)
    assert set(told) == {"errorText"}


async def test_it_wants_the_account_by_name_as_well(trader):
    told = await trader.post("order/placeorder", **trader.order(accountSpec="DEMO0"))
    assert told["failureText"] == "Access is denied"
    assert "orderId" in await trader.post("order/placeorder", **trader.order(accountSpec=None))
    assert "orderId" in await trader.post("order/placeorder", **trader.order(accountSpec=trader.login.name))


async def test_it_does_not_know_a_demo_account_at_the_live_host(venue, trader):
    live = Person(venue, host="live")
    live.token = trader.token
    told = await live.post("order/placeorder", **trader.order())
    assert told["failureText"] == "Access is denied"
