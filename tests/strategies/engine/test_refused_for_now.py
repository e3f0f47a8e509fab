"""Refusals for the moment: repeated while the alert is fresh, then closed with the reason."""

from __future__ import annotations

import asyncio

from tests.strategies.engine.desk import eventually


async def test_it_is_sent_again_and_filled(desk):
    await desk.start()
    desk.login.conduct.submits.extend(["busy", "busy", "busy"])
    signal = await desk.target(1)
    (order,) = await desk.until_status(signal, "filled")
    assert len(desk.sends()) == 4 and set(desk.venue.arrived.values()) == {1} and order.attempt == 0


async def test_an_entry_gives_up_when_its_alert_is_too_old(desk):
    engine = await desk.start()
    engine.max_age = 0.5
    desk.login.conduct.every_submit = "busy"
    desk.login.conduct.busy_for = 0.1
    signal = await desk.target(1)
    (order,) = await desk.until_status(signal, "expired")
    # The reason is the last one: the venue's own, or that its refusals have narrowed the login's budget by then.
    assert order.deny_code == "NOT_SENT_IN_TIME"
    assert any(words in order.reject_reason for words in ("Slow down.", "BUDGET_USED_UP"))
    assert not desk.venue.arrived


async def test_an_exit_goes_on_after_its_alert_is_old(desk):
    engine = await desk.start()
    await desk.done(await desk.target(1))
    engine.max_age = 0.1
    desk.login.conduct.submits.extend(["busy"] * 3)
    await desk.done(await desk.exit())
    await desk.settled(0)


async def test_a_login_without_connection_expires_the_entry_and_says_so(desk):
    engine = await desk.start()
    engine.max_age = 1
    desk.login.conduct.submits.append("busy")
    desk.login.conduct.busy_for = 0.2
    signal = await desk.target(1)
    await eventually(lambda: desk.sends())
    desk.login.conduct.is_reachable = False
    await engine.sessions.restart(next(iter(desk.logins)))
    (order,) = await desk.until_status(signal, "expired")
    assert order.deny_code == "NOT_SENT_IN_TIME" and "no connection" in order.reject_reason


async def test_an_entry_at_a_login_that_cannot_be_asked_is_denied(desk):
    desk.login.conduct.is_reachable = False
    engine = await desk.start(ready=False)
    await eventually(lambda: engine.holds_shard)
    (order,) = await desk.until_status(await desk.target(1), "denied")
    assert order.deny_code == "ACCOUNT_NOT_RECONCILED" and not desk.sends()


async def test_it_goes_by_plain_requests_while_the_stream_is_down(desk):
    desk.login.conduct.opening = "lost"
    engine = await desk.start(ready=False)
    await eventually(lambda: engine.holds_shard)
    await desk.done(await desk.target(1))
    assert desk.nets() == [1]


async def test_the_answer_goes_to_the_login_that_was_reconnected_meanwhile(desk):
    engine = await desk.start()
    desk.login.conduct.submits.extend(["busy"] * 3)
    desk.login.conduct.busy_for = 0.15
    signal = await desk.target(1)
    await eventually(lambda: desk.sends())
    await engine.sessions.restart(next(iter(desk.logins)))
    await desk.until_status(signal, "filled")
    assert desk.nets() == [1] and set(desk.venue.arrived.values()) == {1}


async def test_a_target_waits_for_its_login_to_be_opened(desk):
    """As after a restart: the alert is there before the sessions are."""
    desk.login.conduct.is_reachable = False
    engine = await desk.start(
        ready=False, waits={"session_wait": 0.1, "entry_patience": 12.0, "exit_patience": 12.0}
    )
    await eventually(lambda: engine.holds_shard)
    target, entry = (
        await desk.target(1),
        await desk.signal(action="buy", quantity="1", sentiment="long", order_id="2"),
    )
    await asyncio.sleep(0.4)
    assert not desk.sends()
    desk.login.conduct.is_reachable = True
    await desk.until_status(target, "filled", seconds=15)
    await desk.until_status(entry, "filled", seconds=15)
    assert desk.nets() == [2]
