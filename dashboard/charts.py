"""Curves for the chart: running profit, and how far it stands below its best. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from tradeproject.common.money import plain

MOST_POINTS = 1500


def curve(points: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """``[{t, pnl}]`` by time as ``[{time, value, drawdown}]``: Unix seconds rising strictly, money as text.

    It begins at zero, a minute before the first trade's end. Several points of one second become the last of them; of
    very many points the last of each stretch is kept.
    """
    found: dict[int, dict[str, Any]] = {}
    best = Decimal(0)
    if points:
        start = _seconds(points[0]["t"]) - 60
        found[start] = {"time": start, "value": "0", "drawdown": "0"}
    for point in points:
        value: Decimal = point["pnl"]
        best = max(best, value)
        seconds = _seconds(point["t"])
        found[seconds] = {"time": seconds, "value": plain(value), "drawdown": plain(value - best)}
    return thinned(list(found.values()))


def thinned(points: list[dict[str, Any]], most: int = MOST_POINTS) -> list[dict[str, Any]]:
    """At most ``most`` points: the last of every stretch of equal length, so that the end is always there."""
    if len(points) <= most:
        return points
    step = -(-len(points) // most)
    return points[::-1][::step][::-1]


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
