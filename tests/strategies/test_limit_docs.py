"""docs/limits.md names every limit there is."""

from __future__ import annotations

from pathlib import Path

from strategies.execution.exchanges import EXCHANGES
from strategies.validation import LIMITS

PAGE = (Path(__file__).parents[2] / "docs" / "limits.md").read_text()


def test_it_names_every_limit():
    assert [name for name in LIMITS if f"`{name}`" not in PAGE] == []


def test_it_names_every_exchange():
    assert [name for name in EXCHANGES if name not in PAGE] == []
