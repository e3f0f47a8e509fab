"""Pointed by the environment at another server that speaks the venue's protocol, everything works the same."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.chaos.oracle import read_ledger
from tests.stack import BASE_DIR, Stack, running_stack, wait_until

pytestmark = pytest.mark.chaos


@pytest.fixture(scope="module")
def venue():
    """A server of somebody else's: the product is told nothing but its addresses."""
    command = [
        sys.executable,
        "manage.py",
        "simulate",
        "tradovate",
        "--port",
        "0",
        "--seed",
        "77",
        "--no-market-data",
    ]
    process = subprocess.Popen(command, cwd=BASE_DIR, stdout=subprocess.PIPE, text=True)
    yield json.loads(process.stdout.readline())
    process.terminate()
    process.wait(60)


@pytest.fixture(scope="module")
def stack(venue):
    with running_stack(pages=False, **venue["environment"]) as running:
        yield running


def connect(client: httpx.Client, login: dict[str, Any]) -> dict[str, Any]:
    names = ("username", "password", "client_id", "client_secret")
    body = {
        "broker": "tradovate",
        "environment": "demo",
        "credentials": {name: login[name] for name in names},
    }
    answer = client.post("connections", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def settled(client: httpx.Client, signal_id: str, count: int) -> list[dict[str, Any]]:
    orders = client.get("orders", params={"signal": signal_id}).json()["results"]
    return orders if len(orders) == count and all(o["status"] in {"filled", "denied"} for o in orders) else []


def send(webhook: str, **alert: Any) -> str:
    answer = httpx.post(webhook, json={"ticker": "MNQ1!", **alert}, timeout=10)
    assert answer.status_code == 202, answer.text
    return answer.json()["signal_id"]


def test_it_starts_no_simulator_and_trades_there(stack: Stack, venue: dict[str, Any]):
    assert stack.pids_of("simulate") == []
    client = stack.api()
    assert client.get("connections").json()["count"] == 0
    connections = [connect(client, login) for login in venue["credentials"][:3]]
    accounts = [account for connection in connections for account in connection["accounts"]]
    assert len(accounts) >= 6
    strategy = client.post(
        "strategies",
        json={
            "name": "elsewhere",
            "symbol": "MNQ",
            "strat_type": "Futures",
            "stop_loss": "40",
            "take_profit": "80",
            "tpsl_units": "Ticks",
            "allocations": [
                {"broker_account": account["id"], "multiplier": str(1 + number % 2)}
                for number, account in enumerate(accounts)
            ],
        },
    ).json()

    first = send(strategy["webhook_url"], action="buy", quantity=2, order_id="1")
    orders = wait_until(lambda: settled(client, first, len(accounts)), 30)
    assert {order["status"] for order in orders} == {"filled"}
    held = {a["name"]: Decimal(2 * (1 + n % 2)) for n, a in enumerate(accounts)}
    assert {name: t.net for name, t in read_ledger(venue["control"]).items() if name in held} == held

    last = send(strategy["webhook_url"], action="exit", order_id="2")
    wait_until(lambda: settled(client, last, len(accounts)), 30)
    ledger = read_ledger(venue["control"])
    assert all(ledger[name].net == 0 for name in held)
    working = [o for name in held for o in ledger[name].orders if o["status"] in {"Working", "Suspended"}]
    assert working == [], "an order was left that could open a position"

    def recorded() -> list[dict[str, Any]]:
        rows = client.get(f"recorder/positions/{strategy['id']}").json()["positions"]
        return rows if len(rows) == len(accounts) and all(r["status"] != "open" for r in rows) else []

    rows = wait_until(recorded, 30)
    by_account = {row["broker_account"]: Decimal(row["net_pnl"]) for row in rows}
    assert {a["name"]: by_account[a["id"]] for a in accounts} == {name: ledger[name].net_pnl for name in held}
    analytics = client.get(f"strategies/{strategy['id']}/analytics").json()
    assert Decimal(analytics["total_pnl"]) == sum(ledger[name].net_pnl for name in held)
    requests = httpx.get(f"{venue['control']}/requests", params={"last": 500}).json()["commands"]
    placed = [r for r in requests if r["path"].lower().startswith(("order/place", "orderstrategy/start"))]
    assert placed and all(row["isAutomated"] is True for row in placed)
