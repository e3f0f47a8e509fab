"""Running, reducing, halted: at every scope, also in the middle of a fan-out (checks 1 and 22 of the reliability rules)."""

from __future__ import annotations

from functools import partial

import pytest

from strategies.models import ControlState, Strategy
from tests.strategies.engine.desk import eventually
from tradeproject.common.threads import in_thread


async def _switch(scope: str, state: str, object_id: object = "") -> None:
    make = partial(ControlState.objects.create, scope=scope, object_id=str(object_id), state=state)
    await in_thread(make)


def _object(desk, scope: str) -> object:
    return {
        "platform": "",
        "broker": "tradovate",
        "user": desk.user.pk,
        "strategy": desk.strategy.pk,
        "broker_account": desk.account.pk,
    }[scope]


SCOPES = ["platform", "broker", "user", "strategy", "broker_account"]


@pytest.mark.parametrize("scope", SCOPES)
async def test_halted_refuses_entries_and_exits(desk, scope):
    await desk.start()
    await desk.done(await desk.target(1))
    await _switch(scope, "halted", _object(desk, scope))
    for signal in (await desk.target(2), await desk.exit()):
        (order,) = await desk.until_status(signal, "denied")
        assert order.deny_code == "CONTROL_HALTED"
        assert order.deny_context == {"scope": scope.replace("_", " ")}
    assert desk.nets() == [1]


@pytest.mark.parametrize("scope", SCOPES)
async def test_reducing_refuses_entries_only(desk, scope):
    await desk.start()
    await desk.done(await desk.target(1))
    await _switch(scope, "reducing", _object(desk, scope))
    (order,) = await desk.until_status(await desk.target(2), "denied")
    assert order.deny_code == "CONTROL_REDUCING"
    await desk.done(await desk.exit())
    await desk.settled(0)


async def test_reducing_carries_out_the_exit_half_of_a_reversal(desk):
    await desk.start()
    await desk.done(await desk.target(1))
    await _switch("platform", "reducing")
    out, back_in = await desk.until_status(await desk.target(-1), "filled", "denied")
    assert (out.status, back_in.status, back_in.deny_code) == ("filled", "denied", "CONTROL_REDUCING")


async def test_a_switch_of_another_strategy_changes_nothing(desk):
    await desk.start()
    await _switch("strategy", "halted", "01a1f92b-5096-772a-8d8a-b8be6276ec09")
    await desk.done(await desk.target(1))
    assert desk.nets() == [1]


async def test_a_halt_stops_a_fan_out_that_is_under_way(open_desk, settings):
    settings.BATCH_SIZE, settings.BATCH_DELAY_SECONDS = 1, 0.2
    desk = await open_desk(accounts=6, logins=2)
    await desk.start()
    signal = await desk.target(1)
    await eventually(lambda: sum(desk.nets()) == 2)
    await _switch("user", "halted", desk.user.pk)
    await desk.done(signal)
    orders = await desk.orders(signal)
    assert {order.deny_code for order in orders if order.status == "denied"} == {"CONTROL_HALTED"}
    assert len(orders) == 6 and sum(desk.nets()) <= 3


async def test_a_halt_stops_the_entry_half_of_a_reversal(desk):
    await desk.start()
    await desk.done(await desk.target(1))
    desk.login.conduct.fill_delay = 0.3
    signal = await desk.target(-1)
    await eventually(lambda: len(desk.sends()) == 2)
    await _switch("platform", "halted")
    _, back_in = await desk.until_status(signal, "filled", "denied")
    assert back_in.deny_code == "CONTROL_HALTED" and desk.nets() == [0]


async def test_a_halt_stops_what_waits_for_another_try(desk):
    await desk.start()
    desk.login.conduct.submits.extend(["busy", "busy"])
    desk.login.conduct.busy_for = 0.4
    signal = await desk.target(1)
    await eventually(lambda: desk.sends())
    await _switch("platform", "halted")
    (order,) = await desk.until_status(signal, "expired")
    assert order.deny_code == "CONTROL_HALTED" and "Trading is halted" in order.reject_reason


async def test_a_halt_stops_the_second_attempt_of_a_lost_entry(desk):
    await desk.start()
    desk.login.conduct.submits.append("lost")
    signal = await desk.target(1)
    await eventually(lambda: desk.sends())
    await _switch("platform", "halted")
    (order,) = await desk.until_status(signal, "expired")
    assert "Trading is halted" in order.reject_reason and len(desk.sends()) == 1


async def test_a_strategy_switched_off_after_the_alert_came_still_executes_what_was_accepted(desk):
    signal = await desk.target(1)
    await desk.change(Strategy, desk.strategy.pk, active=False)
    await desk.start()
    await desk.until_status(signal, "filled")
