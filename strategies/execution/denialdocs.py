"""The page of all denial codes, written from the table itself: ``docs/denials.md`` is this text."""

from __future__ import annotations

import re

from strategies.execution.denials import CAUTIONS, DENIALS

_FIELD = re.compile(r"{(\w+)}")
_HEAD = """# Why an order was not sent

An order that this product refuses itself is **denied**: it gets a row with a code and numbers, and its account, signal and order
page say the sentence below with the numbers filled in. Nothing of it reached the broker. Limits refuse entries; exits and
cancels are refused only by the codes marked *exits too*.

This page is written by `manage.py denial_codes`; a test compares it with the table in `strategies/execution/denials.py`.
"""
# What protects an exit from opening a position, or cannot be sent to anybody.
EXITS_TOO = frozenset(
    {
        "CONTROL_HALTED",
        "ACCOUNT_DISABLED",
        "ACCOUNT_CLOSED",
        "CONNECTION_NOT_READY",
        "INSTRUMENT_UNKNOWN",
        "ORDER_TYPE_NOT_SUPPORTED",
        "PRICE_MISSING",
        "POSITION_UNKNOWN",
        "EXIT_WOULD_OPEN",
        "ACTION_NOT_AVAILABLE",
        "QUANTITY_KIND_NOT_AVAILABLE",
        "NOT_SENT_IN_TIME",
    }
)


def page() -> str:
    """The whole page in Markdown."""
    cautions = "\n## Told beside an order that goes\n\n" + _table(CAUTIONS)
    return f"{_HEAD}\n{_table(DENIALS)}{cautions}"


def _table(codes: dict[str, str]) -> str:
    rows = "\n".join(_row(code, sentence) for code, sentence in codes.items())
    return f"| code | numbers | sentence |\n|---|---|---|\n{rows}\n"


def _row(code: str, sentence: str) -> str:
    numbers = ", ".join(f"`{name}`" for name in dict.fromkeys(_FIELD.findall(sentence)))
    scope = " (exits too)" if code in EXITS_TOO else ""
    words = _FIELD.sub(r"*\1*", sentence)
    return f"| `{code}`{scope} | {numbers} | {words} |"
