from __future__ import annotations

import asyncio

import httpx
import pytest

from strategies.webhooks import sender
from strategies.webhooks.sender import content_type, deliver, make_client


class Receiver:
    """Answers with one status after the other, and keeps what came."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.requests: list[httpx.Request] = []
        self.waits: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(self.statuses.pop(0), text="told", headers={"location": "http://elsewhere/"})

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    def deliver(self, body: bytes = b'{"a": 1}') -> list[sender.Attempt]:
        async def run() -> list[sender.Attempt]:
            async with make_client(httpx.MockTransport(self)) as client:
                return await deliver(client, "http://server/webhook/k", body, sleep=self.sleep)

        return asyncio.run(run())


@pytest.mark.parametrize(
    ("statuses", "sent"),
    [
        ([202], 1),
        ([503, 202], 2),
        ([500, 502, 503, 503], 4),
        ([400], 1),
        ([404], 1),
        ([429], 1),
        ([302], 1),
        ([504], 1),
        ([503, 404], 2),
    ],
)
def test_it_sends_again_only_after_a_5xx_and_three_times_at_most(statuses, sent):
    receiver = Receiver(*statuses)
    attempts = receiver.deliver()
    assert [attempt.status for attempt in attempts] == statuses
    assert len(receiver.requests) == sent
    assert receiver.waits == [5.0] * (sent - 1)
    assert attempts[-1].succeeded == (statuses[-1] == 202)


def test_it_repeats_the_identical_bytes():
    receiver = Receiver(503, 503, 202)
    receiver.deliver(b"{ \xff not even text")
    assert {request.content for request in receiver.requests} == {b"{ \xff not even text"}


def test_it_gives_up_after_three_seconds_without_sending_again(monkeypatch):
    monkeypatch.setattr(sender, "SECONDS", 0.05)
    calls = []

    async def hang(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        await asyncio.Event().wait()
        raise AssertionError

    async def run() -> list[sender.Attempt]:
        async with make_client(httpx.MockTransport(hang)) as client:
            return await deliver(client, "http://server/", b"{}")

    (attempt,) = asyncio.run(run())
    assert (attempt.status, attempt.succeeded, len(calls)) == (None, False, 1)
    assert "3 s" in attempt.problem


def test_it_does_not_repeat_what_could_not_be_delivered():
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no")

    async def run() -> list[sender.Attempt]:
        async with make_client(httpx.MockTransport(refuse)) as client:
            return await deliver(client, "http://server/webhook/canary", b"{}")

    (attempt,) = asyncio.run(run())
    assert attempt.status is None
    assert "canary" not in attempt.problem


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"a":1}', "application/json"),
        (b"5", "application/json"),
        (b'"buy"', "application/json"),
        (b'{"a":1,}', "text/plain"),
        (b'{"a":NaN}', "text/plain"),
        (b"buy", "text/plain"),
        (b"", "text/plain"),
        (b"[" * 5000, "text/plain"),
        (b"\xff", "text/plain"),
    ],
)
def test_it_calls_json_only_what_is_json(body, kind):
    assert content_type(body) == f"{kind}; charset=utf-8"
