from __future__ import annotations

import asyncio
import json
import queue
import threading
import time
from uuid import UUID

import pytest

from strategies.webhooks import wakeup
from strategies.webhooks.wakeup import Waker
from tests.strategies.webhooks.helpers import body
from tradeproject.celery import app as celery
from tradeproject.common.ids import uuid7


def test_it_publishes_from_a_thread_of_its_own_in_order():
    done: queue.Queue[tuple[UUID, str]] = queue.Queue()
    waker = Waker(lambda signal_id: done.put((signal_id, threading.current_thread().name)))
    ids = [uuid7() for _ in range(5)]
    for signal_id in ids:
        waker.wake(signal_id)
    assert [done.get(timeout=5) for _ in ids] == [(signal_id, "webhook-hints") for signal_id in ids]


def test_it_goes_on_after_a_hint_that_failed():
    done: queue.Queue[UUID] = queue.Queue()

    def send(signal_id: UUID) -> None:
        if not done.qsize() and signal_id == first:
            raise ConnectionError
        done.put(signal_id)

    first, second = uuid7(), uuid7()
    waker = Waker(send)
    waker.wake(first)
    waker.wake(second)
    assert done.get(timeout=5) == second


def test_it_drops_what_does_not_fit_instead_of_blocking(monkeypatch):
    monkeypatch.setattr(wakeup, "WAITING", 2)
    gate = threading.Event()
    waker = Waker(lambda signal_id: gate.wait(5) and None)
    started = time.monotonic()
    for _ in range(50):
        waker.wake(uuid7())
    assert time.monotonic() - started < 2
    gate.set()


def test_it_puts_the_task_on_the_execution_queue():
    signal_id = uuid7()
    with celery.connection_for_write() as connection:
        box = connection.SimpleQueue("execution")
        box.clear()
        wakeup.publish(signal_id)
        message = box.get(timeout=5)
        message.ack()
        box.close()
    assert message.headers["task"] == "strategies.tasks.execute_signal"
    assert message.payload[0] == [str(signal_id)]


@pytest.mark.django_db(transaction=True)
def test_it_wakes_only_after_the_answer_is_out(door, url):
    order: list[str] = []
    door.wakes.wake = lambda signal_id: order.append("wake")  # type: ignore[method-assign]
    messages = [{"type": "http.request", "body": body()}]

    async def receive() -> dict:
        return messages.pop(0)

    async def send(message: dict) -> None:
        await asyncio.sleep(0)
        order.append(message["type"])

    scope = {
        "type": "http",
        "method": "POST",
        "path": url,
        "query_string": b"",
        "headers": [],
        "client": None,
    }
    door.runner.run(door.route(scope, receive, send))
    assert order == ["http.response.start", "http.response.body", "wake"]


def test_it_puts_nothing_but_the_id_into_the_message(monkeypatch):
    sent: list[tuple] = []
    monkeypatch.setattr(celery, "send_task", lambda *args, **options: sent.append((args, options)))
    signal_id = uuid7()
    wakeup.publish(signal_id)
    (_, options) = sent[0]
    assert json.dumps(options["args"]) == json.dumps([str(signal_id)])
    assert options["retry"] is False
