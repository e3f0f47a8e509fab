from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from tests.strategies.engine.desk import Desk


@pytest.fixture(autouse=True)
def _database(transactional_db: None) -> None:
    """Executors use connections of their own, so the rows must be committed."""


@pytest_asyncio.fixture
async def open_desk() -> AsyncIterator[Callable[..., Awaitable[Desk]]]:
    desks: list[Desk] = []

    async def make(*args: Any, **kwargs: Any) -> Desk:
        desk = await Desk.open(*args, **kwargs)
        desks.append(desk)
        return desk

    yield make
    for desk in desks:
        await desk.close()


@pytest_asyncio.fixture
async def desk(open_desk: Callable[..., Awaitable[Desk]]) -> Desk:
    """One account at one login, no executor yet."""
    return await open_desk()
