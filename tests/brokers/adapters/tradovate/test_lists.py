"""Lists: every account of the login is in them, and only ours come out."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal as D

import pytest

from brokers.domain import Environment, OrderStatus
from brokers.errors import ProtocolSurprise, Unavailable
from tests.brokers.adapters.tradovate.venue import ACCOUNT, FOREIGN, OURS, SECOND, envelope

LATER = datetime(2026, 11, 20, 15, tzinfo=UTC)


async def test_it_lists_orders_of_our_accounts_only(venue):
    reports = await venue.adapter().order_reports()
    assert {r.venue_order_id for r in reports} == {"94510", "94511", "94512", "94513", "94514"}
    assert {r.account_id for r in reports} == {OURS, SECOND}


async def test_it_lists_one_accounts_orders_when_only_that_is_ours(venue):
    reports = await venue.adapter(accounts=(ACCOUNT,)).order_reports()
    assert {r.account_id for r in reports} == {OURS}


async def test_it_leaves_an_unknown_state_out_and_goes_on(venue, caplog):
    venue.tables["order"][1]["ordStatus"] = "Hibernating"
    reports = await venue.adapter().order_reports()
    assert {r.venue_order_id for r in reports} == {"94510", "94512", "94513", "94514"}
    assert "not understood" in caplog.text


async def test_it_keeps_living_orders_however_old(venue):
    reports = await venue.adapter().order_reports(since=LATER)
    assert {r.venue_order_id for r in reports} == {"94511", "94512", "94514"}
    assert not any(r.status.is_final for r in reports)


async def test_it_lists_fills_with_account_fees_and_our_id(venue):
    reports = {r.venue_fill_id: r for r in await venue.adapter().fill_reports()}
    assert set(reports) == {"120077", "120078", "120079"}
    first, second, bust = (reports[key] for key in ("120077", "120078", "120079"))
    assert (first.account_id, first.price, first.quantity) == (OURS, D("21871.0"), D(1))
    assert (first.commission, first.fees, first.client_order_id) == (D("0.25"), D("0.57"), "sig-8f2c")
    assert (second.commission, second.fees, second.voided) == (None, None, False)
    assert (bust.account_id, bust.voided) == (SECOND, True)
    assert await venue.adapter().fill_reports(since=LATER) == []


async def test_it_looks_up_a_fill_whose_order_the_list_leaves_out(venue):
    venue.answers["order/list"] = (200, [])
    reports = await venue.adapter().fill_reports()
    assert {r.account_id for r in reports} == {OURS, SECOND}


async def test_it_lists_positions_that_are_not_flat(venue):
    (report,) = await venue.adapter().position_reports()
    assert (report.account_id, report.venue_instrument_id) == (OURS, "3570918")
    assert (report.net_quantity, report.average_price) == (D(2), D("21871.125"))


async def test_it_takes_the_carried_price_when_the_average_is_missing(venue):
    del venue.tables["position"][0]["netPrice"]
    assert (await venue.adapter().position_reports())[0].average_price == D("21790.0")
    del venue.tables["position"][0]["prevPrice"]
    assert (await venue.adapter().position_reports())[0].average_price is None


@pytest.mark.parametrize(
    "broken", [{"netPos": "two"}, {"netPos": None}, {"contractId": None}, {"netPos": True}]
)
async def test_it_calls_nothing_flat_when_a_position_cannot_be_read(venue, broken):
    venue.tables["position"][0] |= broken
    with pytest.raises(ProtocolSurprise):
        await venue.adapter().position_reports()


async def test_it_does_not_mind_what_it_cannot_read_of_other_accounts(venue):
    venue.tables["position"][2]["netPos"] = "two"
    assert len(await venue.adapter().position_reports()) == 1


@pytest.mark.parametrize("answer", [(500, ""), (404, ""), (200, "cut off [{")])
async def test_it_calls_nothing_flat_when_the_query_fails(venue, answer):
    venue.answers["position/list"] = answer
    with pytest.raises(Unavailable):
        await venue.adapter().position_reports()


async def test_it_tells_an_accounts_money(venue):
    venue.answers["cashBalance/getcashbalancesnapshot"] = envelope("http_getcashbalancesnapshot")
    report = await venue.adapter().account_report(ACCOUNT)
    assert (report.balance, report.equity) == (D("50112.35"), D("50075.2"))
    assert (report.open_pnl, report.realized_pnl) == (D("-37.5"), D("0.35"))
    assert venue.named("cashBalance/getcashbalancesnapshot")[0].body == {"accountId": 33112}


async def test_it_tells_no_pnl_where_the_venue_leaves_it_out(venue):
    venue.answers["cashBalance/getcashbalancesnapshot"] = (200, {"totalCashValue": 100, "netLiq": 100})
    report = await venue.adapter().account_report(ACCOUNT)
    assert (report.open_pnl, report.realized_pnl, report.balance) == (None, None, D(100))


async def test_it_says_why_money_cannot_be_told(venue):
    venue.answers["cashBalance/getcashbalancesnapshot"] = (200, {"errorText": "Account is not ready"})
    with pytest.raises(Unavailable, match="Account is not ready"):
        await venue.adapter().account_report(ACCOUNT)


async def test_it_lists_the_accounts_the_login_sees_whoever_owns_them(venue):
    venue.answers["account/list"] = envelope("http_account_list")
    found = {info.id: info for info in await venue.adapter(accounts=()).accounts()}
    assert found[OURS].name == "DEMO331124"
    assert found[OURS].environment is Environment.DEMO
    assert (found[OURS].active, found[FOREIGN].active, found[FOREIGN].detail) == (True, False, "closed")


async def test_it_reports_nobodys_orders_without_accounts(venue):
    adapter = venue.adapter(accounts=())
    assert await adapter.order_reports() == []
    assert await adapter.fill_reports() == []
    assert await adapter.position_reports() == []


async def test_it_names_the_modified_terms_that_were_not_refused(venue):
    reports = {r.venue_order_id: r for r in await venue.adapter().order_reports()}
    assert (reports["94514"].limit_price, reports["94514"].quantity) == (D("21990.0"), D(3))
    assert reports["94513"].status is OrderStatus.REJECTED
    assert reports["94513"].reason == "MaxOrderQtyLimitReached: Quantity 50 is above 10"
