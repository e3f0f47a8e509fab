"""Opposite alerts of one second, in whatever order they arrive: the account ends where the newest target says."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta

import pytest

PERMUTATIONS = list(itertools.permutations([(2, 0), (-1, 1), (0, 2), (3, 3)]))


@pytest.mark.parametrize("part", range(3))
async def test_every_permutation_ends_at_the_newest_target(desk, part):
    """Fired 10 ms after one another and arriving in any order, all of them before the first is carried out."""
    await desk.start()
    for permutation in PERMUTATIONS[part::6]:
        now = datetime.now(UTC)
        fired = [(net, now + timedelta(milliseconds=10 * place)) for net, place in permutation]
        signals = [await desk.target(net, alert_time=at.isoformat()) for net, at in fired]
        for signal in signals:
            await desk.done(signal)
        await desk.settled(3)
    assert set(desk.venue.arrived.values()) == {1}


@pytest.mark.parametrize("seed", range(2))
async def test_without_fire_times_the_last_to_arrive_wins(desk, seed):
    chance = random.Random(seed)
    await desk.start()
    for _ in range(3):
        targets = [chance.choice([-2, -1, 0, 1, 2]) for _ in range(4)]
        for signal in [await desk.target(net) for net in targets]:
            await desk.done(signal)
        await desk.settled(targets[-1])
    assert all(peak <= 2 for peak in desk.venue.peaks.values())
