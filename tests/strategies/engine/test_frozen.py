"""An executor that is frozen between its claim and its send looks again when it wakes up, before anything leaves."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection

from strategies.engine import upkeep
from tests.factories import AllocationFactory, StrategyFactory
from tests.fakes.venue import MNQ
from tests.strategies.engine.desk import eventually
from tradeproject.common.clock import steady_seconds
from tradeproject.common.threads import in_thread


class Freezer:
    """Lets an executor sleep a minute right before it hands an account's claimed orders to their sender."""

    def __init__(self, desk, engine) -> None:
        self.desk, self.engine, self.slept = desk, engine, 0.0
        engine.pulse.clock = lambda: steady_seconds() + self.slept
        self._run_account = engine.sender.run_account

    def sleep_through(self, net: int, meanwhile=None) -> None:
        """Meanwhile the account comes to hold ``net``, of which the stream has told nothing yet."""

        async def run_account(run):
            self.engine.sender.run_account = self._run_account
            self.hold(net)
            if meanwhile is not None:
                await in_thread(meanwhile)
            self.slept += 60
            await self._run_account(run)

        self.engine.sender.run_account = run_account

    def hold(self, net: int) -> None:
        self.desk.venue.positions[self.desk.account.external_id, MNQ.venue_id] = Decimal(net)


@pytest.fixture
def freeze():
    return Freezer


async def holding_two(desk, **options):
    engine = await desk.start(**options)
    await desk.until_status(await desk.target(2), "filled")
    await desk.settled(2)
    await eventually(lambda: not engine.lanes.busy())
    return engine


async def test_an_exit_of_what_is_gone_meanwhile_is_not_sent(desk, freeze):
    freeze(desk, await holding_two(desk)).sleep_through(0)
    (order,) = await desk.until_status(await desk.target(0), "expired")
    assert order.deny_code == "EXIT_WOULD_OPEN" and "would open" in order.reject_reason
    assert desk.nets() == [0] and len(desk.sends()) == 1


async def test_it_never_turns_a_position_that_was_turned_meanwhile(desk, freeze):
    freeze(desk, await holding_two(desk)).sleep_through(-1)
    await desk.until_status(await desk.target(0), "expired")
    assert desk.nets() == [-1] and len(desk.sends()) == 1


async def test_an_exit_becomes_as_small_as_what_is_left(desk, freeze):
    freeze(desk, await holding_two(desk)).sleep_through(1)
    (order,) = await desk.until_status(await desk.target(0), "filled")
    assert order.quantity == 1 and desk.nets() == [0]


async def test_an_exit_that_is_still_right_goes_as_it_is(desk, freeze):
    freeze(desk, await holding_two(desk)).sleep_through(2)
    (order,) = await desk.until_status(await desk.target(0), "filled")
    assert order.quantity == 2 and desk.nets() == [0]


async def test_what_another_took_over_meanwhile_is_left_to_it(desk, freeze):
    engine = await holding_two(desk)

    def take_over() -> None:
        with connection.cursor() as cursor:
            cursor.execute(upkeep.ABANDONED_ORDERS, {"all": True, "worker": "another"})

    freeze(desk, engine).sleep_through(2, take_over)
    (order,) = await desk.until_status(await desk.target(0), "filled")
    assert desk.nets() == [0] and len(desk.sends()) == 2
    assert order.attempt == 1, "it went as what was proved never to have arrived, not from the old plan"


async def test_a_position_that_cannot_be_read_lets_no_old_exit_go(desk, freeze):
    engine = await holding_two(desk, waits={"exit_patience": 0.3})
    freeze(desk, engine).sleep_through(2, lambda: setattr(desk.login.conduct, "queries", "lost"))
    (order,) = await desk.until_status(await desk.target(0), "expired")
    assert order.deny_code == "POSITION_UNKNOWN" and len(desk.sends()) == 1


async def test_a_fresh_exit_asks_nobody(desk):
    await holding_two(desk)
    before = desk.login.queried["positions"]
    await desk.until_status(await desk.target(0), "filled")
    assert desk.login.queried["positions"] == before


async def test_right_after_waking_up_the_venue_is_asked_and_not_the_old_stream(desk, freeze):
    engine = await holding_two(desk)
    freezer = freeze(desk, engine)
    freezer.hold(0)
    freezer.slept += 60
    signal = await desk.done(await desk.target(0))
    assert await desk.orders(signal.pk) == [] and len(desk.sends()) == 1


async def test_on_a_shared_account_it_closes_no_more_than_its_own_share(desk, freeze):
    engine = await desk.start()
    other = await in_thread(lambda: StrategyFactory(user=desk.user))
    await in_thread(lambda: AllocationFactory(strategy=other, broker_account=desk.account))
    await desk.until_status(await desk.target(2), "filled")
    await desk.until_status(await desk.signal(strategy=other, action="buy", quantity="1"), "filled")
    await desk.settled(3)
    freeze(desk, engine).sleep_through(2)
    (order,) = await desk.until_status(await desk.target(0), "filled")
    assert order.quantity == 1 and desk.nets() == [1]


async def test_protection_that_was_missing_before_the_sleep_is_looked_at_again(desk):
    await desk.change_strategy(stop_loss="20", tpsl_units="ticks")
    desk.login.conduct.takes_brackets = False
    engine = await desk.start()
    slept = [0.0]
    engine.pulse.clock = lambda: steady_seconds() + slept[0]
    protect, asked = engine.protection._placer._protect, []

    async def sleep_first(*arguments):
        if not asked:
            slept[0] += 60
        asked.append(arguments)
        return await protect(*arguments)

    engine.protection._placer._protect = sleep_first
    await desk.until_status(await desk.target(1), "filled")
    await eventually(lambda: desk.leg_states({"accepted"}))
    protects = [command for command in desk.venue.commands if command[0] == "protect"]
    assert len(protects) == 1 and len(asked) == 2
