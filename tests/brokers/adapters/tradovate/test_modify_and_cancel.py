"""Changing and canceling: queued is not done, and a finished order needs no cancel."""

from __future__ import annotations

import asyncio
from decimal import Decimal as D

import pytest

from brokers.domain import OrderChange, OrderType, Outcome, Side
from tests.brokers.adapters.tradovate.venue import ACCOUNT, DROP, MNQ, envelope, props, until

CHANGE = OrderChange(ACCOUNT, "94511", "sig-1", MNQ, Side.SELL, D(2), OrderType.LIMIT, limit_price=D("21895"))


def report(status, command=94531, **more):
    return props(
        "commandReport", {"id": 50, "commandId": command, "commandStatus": status, **more}, "Created"
    )


@pytest.fixture
async def streaming(live, adapter):
    """An adapter whose stream has begun, so that reports of commands arrive."""
    stream = adapter.stream()
    await anext(stream)
    yield adapter
    await stream.aclose()


def telling(live, *events):
    """The venue tells these before it answers."""

    async def tell(connection, operation):
        if operation == "order/modifyorder":
            await live.tell(connection, *events)

    live.before_answer = tell
    live.answers["order/modifyorder"] = envelope("http_modifyorder")


async def test_it_sends_a_change_with_all_terms(venue):
    venue.answers["order/modifyorder"] = envelope("http_modifyorder")
    result = await venue.adapter().modify(CHANGE)
    assert (result.outcome, result.venue_order_id) == (Outcome.ACCEPTED, "94511")
    sent = venue.named("order/modifyorder")[0].body
    assert (sent["orderId"], sent["orderQty"], sent["orderType"], sent["price"]) == (94511, 2, "Limit", 21895)
    assert sent["isAutomated"] is True


async def test_it_believes_a_change_that_the_stream_confirms(live, streaming):
    telling(live, report("AtExecution"))
    assert (await streaming.modify(CHANGE)).outcome is Outcome.ACCEPTED


async def test_it_rejects_a_change_that_the_stream_tells_was_refused(live, streaming):
    telling(
        live, report("RiskPassed"), report("ExecutionRejected", rejectReason="InvalidPrice", text="Too far")
    )
    result = await streaming.modify(CHANGE)
    assert (result.outcome, result.code, result.message) == (Outcome.REJECTED, "InvalidPrice", "Too far")
    assert result.venue_order_id == "94511"


async def test_it_hears_of_a_refusal_that_comes_after_the_answer(live, streaming):
    live.answers["order/modifyorder"] = envelope("http_modifyorder")
    change = asyncio.create_task(streaming.modify(CHANGE))
    await until(lambda: live.named("order/modifyorder"))
    await asyncio.sleep(0.02)
    await live.tell(live.sockets[0], report("RiskRejected"))
    result = await change
    assert (result.outcome, result.code) == (Outcome.REJECTED, "RiskRejected")


async def test_it_accepts_a_queued_change_when_nothing_more_is_told(live, streaming):
    telling(live, report("ExecutionRejected", command=1))
    assert (await streaming.modify(CHANGE)).outcome is Outcome.ACCEPTED


@pytest.mark.parametrize("verb", ["modify", "cancel"])
@pytest.mark.parametrize(
    ("answer", "outcome", "code", "again"),
    [
        ((200, {"failureReason": "AnotherCommandPending"}), Outcome.REJECTED, "AnotherCommandPending", True),
        ((200, {"failureReason": "SessionClosed"}), Outcome.REJECTED, "SessionClosed", False),
        ((429, ""), Outcome.REJECTED, "RATE_LIMITED", True),
        ((503, ""), Outcome.UNKNOWN, "HTTP_503", False),
        ((200, {}), Outcome.UNKNOWN, "UNEXPECTED_ANSWER", False),
    ],
)
async def test_it_judges_every_command_alike(venue, verb, answer, outcome, code, again):
    venue.answers[f"order/{verb}order"] = answer
    adapter = venue.adapter()
    result = await (adapter.modify(CHANGE) if verb == "modify" else adapter.cancel(ACCOUNT, "94511", "sig-1"))
    assert (result.outcome, result.code, result.not_taken) == (outcome, code, again)
    assert result.venue_order_id == "94511"


async def test_it_cancels_without_lending_our_id_to_the_cancel(venue):
    venue.answers["order/cancelorder"] = envelope("http_cancelorder")
    result = await venue.adapter().cancel(ACCOUNT, "94511", "sig-1")
    assert (result.outcome, result.venue_order_id, result.code) == (Outcome.ACCEPTED, "94511", "")
    assert venue.named("order/cancelorder")[0].body == {"orderId": 94511, "isAutomated": True}


async def test_it_takes_too_late_for_done(venue):
    venue.answers["order/cancelorder"] = envelope("http_cancelorder__too_late")
    result = await venue.adapter().cancel(ACCOUNT, "94510", "sig-1")
    assert (result.outcome, result.code, result.message) == (
        Outcome.ACCEPTED,
        "TooLate",
        "Order is already filled",
    )


@pytest.mark.parametrize(
    "denial",
    [(401, "Access is denied"), envelope("http_placeorder__denied"), (404, "")],
    ids=["401", "200", "404"],
)
async def test_it_looks_whether_a_denied_cancel_was_of_a_finished_order(venue, denial):
    venue.answers["order/cancelorder"] = denial
    finished = await venue.adapter().cancel(ACCOUNT, "94510", "sig-1")
    working = await venue.adapter().cancel(ACCOUNT, "94511", "sig-1")
    assert (finished.outcome, finished.code) == (Outcome.ACCEPTED, "TooLate")
    assert working.outcome is Outcome.REJECTED


async def test_it_stays_with_the_denial_when_the_order_cannot_be_read(venue):
    venue.answers |= {"order/cancelorder": (401, "Access is denied"), "order/item": (500, "")}
    result = await venue.adapter().cancel(ACCOUNT, "94510", "sig-1")
    assert (result.outcome, result.code) == (Outcome.REJECTED, "ACCESS_DENIED")


async def test_it_does_not_know_of_a_cancel_whose_answer_was_lost(live, adapter):
    live.answers["order/cancelorder"] = lambda _: DROP
    assert (await adapter.cancel(ACCOUNT, "94511", "sig-1")).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("name", ["", "abc", "12x"])
async def test_it_sends_no_cancel_without_the_venues_id(venue, name):
    result = await venue.adapter().cancel(ACCOUNT, name, "sig-1")
    assert (result.outcome, result.code, venue.calls) == (Outcome.REJECTED, "ID", [])
