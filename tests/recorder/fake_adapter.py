"""A broker that answers reads from lists, and fails where it is told to."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from brokers.domain import AccountRef, AccountReport, AssetClass, Instrument, InstrumentQuery
from tests.recorder.venue import at


@dataclass
class FakeAdapter:
    positions: list[Any] = field(default_factory=list)
    fills: list[Any] = field(default_factory=list)
    orders: list[Any] = field(default_factory=list)
    contracts: dict[str, str] = field(default_factory=dict)
    failing: dict[str, Exception] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    since: datetime | None = None
    at_once: int = 0
    most_at_once: int = 0

    def _answer(self, call: str, answer: Any) -> Any:
        self.calls[call] += 1
        if call in self.failing:
            raise self.failing[call]
        return answer

    async def position_reports(self) -> list[Any]:
        return self._answer("positions", self.positions)

    async def fill_reports(self, since: datetime | None = None) -> list[Any]:
        self.since = since
        return self._answer("fills", self.fills)

    async def order_reports(self, since: datetime | None = None) -> list[Any]:
        return self._answer("orders", self.orders)

    async def account_report(self, account: AccountRef) -> AccountReport:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        self._answer(f"account {account.id}", None)
        return self._answer("accounts", AccountReport(account.id, at(1), balance=Decimal(50000)))

    async def instruments(self, query: InstrumentQuery) -> list[Instrument]:
        root = self._answer("instruments", self.contracts.get(query.venue_id))
        if root is None:
            return []
        return [
            Instrument(query.venue_id, f"{root}Z6", root, AssetClass.FUTURES, Decimal("0.25"), Decimal(5))
        ]
