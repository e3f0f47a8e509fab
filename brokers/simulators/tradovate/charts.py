"""Minute, day and tick charts from the price process. What lies before the start is made up, the same way every time."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from brokers.simulators.tradovate.clock import trade_date_at
from brokers.simulators.tradovate.library import ContractInfo
from brokers.simulators.tradovate.prices import VOLUME_A_TICK, Bar, Walk

MOST_BARS = 3000
MINUTE = 60
BIGGEST_STEP = 6  # ticks a made-up minute may move


def history(walk: Walk, contract: ContractInfo, until: float, count: int) -> list[Bar]:
    """The last ``count`` minutes up to ``until``, the oldest first, in the contract's prices."""
    last_minute = int(until // MINUTE)
    minutes = range(last_minute - min(count, MOST_BARS) + 1, last_minute + 1)
    made = _made_up(walk, min(walk.bars, default=last_minute + 1), minutes.start)
    bars: list[Bar] = []
    for minute in minutes:
        bar = walk.bars.get(minute) or made.get(minute)
        if bar is None:
            close = bars[-1].close - contract.basis if bars else walk.price
            bar = Bar(minute, close, close, close, close)
        bars.append(_shifted(bar, contract.basis))
    return bars


def _shifted(bar: Bar, basis: Decimal) -> Bar:
    if not basis:
        return bar
    prices = (bar.open + basis, bar.high + basis, bar.low + basis, bar.close + basis)
    return Bar(bar.minute, *prices, bar.volume, bar.ticks)


def _made_up(walk: Walk, first_real: int, since: int) -> dict[int, Bar]:
    """Walk backwards from the first real bar, with a source of its own, so that asking changes nothing."""
    made: dict[int, Bar] = {}
    close = walk.bars[first_real].open if first_real in walk.bars else walk.price
    tick = walk.product.tick
    for minute in range(first_real - 1, since - 1, -1):
        source = random.Random(f"{walk.name}|{minute}")  # noqa: S311 - a repeatable history
        start = max(close + source.randint(-BIGGEST_STEP, BIGGEST_STEP) * tick, tick)
        high = max(start, close) + source.randint(0, 3) * tick
        low = max(min(start, close) - source.randint(0, 3) * tick, tick)
        ticks = source.randint(40, 240)
        made[minute] = Bar(minute, start, high, low, close, ticks * VOLUME_A_TICK, ticks)
        close = start
    return made


def grouped(bars: list[Bar], minutes: int) -> list[Bar]:
    """Bars of several minutes, aligned to the clock."""
    result: list[Bar] = []
    for bar in bars:
        start = bar.minute - bar.minute % minutes
        if result and result[-1].minute == start:
            whole = result[-1]
            whole.high, whole.low = max(whole.high, bar.high), min(whole.low, bar.low)
            whole.close = bar.close
            whole.volume, whole.ticks = whole.volume + bar.volume, whole.ticks + bar.ticks
        else:
            result.append(Bar(start, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.ticks))
    return result


def bar_told(bar: Bar) -> dict[str, Any]:
    up, up_ticks = bar.volume // 2, bar.ticks // 2
    return {
        "timestamp": datetime.fromtimestamp(bar.minute * MINUTE, UTC).strftime("%Y-%m-%dT%H:%MZ"),
        "open": bar.open,
        "high": bar.high,
        "low": bar.low,
        "close": bar.close,
        "upVolume": up,
        "downVolume": bar.volume - up,
        "upTicks": up_ticks,
        "downTicks": bar.ticks - up_ticks,
        "bidVolume": up,
        "offerVolume": bar.volume - up,
    }


def packet(chart_id: int, bars: list[Bar], at: float) -> dict[str, Any]:
    day = trade_date_at(at)
    told = [bar_told(bar) for bar in bars]
    return {"id": chart_id, "td": day.year * 10_000 + day.month * 100 + day.day, "bars": told}


def tick_packet(chart_id: int, walk: Walk, contract: ContractInfo, at: float) -> dict[str, Any]:
    """One tick as the venue packs it: a base price in ticks, a base time in milliseconds, and differences to both."""
    price = int((walk.price + contract.basis) / contract.tick)
    return {
        "id": chart_id,
        "s": "db",
        "td": packet(chart_id, [], at)["td"],
        "bp": price,
        "bt": int(at * 1000),
        "ts": contract.tick,
        "tks": [{"t": 0, "p": 0, "s": 1, "b": 0, "a": 1, "bs": 5, "as": 5, "id": walk.version}],
    }
