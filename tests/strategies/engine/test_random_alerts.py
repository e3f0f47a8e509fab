"""Many alerts at once, in any order, at a venue that misbehaves: the account ends where the newest target says."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest


@pytest.mark.parametrize("seed", range(4))
async def test_the_newest_target_wins_and_exposure_never_exceeds_any_target(open_desk, seed):
    chance = random.Random(seed)
    desk = await open_desk(accounts=3, logins=3)
    await desk.start()
    for login in desk.logins.values():
        login.conduct.fill_delay = chance.choice([0.0, 0.02, 0.05])
        login.conduct.position_delay = chance.choice([0.0, 0.03])
        login.conduct.partial_fills = chance.random() < 0.5
        login.conduct.fill_before_answer = chance.random() < 0.5
    now = datetime.now(UTC)
    targets = [chance.choice([-2, -1, 0, 1, 2, 3]) for _ in range(6)]
    fired = [(target, now + timedelta(seconds=0.001 * index)) for index, target in enumerate(targets)]
    chance.shuffle(fired)
    signals = [await desk.target(target, alert_time=at.isoformat()) for target, at in fired]
    for signal in signals:
        await desk.done(signal)
    newest = max(fired, key=lambda pair: pair[1])[0]
    await desk.settled(*([newest] * 3))
    assert all(peak <= max(abs(target) for target in targets) for peak in desk.venue.peaks.values())
    assert set(desk.venue.arrived.values()) == {1}
