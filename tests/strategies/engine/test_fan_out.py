"""One signal, many accounts over several logins."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

from brokers.models import BrokerAccount
from strategies.engine import signals
from strategies.models import Allocation
from tests.strategies.engine.desk import eventually


async def _settings(desk) -> None:
    """Account 1 doubles, 2 is capped at one contract, 3 is switched off, 4 follows at a half."""
    ids = [account.pk for account in desk.accounts]
    await desk.change(BrokerAccount, ids[1], multiplier=Decimal(2))
    await desk.change(BrokerAccount, ids[2], max_contracts=Decimal(1))
    await desk.change(BrokerAccount, ids[3], enabled=False)
    allocation = await desk.allocation(desk.accounts[4])
    await desk.change(Allocation, allocation.pk, multiplier=Decimal("0.5"))


async def test_it_puts_25_accounts_of_5_logins_where_they_belong(open_desk):
    desk = await open_desk(accounts=25, logins=5)
    await _settings(desk)
    await desk.start()
    signal = await desk.target(2)
    await desk.until_status(signal, "filled", "denied")
    assert desk.nets() == [2, 4, 1, 0, 1] + [2] * 20
    assert set(desk.venue.arrived.values()) == {1}
    (denied,) = [order for order in await desk.orders(signal) if order.status == "denied"]
    assert denied.deny_code == "ACCOUNT_DISABLED"
    assert (await desk.done(signal)).progress == "done"


async def test_an_exit_closes_exactly_what_each_account_holds(open_desk):
    desk = await open_desk(accounts=5, logins=2)
    await _settings(desk)
    await desk.start()
    await desk.done(await desk.target(2))
    desk.venue.move_by_hand(desk.accounts[0].external_id, Decimal(7))
    signal = await desk.exit()
    await desk.done(signal)  # the account that was moved by hand is asked about first, and comes later
    orders = await desk.until_status(signal, "filled", "denied")
    assert desk.nets() == [0] * 5
    assert sorted(int(o.quantity) for o in orders if o.status == "filled") == [1, 1, 4, 7]


async def test_a_reversal_turns_every_account_and_doubles_none(open_desk):
    desk = await open_desk(accounts=6, logins=2)
    await desk.start()
    await desk.done(await desk.target(2))
    signal = await desk.target(-2, action="sell", quantity="4")
    await desk.until_status(signal, "filled")
    assert desk.nets() == [-2] * 6
    assert max(desk.venue.peaks.values()) == 2


async def test_it_sends_in_batches_with_a_pause_between_them(open_desk, settings):
    settings.BATCH_SIZE, settings.BATCH_DELAY_SECONDS = 2, 0.15
    desk = await open_desk(accounts=5, logins=1)
    await desk.start()
    signal = await desk.target(1)
    await desk.done(signal)
    orders = await desk.orders(signal)
    waves = sorted(order.planned_at for order in orders)
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(waves)]
    assert [gap > 0.1 for gap in gaps] == [False, True, False, True]


async def test_one_login_that_is_down_does_not_delay_the_others(open_desk):
    desk = await open_desk(accounts=4, logins=2)
    broken = desk.login_of(desk.accounts[1])
    broken.conduct.opening = "lost"
    await desk.start(ready=False)
    await eventually(lambda: desk.login_of(desk.accounts[0]).listeners)
    signal = await desk.target(1)
    await eventually(lambda: desk.nets() == [1, 0, 1, 0])
    broken.conduct.opening = "accept"
    await desk.until_status(signal, "filled", "denied", "expired")


async def test_one_login_that_hangs_does_not_delay_the_others(open_desk):
    desk = await open_desk(accounts=4, logins=2)
    desk.login_of(desk.accounts[1]).conduct.every_submit = "hang"
    await desk.start()
    signal = await desk.target(1)
    await eventually(lambda: desk.nets() == [1, 0, 1, 0], seconds=0.4)
    desk.login_of(desk.accounts[1]).conduct.every_submit = "accept"
    await desk.until_status(signal, "filled")
    assert desk.nets() == [1] * 4


async def test_one_adapter_that_crashes_does_not_touch_the_others(open_desk):
    desk = await open_desk(accounts=4, logins=2)
    desk.login_of(desk.accounts[1]).conduct.submits.extend(["crash", "crash"])
    await desk.start()
    signal = await desk.target(1)
    await eventually(lambda: desk.nets()[0] == desk.nets()[2] == 1, seconds=0.4)
    await desk.until_status(signal, "filled")
    assert desk.nets() == [1] * 4 and set(desk.venue.arrived.values()) == {1}


async def test_it_reads_a_large_fan_out_in_parts_and_serves_every_account_once(
    open_desk, settings, monkeypatch
):
    settings.BATCH_SIZE = 2
    monkeypatch.setattr(signals, "PART", 3)
    desk = await open_desk(accounts=11, logins=3)
    await desk.start()
    signal = await desk.target(2)
    await desk.until_status(signal, "filled")
    await desk.done(signal)
    assert desk.nets() == [2] * 11
    assert len(await desk.orders(signal)) == 11 and set(desk.venue.arrived.values()) == {1}


async def test_a_slow_account_of_the_first_part_delays_no_later_part(open_desk, settings, monkeypatch):
    settings.BATCH_SIZE = 2
    monkeypatch.setattr(signals, "PART", 2)
    desk = await open_desk(accounts=7, logins=7)
    first = desk.accounts[0]
    desk.login_of(first).conduct.is_reachable = False
    await desk.start(ready=False)
    await eventually(lambda: desk.engines[0][0].holds_shard)
    signal = await desk.target(1)
    await eventually(lambda: sorted(desk.nets()) == [0] + [1] * 6)
    assert desk.net(first) == 0
    assert (await desk.read(signal)).status == "accepted"


async def test_signals_in_parts_end_at_the_newest_target_everywhere(open_desk, settings, monkeypatch):
    settings.BATCH_SIZE = 2
    monkeypatch.setattr(signals, "PART", 2)
    desk = await open_desk(accounts=9, logins=3)
    await desk.start()
    for net in (2, -1, 3):
        await desk.target(net)
    await desk.settled(3, seconds=12)
    assert max(desk.venue.peaks.values()) <= 3


async def test_the_first_orders_leave_before_the_other_accounts_are_read(open_desk, monkeypatch):
    monkeypatch.setattr(signals, "FIRST", 2)
    desk = await open_desk(accounts=6, logins=6)
    await desk.start()
    engine = desk.engines[0][0]
    read_on, nets = engine.signals._read_on, []

    async def slowly(signal):
        await eventually(lambda: sum(desk.nets()) == 2)
        nets.append(desk.nets())
        return await read_on(signal)

    monkeypatch.setattr(engine.signals, "_read_on", slowly)
    signal = await desk.target(1)
    await desk.until_status(signal, "filled")
    assert nets == [[1, 1, 0, 0, 0, 0]] and desk.nets() == [1] * 6


async def test_a_large_fan_out_is_settled_although_the_streams_wait_for_it(open_desk, monkeypatch):
    desk = await open_desk(accounts=12, logins=4)
    await desk.start()
    desk.engines[0][0].rush._large = 10
    await desk.done(await desk.target(2))
    signal = await desk.target(-1, action="sell", quantity="3")
    await desk.until_status(signal, "filled")
    assert desk.nets() == [-1] * 12 and max(desk.venue.peaks.values()) == 2
