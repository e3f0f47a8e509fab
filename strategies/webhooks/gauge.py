"""How many alerts a strategy sent within the last minute, counted in this process: a coarse guard against loops.

Two neighbouring minutes are kept per strategy; the older one counts by the share of it that still lies within the last
sixty seconds. What a restart forgets is at most a minute.
"""

from __future__ import annotations

from uuid import UUID

WINDOW = 60.0
MOST_STRATEGIES = 50_000


class RateGauge:
    def __init__(self) -> None:
        self._counts: dict[UUID, tuple[int, int, int]] = {}  # window number, count before it, count in it

    def count(self, strategy_id: UUID, now: float) -> int:
        """Note one alert at ``now`` (seconds, monotonic) and return how many there were within the last minute."""
        number, passed = divmod(now, WINDOW)
        window, before, within = self._counts.get(strategy_id, (int(number), 0, 0))
        if window != int(number):
            before, within = (within if window == int(number) - 1 else 0), 0
        within += 1
        if len(self._counts) >= MOST_STRATEGIES and strategy_id not in self._counts:
            self._counts.clear()
        self._counts[strategy_id] = (int(number), before, within)
        return within + int(before * (WINDOW - passed) / WINDOW)
