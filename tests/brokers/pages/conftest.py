from __future__ import annotations

import pytest

from brokers.domain import Environment
from brokers.registry import BROKERS
from tests.brokers.api.venue import Venue, account

KIND = "tradovate"


@pytest.fixture
def venue(monkeypatch) -> Venue:
    """A broker in place of the real one, entered in the registry."""
    made = Venue({Environment.DEMO: [account(1), account(2, currency="EUR")]})
    monkeypatch.setitem(BROKERS, KIND, made.spec(BROKERS[KIND]))
    return made
