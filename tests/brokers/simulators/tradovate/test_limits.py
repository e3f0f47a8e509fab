from __future__ import annotations

from tests.brokers.simulators.tradovate.people import Person, Socket


def limit(venue, **settings):
    venue.control.call("settings", settings)


async def test_it_counts_all_calls_of_a_user_over_rest_and_socket(venue, trader, socket):
    await socket.ask("authorize", trader.token)
    limit(venue, user_calls_per_hour=4)
    for _ in range(2):
        await trader.rows("account")
        assert (await socket.ask("account/list"))["s"] == 200
    answer = await trader.send("account/list")
    assert (answer.status_code, answer.content) == (429, b"")
    number = await socket.say("account/list")
    assert await socket.answer(number) == {"s": 429, "i": number}
    venue.simulator.clock.advance(3601)
    await trader.rows("account")


async def test_it_gives_every_user_a_budget_of_its_own(venue, trader, stranger):
    limit(venue, user_calls_per_hour=1)
    await trader.rows("account")
    assert (await trader.send("account/list")).status_code == 429
    await stranger.rows("account")


async def test_it_returns_capacity_gradually(venue, trader):
    limit(venue, user_calls_per_minute=2)
    await trader.rows("account")
    venue.simulator.clock.advance(40)
    await trader.rows("account")
    assert (await trader.send("account/list")).status_code == 429
    venue.simulator.clock.advance(21)
    await trader.rows("account")
    assert (await trader.send("account/list")).status_code == 429


async def test_it_limits_syncs_by_address(venue, url, trader, stranger):
    limit(venue, syncs_per_hour=1)
    first, second = await Socket.open(url), await Socket.open(url)
    assert (await first.sync(trader))["s"] == 200
    assert (await second.sync(stranger))["s"] == 429
    await first.wire.close()
    await second.wire.close()


async def test_it_limits_fee_queries_and_cash_changes(venue, trader):
    limit(venue, fee_queries_per_hour=1, demo_cash_changes_per_hour=1)
    body = {"productIds": [800]}
    await trader.post("contract/getproductfeeparams", **body)
    assert (await trader.send("contract/getproductfeeparams", body)).status_code == 429
    for account, status in zip([*trader.login.on("demo"), trader.account], [200, 200, 429], strict=True):
        answer = await trader.send(
            "cashBalance/changedemobalance", {"accountId": account.id, "cashChange": 1}
        )
        assert answer.status_code == status


async def test_it_limits_nothing_but_failed_logins_from_the_start(venue):
    shown = venue.control.call("settings", {})
    on = {name for name, value in shown.items() if name.endswith(("_hour", "_minute")) and value is not None}
    assert on == {"failed_logins_per_hour"}


async def test_it_forgets_its_counts_on_command(venue, trader):
    limit(venue, user_calls_per_hour=1)
    await trader.rows("account")
    venue.control.call("limits/clear", {})
    await trader.rows("account")


async def test_it_caps_the_sockets_of_a_user(venue, url, trader):
    limit(venue, socket_cap=2)
    sockets = [await Socket.open(url) for _ in range(3)]
    people = []
    for socket in sockets:
        person = Person(venue)
        person.token = trader.token
        people.append(person)
        await socket.ask("authorize", person.token)
    told = await sockets[0].find(lambda m: m.get("e") == "shutdown")
    assert told["d"]["reasonCode"] == "ConnectionQuotaReached"
    assert (await trader.send("account/list")).status_code == 401, "its token is revoked with it"
    for socket in sockets:
        await socket.wire.close()
