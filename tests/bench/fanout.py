"""One alert on N accounts: when the first and the last order leave, and when every outcome is recorded.

The broker is the simulator with 75 ms of its own per request, on the same machine. ``FANOUT_LOGINS`` (default: as many as
accounts) says over how many logins the accounts are spread. Beside each N stand the seconds of a design that sends batch after
batch.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg

from tests.bench.load import percentile, post_at_rate, summary
from tests.stack import Stack, emit, running_stack, wait_until

SIZES = tuple(int(size) for size in os.environ.get("FANOUT_SIZES", "25,100,250,500,1000").split(","))
LOGINS = int(os.environ.get("FANOUT_LOGINS", "0")) or max(SIZES)
ROUNDS = int(os.environ.get("FANOUT_ROUNDS", "6"))
BROKER_MS = 75
# Batches of 25 with 2 s between them: what a fan-out took that knew no long-lived sockets.
BATCH_AFTER_BATCH = {25: 2, 100: 8, 250: 20, 500: 40, 1000: 80}


@dataclass(frozen=True, slots=True)
class Round:
    """Milliseconds since the first byte of the alert."""

    first: float
    last: float
    recorded: float


def main() -> None:
    unpaced = {"API_CALLS_PER_MINUTE_LIMIT": "1000000", "API_CALLS_PER_HOUR_LIMIT": "1000000"}
    # Where accounts share logins, the logins' budgets are part of the question.
    limits = unpaced if max(SIZES) <= LOGINS else {}
    with running_stack(DEMO_ACCOUNTS="0", MAX_CONCURRENT_CONNECTIONS=str(LOGINS + 50), **limits) as stack:
        done = stack.manage("seed_demo", "--accounts", str(max(SIZES)), "--logins", str(LOGINS), seconds=900)
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        _wait_synced(stack)
        httpx.post(f"{stack.control}/settings", json={"latency_ms": BROKER_MS, "market_data": False})
        allocations = _allocations(stack)
        for size in SIZES:
            _measure(stack, allocations, size)


def _wait_synced(stack: Stack) -> None:
    def synced() -> bool:
        with psycopg.connect(stack.runtime["DATABASE_URL"]) as database:
            row = database.execute("SELECT detail FROM common_heartbeat WHERE name = 'execution'").fetchone()
        return bool(row) and row[0].get("sessions", {}).get("synced", 0) >= LOGINS

    wait_until(synced, 300, every=1.0)


def _allocations(stack: Stack) -> list[str]:
    with psycopg.connect(stack.runtime["DATABASE_URL"]) as database:
        rows = database.execute("SELECT id::text FROM strategies_allocation ORDER BY id").fetchall()
    return [row[0] for row in rows]


def _measure(stack: Stack, allocations: list[str], size: int) -> None:
    with psycopg.connect(stack.runtime["DATABASE_URL"], autocommit=True) as database:
        database.execute(
            "UPDATE strategies_allocation SET enabled = (id = ANY(%s::uuid[]))", [allocations[:size]]
        )
    for number in range(2):  # in and out again: every size begins flat and warm
        _one(stack, number, size)
    with _Visitor(stack) as visitor:
        rounds = [_one(stack, number, size) for number in range(ROUNDS)]
    emit(
        benchmark="fanout",
        accounts=size,
        logins=min(size, LOGINS),
        broker_ms=BROKER_MS,
        unit="ms",
        first_order=summary([r.first for r in rounds]),
        last_order=summary([r.last for r in rounds]),
        all_recorded=summary([r.recorded for r in rounds]),
        page_p99=round(percentile(visitor.answers, 0.99), 1),
        batch_after_batch_s=BATCH_AFTER_BATCH.get(size),
    )


def _one(stack: Stack, number: int, size: int) -> Round:
    """Long one, then flat, and so on: every alert makes exactly one order per account."""
    httpx.post(f"{stack.control}/requests/clear", json={})
    with psycopg.connect(stack.runtime["DATABASE_URL"], autocommit=True) as database:
        began = _send(stack, long=number % 2 == 0)
        recorded = wait_until(lambda: _recorded(database, size, began), 120, every=0.025)
    # Asked only now: the simulator's list is long, and whoever makes it takes in no orders meanwhile.
    arrivals = wait_until(lambda: _arrivals(stack, size), 60, every=0.5)
    time.sleep(1.0)
    return Round((min(arrivals) - began) / 1e6, (max(arrivals) - began) / 1e6, recorded)


def _send(stack: Stack, *, long: bool) -> int:
    """Post the alert; the monotonic nanosecond of its first byte."""
    parts = urlsplit(stack.webhook)
    side = {"action": "buy", "market_position": "long", "market_position_size": "1"}
    flat = {"action": "sell", "market_position": "flat", "market_position_size": "0"}
    alert = {
        "ticker": "MNQ1!",
        "contracts": "1",
        "order_id": str(time.monotonic_ns()),
        **(side if long else flat),
    }
    alert["timenow"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = json.dumps(alert).encode()
    (sent,) = asyncio.run(
        post_at_rate(parts.hostname or "", parts.port or 80, parts.path, [lambda: body], 1.0, 1)
    )
    if sent.status != 202:
        raise RuntimeError(f"the alert was not accepted: {sent.status} {sent.body!r}")
    return sent.first_byte


def _arrivals(stack: Stack, wanted: int) -> list[int]:
    answer = httpx.get(f"{stack.control}/requests", params={"last": 20_000}, timeout=30).json()
    placed = [r["received_monotonic_ns"] for r in answer["commands"] if r["path"].startswith("order/place")]
    return placed if len(placed) >= wanted else []


def _recorded(database: psycopg.Connection[Any], wanted: int, began: int) -> float:
    """When every order of the newest signal had its outcome in the database, in ms after ``began``; 0 = not yet."""
    row: Any = database.execute(
        """SELECT count(*) FROM strategies_order AS o
            WHERE o.signal_id = (SELECT id FROM strategies_signal ORDER BY id DESC LIMIT 1)
              AND o.status NOT IN ('pending', 'submitted')"""
    ).fetchone()
    return (time.monotonic_ns() - began) / 1e6 if row[0] >= wanted else 0.0


class _Visitor:
    """Somebody who looks at their signals ten times a second meanwhile."""

    def __init__(self, stack: Stack) -> None:
        self.answers: list[float] = []
        self._client = stack.api()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> _Visitor:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)

    def _look(self) -> None:
        while not self._stop.wait(0.1):
            began = time.perf_counter()
            self._client.get("signals", params={"page_size": 10}).raise_for_status()
            self.answers.append((time.perf_counter() - began) * 1000)
