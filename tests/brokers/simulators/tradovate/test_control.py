from __future__ import annotations

import httpx
import pytest

from brokers.simulators.tradovate import Options, create_simulator
from tests.brokers.simulators.tradovate.people import Person, front, set_price


def client(venue):
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=venue.app), base_url="http://simulator")


async def test_it_makes_thousands_of_logins_that_work(venue):
    async with client(venue) as http:
        body = {"count": 1500, "accounts_per_login": 3, "prefix": "load-"}
        told = (await http.post("/control/logins", json=body)).json()
    assert len(told) == 1500
    ids = [account["id"] for login in told for account in login["accounts"]]
    names = {account["name"] for login in told for account in login["accounts"]}
    assert len(ids) == len(set(ids)) == len(names) == 1500 * 3 + 750
    login = {"name": told[-1]["username"], "password": told[-1]["password"]}
    login |= {"cid": int(told[-1]["client_id"]), "sec": told[-1]["client_secret"]}
    person = Person(venue)
    answer = (await person.send("auth/accesstokenrequest", login)).json()
    assert answer["userId"] == told[-1]["user_id"]


async def test_it_gives_the_same_logins_for_the_same_prefix(venue):
    first = venue.control.call("logins", {"count": 3, "prefix": "a-"})
    assert venue.control.call("logins", {"count": 3, "prefix": "a-"}) == first
    more = venue.control.call("logins", {"count": 5, "prefix": "a-"})
    assert more[:3] == first
    other = create_simulator(Options(logins=1)).control.call("logins", {"count": 3, "prefix": "a-"})
    assert other == first, "a new start makes the same ids"
    seeded = create_simulator(Options(logins=1, seed=2)).control.call("logins", {"count": 3, "prefix": "a-"})
    assert seeded[0]["user_id"] != first[0]["user_id"]


async def test_it_leaves_running_accounts_alone_when_asked_again(venue, trader):
    await trader.place()
    venue.control.call("logins", {"count": 3, "accounts_per_login": 2, "prefix": "sim-"})
    assert (await trader.rows("position"))[0]["netPos"] == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("logins", {"count": 0}),
        ("logins", {"count": "many"}),
        ("faults", {"kind": "plague"}),
        ("faults", {"kind": "reject", "reason": "Boredom"}),
        ("settings", {"nonsense": 1}),
        ("settings", {"port": 1}),
        ("settings", {"session_cap": "two"}),
        ("settings", {"frames": "tiny"}),
        ("settings", {"ticks_per_second": 0}),
        ("settings", {"latency_ms": -1}),
        ("settings", {"frozen": 1}),
        ("settings", {"user_calls_per_hour": "many"}),
        ("prices", {"symbol": "MNQ", "price": 25000.1}),
        ("prices", {"symbol": "???", "price": 1}),
        ("tokens", {"username": "nobody"}),
        ("sockets", {"act": "tickle"}),
        ("locks", {"account": "1"}),
        ("trade", {"account": "nowhere"}),
    ],
)
async def test_it_says_what_it_does_not_understand(venue, path, body):
    async with client(venue) as http:
        answer = await http.post(f"/control/{path}", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]


async def test_it_lists_its_paths_and_knows_no_others(venue):
    async with client(venue) as http:
        paths = (await http.get("/control")).json()["paths"]
        assert "/control/ledger" in paths
        assert (await http.get("/control/nothing")).status_code == 404


async def test_it_asks_for_its_token():
    venue = create_simulator(Options(logins=1, control_token="k-1"))
    async with client(venue) as http:
        assert (await http.get("/control/ledger")).status_code == 401
        assert (await http.get("/control/ledger", headers={"X-Control-Token": "no"})).status_code == 401
        for headers in ({"X-Control-Token": "k-1"}, {"Authorization": "Bearer k-1"}):
            assert (await http.get("/control/ledger", headers=headers)).status_code == 200
    await venue.simulator.stop()


async def test_it_tells_the_truth_in_its_ledger(venue, trader):
    await trader.place(clOrdId="c-1", orderQty=2)
    set_price(venue, 25010)
    await trader.place(clOrdId="c-2", action="Sell")
    told = venue.control.call("ledger", {"username": "sim-1"})["accounts"]
    mine = next(one for one in told if one["account_id"] == trader.account.id)
    assert [(o["client_order_id"], o["status"], o["is_automated"]) for o in mine["orders"]] == [
        ("c-1", "Filled", True),
        ("c-2", "Filled", True),
    ]
    assert [(p["symbol"], p["net"]) for p in mine["positions"]] == [(front(venue, "MNQ").name, 1)]
    assert float(mine["realized_pnl"]) == 19.5
    assert float(mine["fees"]) == 2.43
    assert float(mine["open_pnl"]) == 19.5
    everybody = venue.control.call("ledger", {})["accounts"]
    assert [one["account_id"] for one in everybody] == [trader.account.id], "idle accounts are left out"


async def test_it_counts_requests_and_repeated_client_ids(venue, trader):
    for number in ("c-1", "c-2", "c-1"):
        await trader.place(clOrdId=number)
    await trader.place(isAutomated=None)
    told = venue.control.call("requests", {"last": 2, "path": "order/placeorder"})
    assert told["requests"]["rest order/placeorder"] == 4
    assert told["repeated_client_ids"] == {"c-1": 2}
    assert (told["commands_total"], told["not_automated"]) == (4, 1)
    rows = told["commands"]
    assert [row["isAutomated"] for row in rows] == [True, None]
    assert rows[0]["received_monotonic_ns"] < rows[1]["received_monotonic_ns"]
    assert "orderId" in rows[0]["answer"]
    venue.control.call("requests/clear", {})
    assert venue.control.call("requests", {})["commands"] == []


async def test_it_trades_by_hand(venue, trader):
    account = str(trader.account.id)
    order = {"account": account, "symbol": front(venue, "MNQ").name, "action": "Buy", "orderQty": 2}
    venue.control.call("trade", order)
    resting = venue.control.call("trade", {**order, "orderType": "Limit", "price": 24000})
    assert "commandId" in venue.control.call("trade", {"account": account, "cancel": resting["orderId"]})
    venue.control.call("trade", {"account": account, "liquidate": True, "symbol": "MNQ"})
    told = venue.control.call("ledger", {"account": account})["accounts"][0]
    assert told["positions"] == []
    assert {order["source"] for order in told["orders"]} == {"web trader"}


async def test_it_starts_over(venue, trader):
    await trader.place()
    venue.control.call("faults", {"kind": "hang"})
    venue.control.call("reset", {})
    assert await trader.rows("order") == []
    assert (await trader.rows("cashBalance"))[0]["amount"] == 50_000
    assert venue.control.call("faults", {}) == []
    await trader.place()


async def test_it_moves_the_clock(venue):
    before = venue.control.call("clock", {})["now"]
    assert venue.control.call("clock", {"advance_seconds": 86_400})["now"] > before


async def test_it_describes_itself(venue):
    venue.listens_at("http://127.0.0.1:5")
    told = venue.control.call("describe", {})
    assert told["environment"]["TRADOVATE_DEMO_URL"] == "http://127.0.0.1:5/demo/v1"
    assert told["environment"]["TRADOVATE_WS_URL"] == "ws://127.0.0.1:5/live/v1/websocket"
    assert len(told["credentials"]) == 3
