"""The kill switch to its end: entries canceled, positions closed, both proved at the broker, or a human is called."""

from __future__ import annotations

from functools import partial

import pytest

from strategies import control
from strategies.models import BracketLeg, Halt
from tests.strategies.engine.desk import eventually
from tradeproject.common.threads import in_thread


async def stop(desk, scope: str, pk: object, **options) -> None:
    await in_thread(partial(control.stop, scope, pk, actor=None, **options))


async def until(desk, *phases: str, seconds: float = 8) -> Halt:
    async def look() -> Halt | None:
        halt = await in_thread(Halt.objects.first)
        return halt if halt is not None and halt.phase in phases else None

    return await eventually(look, seconds)


SCOPES = ["platform", "broker", "user", "strategy", "broker_account"]


def object_of(desk, scope: str) -> object:
    ids = {
        "broker": "tradovate",
        "user": desk.user.pk,
        "strategy": desk.strategy.pk,
        "broker_account": desk.account.pk,
    }
    return ids.get(scope, "")


@pytest.mark.parametrize("scope", SCOPES)
async def test_at_every_level_it_closes_and_proves_it(desk, scope):
    await desk.start()
    await desk.done(await desk.target(2))
    await desk.settled(2)
    asked = desk.login.queried["positions"]
    await stop(desk, scope, object_of(desk, scope), flatten_too=True)
    halt = await until(desk, "verified", "needs_you")
    assert (halt.phase, halt.problems) == ("verified", [])
    assert desk.nets() == [0] and desk.login.queried["positions"] > asked
    phases = [event.data["phase"] for event in await desk.told("control.progress")]
    assert phases == ["blocked", "canceling", "flattening", "verified"]


async def test_working_entries_are_canceled_and_stops_stay(desk):
    from decimal import Decimal

    await desk.change_strategy(stop_loss=Decimal(20))
    await desk.start()
    await desk.done(await desk.target(1))
    await eventually(lambda: desk.leg_states({"accepted"}))
    await desk.done(await desk.signal(action="buy", quantity="1", order_type="limit", limit_price="19000"))
    await stop(desk, "user", desk.user.pk)
    halt = await until(desk, "verified")
    assert halt.problems == []
    working = desk.venue.working(desk.account.external_id)
    assert [bool(order.group) for order in working] == [True]
    assert await in_thread(BracketLeg.objects.filter(status="accepted").count) == 1


async def test_what_the_record_does_not_know_is_closed_too(desk):
    """The first round closes what was recorded; the look at the broker finds the rest."""
    from decimal import Decimal

    from recorder.models import PositionSnapshot

    await desk.start()
    await desk.done(await desk.target(1))
    await desk.settled(1)
    await in_thread(PositionSnapshot.objects.all().delete)
    desk.venue.positions[desk.account.external_id, desk.instrument.venue_id] = Decimal(3)
    await stop(desk, "user", desk.user.pk, flatten_too=True)
    await until(desk, "verified")
    assert desk.nets() == [0]


async def test_a_position_that_will_not_close_calls_a_human_after_three_rounds(desk):
    await desk.start()
    await desk.done(await desk.target(2))
    await desk.settled(2)
    desk.login.conduct.fill_delay = None  # a closed market: what is sent rests
    from brokers.domain import OrderStatus

    original = desk.venue.place

    def refuse(intent, conduct):
        order = original(intent, conduct)
        desk.venue.end(order.venue_id, OrderStatus.REJECTED)
        return order

    desk.venue.place = refuse
    await stop(desk, "user", desk.user.pk, flatten_too=True)
    halt = await until(desk, "needs_you", seconds=15)
    assert halt.attempts == 3 and "still holds 2" in halt.problems[0]
    assert (await desk.told("control.progress"))[-1].data["phase"] == "needs_you"


async def test_an_account_that_cannot_be_asked_is_not_taken_for_flat(desk):
    await desk.start()
    await desk.done(await desk.target(1))
    desk.login.conduct.queries = "lost"
    await stop(desk, "user", desk.user.pk, flatten_too=True)
    halt = await until(desk, "needs_you", seconds=15)
    assert "could not be read" in halt.problems[0]


async def test_an_executor_that_comes_later_finishes_it(desk):
    engine = await desk.start()
    await desk.done(await desk.target(2))
    await desk.settled(2)
    await desk.kill(engine)
    await stop(desk, "platform", "", flatten_too=True)
    assert (await in_thread(Halt.objects.get)).phase == "blocked"
    await desk.start()
    await until(desk, "verified")
    assert desk.nets() == [0]


async def test_after_resuming_the_login_is_read_afresh_before_the_next_order(desk):
    await desk.start()
    await stop(desk, "user", desk.user.pk)
    await until(desk, "verified")
    opened = desk.login.opened
    await in_thread(partial(control.start, "user", desk.user.pk, actor=None))
    await eventually(lambda: desk.login.opened > opened)
    await desk.done(await desk.target(1))
    await desk.settled(1)
    assert (await in_thread(Halt.objects.get)).resumed_at is not None
