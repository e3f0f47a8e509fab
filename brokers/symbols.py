"""Chart symbols in one spelling. No fuzzy matching and no nearest guess: what a venue does not know is refused."""

from __future__ import annotations

import re

_DATED = re.compile(r"^(?P<root>[A-Z0-9]+?)(?P<month>[FGHJKMNQUVXZ])(?P<year>\d{4}|\d{1,2})$")
_CONTINUOUS = re.compile(r"^(?P<root>[A-Z0-9]+?)(?P<rank>[1-9])!$")


def normalize_symbol(text: str) -> str:
    """Upper case, without exchange prefix and adornments: ``CME_MINI:mnq1!`` → ``MNQ1!``."""
    return text.strip().upper().rsplit(":", 1)[-1].lstrip("@#/").strip()


def root_of(text: str) -> str:
    """The product behind a chart or contract symbol: MNQ1!, MNQZ6, MNQZ2026 and MNQ are all MNQ.

    A contract is recognised only with its month letter and year, so that a root which ends like one (for example a stock
    symbol without digits) stays whole.
    """
    symbol = normalize_symbol(text)
    for pattern in (_CONTINUOUS, _DATED):
        match = pattern.match(symbol)
        if match:
            return match["root"]
    return symbol
