"""Each answer of the venue to an order, and the one of the three outcomes it proves."""

from __future__ import annotations

from decimal import Decimal

import httpx
import pytest

from brokers.domain import OrderIntent, Outcome, Side
from tests.brokers.adapters.tradovate.venue import ACCOUNT, MNQ, envelope

INTENT = OrderIntent("sig-8f2c", ACCOUNT, MNQ, Side.BUY, Decimal(2), tag="strat-17")

REJECTED = [
    ("denied", envelope("http_placeorder__denied"), "UnknownReason"),
    ("violations", envelope("http_placeorder__violations"), "VIOLATIONS"),
    ("error text", (200, {"errorText": "Invalid parameters"}), "ERROR"),
    ("closed market", (200, {"failureReason": "SessionClosed"}), "SessionClosed"),
    ("risk", (200, {"failureReason": "MaxPosLimitReached", "orderId": 5}), "MaxPosLimitReached"),
    ("malformed", (400, "Unknown field"), "BAD_REQUEST"),
    ("no right", (401, "Access is denied"), "ACCESS_DENIED"),
    ("forbidden", (403, ""), "ACCESS_DENIED"),
    ("no such path", (404, ""), "NOT_FOUND"),
]
FOR_NOW = [
    ("penalty", envelope("http_placeorder__ticket"), "PENALTY_TICKET", 5.0),
    ("captcha", (200, {"p-ticket": "t", "p-time": 5, "p-captcha": True}), "PENALTY_TICKET", 3600.0),
    ("rate", (429, ""), "RATE_LIMITED", None),
    ("warning", (423, ""), "SLOW_DOWN", None),
    ("never sent", httpx.ConnectError("refused"), "NOT_SENT", 0.2),
    ("no pool", httpx.PoolTimeout("busy"), "NOT_SENT", 0.2),
    ("no route", httpx.ConnectTimeout("slow"), "NOT_SENT", 0.2),
]
UNKNOWN = [
    ("server error", (500, "oops"), "HTTP_500", ""),
    ("bad gateway", (502, "<html>"), "HTTP_502", ""),
    ("session replaced", (408, ""), "HTTP_408", ""),
    ("conflict", (409, ""), "HTTP_409", ""),
    ("redirect elsewhere", (302, ""), "HTTP_302", ""),
    ("empty", (200, ""), "UNEXPECTED_ANSWER", ""),
    ("not JSON", (200, "<html>fine</html>"), "UNEXPECTED_ANSWER", ""),
    ("truncated", httpx.Response(200, content=b'{"orderId":945'), "UNEXPECTED_ANSWER", ""),
    ("no id", (200, {}), "UNEXPECTED_ANSWER", ""),
    ("a list", (200, [1]), "UNEXPECTED_ANSWER", ""),
    ("id of no kind", (200, {"orderId": True}), "UNEXPECTED_ANSWER", ""),
    ("risk timeout", envelope("http_placeorder__risk_timeout"), "RiskCheckTimeout", "94511"),
    ("contradiction", (200, {"errorText": "hm", "orderId": 94511}), "CONTRADICTION", "94511"),
    ("timeout", httpx.ReadTimeout("late"), "ANSWER_LOST", ""),
    ("reset", httpx.ReadError("reset"), "ANSWER_LOST", ""),
    ("cut off", httpx.RemoteProtocolError("gone"), "ANSWER_LOST", ""),
]


async def submit(venue, answer):
    venue.answers["order/placeorder"] = answer
    return await venue.adapter().submit(INTENT)


async def test_it_accepts_an_order_id(venue):
    result = await submit(venue, envelope("http_placeorder"))
    assert (result.outcome, result.venue_order_id) == (Outcome.ACCEPTED, "94511")


async def test_it_accepts_an_order_id_beside_success(venue):
    result = await submit(venue, (200, {"failureReason": "Success", "orderId": 7}))
    assert (result.outcome, result.venue_order_id) == (Outcome.ACCEPTED, "7")


@pytest.mark.parametrize(("answer", "code"), [row[1:] for row in REJECTED], ids=[row[0] for row in REJECTED])
async def test_it_rejects_on_proof(venue, answer, code):
    result = await submit(venue, answer)
    assert (result.outcome, result.code, result.not_taken) == (Outcome.REJECTED, code, False)
    assert result.message


@pytest.mark.parametrize(("answer", "code", "wait"), [r[1:] for r in FOR_NOW], ids=[r[0] for r in FOR_NOW])
async def test_it_tells_what_may_be_sent_again(venue, answer, code, wait):
    result = await submit(venue, answer)
    assert (result.outcome, result.not_taken) == (Outcome.REJECTED, True)
    assert (result.code, result.retry_after) == (code, wait)


@pytest.mark.parametrize(
    ("answer", "code", "venue_id"), [r[1:] for r in UNKNOWN], ids=[r[0] for r in UNKNOWN]
)
async def test_it_does_not_know_without_proof(venue, answer, code, venue_id):
    result = await submit(venue, answer)
    assert (result.outcome, result.code, result.venue_order_id) == (Outcome.UNKNOWN, code, venue_id)
    assert len(venue.named("order/placeorder")) == 1


async def test_it_calls_a_body_that_breaks_off_unknown_whatever_the_error_is_called(venue):
    """The transport names errors in the body as it likes; the request was with the venue by then."""

    class Broken(httpx.AsyncByteStream):
        async def __aiter__(self):
            yield b'{"order'
            raise httpx.ConnectTimeout("misnamed")

    result = await submit(venue, httpx.Response(200, stream=Broken()))
    assert result.outcome is Outcome.UNKNOWN


async def test_it_gives_the_ticket_with_the_second_try(venue):
    venue.answers["order/placeorder"] = [envelope("http_placeorder__ticket"), envelope("http_placeorder")]
    adapter = venue.adapter()
    assert (await adapter.submit(INTENT)).not_taken
    assert (await adapter.submit(INTENT)).outcome is Outcome.ACCEPTED
    first, second = venue.named("order/placeorder")
    assert second.body == {**first.body, "p-ticket": "tick-9"}


async def test_it_refuses_an_account_of_another_login(venue):
    from dataclasses import replace

    from brokers.domain import AccountRef

    intent = replace(INTENT, account=AccountRef("90001", "APEX90001"))
    result = await venue.adapter().submit(intent)
    assert (result.outcome, result.code, venue.calls) == (Outcome.REJECTED, "FOREIGN_ACCOUNT", [])
