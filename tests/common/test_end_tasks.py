"""Tasks end when they are told to, also those that lose a cancellation."""

from __future__ import annotations

import asyncio

from tradeproject.common.aio import end_tasks


async def _deaf(times: int) -> None:
    """A loop that loses so many cancellations, as one under ``wait_for`` may."""
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            if not times:
                raise
            times -= 1


async def test_it_ends_a_task_that_lost_its_first_cancellation():
    task = asyncio.create_task(_deaf(1))
    await asyncio.sleep(0)
    assert await end_tasks([task], 2) == set()
    assert task.cancelled()


async def test_it_gives_up_on_one_that_never_listens():
    task = asyncio.create_task(_deaf(20))
    await asyncio.sleep(0)
    began = asyncio.get_running_loop().time()
    assert await end_tasks([task], 0.3) == {task}
    assert asyncio.get_running_loop().time() - began < 1
    assert await end_tasks([task], 10) == set()


async def test_what_a_task_raises_at_its_end_is_its_own():
    async def fail() -> None:
        raise ValueError("no")

    done = asyncio.create_task(fail())
    await asyncio.sleep(0)
    assert await end_tasks([done], 1) == set()


async def test_it_does_not_cancel_who_asks():
    assert await end_tasks([asyncio.current_task()], 1) == set()
