"""Alerts at a constant rate to strategies of one account each: how fast they are answered, whether one is lost, and at which rate
the product falls behind.

Sender, product, PostgreSQL and simulated broker share the machine. ``INGEST_RATE`` (100 a second), ``INGEST_SECONDS`` (60),
``INGEST_STRATEGIES`` (200) and ``INGEST_STEP_SECONDS`` (8; 0 leaves the search for the saturation point out) change the run.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import psycopg

from tests.bench.load import Sent, percentile, post_at_rate, summary
from tests.stack import Stack, emit, running_stack, wait_until

RATE = float(os.environ.get("INGEST_RATE", "100"))
SECONDS = float(os.environ.get("INGEST_SECONDS", "60"))
STRATEGIES = int(os.environ.get("INGEST_STRATEGIES", "200"))
STEP_SECONDS = float(os.environ.get("INGEST_STEP_SECONDS", "8"))
ACCOUNTS_PER_LOGIN = 2
STEPS = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)  # of RATE, one after the other
ANSWER_MS = 50.0  # a rate is held while the answers' p99 is below this …
BEHIND_SECONDS = 1.0  # … and the last alert is carried out so soon after it was sent
CONNECTIONS = 128
DRAIN_SECONDS = 300.0

_STATES = """
SELECT count(*) FILTER (WHERE progress IN ('done', 'superseded')),
       count(*) FILTER (WHERE progress = 'superseded'),
       coalesce(extract(epoch FROM max(finished_at) - max(received_at)), 0)::float8
  FROM strategies_signal WHERE id = ANY(%s)
