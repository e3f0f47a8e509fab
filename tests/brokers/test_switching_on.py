"""A login that is switched on again is connected only if it can be used without its owner."""

from __future__ import annotations

from datetime import timedelta

import pytest

from brokers.models import BrokerConnection
from brokers.services import set_enabled
from tests.brokers.token_venue import token
from tests.factories import ConnectionFactory
from tradeproject.common.clock import utc_now
from tradeproject.common.models import DomainEvent

pytestmark = pytest.mark.django_db

State = BrokerConnection.State
HOUR = timedelta(hours=1)
NO_PASSWORD = {"username": "trader"}
PASSWORD = {"username": "trader", "password": "kept"}


def switched_off(tokens, credentials) -> BrokerConnection:
    row = ConnectionFactory(state=State.DISABLED, credentials=credentials)
    if tokens is not None:
        row.put_tokens(tokens)
        row.save()
    return row


def refreshable(until: timedelta | None):
    """A token that has run out, with a refresh token that lives for so long (None = untold)."""
    return token(
        lives=-HOUR,
        refresh_token="RT",
        refresh_expires_at=None if until is None else utc_now() + until,
    )


USABLE = {
    "a living token": (lambda: token(lives=HOUR), NO_PASSWORD),
    "a living refresh token": (lambda: refreshable(HOUR), NO_PASSWORD),
    "a refresh token of untold life": (lambda: refreshable(None), NO_PASSWORD),
    "a kept password": (lambda: None, PASSWORD),
    "a kept password beside dead tokens": (lambda: refreshable(-HOUR), PASSWORD),
}
USELESS = {
    "no token": (lambda: None, NO_PASSWORD),
    "a dead token": (lambda: token(lives=-HOUR), NO_PASSWORD),
    "a dead refresh token": (lambda: refreshable(-HOUR), NO_PASSWORD),
    "an empty password": (lambda: None, {"username": "trader", "password": ""}),
}


@pytest.mark.parametrize("case", USABLE)
def test_it_is_connected_with_what_still_opens_the_door(case):
    tokens, credentials = USABLE[case]
    row = switched_off(tokens(), credentials)
    set_enabled(row, True)
    row.refresh_from_db()
    assert (row.state, row.state_reason) == (State.CONNECTED, "")


@pytest.mark.parametrize("case", USELESS)
def test_it_needs_its_owner_when_nothing_opens_the_door(case):
    tokens, credentials = USELESS[case]
    row = switched_off(tokens(), credentials)
    set_enabled(row, True)
    row.refresh_from_db()
    assert row.state == State.NEEDS_REAUTHORIZATION
    assert "Sign in again on the Accounts page" in row.state_reason


def test_it_tells_that_its_owner_is_needed():
    row = switched_off(None, NO_PASSWORD)
    set_enabled(row, True)
    (event,) = DomainEvent.objects.filter(type="connection.state")
    assert (event.data["connection"], event.data["state"]) == (str(row.pk), State.NEEDS_REAUTHORIZATION)


def test_it_is_switched_off_whatever_it_holds():
    row = ConnectionFactory()
    set_enabled(row, False)
    row.refresh_from_db()
    assert (row.state, row.state_reason) == (State.DISABLED, "Switched off by its owner.")
