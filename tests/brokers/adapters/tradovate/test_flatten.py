"""Flatten: close, then sweep what still rests, of this account and contract only, and never before the close stands."""

from __future__ import annotations

import pytest

from brokers.domain import Outcome
from tests.brokers.adapters.tradovate.venue import ACCOUNT, MNQ, envelope

LIQUIDATE, CANCEL = "order/liquidateposition", "order/cancelorder"


@pytest.fixture
def flat(venue):
    """A venue that takes the liquidation as order 95000 and every cancel."""
    stamp = {"contractId": 3570918, "timestamp": "2026-11-20T14:31:07.301Z", "admin": False, "action": "Sell"}
    rows = [
        (94511, 33112, "Working", {}),
        (94512, 33112, "Suspended", {}),
        (94510, 33112, "Filled", {}),
        (94520, 33112, "PendingCancel", {}),
        (94521, 33112, "Working", {"contractId": 777}),
        (94514, 33113, "Working", {}),
        (99001, 90001, "Working", {}),
        (95000, 33112, "Working", {}),
    ]
    venue.tables["order"] = [
        {"id": n, "accountId": account, "ordStatus": status, **stamp, **more}
        for n, account, status, more in rows
    ]
    venue.answers |= {LIQUIDATE: (200, {"orderId": 95000}), CANCEL: envelope("http_cancelorder")}
    return venue


def canceled(venue):
    return [call.body["orderId"] for call in venue.named(CANCEL)]


async def test_it_closes_and_sweeps_only_this_accounts_orders_of_this_contract(flat):
    result = await flat.adapter().flatten(ACCOUNT, MNQ, "sig-1")
    assert (result.outcome, result.venue_order_id, result.code) == (Outcome.ACCEPTED, "95000", "")
    sent = flat.named(LIQUIDATE)[0].body
    assert sent == {"accountId": 33112, "contractId": 3570918, "admin": False, "isAutomated": True}
    assert canceled(flat) == [94511, 94512]


@pytest.mark.parametrize(
    "refusal",
    [(200, {"failureReason": "TradingLocked"}), (401, "Access is denied"), (200, {"errorText": "no"})],
)
async def test_it_leaves_the_stops_when_the_close_was_refused(flat, refusal):
    flat.answers[LIQUIDATE] = refusal
    result = await flat.adapter().flatten(ACCOUNT, MNQ, "sig-1")
    assert (result.outcome, canceled(flat)) == (Outcome.REJECTED, [])


@pytest.mark.parametrize("doubt", [(500, ""), (200, {}), (200, "<html>")])
async def test_it_leaves_the_stops_when_it_does_not_know(flat, doubt):
    flat.answers[LIQUIDATE] = doubt
    result = await flat.adapter().flatten(ACCOUNT, MNQ, "sig-1")
    assert (result.outcome, canceled(flat)) == (Outcome.UNKNOWN, [])


async def test_it_leaves_the_stops_when_the_closing_order_was_rejected_after_all(flat):
    flat.tables["order"][-1]["ordStatus"] = "Rejected"
    flat.tables["command"] = [{"id": 95000, "orderId": 95000, "commandType": "New"}]
    flat.tables["commandReport"] = [
        {
            "id": 1,
            "commandId": 95000,
            "commandStatus": "RiskRejected",
            "rejectReason": "NoQuote",
            "text": "No quote",
        }
    ]
    result = await flat.adapter().flatten(ACCOUNT, MNQ, "sig-1")
    assert (result.outcome, result.code, result.message) == (Outcome.REJECTED, "NoQuote", "No quote")
    assert canceled(flat) == []


@pytest.mark.parametrize("answer", [(200, {"failureReason": "UnknownReason"}), (200, {})])
async def test_it_sweeps_an_account_that_is_provably_flat(flat, answer):
    flat.answers[LIQUIDATE] = answer
    flat.tables["position"] = [{"id": 1, "accountId": 33112, "contractId": 3570918, "netPos": 0}]
    flat.tables["order"].pop()
    result = await flat.adapter().flatten(ACCOUNT, MNQ, "sig-1")
    assert (result.outcome, canceled(flat)) == (Outcome.ACCEPTED, [94511, 94512])


async def test_it_does_not_take_a_failed_position_query_for_flat(flat):
    flat.answers |= {LIQUIDATE: (200, {"failureReason": "UnknownReason"}), "position/list": (500, "")}
    result = await flat.adapter().flatten(ACCOUNT, MNQ, "sig-1")
    assert (result.outcome, canceled(flat)) == (Outcome.REJECTED, [])


async def test_it_says_when_resting_orders_could_not_be_checked(flat):
    flat.answers["order/list"] = (500, "")
    result = await flat.adapter().flatten(ACCOUNT, MNQ, "sig-1")
    assert (result.outcome, result.code) == (Outcome.ACCEPTED, "SWEEP_FAILED")


async def test_it_names_orders_that_would_not_go(flat):
    flat.answers[CANCEL] = (500, "")
    result = await flat.adapter().flatten(ACCOUNT, MNQ, "sig-1")
    assert (result.outcome, result.code) == (Outcome.ACCEPTED, "SWEEP_FAILED")
    assert "94511, 94512" in result.message


async def test_it_asks_again_when_the_venues_own_cancel_is_under_way(flat):
    busy = (200, {"failureReason": "AnotherCommandPending"})
    flat.tables["order"] = flat.tables["order"][:1]
    flat.answers[CANCEL] = [busy, envelope("http_cancelorder__too_late")]
    result = await flat.adapter().flatten(ACCOUNT, MNQ, "sig-1")
    assert (result.outcome, result.code, canceled(flat)) == (Outcome.ACCEPTED, "", [94511, 94511])


async def test_it_sweeps_nothing_when_it_may_be_sent_again(flat):
    flat.answers[LIQUIDATE] = (429, "")
    result = await flat.adapter().flatten(ACCOUNT, MNQ, "sig-1")
    assert (result.not_taken, canceled(flat)) == (True, [])
