"""How one names a futures contract: chart symbols, dated symbols and roots, all read from the right. Pure.

Roots may hold and even end in digits (6E, M2K, SR3), so only what follows is taken off: ``1!``, or month letter and year.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from brokers.adapters.tradovate.constants import MONTHS

_CONTINUOUS = re.compile(r"^(?P<root>[A-Z0-9]{1,12}?)(?P<rank>[1-9])!$", re.ASCII)
_MARKED = re.compile(r"^(?P<root>[A-Z0-9]{1,12}?)(?:[@#](?P<after>[1-9])?|(?P<before>[1-9])[@#])$", re.ASCII)
_DATED = re.compile(
    rf"^(?P<root>[A-Z0-9]{{1,12}})(?P<month>[{MONTHS}])(?P<year>\d{{1,2}}|\d{{4}})$", re.ASCII
)
_ROOT = re.compile(r"^[A-Z0-9]{1,12}$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Symbol:
    """``rank`` 1 is the contract to trade, 2 the one after it; a dated symbol has ``month`` and ``year`` instead."""

    root: str
    rank: int = 1
    month: str = ""
    year: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """What the venue may call a dated contract: one digit of the year is its habit, two were seen."""
        if not self.month:
            return ()
        stem = f"{self.root}{self.month}"
        return tuple(dict.fromkeys((stem + self.year[-1], stem + self.year[-2:])))


def read_symbol(text: str) -> Symbol | None:
    """The symbol that ``text`` means, or None (spreads, formulas, stock options and the like)."""
    word = text.strip().upper().rsplit(":", 1)[-1].lstrip("@#/").strip()
    for pattern in (_CONTINUOUS, _MARKED):
        match = pattern.match(word)
        if match:
            rank = next((value for name, value in match.groupdict().items() if name != "root" and value), "1")
            return Symbol(match["root"], rank=int(rank))
    match = _DATED.match(word)
    if match:
        return Symbol(match["root"], month=match["month"], year=match["year"])
    return Symbol(word) if _ROOT.match(word) else None


def is_contract_of(root: str, name: str) -> bool:
    """Whether ``name`` is a contract of exactly this root: ES finds ESZ6, not MESZ6 and not ESTXZ6."""
    rest = name[len(root) :]
    return name.startswith(root) and bool(re.fullmatch(rf"[{MONTHS}]\d{{1,2}}", rest, re.ASCII))
