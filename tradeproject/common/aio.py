"""Ending asyncio tasks for certain."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

ASK_AGAIN_SECONDS = 0.2


async def end_tasks(tasks: Iterable[asyncio.Task[Any]], seconds: float) -> set[asyncio.Task[Any]]:
    """Cancel ``tasks`` and wait until they ended, at most so long. Returns those that did not. What they raised is dropped.

    Cancelling once is not enough: until Python 3.12 ``asyncio.wait_for`` swallows a cancellation that comes in the moment in
    which what it waits for is there (github.com/python/cpython/issues/86296), and the connection pool waits with it. A loop that
    was cancelled in that moment goes on for ever, and so does whoever gathers it.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    pending = {task for task in tasks if not task.done() and task is not asyncio.current_task()}
    while pending:
        for task in pending:
            task.cancel()
        left = deadline - loop.time()
        done, pending = await asyncio.wait(pending, timeout=max(0.0, min(ASK_AGAIN_SECONDS, left)))
        for task in done:
            if not task.cancelled():
                task.exception()  # taken notice of, so that nobody reports it as lost
        if left <= 0:
            break
    return pending


async def finish(work: Coroutine[Any, Any, Any], seconds: float) -> bool:
    """Do ``work`` for at most so long, then end it. Returns whether it came to its end by itself; its failure is raised."""
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    finally:
        await end_tasks([task], ASK_AGAIN_SECONDS)
    if done:
        task.result()
    return bool(done)
