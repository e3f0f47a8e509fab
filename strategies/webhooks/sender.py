"""Sending alerts the way TradingView does: one POST, three seconds, sent again only after a 5xx.

A time-out, a refused connection, a redirect or a 4xx is final; after a 5xx other than 504 the identical bytes follow
five seconds later, three times at most.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx

SECONDS = 3.0
RESEND_SECONDS = 5.0
RESENDS = 3

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One POST: the answer's status and text, or ``problem`` when there was none. ``seconds`` is how long it took."""

    status: int | None
    text: str
    seconds: float
    problem: str = ""

    @property
    def may_repeat(self) -> bool:
        return self.status is not None and 500 <= self.status < 600 and self.status != 504

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def content_type(body: bytes) -> str:
    """JSON by its looks, plain text otherwise; both with a charset, as it arrives from TradingView."""
    try:
        json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return "text/plain; charset=utf-8"
    return "application/json; charset=utf-8"


def _no_constant(name: str) -> None:
    raise ValueError(name)


def make_client(transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=transport, follow_redirects=False, trust_env=False, timeout=SECONDS)


async def deliver(
    client: httpx.AsyncClient, url: str, body: bytes, *, sleep: Sleep = asyncio.sleep
) -> list[Attempt]:
    """Every attempt at one alert, the last one being its fate."""
    attempts = [await _post(client, url, body)]
    while attempts[-1].may_repeat and len(attempts) <= RESENDS:
        await sleep(RESEND_SECONDS)
        attempts.append(await _post(client, url, body))
    return attempts


async def _post(client: httpx.AsyncClient, url: str, body: bytes) -> Attempt:
    started = time.perf_counter()
    try:
        async with asyncio.timeout(SECONDS):
            response = await client.post(url, content=body, headers={"content-type": content_type(body)})
    except TimeoutError:
        return Attempt(None, "", time.perf_counter() - started, "no answer within 3 s")
    except httpx.HTTPError as error:
        return Attempt(None, "", time.perf_counter() - started, f"not reached ({type(error).__name__})")
    return Attempt(response.status_code, response.text, time.perf_counter() - started)
