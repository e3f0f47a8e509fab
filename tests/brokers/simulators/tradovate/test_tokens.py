from __future__ import annotations

import pytest

from tests.brokers.simulators.tradovate.people import Person


async def test_it_tells_no_token_wrong_token_and_old_token_apart(venue, trader):
    nobody = Person(venue)
    assert (await nobody.send("account/list")).status_code == 401
    nobody.token = "made-up"
    answer = await nobody.send("account/list")
    assert (answer.status_code, answer.text) == (401, "Access is denied")
    venue.simulator.clock.advance(80 * 60 + 1)
    answer = await trader.send("account/list")
    assert (answer.status_code, answer.text) == (401, "Expired Access Token")


async def test_it_renews_with_get_and_the_access_token(venue, trader):
    old = trader.token
    told = await trader.get("auth/renewaccesstoken")
    assert told["accessToken"] != old
    trader.token = told["accessToken"]
    venue.simulator.clock.advance(79 * 60)
    assert await trader.rows("account")


async def test_it_may_repeat_the_token_with_a_new_life(venue, trader):
    venue.simulator.options.renews_token_text = False
    venue.simulator.clock.advance(70 * 60)
    told = await trader.get("auth/renewaccesstoken")
    assert told["accessToken"] == trader.token
    venue.simulator.clock.advance(70 * 60)
    assert await trader.rows("account")


async def test_it_renews_neither_an_expired_nor_a_market_data_token(venue, trader):
    trader.token, access = trader.md_token, trader.token
    assert (await trader.send("auth/renewaccesstoken", method="GET")).status_code == 401
    trader.token = access
    venue.simulator.clock.advance(81 * 60)
    answer = await trader.send("auth/renewaccesstoken", method="GET")
    assert (answer.status_code, answer.text) == (401, "Expired Access Token")


async def test_it_answers_a_penalty_after_fifteen_renewals_of_one_address(venue, trader):
    venue.simulator.options.renewals_per_hour = 15
    for _ in range(15):
        assert "accessToken" in await trader.get("auth/renewaccesstoken")
    ticket = await trader.get("auth/renewaccesstoken")
    assert ticket["p-captcha"] is False
    venue.simulator.clock.advance(ticket["p-time"])
    assert "accessToken" in await trader.get("auth/renewaccesstoken", **{"p-ticket": ticket["p-ticket"]})


@pytest.mark.parametrize("status", [408, 429, 500])
async def test_it_ends_the_oldest_session_when_there_are_too_many(venue, status):
    venue.simulator.options.closed_session_status = status
    people = [Person(venue) for _ in range(3)]
    for person in people:
        await person.log_in()
    assert [(await one.send("account/list")).status_code for one in people] == [status, 200, 200]


async def test_it_counts_sessions_by_user(venue, trader):
    for number in (2, 2, 3):
        await Person(venue, number).log_in()
    assert await trader.rows("account")


async def test_it_tells_who_i_am(trader):
    told = await trader.get("auth/me")
    assert told["userId"] == trader.login.user_id
    assert [user["id"] for user in await trader.rows("user")] == [trader.login.user_id]


async def test_it_tells_the_dedicated_hosts_when_asked_to(venue, trader):
    venue.listens_at("http://127.0.0.1:1")
    venue.simulator.options.tells_api_hosts = True
    told = await trader.get("auth/renewaccesstoken")
    assert told["apiHosts"]["demo"] == "http://127.0.0.1:1/demo/v1"


async def test_it_expires_and_revokes_on_command(venue, trader, stranger):
    venue.control.call("tokens", {"username": trader.login.name})
    assert (await trader.send("account/list")).text == "Expired Access Token"
    assert await stranger.rows("account")
    venue.control.call("tokens", {"act": "revoke"})
    assert (await stranger.send("account/list")).text == "Access is denied"
