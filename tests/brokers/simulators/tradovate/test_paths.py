from __future__ import annotations

import pytest

from tests.brokers.simulators.tradovate.people import Person

INVENTED = [
    "account/33112",
    "account/33112/subaccounts",
    "account/33112/orders",
    "account/listitem",
    "order/find?name=x",
    "order/fill",
    "contract/list",
    "me",
    "renewAccessToken",
    "accessTokenRequest",
    "order/closeall",
    "user/syncrequest",
    "",
]


@pytest.mark.parametrize("path", INVENTED)
async def test_it_answers_404_to_paths_that_do_not_exist(trader, path):
    assert (await trader.send(path, method="GET")).status_code == 404


async def test_it_answers_404_to_an_invented_login_before_it_looks_for_a_token(venue):
    for path in ("accessTokenRequest", "renewAccessToken", "oAuthToken", "me"):
        assert (await Person(venue).send(path, {"name": "sim-1"})).status_code == 404


@pytest.mark.parametrize("path", ["order/placeOrder", "ORDER/PLACEORDER", "order/placeorder"])
async def test_it_does_not_look_at_the_case_of_a_path(trader, path):
    assert "orderId" in await trader.post(path, **trader.order())


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
async def test_it_does_not_look_at_the_method(trader, method):
    assert (await trader.send("account/list", method=method)).status_code == 200
    assert (await trader.send("auth/renewaccesstoken", method=method)).status_code == 200


async def test_it_needs_the_version(venue, trader):
    headers = {"Authorization": f"Bearer {trader.token}"}
    assert (await trader.http.get("/demo/account/list", headers=headers)).status_code == 404
    assert (await trader.http.get("/nowhere/v1/account/list", headers=headers)).status_code == 404


async def test_it_answers_400_to_a_body_that_is_no_json(trader):
    headers = {"Authorization": f"Bearer {trader.token}"}
    for body in (b"{", b"accountId=1", b"\xff"):
        answer = await trader.http.post("/demo/v1/order/placeorder", content=body, headers=headers)
        assert answer.status_code == 400
    assert (await trader.send("order/placeorder", [1])).status_code == 400


async def test_it_answers_400_to_an_id_that_is_no_number(trader):
    assert (await trader.send("order/item", method="GET", id="abc")).status_code == 400
    assert (await trader.send("order/items", method="GET", ids="1,x")).status_code == 400
    assert (await trader.send("order/item", method="GET")).status_code == 400
