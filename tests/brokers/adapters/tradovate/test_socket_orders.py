"""Orders over the trading socket: one frame each, back to back, and the truth when the socket dies."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

from brokers.domain import OrderIntent, Outcome, Side
from tests.brokers.adapters.tradovate.venue import ACCOUNT, DROP, HUSH, MNQ, until

INTENT = OrderIntent("sig-1", ACCOUNT, MNQ, Side.BUY, Decimal(1))


def numbered(body):
    return 200, {"orderId": int(body["clOrdId"].rpartition("-")[2])}


async def test_it_sends_the_order_over_the_socket_and_not_over_http(live, adapter):
    live.answers["order/placeorder"] = numbered
    result = await adapter.submit(INTENT)
    assert (result.outcome, result.venue_order_id) == (Outcome.ACCEPTED, "1")
    assert [call.by for call in live.named("order/placeorder")] == ["socket"]


async def test_it_writes_endpoint_number_query_and_body_on_four_lines(live, adapter):
    live.answers["order/placeorder"] = numbered
    await adapter.submit(INTENT)
    frame = next(frame for frame in live.frames if frame.startswith("order/"))
    endpoint, number, query, body = frame.split("\n")
    assert (endpoint, number.isdigit(), query, body[0]) == ("order/placeorder", True, "", "{")
    assert live.frames[0] == "authorize\n1\n\nAT-first"


async def test_it_does_not_wait_for_answers_between_orders(live, adapter):
    arrived = asyncio.Event()

    async def hold(_, operation):
        if operation == "order/placeorder" and len(live.named("order/placeorder")) == 1:
            await until(lambda: sum(frame.startswith("order/") for frame in live.frames) >= 1)
            arrived.set()

    live.answers["order/placeorder"] = numbered
    live.before_answer = hold
    intents = [replace(INTENT, client_order_id=f"sig-{n}") for n in range(1, 101)]
    results = await asyncio.gather(*(adapter.submit(intent) for intent in intents))
    assert [result.venue_order_id for result in results] == [str(n) for n in range(1, 101)]
    assert arrived.is_set()


async def test_it_matches_answers_that_come_in_another_order_and_in_one_frame(live, adapter):
    held: list[dict] = []

    def hush(body):
        held.append(body)
        return HUSH

    live.answers["order/placeorder"] = hush
    tasks = [
        asyncio.create_task(adapter.submit(replace(INTENT, client_order_id=f"sig-{n}"))) for n in (1, 2, 3)
    ]
    await until(lambda: len(held) == 3)
    numbers = {
        frame.split("\n")[3].partition('"clOrdId":"')[2].partition('"')[0]: int(frame.split("\n")[1])
        for frame in live.frames
        if frame.startswith("order/")
    }
    answers = [{"s": 200, "i": numbers[f"sig-{n}"], "d": {"orderId": n}} for n in (3, 1, 2)]
    await live.tell(live.sockets[0], *answers, {"s": 200, "i": 9999, "d": {}})
    assert [(await task).venue_order_id for task in tasks] == ["1", "2", "3"]


async def test_it_does_not_know_when_the_socket_dies_after_the_order_left(live, adapter):
    live.answers["order/placeorder"] = lambda _: DROP
    result = await adapter.submit(INTENT)
    assert (result.outcome, result.code) == (Outcome.UNKNOWN, "ANSWER_LOST")
    assert not live.named("order/placeorder", by="rest")


async def test_it_does_not_know_when_no_answer_comes_in_time(live, adapter):
    live.answers["order/placeorder"] = lambda _: HUSH
    result = await adapter.submit(INTENT)
    assert (result.outcome, result.code) == (Outcome.UNKNOWN, "ANSWER_LOST")


async def test_it_uses_http_once_the_socket_is_closed(live, adapter):
    live.answers["order/placeorder"] = numbered
    live.sockets[0].transport.abort()
    await until(lambda: not adapter._session.socket.usable)
    result = await adapter.submit(INTENT)
    assert (result.outcome, [call.by for call in live.named("order/placeorder")]) == (
        Outcome.ACCEPTED,
        ["rest"],
    )


async def test_it_uses_http_before_the_socket_is_open(venue):
    venue.answers["order/placeorder"] = numbered
    assert (await venue.adapter().submit(INTENT)).outcome is Outcome.ACCEPTED


async def test_it_reads_a_refusal_whose_words_are_a_plain_string(live, adapter):
    live.answers["order/placeorder"] = (401, "Access is denied")
    result = await adapter.submit(INTENT)
    assert (result.outcome, result.code) == (Outcome.REJECTED, "ACCESS_DENIED")


async def test_it_reads_a_429_that_has_no_body(live, adapter):
    live.answers["order/placeorder"] = (429, None)
    result = await adapter.submit(INTENT)
    assert (result.not_taken, result.code) == (True, "RATE_LIMITED")


async def test_it_lets_orders_under_way_finish_when_it_is_closed(live, adapter):
    async def slowly(_, operation):
        if operation == "order/placeorder":
            await asyncio.sleep(0.05)

    live.before_answer = slowly
    live.answers["order/placeorder"] = numbered
    order = asyncio.create_task(adapter.submit(INTENT))
    await until(lambda: live.named("order/placeorder"))
    await adapter.close()
    assert (await order).outcome is Outcome.ACCEPTED
