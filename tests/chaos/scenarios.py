"""A round: one change of a strategy's target while something goes wrong, and what became of it."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from tests.chaos.desk import Group
from tests.chaos.faults import FAULTS, crash_at, nothing
from tests.chaos.oracle import KINDS, Problem
from tests.stack import Stack
from tradeproject.common.crashpoints import POINTS

for _point in POINTS:
    crash_at(_point)

SETTLE_SECONDS = 120.0
QUIET_SECONDS = 90.0

# From what the accounts hold to what the alert wants them to hold.
STEPS: dict[str, tuple[int, int]] = {
    "entry": (0, 2),
    "exit": (2, 0),
    "reversal": (2, -2),
    "reduce": (2, 1),
    "burst": (0, 2),
}
BURST = (1, 2, 0, -1, 2)  # one alert right after the other: the last one counts
# Where a point lies on the way of some steps only.
STEPS_OF_POINT = {
    "after_claim": ("reversal",),
    "after_exit_confirmed": ("reversal",),
    "before_bracket_placed": ("reduce",),
    "after_bracket_placed": ("reduce",),
}
ALWAYS = ("entry", "exit", "reversal")


@dataclass
class Outcome:
    """What a round showed. ``problems`` are those that were still there when the time was up."""

    scenario: str
    step: str
    seed: int
    alerts: int = 0
    unacknowledged: int = 0
    orders: int = 0
    held_back: int = 0
    unknown_resolved: int = 0
    seconds: float = 0.0
    struck: bool = True
    problems: list[Problem] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)
    began: str = ""
    last_to_settle: str = ""

    def count(self, kind: str) -> int:
        return sum(problem.kind == kind for problem in self.problems)

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {kind: self.count(kind) for kind in KINDS}


def steps_of(scenario: str) -> tuple[str, ...]:
    point = scenario.removeprefix("crash_")
    if point in STEPS_OF_POINT:
        return STEPS_OF_POINT[point]
    return ALWAYS if scenario.startswith("crash_") else (*ALWAYS, "reduce", "burst")


def all_scenarios() -> list[tuple[str, str]]:
    return [(name, step) for name in FAULTS for step in steps_of(name)]


def play(stack: Stack, group: Group, scenario: str, step: str, seed: int) -> Outcome:
    """Play one round to its end. The group holds the step's first target before anything goes wrong."""
    chance = Random(seed)
    outcome = Outcome(scenario, step, seed, began=time.strftime("%H:%M:%S"))
    start, target = STEPS[step]
    outcome.problems = prepare(group, start)
    if outcome.problems:
        return outcome
    first = len(group.sent)
    crash = stack.folder / "crash" / scenario.removeprefix("crash_")
    with FAULTS[scenario](stack, group, chance) as strike:
        for wanted in BURST if step == "burst" else (target,):
            group.send(wanted)
        strike()
        outcome.struck = not (scenario.startswith("crash_") and crash.exists())
    group.waited_for = []
    outcome.seconds, outcome.problems = group.settle(SETTLE_SECONDS)
    outcome.last_to_settle = "; ".join(problem.text for problem in group.waited_for[:2])
    _count(group, outcome, first)
    return outcome


def prepare(group: Group, start: int) -> list[Problem]:
    """Bring the group to ``start`` in peace: other rounds may be killing processes meanwhile, so it may take two alerts."""
    problems: list[Problem] = []
    for _ in range(3):
        sent = group.send(start) if group.target != start or group.is_off() else None
        if sent is not None and sent.signal is None:
            continue  # the web's part was being started again all the time
        _, problems = group.settle(QUIET_SECONDS)
        if problems or not group.is_off():
            return problems
    return problems


def _count(group: Group, outcome: Outcome, first: int) -> None:
    sent = group.sent[first:]
    ids: set[UUID] = {one.signal for one in sent if one.signal is not None}
    orders = group.records().of(ids)
    outcome.alerts, outcome.unacknowledged = len(sent), sum(one.signal is None for one in sent)
    outcome.orders = len(orders)
    outcome.unknown_resolved = sum(bool(order.doubts) for order in orders)
    for order in orders:
        if order.status != "filled":
            outcome.held_back += 1
            why = order.deny_code or order.reason.split(":")[-1].strip()[:60]
            outcome.reasons[f"{order.status} {why}"] = outcome.reasons.get(f"{order.status} {why}", 0) + 1


__all__ = ["FAULTS", "Outcome", "all_scenarios", "nothing", "play", "steps_of"]