"""
_ORDERS = "SELECT status, count(*) FROM strategies_order WHERE signal_id = ANY(%s) GROUP BY status"


@dataclass
class Field:
    """The strategies' webhook paths, and which side each is on."""

    host: str
    port: int
    paths: list[str]
    turns: list[int] = field(default_factory=list)
    sent: int = 0

    def __post_init__(self) -> None:
        self.turns = [0] * len(self.paths)

    def fire(self, rate: float, seconds: float) -> list[Sent]:
        count = round(rate * seconds)
        numbers = [(self.sent + n) % len(self.paths) for n in range(count)]
        self.sent += count
        bodies = [lambda number=number: self._alert(number) for number in numbers]
        paths = [self.paths[number] for number in numbers]
        return asyncio.run(post_at_rate(self.host, self.port, paths, bodies, rate, CONNECTIONS))

    def _alert(self, number: int) -> bytes:
        """Long one, then flat, and so on: every alert makes exactly one order."""
        turn = self.turns[number]
        self.turns[number] += 1
        goes_long = turn % 2 == 0
        alert = {
            "ticker": "MNQ1!",
            "action": "buy" if goes_long else "sell",
            "contracts": "1",
            "market_position": "long" if goes_long else "flat",
            "market_position_size": "1" if goes_long else "0",
            "order_id": f"ingest-{number}-{turn}",
            "timenow": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
        return json.dumps(alert).encode()


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of alerts that were answered with a 2xx. ``behind``: seconds from the last alert to the last one carried out."""

    answers: list[float]
    refused: int
    lost: int
    superseded: int
    orders: dict[str, int]
    behind: float

    @property
    def is_held(self) -> bool:
        late = percentile(self.answers, 0.99) > ANSWER_MS or self.behind > BEHIND_SECONDS
        return not (late or self.refused or self.lost)


def main() -> None:
    unpaced = {"API_CALLS_PER_MINUTE_LIMIT": "1000000", "API_CALLS_PER_HOUR_LIMIT": "1000000"}
    with running_stack(
        pages=False, DEMO_ACCOUNTS="0", WEBHOOK_ALERTS_PER_MINUTE="1000000", **unpaced
    ) as stack:
        strategies = make_strategies(stack, STRATEGIES)
        httpx.post(f"{stack.control}/settings", json={"market_data": False})
        measure(stack, strategies, STRATEGIES / RATE, RATE)  # every strategy once: warm
        show("answer", RATE, SECONDS, measure(stack, strategies, SECONDS, RATE))
        if STEP_SECONDS:
            find_saturation(stack, strategies)


def make_strategies(stack: Stack, count: int) -> Field:
    """Strategies with one account each, once all their logins are in step."""
    logins = -(-count // ACCOUNTS_PER_LOGIN)
    done = stack.manage("seed_demo", "--accounts", str(count), "--logins", str(logins), seconds=900)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    client = stack.api()
    accounts = client.get("broker-accounts", params={"page_size": 1000}).json()["results"][:count]
    paths = []
    for number, account in enumerate(accounts):
        body = {
            "name": f"ingest {number}",
            "symbol": "MNQ1!",
            "strat_type": "Futures",
            "allocations": [{"broker_account": account["id"]}],
        }
        answer = client.post("strategies", json=body)
        answer.raise_for_status()
        paths.append(urlsplit(answer.json()["webhook_url"]).path)
    with psycopg.connect(stack.runtime["DATABASE_URL"], autocommit=True) as database:
        # The demo strategy has the same accounts; what shares an account with another waits for the record.
        database.execute(
            "DELETE FROM strategies_allocation AS a USING strategies_strategy AS s"
            " WHERE s.id = a.strategy_id AND s.name LIKE 'Demo%'"
        )
        wait_until(lambda: _synced(database) >= logins, 300, every=0.5)
    parts = urlsplit(stack.url)
    return Field(parts.hostname or "127.0.0.1", parts.port or 80, paths)


def _synced(database: psycopg.Connection[Any]) -> int:
    rows = database.execute("SELECT detail FROM common_heartbeat WHERE name LIKE 'execution%'").fetchall()
    return sum(row[0].get("sessions", {}).get("synced", 0) for row in rows)


def measure(stack: Stack, strategies: Field, seconds: float, rate: float) -> Outcome:
    sent = strategies.fire(rate, seconds)
    taken = [UUID(json.loads(one.body)["signal_id"]) for one in sent if one.status == 202]
    with psycopg.connect(stack.runtime["DATABASE_URL"], autocommit=True) as database:
        finished, superseded, behind = _drained(database, taken)
        orders = dict(database.execute(_ORDERS, [taken]).fetchall())
    answers = [(one.answered - one.first_byte) / 1e6 for one in sent]
    refused = len(sent) - len(taken)
    return Outcome(answers, refused, len(taken) - finished, superseded, orders, behind)


def _drained(database: psycopg.Connection[Any], taken: list[UUID]) -> tuple[int, int, float]:
    """Wait until every signal is carried out, or until nobody would wait any longer."""
    deadline = time.monotonic() + DRAIN_SECONDS
    while True:
        row: Any = database.execute(_STATES, [taken]).fetchone()
        if row[0] == len(taken) or time.monotonic() > deadline:
            return row
        time.sleep(0.25)


def show(what: str, rate: float, seconds: float, outcome: Outcome) -> None:
    emit(
        benchmark="ingest",
        what=what,
        rate=round(rate, 1),
        seconds=seconds,
        unit="ms",
        alerts=len(outcome.answers),
        **summary(outcome.answers),
        refused=outcome.refused,
        lost=outcome.lost,
        superseded=outcome.superseded,
        orders=outcome.orders,
        behind_s=round(outcome.behind, 2),
    )


def find_saturation(stack: Stack, strategies: Field) -> None:
    """Step by step faster, until a rate is not held. Said by the line ``saturation``."""
    held, outcome = 0.0, None
    for step in STEPS:
        rate = RATE * step
        outcome = measure(stack, strategies, STEP_SECONDS, rate)
        show("step", rate, STEP_SECONDS, outcome)
        if not outcome.is_held:
            break
        held = rate
    else:
        rate = 0.0
    emit(
        benchmark="ingest",
        what="saturation",
        unit="alerts/s",
        held=held,
        fell_behind=rate or None,
        because=why(outcome) if rate and outcome is not None else "no step was too fast",
    )


def why(outcome: Outcome) -> str:
    """What was too much, in words."""
    p99 = percentile(outcome.answers, 0.99)
    found = [
        f"{outcome.refused} alerts were refused" if outcome.refused else "",
        f"{outcome.lost} alerts were not carried out" if outcome.lost else "",
        f"answers took {p99:.0f} ms (p99)" if p99 > ANSWER_MS else "",
        f"the last order came {outcome.behind:.1f} s after its alert"
        if outcome.behind > BEHIND_SECONDS
        else "",
    ]
    return "; ".join(filter(None, found))
