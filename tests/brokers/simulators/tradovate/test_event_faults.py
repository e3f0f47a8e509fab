from __future__ import annotations

import pytest

from tests.brokers.simulators.tradovate.people import Socket, set_price


def fault(venue, kind, **more):
    venue.control.call("faults", {"kind": kind, **more})


async def test_it_tells_everything_twice(venue, trader, synced):
    fault(venue, "duplicate_events", times=2)
    await trader.place()
    await synced.event("fill")
    await synced.ask("user/list")
    assert len(synced.events("fill")) == 2
    assert synced.events("fill")[0] == synced.events("fill")[1]


async def test_it_tells_entities_as_arrays(venue, trader, synced):
    fault(venue, "array_entity")
    await trader.place()
    told = await synced.find(lambda m: m.get("e") == "props" and m["d"]["entityType"] == "commandReport")
    assert [row["commandStatus"] for row in told["d"]["entity"]] == [
        "RiskPassed",
        "PendingExecution",
        "AtExecution",
    ]
    assert all(isinstance(event["entity"], list) for event in synced.events())


async def test_it_tells_the_fill_before_the_order(venue, trader, synced):
    fault(venue, "reorder_events")
    await trader.place()
    await synced.event("order")
    assert synced.events()[0]["entityType"] == "fill"


async def test_it_tells_late(venue, trader, synced):
    fault(venue, "delay_events", ms=80)
    await trader.place()
    await synced.ask("user/list")
    assert synced.events() == []
    await synced.event("fill")


async def test_it_tells_nothing_while_rest_knows(venue, trader, synced):
    fault(venue, "drop_events", count=None)
    await trader.place()
    await synced.ask("user/list")
    assert synced.events() == []
    assert (await trader.rows("position"))[0]["netPos"] == 1


async def test_it_leaves_out_the_net_price(venue, url, trader, synced):
    fault(venue, "missing_net_price", count=3)
    await trader.place()
    assert "netPrice" not in await synced.event("position")
    again = await Socket.open(url)
    assert "netPrice" not in (await again.sync(trader))["d"]["positions"][0]
    await again.wire.close()
    assert "netPrice" not in (await trader.rows("position"))[0]
    assert "netPrice" in (await trader.rows("position"))[0]


async def test_it_disturbs_one_user_only(venue, trader, synced):
    fault(venue, "drop_events", count=None, user="sim-2")
    await trader.place()
    await synced.event("fill")


@pytest.mark.parametrize("code", ["Maintenance", "ConnectionQuotaReached", "IPQuotaReached"])
async def test_it_says_why_it_shuts_down(venue, synced, code):
    venue.control.call("sockets", {"act": "shutdown", "reasonCode": code, "username": "sim-1"})
    told = await synced.find(lambda m: m.get("e") == "shutdown")
    assert told["d"]["reasonCode"] == code
    assert await synced.closed() == 1000


async def test_it_kicks_a_session_that_logged_in_elsewhere(venue, trader, synced):
    venue.control.call("sessions/kick", {"username": "sim-1"})
    told = await synced.find(lambda m: m.get("e") == "shutdown")
    assert told["d"]["reasonCode"] == "ConnectionQuotaReached"
    assert (await trader.send("account/list")).status_code == 408


async def test_it_cuts_and_closes_sockets_on_command(venue, synced):
    venue.control.call("sockets", {"act": "cut", "host": "live"})
    assert (await synced.ask("user/list"))["s"] == 200
    venue.control.call("sockets", {"act": "cut", "host": "demo"})
    assert await synced.closed() is None


async def test_it_goes_dead_without_closing(venue, trader, synced):
    venue.simulator.options.heartbeat_seconds = 0.1
    venue.control.call("sockets", {"act": "mute", "seconds": 60})
    await trader.place()
    set_price(venue, 25100)
    with pytest.raises(TimeoutError):
        await synced.read(0.8)


async def test_it_shows_rest_as_it_was_some_seconds_ago(venue, trader):
    before = await trader.place(orderType="Limit", price=24000)
    venue.control.call("stale", {"seconds": 5})
    order_id = await trader.place()
    await trader.post("order/cancelorder", orderId=before)
    assert [(row["id"], row["ordStatus"]) for row in await trader.rows("order")] == [(before, "Working")]
    assert (await trader.send("order/item", method="GET", id=order_id)).status_code == 404
    assert await trader.rows("position") == []
    venue.simulator.clock.advance(5.1)
    states = {row["id"]: row["ordStatus"] for row in await trader.rows("order")}
    assert states == {before: "Canceled", order_id: "Filled"}
    venue.control.call("stale", {"seconds": 0})
    await trader.place()
    assert len(await trader.rows("order")) == 3


async def test_it_mistreats_a_sync_request_like_any_other(venue, socket, trader):
    venue.control.call("faults", {"kind": "rate_limit", "path": "user/syncrequest"})
    await socket.ask("authorize", trader.token)
    body = {"users": [trader.login.user_id]}
    assert await socket.ask("user/syncrequest", body) == {"s": 429, "i": 2}
    assert (await socket.ask("user/syncrequest", body))["s"] == 200
