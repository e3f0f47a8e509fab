"""The message that users paste into their chart's alert.

Numbers stand in quotes on purpose: an empty value then stays valid JSON and gets a precise answer instead of being lost.
The fire time and the position before and after make every alert one of its kind, and an order that cannot double.
"""

from __future__ import annotations

from strategies.models import Strategy
from strategies.webhooks.formats import AUTO

_OURS = (
    ("ticker", "{{ticker}}"),
    ("exchange", "{{exchange}}"),
    ("action", "{{strategy.order.action}}"),
    ("contracts", "{{strategy.order.contracts}}"),
    ("price", "{{strategy.order.price}}"),
    ("market_position", "{{strategy.market_position}}"),
    ("market_position_size", "{{strategy.market_position_size}}"),
    ("prev_market_position", "{{strategy.prev_market_position}}"),
    ("prev_market_position_size", "{{strategy.prev_market_position_size}}"),
    ("order_id", "{{strategy.order.id}}"),
    ("interval", "{{interval}}"),
    ("time", "{{time}}"),
    ("timenow", "{{timenow}}"),
)
_TRADERSPOST = (
    ("ticker", "{{ticker}}"),
    ("action", "{{strategy.order.action}}"),
    ("sentiment", "{{strategy.market_position}}"),
    ("quantity", "{{strategy.order.contracts}}"),
    ("price", "{{close}}"),
    ("time", "{{timenow}}"),
    ("interval", "{{interval}}"),
)


def alert_template(strategy: Strategy) -> dict[str, str]:
    """``{"format", "message"}`` for this strategy's format; our own unless another one is pinned."""
    if strategy.alert_format == "traderspost":
        return {"format": strategy.alert_format, "message": _object(_TRADERSPOST)}
    name = "tradingview" if strategy.alert_format == AUTO else strategy.alert_format
    return {"format": name, "message": _object((("v", ""), *_OURS))}


def _object(fields: tuple[tuple[str, str], ...]) -> str:
    lines = [f'"{name}": "{value}"' if name != "v" else '"v": 1' for name, value in fields]
    return "{\n  " + ",\n  ".join(lines) + "\n}"
