"""Who goes first when calls are scarce."""

from __future__ import annotations

from enum import IntEnum


class Lane(IntEnum):
    """Priority; the smaller goes first. Exits and cancels are never held back (law 9)."""

    EXIT = 0
    CANCEL = 1
    ENTRY = 2
    MODIFY = 3
    READ = 4
