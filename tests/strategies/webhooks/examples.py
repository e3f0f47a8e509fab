"""The example bodies under tests/fixtures/alerts, each with its documented verdict."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "alerts"


@dataclass(frozen=True)
class Example:
    name: str
    body: bytes
    verdict: dict[str, Any]


def examples(format_name: str) -> list[Example]:
    folder = FOLDER / format_name
    verdicts = json.loads((folder / "verdicts.json").read_text())
    return [
        Example(name, (folder / f"{name}.txt").read_bytes(), verdict) for name, verdict in verdicts.items()
    ]


def names(found: list[Example]) -> list[str]:
    return [example.name for example in found]
