"""Orders of which nobody knows: looked up, bound, sent once more at most, or closed with the reason (law 4)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from brokers.domain import OrderStatus
from brokers.models import BrokerAccount
from tests.strategies.engine.desk import eventually
from tradeproject.common import clock


async def test_an_order_whose_answer_was_lost_is_found_and_not_sent_again(desk):
    await desk.start()
    desk.login.conduct.submits.append("answer lost")
    signal = await desk.target(1)
    (order,) = await desk.until_status(signal, "filled")
    assert order.venue_order_id and len(desk.sends()) == 1 and desk.nets() == [1]


async def test_it_is_found_by_look_up_while_the_stream_is_silent(desk):
    await desk.start()
    desk.login.fall_silent()
    desk.login.conduct.submits.append("answer lost")
    signal = await desk.target(1)
    (order,) = await desk.until_status(signal, "filled")
    await eventually(lambda: desk.says(order, "Found at the broker as filled."))
    assert len(desk.sends()) == 1


async def test_one_that_never_arrived_is_sent_exactly_once_more(desk):
    await desk.start()
    desk.login.conduct.every_submit = "lost"
    signal = await desk.target(1)
    await eventually(lambda: len(desk.sends()) == 2)
    (order,) = await desk.until_status(signal, "expired")
    assert len(desk.sends()) == 2 and len(set(desk.sends())) == 2 and order.attempt == 1
    assert "it had already been sent a second time" in order.reject_reason


async def test_the_second_attempt_fills_and_its_row_says_so(desk):
    await desk.start()
    desk.login.conduct.submits.append("lost")
    signal = await desk.target(1)
    (order,) = await desk.until_status(signal, "filled")
    assert (order.attempt, len(desk.sends()), desk.nets()) == (1, 2, [1])
    assert order.client_order_id == desk.sends()[1]


async def test_a_stale_one_is_closed_with_the_reason(desk):
    engine = await desk.start()
    desk.login.conduct.submits.append("lost")
    signal = await desk.target(1)
    await desk.until_status(signal, "unknown")
    engine.max_age = 0.1
    (order,) = await desk.until_status(signal, "expired")
    assert "its alert is" in order.reject_reason and len(desk.sends()) == 1


async def test_failing_look_ups_prove_nothing(desk):
    await desk.start()
    desk.login.conduct.submits.append("lost")
    desk.login.conduct.queries = "lost"
    signal = await desk.target(1)
    await eventually(lambda: desk.login.queried["order"] > 6)
    (order,) = await desk.orders(signal)
    assert (order.status, order.lookups, len(desk.sends())) == ("unknown", 0, 1)
    desk.login.conduct.queries = "accept"
    (order,) = await desk.until_status(signal, "filled")
    assert desk.nets() == [1]


async def test_one_that_arrives_late_is_found_and_not_doubled(desk):
    await desk.start()
    desk.login.conduct.submits.append("late")
    signal = await desk.target(1)
    await desk.until_status(signal, "filled")
    assert len(desk.sends()) == 1 and desk.nets() == [1]


async def test_a_hanging_venue_makes_it_unknown_not_failed(desk):
    await desk.start()
    desk.login.conduct.submits.append("hang done")
    signal = await desk.target(1)
    (order,) = await desk.until_status(signal, "filled")
    assert len(desk.sends()) == 1 and order.reject_reason == ""


async def test_an_execution_nobody_can_place_forbids_the_second_attempt(desk):
    await desk.start()
    desk.login.fall_silent()
    desk.login.conduct.sees_orders = False
    desk.login.conduct.submits.append("answer lost")
    signal = await desk.target(1)
    (order,) = await desk.until_status(signal, OrderStatus.EXPIRED)
    assert "a fill of that time" in order.reject_reason and len(desk.sends()) == 1


async def test_a_newer_alert_forbids_the_second_attempt(desk):
    await desk.start()
    desk.login.conduct.submits.append("lost")
    now = datetime.now(UTC)
    first = await desk.target(1, alert_time=now.isoformat())
    await eventually(lambda: desk.sends())
    second = await desk.target(0, alert_time=(now + timedelta(seconds=1)).isoformat())
    (order,) = await desk.until_status(first, "expired")
    await desk.done(second)
    assert "newer alert" in order.reject_reason and desk.nets() == [0] and len(desk.sends()) == 1


async def test_it_blocks_new_exposure_but_no_exit(desk):
    await desk.start()
    await desk.done(await desk.target(1))
    conduct = desk.login.conduct
    conduct.queries = "lost"
    conduct.submits.append("lost")
    unknown = await desk.signal(action="buy", quantity="2", sentiment="long")
    await eventually(lambda: len(desk.sends()) == 2)
    blocked = await desk.signal(action="buy", quantity="3", sentiment="long")
    (order,) = await desk.until_status(blocked, "denied")
    assert order.deny_code in {"ORDER_OUTCOME_UNKNOWN", "ACCOUNT_NOT_RECONCILED"}
    conduct.queries = "accept"
    leave = await desk.exit()
    await desk.settled(0)
    await desk.until_status(leave, "filled")
    await desk.until_status(unknown, "expired", "filled")
    assert desk.nets() == [0]


async def test_its_owner_is_told_when_the_broker_cannot_be_asked_and_when_it_is_found(desk):
    await desk.start()
    desk.login.conduct.submits.append("answer lost")
    desk.login.conduct.queries = "lost"
    desk.login.fall_silent()
    await desk.target(1)
    (waiting,) = await eventually(lambda: desk.told("order.undecided"))
    assert waiting.data["outcome"] == "waiting" and waiting.user_id == desk.user.pk
    desk.login.conduct.queries = "accept"

    async def both():
        told = await desk.told("order.undecided")
        return told if len(told) == 2 else None

    _, found = await eventually(both)
    assert found.data["outcome"] == "found" and found.data["order"] == waiting.data["order"]


async def test_its_owner_is_told_when_it_was_given_up(desk):
    await desk.start()
    desk.login.conduct.every_submit = "lost"
    signal = await desk.target(1)
    await desk.until_status(signal, "expired")
    (told,) = await eventually(lambda: desk.told("order.undecided"))
    assert told.data["outcome"] == "expired" and "second time" in told.data["message"]


async def test_what_somebody_bought_by_hand_meanwhile_is_not_bought_again(desk):
    await desk.start(waits={"proof": 0.8})
    desk.login.conduct.submits.append("lost")
    signal = await desk.target(2)
    await desk.until_status(signal, "unknown")
    desk.venue.move_by_hand(desk.account.external_id, Decimal(2))
    (order,) = await desk.until_status(signal, "expired")
    assert "already holds 2" in order.reject_reason
    assert desk.nets() == [2] and len(desk.sends()) == 1


async def test_an_account_that_was_switched_off_gets_no_second_attempt(desk):
    await desk.start(waits={"proof": 0.8})
    desk.login.conduct.submits.append("lost")
    signal = await desk.target(2)
    await desk.until_status(signal, "unknown")
    await desk.change(BrokerAccount, desk.account.pk, enabled=False)
    (order,) = await desk.until_status(signal, "expired")
    assert "switched off" in order.reject_reason and len(desk.sends()) == 1


@pytest.mark.parametrize("hours", [-2, 2])
async def test_a_wrong_clock_of_ours_proves_nothing_sooner_or_later(desk, hours):
    clock.be_off(hours * 3600)
    try:
        await desk.start(waits={"proof": 1.0})
        desk.login.conduct.submits.append("lost")
        signal = await desk.target(1)
        (order,) = await desk.until_status(signal, "filled")
    finally:
        clock.be_off(0)
    assert order.attempt == 1 and desk.nets() == [1]
    first, second = [event.at for event in await desk.events(order) if event.kind == "sent"]
    assert 1.0 <= (second - first).total_seconds() < 60
    assert abs((datetime.now(UTC) - second).total_seconds()) < 10
