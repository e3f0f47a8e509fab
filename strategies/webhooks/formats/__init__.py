"""The alert formats. To add one: write its module with a ``FORMAT``, and add a line to ``SUPPORTED``."""

from __future__ import annotations

from strategies.webhooks.fields import normal_key
from strategies.webhooks.formats import traderspost, tradingview
from strategies.webhooks.formats.base import Format
from strategies.webhooks.formats.foreign import refuse_foreign
from strategies.webhooks.refusal import Refusal, shown

AUTO = "auto"
SUPPORTED: dict[str, Format] = {
    tradingview.FORMAT.name: tradingview.FORMAT,
    traderspost.FORMAT.name: traderspost.FORMAT,
}


def choose(data: dict[str, object], pinned: str = AUTO) -> Format:
    """The format that reads this object: the pinned one, else by what it contains. Raises Refusal."""
    if pinned and pinned != AUTO:
        return _pinned(pinned)
    names = frozenset(normal_key(key) for key, value in data.items() if value is not None)
    refuse_foreign(names)
    if traderspost.looks_like(frozenset(data), names):
        return traderspost.FORMAT
    return tradingview.FORMAT


def _pinned(name: str) -> Format:
    found = SUPPORTED.get(name)
    if found is None:
        raise Refusal(
            "unknown_format",
            f"The strategy is set to the alert format {shown(name)}, which is not one of: auto, "
            f"{', '.join(SUPPORTED)}. Change the strategy's alert format.",
        )
    return found
