"""Faults on demand: which request, order or event is treated badly, how, and how often.

A fault is a kind, a filter and a count. It is matched against a ``Subject`` and used up by each hit. The README lists the
kinds with their parameters.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any

REQUEST_KINDS = frozenset(
    {
        "delay", "status", "rate_limit", "penalty", "denied", "expired", "hang", "drop", "truncate", "violation",
        "error_text",
    }
)  # fmt: skip
ORDER_KINDS = frozenset({"reject", "partial", "fill_delay", "no_fill", "risk_timeout"})
EVENT_KINDS = frozenset(
    {"duplicate_events", "array_entity", "delay_events", "reorder_events", "drop_events", "missing_net_price"}
)
KINDS = REQUEST_KINDS | ORDER_KINDS | EVENT_KINDS
_REASONS = """
    AccountClosed AdvancedTrailingStopUnsupported AnotherCommandPending BackMonthProhibited ExecutionProviderNotConfigured
    ExecutionProviderUnavailable InvalidContract InvalidPrice KeyInformationDocumentRequired LiquidationOnly
    LiquidationOnlyBeforeExpiration MaxOrderQtyIsNotSpecified MaxOrderQtyLimitReached MaxPosLimitMisconfigured
    MaxPosLimitReached MaxTotalPosLimitReached MultipleAccountPlanRequired NoQuote NotEnoughLiquidity OtherExecutionRelated
    ParentRejected RiskCheckTimeout SSFRiskDisclosureAcknowledgmentRequired SessionClosed Success TooLate TradingLocked
    TrailingStopNonOrderQtyModify Unauthorized UnknownReason Unsupported
"""
FAILURE_REASONS = frozenset(_REASONS.split())


@dataclass(frozen=True, slots=True)
class Subject:
    """What is about to happen: a request, an order of a request, or events for an account."""

    path: str = ""
    host: str = ""
    transport: str = ""
    user: str = ""
    account: int = 0
    symbol: str = ""


@dataclass(slots=True)
class Fault:
    """``count`` None = until removed; ``skip`` lets the first n pass; ``probability`` is drawn from a seeded source."""

    id: int
    kind: str
    count: int | None = 1
    skip: int = 0
    probability: float = 1.0
    path: str = "*"
    host: str = ""
    transport: str = ""
    user: str = ""
    account: int = 0
    symbol: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    hits: int = 0

    def fits(self, subject: Subject) -> bool:
        plain = ("host", "transport", "user", "account", "symbol")
        wanted = ((getattr(self, name), getattr(subject, name)) for name in plain)
        return all(not want or want == has for want, has in wanted) and fnmatchcase(subject.path, self.path)

    def get(self, name: str, default: Any) -> Any:
        return self.params.get(name, default)

    def told(self) -> dict[str, Any]:
        return {one.name: getattr(self, one.name) for one in fields(self)}


_FILTERS = {one.name for one in fields(Fault)} - {"id", "hits", "params"}


class FaultBook:
    def __init__(self, seed: int) -> None:
        self._faults: dict[int, Fault] = {}
        self._last = 0
        self._random = random.Random(seed)  # noqa: S311 - a repeatable draw, nothing secret

    def add(self, wish: Mapping[str, Any]) -> Fault:
        """Everything that is no filter is a parameter of the kind. Raises ValueError for an unknown kind or reason."""
        kind = wish.get("kind")
        if kind not in KINDS:
            raise ValueError(f"kind must be one of: {', '.join(sorted(KINDS))}")
        reason = wish.get("reason")
        if kind == "reject" and reason not in FAILURE_REASONS:
            raise ValueError(f"reason must be one of: {', '.join(sorted(FAILURE_REASONS))}")
        given = {name: wish[name] for name in _FILTERS & set(wish)}
        given["path"] = str(given.get("path", "*")).lower().lstrip("/")
        self._last += 1
        params = {name: value for name, value in wish.items() if name not in _FILTERS}
        fault = self._faults[self._last] = Fault(id=self._last, params=params, **given)
        return fault

    def take(self, kinds: frozenset[str], subject: Subject) -> Fault | None:
        """The oldest fault of these kinds that strikes here; it is used up by one hit."""
        if not self._faults:
            return None
        for fault in list(self._faults.values()):
            if fault.kind in kinds and fault.fits(subject) and self._strikes(fault):
                return fault
        return None

    def take_all(self, kinds: frozenset[str], subject: Subject) -> list[Fault]:
        """Every fault that strikes, one of each kind."""
        if not self._faults:
            return []
        found = (self.take(frozenset({kind}), subject) for kind in sorted(kinds))
        return [fault for fault in found if fault is not None]

    def _strikes(self, fault: Fault) -> bool:
        if fault.skip > 0:
            fault.skip -= 1
            return False
        if fault.probability < 1 and self._random.random() >= fault.probability:
            return False
        fault.hits += 1
        if fault.count is not None:
            fault.count -= 1
            if fault.count <= 0:
                self._faults.pop(fault.id, None)
        return True

    def remove(self, fault_id: int | None) -> int:
        """One of them, or all. Returns how many went."""
        if fault_id is not None:
            return 1 if self._faults.pop(fault_id, None) else 0
        count = len(self._faults)
        self._faults.clear()
        return count

    def listed(self) -> list[dict[str, Any]]:
        return [fault.told() for fault in self._faults.values()]

    def __bool__(self) -> bool:
        return bool(self._faults)
