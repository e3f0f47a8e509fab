from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from brokers.simulators.tradovate import MountedSimulator, Options, create_simulator, listening
from tests.brokers.simulators.tradovate.people import Person, Socket


@pytest.fixture
async def venue() -> AsyncIterator[MountedSimulator]:
    """A venue in this process whose market stands still: MNQ bid 25000, ask 25000.25."""
    mounted = create_simulator(Options(logins=3, accounts_per_login=2, frozen=True))
    yield mounted
    await mounted.simulator.stop()


@pytest.fixture
async def trader(venue) -> AsyncIterator[Person]:
    """sim-1, logged in at the demo host."""
    person = Person(venue)
    await person.log_in()
    yield person
    await person.http.aclose()


@pytest.fixture
async def stranger(venue) -> AsyncIterator[Person]:
    """sim-2: nothing of sim-1 may reach it."""
    person = Person(venue, 2)
    await person.log_in()
    yield person
    await person.http.aclose()


@pytest.fixture
async def url(venue) -> AsyncIterator[str]:
    """The same venue behind a real listening socket."""
    async with listening(venue.app) as address:
        yield address


@pytest.fixture
async def socket(url) -> AsyncIterator[Socket]:
    """An open trading socket of the demo host, not yet authorized."""
    opened = await Socket.open(url)
    yield opened
    await opened.wire.close()


@pytest.fixture
async def synced(socket, trader) -> Socket:
    """... authorized and synchronized as sim-1."""
    await socket.sync(trader)
    return socket
