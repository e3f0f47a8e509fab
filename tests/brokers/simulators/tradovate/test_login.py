from __future__ import annotations

import pytest

from tests.brokers.simulators.tradovate.people import Person


async def test_it_logs_in_with_password_and_key(venue):
    person = Person(venue)
    told = await person.log_in(
        appId="my app", appVersion="1.0", deviceId="d-1", cid=int(person.login.cid), sec=person.login.secret
    )
    assert told["userId"] == person.login.user_id
    assert told["userStatus"] == "Active"
    assert told["accessToken"] != told["mdAccessToken"]
    assert told["expirationTime"].endswith("Z")
    assert not {"refreshToken", "expiresIn", "errorCode", "refresh_token"} & set(told)


@pytest.mark.parametrize("as_type", [int, str])
async def test_it_takes_the_app_id_as_number_and_as_text(venue, as_type):
    person = Person(venue)
    assert "accessToken" in await person.log_in(cid=as_type(person.login.cid), sec=person.login.secret)


@pytest.mark.parametrize("body", [{"password": "no"}, {"name": "nobody"}])
async def test_it_refuses_wrong_credentials_with_200_and_a_text(venue, body):
    person = Person(venue)
    answer = await person.send(
        "auth/accesstokenrequest", {"name": person.login.name, "password": person.login.password, **body}
    )
    assert answer.status_code == 200
    assert set(answer.json()) == {"errorText"}
    assert answer.json()["errorText"].startswith("Incorrect username or password")


async def test_it_refuses_a_wrong_key(venue):
    person = Person(venue)
    assert "errorText" in await person.log_in(cid=int(person.login.cid), sec="wrong")


@pytest.mark.parametrize("body", [None, [], {}, {"name": 5, "password": "x"}])
async def test_it_answers_400_to_a_malformed_login(venue, body):
    assert (await Person(venue).send("auth/accesstokenrequest", body)).status_code == 400


async def test_it_demands_a_captcha_after_five_failures(venue):
    person = Person(venue)
    wrong = {"name": person.login.name, "password": "no"}
    for _ in range(5):
        assert "errorText" in (await person.send("auth/accesstokenrequest", wrong)).json()
    told = await person.log_in()
    assert told["p-captcha"] is True
    assert told["p-time"] > 0
    assert "accessToken" not in told
    venue.simulator.clock.advance(3601)
    assert "accessToken" in await person.log_in()


async def test_it_lets_the_identical_body_pass_with_the_ticket_after_the_wait(venue):
    venue.simulator.options.prefers_tickets_over_captcha = True
    person = Person(venue)
    for _ in range(5):
        await person.send("auth/accesstokenrequest", {"name": person.login.name, "password": "no"})
    ticket = await person.log_in()
    assert ticket["p-captcha"] is False
    assert "p-ticket" in await person.log_in(**{"p-ticket": ticket["p-ticket"]}), "too early"
    venue.simulator.clock.advance(ticket["p-time"])
    assert "accessToken" in await person.log_in(**{"p-ticket": ticket["p-ticket"]})
    assert "accessToken" not in await person.log_in(**{"p-ticket": ticket["p-ticket"]}), "a ticket works once"


async def test_it_refuses_live_orders_of_a_device_nobody_approved(venue):
    venue.simulator.options.device_approval = True
    live, demo = Person(venue, host="live"), Person(venue)
    await live.log_in(deviceId="laptop")
    demo.token = live.token
    assert (await live.send("account/list")).status_code == 200
    assert (await demo.send("order/placeorder", demo.order())).status_code == 200
    refused = await live.send("order/placeorder", live.order())
    assert (refused.status_code, refused.text) == (401, "Access is denied")
    venue.control.call("devices", {"username": live.login.name, "device_id": "laptop"})
    assert (await live.send("order/placeorder", live.order())).status_code == 200


async def test_it_shows_missing_order_rights_as_401(venue, trader):
    venue.control.call("rights", {"username": trader.login.name, "orders": "Read"})
    assert (await trader.send("order/placeorder", trader.order())).status_code == 401
    assert (await trader.send("order/list")).status_code == 200


async def test_it_keeps_one_token_for_both_hosts_and_the_data_apart(venue, trader):
    live = Person(venue, host="live")
    live.token = trader.token
    live_ids = {row["id"] for row in await live.rows("account")}
    demo_ids = {row["id"] for row in await trader.rows("account")}
    assert live_ids
    assert demo_ids
    assert not live_ids & demo_ids
