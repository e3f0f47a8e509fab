"""The executor is killed at the worst moments: nothing is doubled, nothing silently skipped (law 3)."""

from __future__ import annotations

from tests.strategies.engine.desk import eventually


async def test_it_dies_before_anything_was_planned(desk):
    signal = await desk.target(1)
    engine = await desk.start(ready=False)
    await desk.kill(engine)
    await desk.start()
    await desk.until_status(signal, "filled")
    assert desk.nets() == [1] and len(desk.sends()) == 1


async def test_it_dies_after_the_claim_and_before_the_send(desk):
    engine = await desk.start()
    desk.login.conduct.every_submit = "hang"
    signal = await desk.target(1)
    await eventually(lambda: desk.sends())
    await desk.kill(engine)
    (order,) = await desk.orders(signal)
    assert order.status == "submitted"
    desk.login.conduct.every_submit = "accept"
    await desk.start()
    (order,) = await desk.until_status(signal, "filled")
    assert desk.nets() == [1] and order.attempt == 1 and set(desk.venue.arrived.values()) == {1}


async def test_it_dies_after_the_send_and_before_the_record(desk):
    engine = await desk.start()
    desk.login.conduct.every_submit = "hang done"
    signal = await desk.target(1)
    await eventually(lambda: desk.nets() == [1])
    await desk.kill(engine)
    desk.login.conduct.every_submit = "accept"
    await desk.start()
    (order,) = await desk.until_status(signal, "filled")
    assert desk.nets() == [1] and order.attempt == 0 and len(desk.sends()) == 1


async def test_it_dies_in_the_middle_of_a_fan_out(open_desk, settings):
    settings.BATCH_SIZE, settings.BATCH_DELAY_SECONDS = 2, 0.1
    desk = await open_desk(accounts=6, logins=2)
    engine = await desk.start()
    signal = await desk.target(1)
    await eventually(lambda: sum(desk.nets()) >= 3)
    await desk.kill(engine)
    await desk.start()
    await desk.settled(1)
    await desk.done(signal)
    await desk.until_status(signal, "filled")
    assert len(await desk.orders(signal)) == 6 and set(desk.venue.arrived.values()) == {1}


async def test_it_dies_between_the_halves_of_a_reversal(desk):
    engine = await desk.start()
    await desk.done(await desk.target(2))
    desk.login.conduct.fill_delay = 0.2
    signal = await desk.target(-2, action="sell")
    await eventually(lambda: len(desk.sends()) == 2)
    await desk.kill(engine)
    desk.login.conduct.fill_delay = 0.0
    await desk.start()
    await desk.until_status(signal, "filled")
    assert [net for *_, net in desk.venue.history] == [2, 0, -2]


async def test_an_entry_left_behind_does_not_go_when_its_exit_failed(desk):
    engine = await desk.start()
    await desk.done(await desk.target(2))
    desk.login.conduct.fill_delay = None
    signal = await desk.target(-2, action="sell")
    await eventually(lambda: len(desk.sends()) == 2)
    await desk.kill(engine)
    desk.venue.end(desk.venue.working(desk.account.external_id)[0].venue_id, "canceled")
    await desk.start()
    _, back_in = await desk.until_status(signal, "canceled", "denied")
    assert (back_in.status, back_in.deny_code) == ("denied", "EXIT_NOT_CONFIRMED")
    assert desk.nets() == [2]


async def test_a_clean_stop_writes_down_what_was_answered(desk):
    engine = await desk.start()
    desk.login.conduct.slow_by = 0.1
    signal = await desk.target(1)
    await eventually(lambda: desk.nets() == [1])
    engine.stop()
    await desk.engines[0][1]
    (order,) = await desk.orders(signal)
    assert order.status in {"accepted", "filled"} and order.venue_order_id
