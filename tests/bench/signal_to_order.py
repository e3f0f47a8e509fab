"""From the first byte of an alert's POST to the complete order at the broker's socket, and to the webhook's answer.

Beside it, in the same run and on the same PostgreSQL, the least a durable relay must do. The ratio of the medians is the
figure to compare: machines are noisy.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
import psycopg

from tests.bench.load import post_at_rate, summary
from tests.stack import BASE_DIR, Stack, emit, running_stack, wait_until
from tradeproject.launch.services import free_port

RATE = 10.0
ALERTS = int(os.environ.get("BENCH_ALERTS", "600"))
WARM_UP = 40


def main() -> None:
    # One login takes all of it here, so its call budget is set aside: what is measured is our own time.
    unpaced = {"API_CALLS_PER_MINUTE_LIMIT": "1000000", "API_CALLS_PER_HOUR_LIMIT": "1000000"}
    with running_stack(DEMO_ACCOUNTS="1", **unpaced) as stack:
        httpx.post(f"{stack.control}/settings", json={"market_data": False})
        relay_before = measure_relay(stack)
        product = measure_product(stack)
        relay_after = measure_relay(stack)
    relay = relay_before if relay_before["p50"] <= relay_after["p50"] else relay_after
    emit(benchmark="signal_to_order", what="raw durable relay", unit="ms", **relay)
    emit(benchmark="signal_to_order", what="webhook answer", unit="ms", rate=RATE, **product["answer"])
    emit(
        benchmark="signal_to_order",
        what="signal to order",
        unit="ms",
        rate=RATE,
        alerts=ALERTS,
        **product["order"],
    )
    emit(
        benchmark="signal_to_order",
        what="ratio to the raw durable relay",
        p50=round(product["order"]["p50"] / relay["p50"], 2),
        p99=round(product["order"]["p99"] / relay["p99"], 2),
    )


# --- the product ---------------------------------------------------------------------------------------------------------


def _alert(number: int) -> Callable[[], bytes]:
    """Long one, then flat, and so on: every alert makes exactly one order."""

    def body() -> bytes:
        long = number % 2 == 0
        alert = {
            "v": 1,
            "ticker": "MNQ1!",
            "action": "buy" if long else "sell",
            "contracts": "1",
            "market_position": "long" if long else "flat",
            "market_position_size": "1" if long else "0",
            "prev_market_position": "flat" if long else "long",
            "prev_market_position_size": "0" if long else "1",
            "order_id": f"bench-{number}",
            "timenow": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        return json.dumps(alert).encode()

    return body


def measure_product(stack: Stack) -> dict[str, dict[str, float]]:
    parts = urlsplit(stack.webhook)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    bodies = [_alert(number) for number in range(WARM_UP + ALERTS)]
    sent = asyncio.run(post_at_rate(host, port, parts.path, bodies, RATE))
    refused = [item for item in sent if item.status != 202]
    if refused:
        raise RuntimeError(
            f"{len(refused)} alerts were not accepted; the first: {refused[0].status} {refused[0].body!r}"
        )
    arrivals = wait_until(lambda: _arrivals(stack, len(sent)), 30)
    measured = list(zip(sent, arrivals, strict=True))[WARM_UP:]
    return {
        "answer": summary([_ms(item.first_byte, item.answered) for item, _ in measured]),
        "order": summary([_ms(item.first_byte, arrival) for item, arrival in measured]),
    }


def _arrivals(stack: Stack, wanted: int) -> list[int]:
    """When each order was complete at the broker, in the order of the alerts; empty until all are there."""
    answer = httpx.get(f"{stack.control}/requests", params={"last": 20_000}, timeout=30).json()
    orders = [
        row["received_monotonic_ns"] for row in answer["commands"] if row["path"].startswith("order/place")
    ]
    return orders if len(orders) == wanted else []


def _ms(begun: int, ended: int) -> float:
    return (ended - begun) / 1e6


# --- the raw relay -----------------------------------------------------------------------------------------------------------


def measure_relay(stack: Stack) -> dict[str, float]:
    database = stack.runtime["DATABASE_URL"]
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS bench_relay")
        connection.execute(
            "CREATE TABLE bench_relay (id bigserial PRIMARY KEY, body text, at timestamptz DEFAULT now())"
        )
    port, sink_port = free_port(), free_port()
    env = {**os.environ, "DATABASE_URL": database, "SINK_URL": f"ws://127.0.0.1:{sink_port}"}
    command = [sys.executable, "-m", "tests.bench.relay"]
    sink = subprocess.Popen(
        [*command, "sink", str(sink_port)], cwd=BASE_DIR, env=env, stdout=subprocess.PIPE, text=True
    )
    relay = subprocess.Popen([*command, "relay", str(port)], cwd=BASE_DIR, env=env)
    arrivals: list[int] = []
    reader = threading.Thread(
        target=lambda: arrivals.extend(int(line) for line in sink.stdout or ()), daemon=True
    )
    reader.start()
    try:
        wait_until(lambda: _listens(port) and _listens(sink_port), 20)
        count = max(100, ALERTS // 3)
        sent = asyncio.run(
            post_at_rate("127.0.0.1", port, "/", [_alert(n) for n in range(WARM_UP + count)], RATE)
        )
        wait_until(lambda: len(arrivals) >= len(sent), 10)
        return summary([_ms(item.first_byte, at) for item, at in zip(sent, arrivals, strict=True)][WARM_UP:])
    finally:
        for process in (relay, sink):
            process.terminate()
            process.wait(10)


def _listens(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
