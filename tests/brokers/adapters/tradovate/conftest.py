"""Fixtures: the fake venue, serving its socket or not, and an adapter in front of it."""

from __future__ import annotations

import contextlib

import pytest

from tests.brokers.adapters.tradovate.venue import FakeVenue


@pytest.fixture
def venue() -> FakeVenue:
    """A venue that answers HTTP; its socket is closed."""
    return FakeVenue()


@pytest.fixture
async def live(venue):
    """A venue whose socket is open as well."""
    async with venue.serving():
        yield venue


@pytest.fixture
async def adapter(live):
    """An adapter with its trading socket open and authorised."""
    adapter = live.adapter()
    await adapter.open()
    yield adapter
    await adapter.close()


@pytest.fixture
async def stream(live, adapter):
    """The stream of an open adapter, after its snapshot."""
    async with contextlib.aclosing(adapter.stream()) as stream:
        await anext(stream)
        yield stream
