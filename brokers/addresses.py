"""What a venue counts by the address that calls come from, whoever's logins they are: one budget for all of them.

Orders and reads are counted in memory, like a login's own calls, and shared with the other processes behind them
(``strategies.engine.budgets``). Each process has a part that needs nobody's word, so that together they stay below the
venue's number while Redis is away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from brokers.adaptation import Adaptation
from brokers.domain import Call, RateLimit
from brokers.protocol import BrokerAdapter
from brokers.ratelimit import READ_SHARE
from brokers.windows import Windows, sizes

SERVER = "server"
LOCAL = "local"
"""Calls to a broker on this machine or in its own network leave by no address that anybody meters."""

SHARES = {Call.ANY: 1 - READ_SHARE, Call.ORDERS: 1.0, Call.READS: 0.5}
MANY_LOGINS = 3
TOGETHER_SECONDS = 60.0
LONGEST_HOLD = 30.0


def egress_to(url: str) -> str:
    """By which address a call to ``url`` leaves."""
    host = urlsplit(url).hostname or ""
    try:
        return LOCAL if ip_address(host).is_private else SERVER
    except ValueError:
        return LOCAL if host == "localhost" or "." not in host else SERVER


def address_meter(kind: str, name: str) -> str:
    return f"address:{kind}:{name}"


class AddressBudget:
    """For one event loop. The venue's numbers are divided among ``executors`` processes; readers have a part of their own.

    ``name`` is ``SERVER``, or ``LOCAL``, where calls are counted and none waits.
    """

    def __init__(
        self,
        kind: str,
        name: str,
        limits: Iterable[RateLimit],
        *,
        executors: int = 1,
        rule: Adaptation | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.kind, self.name = kind, name
        self._clock = clock or asyncio.get_event_loop().time
        limits = tuple(limits)
        self.windows = {
            call: Windows(found, share / executors, self._clock, rule, enforced=name != LOCAL)
            for call, share in SHARES.items()
            if (found := sizes(limits, "address", call))
        }
        self._complaints: dict[int, float] = {}

    def windows_of(self, call: Call) -> Sequence[Windows]:
        """What binds an order or a read."""
        return [self.windows[each] for each in (Call.ANY, call) if each in self.windows]

    def take_back(self) -> None:
        for windows in self.windows.values():
            windows.take_back()

    def noticed(self, login: object, seconds: float) -> None:
        """A login was asked to slow down. Where several are within a minute it is the address that does too much."""
        now = self._clock()
        self._complaints[id(login)] = now
        self._complaints = {who: at for who, at in self._complaints.items() if now - at < TOGETHER_SECONDS}
        if len(self._complaints) >= MANY_LOGINS:
            for windows in self.windows.values():
                windows.slow_down(min(seconds, LONGEST_HOLD))


Egress = Callable[[str, str], str]


class Addresses:
    """The address budgets of one process: one per broker and address that its calls leave by.

    ``egress(kind, environment)`` names that address; ``executors`` processes share each of them.
    """

    def __init__(self, egress: Egress | None = None, executors: int = 1) -> None:
        self._egress, self._executors = egress, executors
        self.budgets: dict[tuple[str, str], AddressBudget] = {}

    def of(self, adapter: BrokerAdapter, environment: str) -> AddressBudget:
        name = self._egress(adapter.kind, environment) if self._egress is not None else LOCAL
        budget = self.budgets.get((adapter.kind, name))
        if budget is None:
            budget = self.budgets[adapter.kind, name] = AddressBudget(
                adapter.kind, name, adapter.limits, executors=self._executors, rule=adapter.adaptation
            )
        return budget
