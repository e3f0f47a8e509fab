"""The real process: what it prints, how it stops, what kill -9 leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[4]
WAIT = 30


class Process:
    """One simulator process and a client of it."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "manage.py", "simulate", "tradovate", "--logins", "2", *arguments]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
        )
        self.told = json.loads(self.process.stdout.readline())
        self.http = httpx.Client(timeout=WAIT)

    def login(self) -> dict[str, str]:
        one = self.told["credentials"][0]
        body = {"name": one["username"], "password": one["password"]}
        url = self.told["environment"]["TRADOVATE_DEMO_URL"] + "/auth/accesstokenrequest"
        return {"Authorization": "Bearer " + self.http.post(url, json=body).json()["accessToken"]}

    def place(self, headers, number: int) -> httpx.Response:
        account = self.told["credentials"][0]["accounts"][0]
        symbol = self.http.post(self.told["control"] + "/quotes", json={"symbol": "MNQ"}).json()["symbol"]
        body = {"accountId": account["id"], "action": "Buy", "symbol": symbol, "orderQty": 1}
        body |= {"orderType": "Market", "isAutomated": True, "clOrdId": f"c-{number}"}
        url = self.told["environment"]["TRADOVATE_DEMO_URL"] + "/order/placeorder"
        return self.http.post(url, json=body, headers=headers)

    def end(self, number: int = signal.SIGKILL) -> tuple[int, float, str]:
        if self.process.stdout.closed:
            return self.process.returncode, 0, ""
        began = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(WAIT)
        took = time.monotonic() - began
        self.http.close()
        errors = self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()
        return code, took, errors


@pytest.fixture
def launch():
    """Starts processes and leaves none behind."""
    started: list[Process] = []

    def start(*arguments: str) -> Process:
        started.append(Process(*arguments))
        return started[-1]

    yield start
    for process in started:
        process.end()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_and_stops_at_once(launch, number):
    started = launch("--seed", "5")
    assert started.told["kind"] == "tradovate"
    assert set(started.told) == {"kind", "url", "control", "environment", "credentials"}
    assert len(started.told["credentials"]) == 2
    assert b"simulate" in Path(f"/proc/{started.process.pid}/cmdline").read_bytes()
    assert started.place(started.login(), 1).status_code == 200
    code, took, errors = started.end(number)
    assert code == 0
    assert took < 20, "one second on a quiet machine"
    assert errors == ""


def test_it_remembers_every_answered_order_after_kill_9(launch, tmp_path):
    started = launch("--state-dir", str(tmp_path))
    headers = started.login()
    answered = [started.place(headers, number).json()["orderId"] for number in range(30)]
    started.end(signal.SIGKILL)
    fresh = launch("--state-dir", str(tmp_path))
    told = fresh.http.get(fresh.told["control"] + "/ledger").json()["accounts"][0]
    assert [order["order_id"] for order in told["orders"]] == answered
    assert told["positions"][0]["net"] == 30
    assert fresh.place(headers, 31).status_code == 200, "tokens survive as well"
    assert fresh.end(signal.SIGTERM)[0] == 0


def test_it_is_consistent_when_killed_in_the_middle_of_a_burst(launch, tmp_path):
    answered: list[int] = []
    started = launch("--state-dir", str(tmp_path))
    headers = started.login()
    for round_number in range(3):
        killer = threading.Timer(0.25, started.process.kill)
        killer.start()
        try:
            for number in range(10_000):
                answered.append(started.place(headers, number).json()["orderId"])
        except httpx.TransportError:
            killer.join()
        started = launch("--state-dir", str(tmp_path))
        told = started.http.get(started.told["control"] + "/ledger").json()["accounts"][0]
        orders = [order["order_id"] for order in told["orders"]]
        assert answered
        assert set(answered) <= set(orders)
        assert len(orders) - len(answered) <= round_number + 1, "at most the one in flight was not answered"
        assert len(told["fills"]) == len(orders) == told["positions"][0]["net"]
        assert told["cash"] == pytest.approx(50_000 - told["fees"])


def test_it_explains_that_it_cannot_listen(launch):
    started = launch()
    port = started.told["url"].rpartition(":")[2]
    command = [sys.executable, "manage.py", "simulate", "tradovate", "--port", port]
    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=WAIT, check=False)
    assert second.returncode != 0
    assert "Choose another --port" in second.stderr
