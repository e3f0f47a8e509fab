"""The executor of this process, if it has one, for tasks that run beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from strategies.engine.runner import ExecutionEngine

_installed: list[ExecutionEngine] = []


def engine() -> ExecutionEngine | None:
    return _installed[0] if _installed else None


def install(value: ExecutionEngine | None) -> None:
    _installed[:] = [] if value is None else [value]
