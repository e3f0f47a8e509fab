"""What a round trades with: a strategy on a few accounts of its own, and a sender that behaves like TradingView."""

from __future__ import annotations

import itertools
import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx

from tests.chaos.oracle import Problem, judge, read_ledger
from tests.chaos.records import Records, read_records
from tests.stack import Stack

SEND_SECONDS, SENDS, RESEND_AFTER = 3.0, 8, 1.0
_numbers = itertools.count(1)


@dataclass
class Sent:
    """One alert: whose 2xx we saw has to be carried out; what nobody acknowledged may have been stored or not."""

    target: int
    signal: UUID | None
    tries: int


@dataclass
class Group:
    """``names``: account id → name. ``target`` is what every account should hold by the alerts so far."""

    stack: Stack
    strategy: str
    webhook: str
    names: dict[str, str]
    logins: list[str]
    target: int = 0
    sent: list[Sent] = field(default_factory=list)
    waited_for: list[Problem] = field(default_factory=list)
    """What was still wrong when it was last looked at and something was."""

    def send(self, target: int, *, fired: datetime | None = None) -> Sent:
        """The strategy is ``target`` long from now on (negative: short). Sent again while nobody acknowledges."""
        change = target - self.target or target or -1  # the same target again reads like the entry into it
        side = "long" if target > 0 else "short" if target else "flat"
        number = next(_numbers)
        moment = (fired or datetime.now(UTC)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        alert = {
            "ticker": "MNQ1!",
            "action": "buy" if change > 0 else "sell",
            "contracts": str(abs(change)),
            "market_position": side,
            "market_position_size": str(abs(target)),
            "order_id": f"{self.strategy[:8]}-{number}",
            "timenow": moment,
        }
        signal, tries = self._post(json.dumps(alert))
        sent = Sent(target, signal, tries)
        self.sent.append(sent)
        self.target = target
        return sent

    def _post(self, body: str) -> tuple[UUID | None, int]:
        for number in range(1, SENDS + 1):
            try:
                answer = httpx.post(self.webhook, content=body, timeout=SEND_SECONDS)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code < 300:
                return UUID(answer.json()["signal_id"]), number
            if answer is not None and answer.status_code < 500:
                raise AssertionError(f"an alert was refused: {answer.status_code} {answer.text}")
            time.sleep(RESEND_AFTER)
        return None, SENDS

    # --- looking -----------------------------------------------------------------------------------------------------

    def records(self) -> Records:
        database = self.stack.runtime["DATABASE_URL"]
        return read_records(database, self.strategy, list(self.names), has_stop=True)

    def problems(self) -> list[Problem]:
        records, truths = self.records(), {}
        for name in self.names.values():
            truths |= read_ledger(self.stack.control, name)
        problems = judge(records, truths, self.names, self.target)
        stored = {signal.id for signal in records.signals}
        lost = [sent for sent in self.sent if sent.signal is not None and sent.signal not in stored]
        return problems + [
            Problem("lost", f"the acknowledged alert {sent.signal} is not stored") for sent in lost
        ]

    def is_off(self) -> bool:
        """Whether an account holds something else than the target, for whatever good reason."""
        truths = [read_ledger(self.stack.control, name)[name] for name in self.names.values()]
        return any(truth.net != self.target for truth in truths)

    def settle(self, seconds: float) -> tuple[float, list[Problem]]:
        """Wait until nothing is wrong any more. Returns how long that took, and what is still wrong."""
        began, problems = time.monotonic(), self.problems()
        while problems and time.monotonic() - began < seconds:
            self.waited_for = problems
            time.sleep(0.5)
            problems = self.problems()
        return time.monotonic() - began, problems


def make_groups(stack: Stack, count: int, *, logins: int = 2, accounts: int = 2) -> list[Group]:
    """Strategies with accounts of their own, ``logins`` × ``accounts`` each; every entry wants a stop and a target."""
    total = count * logins * accounts
    done = stack.manage("seed_demo", "--accounts", str(total), "--logins", str(count * logins))
    assert done.returncode == 0, done.stderr
    client = stack.api()
    found = client.get("broker-accounts", params={"page_size": 1000}).json()["results"]
    by_login: dict[str, list[dict[str, Any]]] = {}
    for account in sorted(found, key=lambda account: account["name"]):
        by_login.setdefault(account["connection"], []).append(account)
    _unshare(client, by_login)
    chosen = [rows[:accounts] for rows in by_login.values() if len(rows) >= accounts]
    return [
        _make_group(stack, client, number, chosen[number * logins : (number + 1) * logins])
        for number in range(count)
    ]


def _unshare(client: httpx.Client, by_login: dict[str, list[dict[str, Any]]]) -> None:
    """The demo strategy has every account. It keeps those of every fourth login, so that some accounts are traded by two."""
    kept = [account for login in list(by_login.values())[::4] for account in login]
    (demo,) = [one for one in client.get("strategies").json()["strategies"] if one["name"].startswith("Demo")]
    body = {"allocations": [{"broker_account": account["id"]} for account in kept]}
    answer = client.patch(f"strategies/{demo['id']}", json=body)
    assert answer.status_code == 200, answer.text


def _make_group(stack: Stack, client: httpx.Client, number: int, logins: list[list[dict[str, Any]]]) -> Group:
    accounts = [account for login in logins for account in login]
    body = {
        "name": f"chaos {number}",
        "symbol": "MNQ1!",
        "strat_type": "Futures",
        "stop_loss": "2000",
        "take_profit": "4000",
        "tpsl_units": "Ticks",
        "allocations": [{"broker_account": account["id"]} for account in accounts],
    }
    answer = client.post("strategies", json=body)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    names = {account["id"]: account["name"] for account in accounts}
    users = {read_ledger(stack.control, login[0]["name"])[login[0]["name"]].username for login in logins}
    return Group(stack, made["id"], made["webhook_url"], names, sorted(users))
