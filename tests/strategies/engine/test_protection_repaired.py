"""Protection that got lost on the way is brought back, and what protects nothing is taken away."""

from __future__ import annotations

from decimal import Decimal

import pytest

from brokers.domain import OrderStatus
from tests.strategies.engine.desk import eventually


@pytest.fixture
async def emulating(desk):
    """A strategy with a stop, at a venue that takes no brackets."""
    await desk.change_strategy(stop_loss=Decimal(20))
    desk.login.conduct.takes_brackets = False
    return desk


def _stops(desk) -> list[int]:
    return [int(o.open) for o in desk.venue.working(desk.account.external_id) if o.group]


async def test_it_is_placed_after_a_crash_right_after_the_fill(emulating):
    engine = await emulating.start()
    emulating.login.conduct.every_protect = "hang"
    await emulating.target(2)
    await eventually(lambda: any(command == "protect" for command, *_ in emulating.venue.commands))
    await emulating.kill(engine)
    assert not _stops(emulating)
    emulating.login.conduct.every_protect = "accept"
    await emulating.start()
    await eventually(lambda: _stops(emulating) == [2])


@pytest.mark.parametrize("answer", ["busy", "lost", "crash", "hang"])
async def test_it_is_tried_again_until_it_stands(emulating, answer):
    emulating.login.conduct.protects.append(answer)
    await emulating.start()
    await emulating.target(2)
    await eventually(lambda: _stops(emulating) == [2])


@pytest.mark.parametrize("answer", ["answer lost", "hang done", "late"])
async def test_a_stop_whose_answer_was_lost_is_not_placed_twice(emulating, answer):
    emulating.login.conduct.protects.append(answer)
    await emulating.start()
    await emulating.done(await emulating.target(2))
    await eventually(lambda: _stops(emulating) == [2])
    await eventually(lambda: emulating.leg_states({"accepted"}))
    assert len(emulating.venue.placed(legs=True)) == 1


async def test_a_refused_stop_closes_the_position(emulating):
    emulating.login.conduct.every_protect = "reject"
    await emulating.start()
    signal = await emulating.target(2)
    await eventually(lambda: emulating.venue.history)
    await emulating.settled(0)
    entry = (await emulating.orders(signal))[0]
    assert await emulating.says(entry, "so the position is closed")
    (leg,) = await emulating.legs()
    assert leg.status == "rejected" and leg.reject_reason


async def test_a_refused_target_leaves_the_stop(emulating):
    await emulating.change_strategy(take_profit=Decimal(40))
    emulating.login.conduct.protects.append("reject")
    await emulating.start()
    await emulating.target(2)
    await eventually(lambda: _stops(emulating) == [2])
    assert emulating.nets() == [2]


async def test_an_exit_that_is_refused_brings_the_stop_back(emulating):
    await emulating.start()
    await emulating.done(await emulating.target(2))
    await eventually(lambda: _stops(emulating) == [2])
    emulating.login.conduct.every_submit = "reject"
    await emulating.done(await emulating.exit())
    await eventually(lambda: _stops(emulating) == [2])
    assert emulating.nets() == [2]


async def test_an_exit_that_dies_after_taking_the_stop_away_brings_it_back(emulating):
    engine = await emulating.start()
    await emulating.done(await emulating.target(2))
    await eventually(lambda: _stops(emulating) == [2])
    emulating.login.conduct.every_submit = "hang"
    await emulating.change_strategy(trim="Partial")
    sent = len(emulating.sends())
    await emulating.exit(quantity="1")
    await eventually(lambda: not _stops(emulating) and len(emulating.sends()) == sent + 1)
    await emulating.kill(engine)
    emulating.login.conduct.every_submit = "accept"
    await emulating.start()
    await emulating.settled(1)
    await eventually(lambda: _stops(emulating) == [1])


async def test_a_stop_that_could_not_be_canceled_is_taken_away_after_the_exit(emulating):
    await emulating.start()
    await emulating.done(await emulating.target(2))
    await eventually(lambda: _stops(emulating) == [2])
    emulating.login.conduct.cancels.extend(["lost", "lost"])
    await emulating.done(await emulating.exit())
    await emulating.settled(0)
    await eventually(lambda: not emulating.venue.working(emulating.account.external_id))


async def test_a_stop_does_not_outlive_a_position_closed_by_hand(emulating):
    await emulating.start()
    await emulating.done(await emulating.target(2))
    await eventually(lambda: _stops(emulating) == [2])
    emulating.venue.move_by_hand(emulating.account.external_id, Decimal(0))
    await eventually(lambda: not _stops(emulating))


async def test_a_stop_shrinks_with_a_position_reduced_by_hand(emulating):
    await emulating.start()
    await emulating.done(await emulating.target(3))
    await eventually(lambda: _stops(emulating) == [3])
    emulating.venue.move_by_hand(emulating.account.external_id, Decimal(1))
    await eventually(lambda: _stops(emulating) == [1])
    assert not emulating.venue.could_open(emulating.account.external_id)


async def test_a_limit_entry_is_protected_when_it_fills_at_last(emulating):
    await emulating.start()
    signal = await emulating.target(2, order_type="limit", limit_price="19990")
    await emulating.done(signal)
    (entry,) = emulating.venue.working(emulating.account.external_id)
    emulating.venue.fill(entry.venue_id, Decimal(1))
    await eventually(lambda: _stops(emulating) == [1])
    emulating.venue.fill(entry.venue_id)
    await eventually(lambda: _stops(emulating) == [2])
    assert entry.status is OrderStatus.FILLED
