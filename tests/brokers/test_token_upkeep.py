"""The periodic work on tokens: in good time before each runs out, and never one login at the cost of another."""

from __future__ import annotations

from datetime import timedelta

import pytest

from brokers.errors import AuthRevoked, Unavailable
from brokers.models import BrokerConnection
from brokers.registry import BROKERS
from brokers.tasks import refresh_token, refresh_tokens
from tests.brokers.token_venue import TokenVenue, token
from tests.factories import ConnectionFactory
from tradeproject.common.clock import utc_now
from tradeproject.common.models import DomainEvent

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = timedelta(minutes=1)
State = BrokerConnection.State


@pytest.fixture
def venue(monkeypatch):
    made = TokenVenue()
    monkeypatch.setitem(BROKERS, "tradovate", made.spec(BROKERS["tradovate"]))
    return made


def login(lives: timedelta | None, *, of: timedelta = 80 * MINUTE, **more) -> BrokerConnection:
    """A login whose token lives so much longer, of a life of ``of``."""
    row = ConnectionFactory(credentials={"username": "trader"}, **more)
    if lives is not None:
        row.put_tokens(token(lives=lives))
        row.tokens_stored_at = utc_now() + lives - of
        row.save()
    return row


@pytest.fixture
def asked(monkeypatch):
    """The logins for which a task was queued."""
    found: list[str] = []
    monkeypatch.setattr(refresh_token, "delay", found.append)
    return found


def test_it_queues_every_token_that_runs_out_within_the_threshold(settings, asked):
    settings.TOKEN_REFRESH_THRESHOLD = 30 * 60
    due = {str(login(lives).pk) for lives in (29 * MINUTE, -MINUTE, None)}
    login(31 * MINUTE)
    refresh_tokens()
    assert set(asked) == due


@pytest.mark.parametrize("state", [State.DISABLED, State.NEEDS_REAUTHORIZATION])
def test_it_leaves_logins_alone_that_may_not_be_used(asked, state):
    login(MINUTE, state=state)
    refresh_tokens()
    assert asked == []


@pytest.mark.parametrize(("lives", "calls"), [(29 * MINUTE, ["refresh"]), (31 * MINUTE, [])])
def test_it_renews_within_the_threshold(settings, venue, lives, calls):
    settings.TOKEN_REFRESH_THRESHOLD = 30 * 60
    refresh_token(str(login(lives).pk))
    assert venue.calls == calls


@pytest.mark.parametrize(("lives", "calls"), [(11 * MINUTE, []), (9 * MINUTE, ["refresh"])])
def test_it_renews_a_short_lived_token_at_half_its_life(settings, venue, lives, calls):
    settings.TOKEN_REFRESH_THRESHOLD = 30 * 60
    refresh_token(str(login(lives, of=20 * MINUTE).pk))
    assert venue.calls == calls


def test_it_stores_how_long_the_new_token_really_lives(venue):
    venue.life = timedelta(minutes=17)
    row = login(MINUTE)
    refresh_token(str(row.pk))
    row.refresh_from_db()
    assert abs(row.token_expires_at - utc_now() - venue.life) < MINUTE


@pytest.mark.parametrize("error", [Unavailable("The venue is away."), AuthRevoked("Sign in again.")])
def test_it_survives_a_login_that_cannot_be_renewed(venue, error):
    venue.refusing["refresh"] = error
    refresh_token(str(login(MINUTE).pk))
    assert venue.calls == ["refresh"]


def test_it_tells_the_owner_before_the_next_session(venue):
    venue.refusing["refresh"] = AuthRevoked("Sign in again.")
    row = login(MINUTE)
    refresh_token(str(row.pk))
    (event,) = DomainEvent.objects.filter(type="connection.state")
    assert (event.user_id, event.data["state"]) == (row.user_id, State.NEEDS_REAUTHORIZATION)


def test_it_passes_over_a_login_that_is_gone(venue):
    refresh_token("0190a0a0-0000-7000-8000-000000000000")
    assert venue.calls == []
