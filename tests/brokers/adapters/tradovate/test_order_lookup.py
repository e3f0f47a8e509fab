"""Finding an order of unknown outcome again: by our id, by the venue's, and saying "not there" only when that is proven."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from brokers.domain import AccountRef, OrderStatus, OrderType
from brokers.errors import ProtocolSurprise, RateLimited, Unavailable
from tests.brokers.adapters.tradovate.venue import ACCOUNT, SECOND, envelope

READS = ["command/list", "order/item", "orderVersion/deps", "fill/deps"]


async def test_it_finds_an_order_by_the_id_on_its_command(venue):
    report = await venue.adapter().order_report(ACCOUNT, client_order_id="sig-8f2c")
    assert (report.venue_order_id, report.status, report.account_id) == ("94510", OrderStatus.FILLED, "33112")
    assert (report.filled_quantity, report.average_price, report.quantity) == (D(2), D("21871.125"), D(2))
    assert report.client_order_id == "sig-8f2c"


async def test_it_finds_a_leg_by_its_own_id(venue):
    report = await venue.adapter().order_report(ACCOUNT, client_order_id="sig-8f2ct")
    assert (report.venue_order_id, report.order_type) == ("94511", OrderType.LIMIT)
    assert (report.limit_price, report.parent_venue_order_id) == (D("21900.25"), "94510")


@pytest.mark.parametrize(("handle", "venue_id"), [("sig-8f2ct", "94511"), ("sig-8f2cs", "94512")])
async def test_it_finds_a_leg_that_carries_no_id_through_its_parent(venue, handle, venue_id):
    for command in venue.tables["command"]:
        if command["id"] in {94511, 94512}:
            del command["clOrdId"]
    report = await venue.adapter().order_report(ACCOUNT, client_order_id=handle)
    assert (report.venue_order_id, report.client_order_id) == (venue_id, handle)


async def test_it_finds_an_order_by_the_venues_id(venue):
    report = await venue.adapter().order_report(ACCOUNT, venue_order_id="94510")
    assert report.client_order_id == "sig-8f2c"


async def test_it_looks_for_our_id_when_the_venues_leads_nowhere(venue):
    report = await venue.adapter().order_report(ACCOUNT, client_order_id="sig-8f2c", venue_order_id="1")
    assert report.venue_order_id == "94510"


async def test_it_does_not_show_another_accounts_order(venue):
    adapter = venue.adapter()
    assert await adapter.order_report(ACCOUNT, venue_order_id="94514") is None
    assert await adapter.order_report(ACCOUNT, venue_order_id="99001") is None
    assert await adapter.order_report(ACCOUNT, client_order_id="sig-lim") is None
    report = await adapter.order_report(AccountRef(SECOND, "DEMO331125"), client_order_id="sig-lim")
    assert report.venue_order_id == "94514"


async def test_it_says_none_only_after_every_place_was_read(venue):
    assert await venue.adapter().order_report(ACCOUNT, client_order_id="sig-gone") is None
    asked = {call.operation for call in venue.calls}
    assert {"command/list", "orderStrategy/list"} <= asked


async def test_it_says_none_for_an_id_the_venue_does_not_know(venue):
    assert await venue.adapter().order_report(ACCOUNT, venue_order_id="1") is None
    assert await venue.adapter().order_report(ACCOUNT) is None


@pytest.mark.parametrize("operation", ["command/list", "orderStrategy/list"])
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((500, ""), Unavailable),
        ((404, ""), Unavailable),
        ((429, ""), RateLimited),
        ((200, "<html>"), Unavailable),
        ((200, {"p-ticket": "t", "p-time": 5}), RateLimited),
        ((200, {"rows": []}), ProtocolSurprise),
    ],
)
async def test_it_never_takes_a_failed_query_for_not_there(venue, operation, answer, error):
    venue.answers[operation] = answer
    with pytest.raises(error):
        await venue.adapter().order_report(ACCOUNT, client_order_id="sig-gone")


@pytest.mark.parametrize("operation", READS)
async def test_it_raises_when_a_part_of_the_order_cannot_be_read(venue, operation):
    venue.answers[operation] = (503, "")
    with pytest.raises(Unavailable):
        await venue.adapter().order_report(ACCOUNT, client_order_id="sig-8f2c")


async def test_it_walks_the_accounts_orders_when_the_list_may_be_cut_off(venue):
    cut = [{"id": n, "orderId": n, "commandType": "New"} for n in range(1, 1025)]
    venue.answers["command/list"] = (200, cut)
    report = await venue.adapter().order_report(ACCOUNT, client_order_id="sig-8f2c")
    assert report.venue_order_id == "94510"


async def test_it_raises_for_an_order_whose_state_it_does_not_know(venue):
    venue.tables["order"][0]["ordStatus"] = "Hibernating"
    with pytest.raises(ProtocolSurprise, match="Hibernating"):
        await venue.adapter().order_report(ACCOUNT, client_order_id="sig-8f2c")


async def test_it_does_not_call_a_running_strategy_not_there(venue):
    strategy = envelope("http_startorderstrategy")[1]["orderStrategy"]
    venue.tables["orderStrategy"] = [strategy]
    with pytest.raises(Unavailable, match="not visible yet"):
        await venue.adapter().order_report(ACCOUNT, client_order_id="sig-strategy")


async def test_it_tells_a_strategy_that_failed(venue):
    strategy = envelope("http_startorderstrategy")[1]["orderStrategy"]
    venue.tables["orderStrategy"] = [{**strategy, "status": "ExecutionFailed", "failureMessage": "No margin"}]
    report = await venue.adapter().order_report(ACCOUNT, client_order_id="sig-strategy")
    assert (report.status, report.reason) == (OrderStatus.REJECTED, "ExecutionFailed: No margin")


async def test_it_passes_over_another_accounts_strategy_of_the_same_id(venue):
    strategy = envelope("http_startorderstrategy")[1]["orderStrategy"]
    venue.tables["orderStrategy"] = [{**strategy, "accountId": 90001}]
    assert await venue.adapter().order_report(ACCOUNT, client_order_id="sig-strategy") is None
