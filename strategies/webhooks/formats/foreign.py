"""Alerts written for services whose format is not read yet: named in the answer, so that the sender knows what to do."""

from __future__ import annotations

import re
from collections.abc import Callable

from strategies.webhooks.refusal import Refusal

Names = frozenset[str]

_RULES: tuple[tuple[str, str, Callable[[Names], bool]], ...] = (
    ("PickMyTrade", "traderspost", lambda n: {"token", "data"} <= n),
    ("OpenAlgo", "tradingview", lambda n: "apikey" in n and bool({"pricetype", "exchange"} & n)),
    ("Chartink", "tradingview", lambda n: {"scanname", "stocks"} <= n),
    (
        "OpenAlgo strategy",
        "tradingview",
        lambda n: {"symbol", "action", "positionsize"} <= n and not {"ticker", "marketposition"} & n,
    ),
    ("3Commas", "tradingview", lambda n: bool({"botuuid", "strategyinfo"} & n)),
    ("Tickerly", "tradingview", lambda n: {"pointer", "prevposition"} <= n),
    ("CrossTrade", "traderspost", lambda n: "command" in n and "instrument" in n),
)
# Every pattern of a text must be found. Each is linear in the text, which a stranger may choose.
_TEXTS: tuple[tuple[str, str, tuple[re.Pattern[str], ...]], ...] = (
    (
        "key=value (CrossTrade, OctoBot)",
        "traderspost",
        (re.compile(r"\b(?:command|signal)\s*=", re.IGNORECASE),),
    ),
    (
        "Trade Manager text",
        "tradingview",
        (re.compile(r"\bticker\s*=", re.IGNORECASE), re.compile(r"\baction\s*=", re.IGNORECASE)),
    ),
)


def _unsupported(name: str, nearest: str) -> Refusal:
    return Refusal(
        "unsupported_format",
        f"This looks like an alert in the {name} format, which is not supported. "
        f"Write it in the {nearest} format, the nearest one that is; the strategy's page has the message to copy.",
    )


def refuse_foreign(names: Names) -> None:
    """``names`` are the normalised top-level keys of a JSON alert."""
    for name, nearest, matches in _RULES:
        if matches(names):
            raise _unsupported(name, nearest)


def refuse_foreign_text(text: str) -> None:
    """``text`` is a body that does not begin like JSON."""
    for name, nearest, patterns in _TEXTS:
        if all(pattern.search(text) for pattern in patterns):
            raise _unsupported(name, nearest)
