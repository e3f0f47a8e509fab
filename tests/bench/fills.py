"""How many fills a second the recorder takes in: 25 accounts of one login, a round trip for every two fills.

Every fill is new, belongs to an order of ours, completes it, opens or closes a recorded position and tells three events,
all of it committed. Per size of batch one JSON object; the last one is the same fills once more, as a poll brings them.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tradeproject.launch.test import BASE_DIR, environment

ACCOUNTS, FILLS = 25, 4000
BATCHES = (10, 50, 500, 2000)
START = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)


def main() -> None:
    """Measure in a process of its own, on servers of its own: never in a database somebody uses."""
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    folder = Path(tempfile.mkdtemp(prefix="tas-bench-"))
    services: list[Any] = []
    try:
        env, services = environment(folder)
        for command in (["manage.py", "migrate", "-v", "0"], ["-m", "tests.bench.fills"]):
            subprocess.run([sys.executable, *command], env=env, cwd=BASE_DIR, check=True)
    finally:
        for service in services:
            service.stop()
        shutil.rmtree(folder, ignore_errors=True)


def measure() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradeproject.settings")
    django.setup()
    for size in BATCHES:
        connection, reports = prepare(size)
        show("fills", size, *timed(connection, reports, size, "stream"))
    show("fills_known", size, *timed(connection, reports, size, "poll"))


def prepare(seed: int) -> tuple[Any, list[Any]]:
    """A login with accounts, an order per fill, and the reports of those fills."""
    from brokers.domain import FillReport, Side
    from strategies.models import Order
    from tests.factories import BrokerAccountFactory, ConnectionFactory, InstrumentFactory, StrategyFactory

    connection, instrument = ConnectionFactory(), InstrumentFactory()
    strategy = StrategyFactory(user=connection.user)
    names = [f"{seed}{number:03}" for number in range(ACCOUNTS)]
    accounts = [BrokerAccountFactory(connection=connection, external_id=name, name=name) for name in names]
    orders, reports = [], []
    for number in range(FILLS):
        account, turn = accounts[number % ACCOUNTS], number // ACCOUNTS
        side, purpose = (Side.SELL, "exit") if turn % 2 else (Side.BUY, "entry")
        facts = {
            "user_id": connection.user_id,
            "strategy": strategy,
            "broker_account": account,
            "purpose": purpose,
        }
        orders.append(
            Order(
                **facts,
                instrument=instrument,
                client_order_id=f"c{turn}",
                venue_order_id=f"{account.name}/{turn}",
                symbol="MNQ",
                side=side.value,
                quantity=Decimal(1),
                status="accepted",
            )
        )
        reports.append(
            FillReport(
                account.external_id,
                str(number),
                f"{account.name}/{turn}",
                instrument.venue_id,
                side,
                Decimal(1),
                Decimal(21870 + turn % 7),
                START + timedelta(milliseconds=10 * number),
                commission=Decimal("0.25"),
                fees=Decimal("0.37"),
            )
        )
    Order.objects.bulk_create(orders)
    return connection, reports


def timed(connection: Any, reports: Sequence[Any], size: int, source: Any) -> tuple[list[float], float]:
    from recorder.ingest import ingest

    calls, busy = [], time.process_time()
    for start in range(0, len(reports), size):
        begun = time.perf_counter()
        ingest(connection, "demo", reports[start : start + size], source=source)
        calls.append(time.perf_counter() - begun)
    return calls, time.process_time() - busy


def show(name: str, size: int, calls: list[float], busy: float) -> None:
    result = {
        "bench": name,
        "batch": size,
        "fills_per_second": round(FILLS / sum(calls)),
        "fills_per_cpu_second": round(FILLS / busy),
        "call_p50_ms": round(statistics.median(calls) * 1000, 1),
        "call_max_ms": round(max(calls) * 1000, 1),
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    measure()
