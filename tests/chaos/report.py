"""The table of a chaos run, and its machine-readable form."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.chaos.oracle import KINDS
from tests.chaos.scenarios import Outcome

COLUMNS = (
    "scenario", "rounds", "struck", "alerts", "orders", "duplicates", "lost", "false rej.", "stuck", "fills", "orphans", "naked",
    "held back", "unknown resolved", "max s to resolve",
)  # fmt: skip


def rows(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    by_scenario: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_scenario[outcome.scenario].append(outcome)
    return [_row(name, found) for name, found in sorted(by_scenario.items())]


def _row(name: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    return {
        "scenario": name,
        "rounds": len(outcomes),
        "struck": sum(outcome.struck for outcome in outcomes),
        "alerts": sum(outcome.alerts for outcome in outcomes),
        "orders": sum(outcome.orders for outcome in outcomes),
        **{kind: sum(outcome.count(kind) for outcome in outcomes) for kind in KINDS},
        "held_back": sum(outcome.held_back for outcome in outcomes),
        "unknown_resolved": sum(outcome.unknown_resolved for outcome in outcomes),
        "max_seconds": round(max(outcome.seconds for outcome in outcomes), 1),
    }


def table(outcomes: Sequence[Outcome]) -> str:
    found = rows(outcomes)
    total = _row("all", outcomes) if outcomes else {}
    cells = [
        list(COLUMNS),
        *([str(value) for value in row.values()] for row in [*found, *filter(None, [total])]),
    ]
    widths = [max(len(row[column]) for row in cells) for column in range(len(COLUMNS))]
    return "\n".join("  ".join(map(_padded, row, widths, range(len(row)))) for row in cells)


def _padded(cell: str, width: int, column: int) -> str:
    return cell.rjust(width) if column else cell.ljust(width)


def faults_found(outcomes: Sequence[Outcome]) -> list[str]:
    return [
        f"{outcome.began} {outcome.scenario} / {outcome.step} (seed {outcome.seed}): {problem.kind}: {problem.text}"
        for outcome in outcomes
        for problem in outcome.problems
    ]


def write_json(path: Path, seed: int, outcomes: Sequence[Outcome]) -> None:
    whole = {
        "seed": seed,
        "total": _row("all", outcomes) if outcomes else {},
        "scenarios": rows(outcomes),
        "rounds": [outcome.as_json() for outcome in outcomes],
    }
    path.write_text(json.dumps(whole, indent=1, default=str))
