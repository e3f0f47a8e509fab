"""Drift from alert to order: what is traded past us is seen, named, and brought back on the way of every alert."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from brokers.models import BrokerAccount, BrokerConnection
from recorder.models import PositionCover
from strategies import drift, drift_policy
from strategies.models import Allocation, Drift, Order, Signal
from tests.strategies.engine.desk import eventually
from tradeproject.common.api import Problem
from tradeproject.common.clock import utc_now
from tradeproject.common.threads import in_thread

LATER = timedelta(seconds=8)  # past the quiet time after our own orders


async def look(desk, *, times: int = 2) -> list[Drift]:
    """Look that often, as far apart as beat would."""

    def work() -> list[Drift]:
        for count in range(times):
            drift_policy.watch(utc_now() + LATER + timedelta(seconds=3 * count))
        return list(drift.drifts_of(desk.user))

    return await in_thread(work)


async def states(desk) -> list[tuple[str, Decimal, Decimal | None]]:
    return [(row.state, row.wanted, row.held) for row in await look(desk)]


async def until_recorded(desk, net: int) -> None:
    from recorder.models import PositionSnapshot

    def recorded() -> bool:
        rows = PositionSnapshot.objects.filter(broker_account=desk.account)
        return sum(rows.values_list("net_quantity", flat=True)) == net

    await eventually(lambda: in_thread(recorded))


@pytest.fixture
async def held(desk):
    """Two long, and recorded so."""
    await in_thread(lambda: BrokerConnection.objects.update(stream_state="synced"))
    await desk.start()
    await desk.done(await desk.target(2))
    await desk.settled(2)
    await until_recorded(desk, 2)
    return desk


async def by_hand(desk, net: int) -> None:
    desk.venue.move_by_hand(desk.account.external_id, Decimal(net))
    await until_recorded(desk, net)


async def test_in_step_is_told_as_synced(held):
    assert await states(held) == [("synced", 2, 2)]


async def test_what_was_closed_by_hand_is_drifted_and_brought_back(held):
    await by_hand(held, 1)
    (row,) = await look(held)
    assert (row.state, row.wanted, row.held) == ("drifted", 2, 1)
    signal = await in_thread(drift.bring_back, row, held.user)
    (order,) = await held.until_status(signal.pk, "filled")
    assert (order.purpose, order.side, order.quantity) == ("entry", "buy", 1)
    await held.settled(2)
    await until_recorded(held, 2)
    assert await states(held) == [("synced", 2, 2)]


async def test_what_was_turned_by_hand_is_turned_back(held):
    await by_hand(held, -1)
    (row,) = await look(held)
    signal = await in_thread(drift.bring_back, row, held.user)
    await held.done(signal.pk)
    await held.settled(2)
    assert [(o.purpose, o.quantity) for o in await held.orders(signal.pk)] == [("exit", 1), ("entry", 2)]


async def test_what_was_opened_by_hand_after_an_exit_is_closed_reduce_only(held):
    await held.done(await held.exit())
    await held.settled(0)
    await by_hand(held, 3)
    (row,) = await look(held)
    assert (row.state, row.wanted, row.held) == ("drifted", 0, 3)
    await held.done((await in_thread(drift.bring_back, row, held.user)).pk)
    await held.settled(0)


async def test_asking_twice_is_asking_once(held):
    await by_hand(held, 1)
    (row,) = await look(held)
    first = await in_thread(drift.bring_back, row, held.user)
    again = await in_thread(drift.bring_back, row, held.user)
    assert again.pk == first.pk
    await held.done(first.pk)
    await held.settled(2)
    assert (await in_thread(drift.bring_back, row, held.user)).pk == first.pk
    assert await in_thread(lambda: Signal.objects.filter(source="bring_back").count()) == 1


async def test_it_goes_through_the_gate_like_any_alert(held):
    from strategies.models import ControlState

    await by_hand(held, 1)
    (row,) = await look(held)
    await in_thread(
        lambda: ControlState.objects.create(scope="user", object_id=str(held.user.pk), state="halted")
    )
    preview = await in_thread(drift.preview_of, row)
    assert [order["deny_code"] for order in preview["orders"]] == ["CONTROL_HALTED"]
    signal = await in_thread(drift.bring_back, row, held.user)
    (order,) = await held.until_status(signal.pk, "denied")
    assert order.deny_code == "CONTROL_HALTED" and held.nets() == [1]


async def test_the_preview_names_the_order_and_sends_nothing(held):
    await by_hand(held, 1)
    (row,) = await look(held)
    before = len(held.sends())
    preview = await in_thread(drift.preview_of, row)
    assert [(o["side"], o["quantity"]) for o in preview["orders"]] == [("buy", "1")]
    assert len(held.sends()) == before


async def test_it_is_no_word_of_the_strategy(held):
    """An alert after it is carried out as if it had not been, and is not overtaken by it."""
    await by_hand(held, 1)
    (row,) = await look(held)
    await held.done((await in_thread(drift.bring_back, row, held.user)).pk)
    await held.done(await held.target(3))
    await held.settled(3)
    await held.done(await held.target(-1))
    await held.settled(-1)


async def test_only_the_account_that_drifted_is_touched(open_desk):
    desk = await open_desk(accounts=3)
    await in_thread(lambda: BrokerConnection.objects.update(stream_state="synced"))
    await in_thread(
        lambda: Allocation.objects.filter(broker_account=desk.accounts[0]).update(multiplier=Decimal(2))
    )
    await desk.start()
    await desk.done(await desk.target(2))
    await desk.settled(4, 2, 2)
    desk.venue.move_by_hand(desk.accounts[0].external_id, Decimal(1))
    desk.venue.move_by_hand(desk.accounts[1].external_id, Decimal(0))
    await eventually(
        lambda: in_thread(
            lambda: BrokerAccount.objects.filter(positions__net_quantity__in=[0, 1]).count() == 2
        )
    )
    rows = {row.allocation.broker_account_id: row for row in await look(desk)}
    row = rows[desk.accounts[0].pk]
    assert (row.wanted, row.held) == (4, 1)
    await desk.done((await in_thread(drift.bring_back, row, desk.user)).pk)
    await desk.settled(4, 0, 2)


async def test_what_could_not_be_asked_is_unknown_and_nothing_is_sent(held):
    await in_thread(lambda: PositionCover.objects.update(answered_at=utc_now() - timedelta(minutes=10)))
    (row,) = await look(held)
    assert (row.state, row.held) == ("unknown", None) and "not answered" in row.why
    with pytest.raises(Problem, match="not known"):
        await in_thread(drift.bring_back, row, held.user)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"stream_state": "down"}, "connection is down"),
        ({"state": "needs_reauthorization"}, "sign in again"),
        ({"state": "disabled"}, "switched off"),
    ],
)
async def test_a_login_that_is_away_makes_it_unknown(held, change, why):
    await in_thread(lambda: BrokerConnection.objects.update(**change))
    await in_thread(lambda: PositionCover.objects.update(answered_at=utc_now() - timedelta(seconds=20)))
    (row,) = await look(held)
    assert row.state == "unknown" and why in row.why


async def test_order_mode_adds_up_what_was_really_filled(desk):
    await in_thread(lambda: BrokerConnection.objects.update(stream_state="synced"))
    await desk.start()
    await desk.done(await desk.signal(action="buy", quantity="2"))
    await desk.done(await desk.signal(action="buy", quantity="1"))
    await desk.settled(3)
    await until_recorded(desk, 3)
    assert await states(desk) == [("synced", 3, 3)]
    desk.login.conduct.every_submit = "reject"
    await desk.until_status(await desk.signal(action="buy", quantity="4"), "rejected")
    assert await states(desk) == [("synced", 3, 3)]


async def test_a_stop_that_was_reached_is_intended(desk):
    await in_thread(lambda: BrokerConnection.objects.update(stream_state="synced"))
    await desk.change_strategy(stop_loss=Decimal(20))
    await desk.start()
    await desk.done(await desk.target(2))
    await desk.settled(2)
    (stop,) = [o for o in desk.venue.working(desk.account.external_id) if o.group]
    desk.venue.fill(stop.venue_id)
    await desk.settled(0)
    await until_recorded(desk, 0)
    await eventually(lambda: desk.leg_states({"filled"}))
    assert await states(desk) == [("synced", 0, 0)]


async def test_a_rejected_entry_leaves_a_target_unmet(held):
    held.login.conduct.every_submit = "reject"
    await held.until_status(await held.target(3), "rejected")
    assert await states(held) == [("drifted", 3, 2)]


async def test_the_automatic_mode_brings_back_a_few_times_and_then_tells(held):
    await in_thread(lambda: drift_policy.set_policy(held.strategy, held.user, automatic=True, per_hour=1))
    await by_hand(held, 1)
    await look(held)
    signal = await in_thread(lambda: Signal.objects.get(source="auto_bring_back"))
    await held.done(signal.pk)
    await held.settled(2)
    await until_recorded(held, 2)
    await look(held)
    await by_hand(held, 0)
    await look(held)
    assert held.nets() == [0]
    (told,) = await held.told("drift.left")
    assert (told.data["wanted"], told.data["held"], told.data["tries"]) == ("2", "0", 1)
    await look(held)
    assert len(await held.told("drift.left")) == 1


async def test_off_by_default(held):
    await by_hand(held, 0)
    await look(held)
    assert await in_thread(lambda: Order.objects.filter(signal__source="auto_bring_back").count()) == 0
