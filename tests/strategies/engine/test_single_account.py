"""One account, one signal after another."""

from __future__ import annotations

from decimal import Decimal


async def test_it_enters_and_records_the_outcome(desk):
    await desk.start()
    signal = await desk.target(2)
    (order,) = await desk.until_status(signal, "filled")
    assert (order.purpose, order.side, order.quantity) == ("entry", "buy", 2)
    assert order.venue_order_id and order.sent_at and order.answered_at and order.filled_quantity == 2
    done = await desk.done(signal)
    assert (done.progress, done.attempts) == ("done", 1) and done.planned_at
    assert desk.nets() == [2]


async def test_it_exits_what_the_account_holds(desk):
    await desk.start()
    await desk.done(await desk.target(3))
    signal = await desk.exit()
    (order,) = await desk.until_status(signal, "filled")
    assert (order.purpose, order.side, order.quantity) == ("exit", "sell", 3)
    assert desk.nets() == [0]


async def test_an_account_that_the_stream_leaves_out_is_asked_for_never_taken_for_flat(desk):
    desk.login.conduct.leaves_out = {desk.account.external_id}
    desk.venue.move_by_hand(desk.account.external_id, Decimal(3))
    await desk.start()
    signal = await desk.exit()
    (order,) = await desk.until_status(signal, "filled")
    assert (order.purpose, order.side, order.quantity) == ("exit", "sell", 3)
    assert desk.login.queried["positions"] >= 1


async def test_an_exit_while_flat_sends_nothing_and_says_so(desk):
    await desk.start()
    signal = await desk.done(await desk.exit())
    assert not desk.venue.commands and not await desk.orders()
    assert list(signal.plan["accounts"].values()) == ["The account is already flat."]


async def test_a_reversal_waits_for_its_exit_and_does_not_double(desk):
    await desk.start()
    await desk.done(await desk.target(2))
    desk.login.conduct.fill_delay = 0.1
    signal = await desk.target(-2, action="sell")
    out, back_in = await desk.until_status(signal, "filled")
    assert (out.purpose, out.side, out.quantity) == ("exit", "sell", 2)
    assert (back_in.purpose, back_in.side, back_in.quantity) == ("entry", "sell", 2)
    assert back_in.depends_on_id == out.pk and back_in.sent_at > out.sent_at
    assert [net for *_, net in desk.venue.history] == [2, 0, -2]


async def test_a_reversal_whose_exit_is_refused_does_not_enter(desk):
    await desk.start()
    await desk.done(await desk.target(2))
    desk.login.conduct.submits.append("reject")
    signal = await desk.target(-2, action="sell")
    out, back_in = await desk.until_status(signal, "rejected", "denied")
    assert (out.status, out.reject_reason) == ("rejected", "RiskCheckFailed: Not enough margin.")
    assert (back_in.status, back_in.deny_code) == ("denied", "EXIT_NOT_CONFIRMED")
    assert desk.nets() == [2]


async def test_the_same_target_again_sends_nothing(desk):
    await desk.start()
    await desk.done(await desk.target(2))
    await desk.done(await desk.target(2))
    assert len(desk.venue.commands) == 1 and desk.nets() == [2]


async def test_the_strategys_own_size_and_the_multipliers_count(desk):
    await desk.change_strategy(position_size=Decimal(2))
    await desk.change(type(desk.account), desk.account.pk, multiplier=Decimal("1.5"))
    await desk.start()
    await desk.done(await desk.target(7))
    assert desk.nets() == [3]


async def test_a_rejected_entry_keeps_the_brokers_words(desk):
    await desk.start()
    desk.login.conduct.submits.append("reject")
    signal = await desk.target(1)
    (order,) = await desk.until_status(signal, "rejected")
    assert order.reject_reason == "RiskCheckFailed: Not enough margin." and order.settled_at
