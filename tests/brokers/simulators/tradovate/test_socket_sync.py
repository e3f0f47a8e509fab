from __future__ import annotations

import pytest

from tests.brokers.simulators.tradovate.people import Socket


async def authorized(socket, person):
    await socket.ask("authorize", person.token)
    return socket


async def test_it_tells_the_whole_state_to_a_classic_request(socket, trader):
    await trader.place(orderQty=2)
    await trader.place(orderType="Limit", price=24000, clOrdId="c-2")
    told = (await socket.sync(trader))["d"]
    assert [user["id"] for user in told["users"]] == [trader.login.user_id]
    assert told["contractGroups"]
    for plural in ("accounts", "cashBalances", "positions", "orders", "commands", "orderVersions", "fills"):
        assert told[plural], plural
    assert {"fillFees", "commandReports", "executionReports", "marginSnapshots"} <= set(told)
    assert {row["name"] for row in told["products"]} == {"MNQ"}
    assert [row["name"] for row in told["contracts"]] == [trader.order()["symbol"]]
    assert told["contractMaturities"][0]["productId"] == told["products"][0]["id"]


async def test_it_leaves_out_what_there_is_none_of(socket, trader):
    told = (await socket.sync(trader))["d"]
    assert not {"positions", "orders", "fills", "fillPairs", "contracts"} & set(told)


async def test_it_syncs_once_a_connection(synced, trader):
    told = await synced.ask("user/syncrequest", {"users": [trader.login.user_id]})
    assert told["s"] == 400


async def test_it_does_not_sync_the_user_or_account_of_another(socket, trader, stranger):
    await authorized(socket, trader)
    told = await socket.ask("user/syncrequest", {"users": [stranger.login.user_id]})
    assert told == {"s": 401, "i": 2, "d": "Access is denied"}
    told = await socket.ask("user/syncrequest", {"accounts": [stranger.account.id]})
    assert told["s"] == 401


async def test_it_follows_named_accounts_only(socket, trader):
    first, second = trader.login.on("demo")
    await authorized(socket, trader)
    told = (await socket.ask("user/syncrequest", {"accounts": [first.id]}))["d"]
    assert [row["id"] for row in told["accounts"]] == [first.id]
    await trader.place(accountId=second.id, accountSpec=second.name)
    await trader.place()
    assert (await socket.event("order"))["accountId"] == first.id


async def test_it_sends_named_types_only(socket, trader):
    await trader.place()
    await authorized(socket, trader)
    body = {"splitResponses": False, "entityTypes": ["position", "fill"]}
    told = (await socket.ask("user/syncrequest", body))["d"]
    assert set(told) == {"users", "contractGroups", "positions", "fills"}
    await trader.place()
    await socket.event("position")
    assert {event["entityType"] for event in socket.events()} == {"position", "fill"}


async def test_it_sends_almost_nothing_when_types_are_required_and_not_named(venue, socket, trader):
    venue.simulator.options.entity_types_required = True
    await trader.place()
    told = (await socket.sync(trader))["d"]
    assert set(told) == {"users", "contractGroups"}
    await trader.place()
    await socket.ask("user/list")
    assert socket.events() == []


@pytest.mark.parametrize(
    "body",
    [
        {"users": [1], "entityTypes": ["order"]},
        {"users": [1], "shardingExpression": {"divisor": 2, "remainder": 0}},
        {"accounts": [1], "shardingExpression": {"divisor": 2, "remainder": 0}},
        {"entityTypes": ["orders"]},
        [],
    ],
)
async def test_it_refuses_bodies_that_contradict_themselves(socket, trader, body):
    await authorized(socket, trader)
    assert (await socket.ask("user/syncrequest", body))["s"] == 400


async def test_it_splits_the_snapshot_when_asked_to(socket, trader):
    await trader.place()
    await authorized(socket, trader)
    number = await socket.say("user/syncrequest", {"splitResponses": True, "accounts": [trader.account.id]})
    await socket.find(lambda told: told.get("i") == number and "orders" in told["d"])
    parts = [told["d"] for told in socket.messages if told.get("i") == number]
    assert len(parts) > 1
    names = [name for part in parts for name in part]
    assert len(names) == len(set(names))


async def test_it_shards_by_account(socket, trader):
    await authorized(socket, trader)
    ids = [account.id for account in trader.login.on("demo")]
    sharding = {"divisor": 2, "remainder": 0, "expressionType": "modAccountId"}
    told = await socket.ask("user/syncrequest", {"shardingExpression": sharding})
    assert [row["id"] for row in told["d"]["accounts"]] == [one for one in ids if one % 2 == 0]


async def test_it_tells_nobody_the_events_of_another(url, synced, trader, stranger):
    other = await Socket.open(url)
    await other.sync(stranger)
    await trader.place()
    await synced.event("fill")
    await other.ask("user/list")
    assert other.events() == []
    await other.wire.close()


async def test_it_forgets_a_socket_that_went_away(venue, synced, trader):
    await synced.wire.close()
    for _ in range(100):
        if not venue.simulator.hub.sockets:
            break
        await trader.rows("user")
    assert not venue.simulator.hub.sockets
    assert not venue.simulator.hub.is_watched("demo", trader.account.id)


async def test_it_hides_risk_from_oauth_sockets(venue, socket, trader):
    login = trader.login
    session = venue.simulator.sessions.open(login, "oauth")
    trader.token = venue.simulator.sessions.issue_access(session).text
    told = (await socket.sync(trader))["d"]
    assert "cashBalances" in told
    assert not {"accountRiskStatuses", "userAccountAutoLiqs"} & set(told)
    venue.control.call("locks", {"account": str(trader.account.id)})
    await trader.place()
    await socket.event("order", lambda order: order["ordStatus"] == "Rejected")
    assert socket.events("accountRiskStatus") == []
