"""Orders first: who waits, who does not, and that nobody waits for ever."""

from __future__ import annotations

import asyncio

import pytest

from brokers.rush import NO_RUSH, Rush


async def waits(rush: Rush) -> bool:
    """Whether other work would wait now."""
    task = asyncio.create_task(rush.over())
    for _ in range(5):
        await asyncio.sleep(0)
    done = task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return not done


async def test_other_work_waits_while_many_orders_leave_and_goes_on_afterwards():
    rush = Rush(large=50, longest=60)
    with rush.of(50):
        assert rush.is_on and await waits(rush)
        later = asyncio.create_task(rush.over())
        await asyncio.sleep(0)
    await asyncio.wait_for(later, 5)
    assert not rush.is_on and not await waits(rush)


@pytest.mark.parametrize(("rush", "orders"), [(Rush(large=50), 49), (NO_RUSH, 1_000_000)])
async def test_nothing_waits_for_a_few_orders_or_where_none_are_sent(rush, orders):
    with rush.of(orders):
        assert not rush.is_on and not await waits(rush)


async def test_it_lasts_until_the_last_of_several_fan_outs_is_through():
    rush = Rush(large=1, longest=60)
    with rush.of(1):
        with rush.of(1):
            assert await waits(rush)
        assert await waits(rush)
    assert not await waits(rush)


async def test_it_ends_when_a_fan_out_fails():
    rush = Rush(large=1, longest=60)
    with pytest.raises(RuntimeError), rush.of(1):
        raise RuntimeError("broken")
    assert not await waits(rush)


async def test_it_ends_by_itself_and_pauses_before_the_next():
    rush = Rush(large=1, longest=0.05)
    with rush.of(1):
        await asyncio.wait_for(rush.over(), 5)
        with rush.of(1):  # fan-out upon fan-out: the streams must be read in between
            assert not await waits(rush)


async def test_those_who_waited_go_one_by_one_so_that_a_new_alert_gets_in_between():
    rush = Rush(large=1, longest=60)
    order: list[str] = []

    async def work(name: str) -> None:
        await rush.over()
        order.append(name)

    with rush.of(1):
        tasks = [asyncio.create_task(work(f"waiter {number}")) for number in range(20)]
        await asyncio.sleep(0)
    asyncio.get_running_loop().call_soon(order.append, "alert")
    await asyncio.wait_for(asyncio.gather(*tasks), 5)
    assert order.index("alert") < 5
    assert [name for name in order if name != "alert"] == [f"waiter {number}" for number in range(20)]


async def test_one_that_gave_up_waiting_holds_up_nobody():
    rush = Rush(large=1, longest=60)
    with rush.of(1):
        given_up, other = asyncio.create_task(rush.over()), asyncio.create_task(rush.over())
        await asyncio.sleep(0)
        given_up.cancel()
    await asyncio.wait_for(other, 5)
