from __future__ import annotations

import asyncio

import pytest

from strategies.models import Signal
from strategies.webhooks import app
from tests.strategies.webhooks.helpers import body

pytestmark = pytest.mark.django_db(transaction=True)
KIB = 1024


def test_it_takes_a_body_of_sixteen_kib(door, url):
    sent = body().ljust(16 * KIB)
    assert door.post(url, sent).status_code == 202


def test_it_refuses_a_larger_one_and_keeps_its_beginning(door, strategy, url):
    sent = b"x" * (16 * KIB + 1)
    answer = door.post(url, sent)
    assert answer.status_code == 413
    signal = Signal.objects.get()
    assert answer.json()["signal_id"] == str(signal.pk)
    assert (signal.status, signal.code, signal.strategy) == ("rejected", "too_large", strategy)
    assert signal.body == sent[: 16 * KIB]


def test_it_stores_nothing_large_for_a_stranger(door):
    large = b"x" * 20 * KIB
    assert door.post("/webhook/wrong-key", large).status_code == 404
    assert door.post("/webhook", large).status_code == 413
    assert not Signal.objects.exists()


def scope_of(path: str) -> dict:
    return {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [],
        "client": ("203.0.113.7", 1),
    }


def run(door, path: str, messages: list[dict], then: str) -> tuple[list[dict], int]:
    """Drive the route with these messages, then hang up or hang. Returns what it sent and how much it read."""
    sent: list[dict] = []
    read = 0

    async def receive() -> dict:
        nonlocal read
        read += 1
        if messages:
            return messages.pop(0)
        if then == "hang up":
            return {"type": "http.disconnect"}
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: dict) -> None:
        sent.append(message)

    door.runner.run(door.route(scope_of(path), receive, send))
    return sent, read


def test_it_stops_reading_at_its_limit(door, url):
    chunks = [{"type": "http.request", "body": b"x" * 10 * KIB, "more_body": True} for _ in range(100)]
    sent, read = run(door, url, chunks, "hang up")
    assert sent[0]["status"] == 413
    assert read == 2


def test_it_puts_a_body_together_from_its_pieces(door, url):
    chunks = [{"type": "http.request", "body": bytes([byte]), "more_body": True} for byte in body()]
    sent, _ = run(door, url, [*chunks, {"type": "http.request"}], "hang up")
    assert sent[0]["status"] == 202


def test_it_drops_a_request_whose_sender_hung_up(door, url):
    sent, _ = run(door, url, [{"type": "http.request", "body": b"{", "more_body": True}], "hang up")
    assert sent == []
    assert not Signal.objects.exists()


def test_it_does_not_wait_forever_for_a_slow_body(door, url, monkeypatch):
    monkeypatch.setattr(app, "READ_SECONDS", 0.05)
    sent, _ = run(door, url, [{"type": "http.request", "body": b"{", "more_body": True}], "hang")
    assert sent[0]["status"] == 408
