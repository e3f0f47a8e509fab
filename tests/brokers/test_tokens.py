"""Tokens of a login: renewed by one at a time, by the gentlest way, and honestly given up when only its owner can help."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection as database

from brokers.errors import AuthExpired, AuthPenalty, AuthRevoked, Unavailable
from brokers.models import BrokerConnection
from brokers.registry import BROKERS
from brokers.services import disconnect
from brokers.tokens import ConnectionTokens, fresh_tokens
from tests.brokers.token_venue import LIFE, TokenVenue, token
from tests.factories import ConnectionFactory
from tradeproject.common.clock import utc_now
from tradeproject.common.models import DomainEvent

pytestmark = pytest.mark.django_db(transaction=True)

State = BrokerConnection.State
PASSWORD = {"username": "trader", "password": "canary-password"}


@pytest.fixture
def venue(monkeypatch):
    made = TokenVenue()
    monkeypatch.setitem(BROKERS, "tradovate", made.spec(BROKERS["tradovate"]))
    return made


def login(tokens=None, credentials=None, **more) -> BrokerConnection:
    """A stored login, with no password unless one is given."""
    row = ConnectionFactory(credentials=credentials or {"username": "trader"}, **more)
    if tokens is not None:
        row.put_tokens(tokens)
        row.save()
    return row


def at_once(count, work):
    """The results of ``count`` threads, each on a database connection of its own as another process would be."""

    def run(_):
        try:
            return work()
        finally:
            database.close()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(run, range(count)))


def told() -> list[tuple[str, str]]:
    return [
        (event.data["state"], event.data["reason"])
        for event in DomainEvent.objects.filter(type="connection.state")
    ]


# --- when a token is asked for ----------------------------------------------------------------------------------------


def test_it_asks_no_venue_while_the_stored_token_lives(venue):
    assert fresh_tokens(login(token()).pk).access_token == "canary-old"
    assert venue.calls == []


def test_it_renews_a_token_that_runs_out_soon(venue):
    row = login(token(lives=timedelta(seconds=30)))
    assert fresh_tokens(row.pk).access_token == "canary-refresh-1"
    assert BrokerConnection.objects.get(pk=row.pk).current_tokens().access_token == "canary-refresh-1"


def test_it_renews_a_token_the_venue_refuses_however_long_it_lives(venue):
    row = login(token())
    assert fresh_tokens(row.pk, refused="canary-old").access_token == "canary-refresh-1"


def test_it_takes_a_newer_token_for_the_answer_to_a_refused_one(venue):
    row = login(token("canary-newer"))
    assert fresh_tokens(row.pk, refused="canary-old").access_token == "canary-newer"
    assert venue.calls == []


def test_it_makes_one_call_for_two_who_renew_at_once(venue):
    venue.slow_by = 0.3
    row = login(token(lives=timedelta(seconds=10)))
    found = at_once(4, lambda: fresh_tokens(row.pk).access_token)
    assert venue.calls == ["refresh"]
    assert set(found) == {"canary-refresh-1"}


def test_it_makes_one_call_for_two_whose_token_was_refused_at_once(venue):
    venue.slow_by = 0.3
    row = login(token())
    found = at_once(4, lambda: fresh_tokens(row.pk, refused="canary-old").access_token)
    assert venue.calls == ["refresh"]
    assert set(found) == {"canary-refresh-1"}


def test_it_does_not_keep_one_login_waiting_for_another(venue):
    slow, other = login(token(lives=timedelta(seconds=10))), login(token(lives=timedelta(seconds=10)))
    order = []

    def meanwhile():
        venue.meanwhile = None
        order.extend(at_once(1, lambda: fresh_tokens(other.pk).access_token))

    venue.meanwhile = meanwhile
    fresh_tokens(slow.pk)
    assert order == ["canary-refresh-2"]


# --- which way --------------------------------------------------------------------------------------------------------


def test_it_prefers_a_renewal_to_the_password(venue):
    fresh_tokens(login(token(lives=timedelta(seconds=10)), PASSWORD).pk)
    assert venue.calls == ["refresh"]


def test_it_uses_the_kept_password_when_the_renewal_is_too_late(venue):
    venue.refusing["refresh"] = AuthExpired("The token has expired.")
    assert fresh_tokens(login(token(lives=-LIFE), PASSWORD).pk).access_token == "canary-login-2"
    assert venue.calls == ["refresh", "login"]


def test_it_uses_the_kept_password_when_there_is_no_token_at_all(venue):
    assert fresh_tokens(login(None, PASSWORD).pk).access_token == "canary-login-1"


@pytest.mark.parametrize("error", [Unavailable("The venue is away."), AuthPenalty("Wait.", retry_after=60)])
def test_it_does_not_try_the_password_when_the_venue_is_in_trouble(venue, error):
    venue.refusing["refresh"] = error
    row = login(token(lives=timedelta(seconds=10)), PASSWORD)
    with pytest.raises(type(error)):
        fresh_tokens(row.pk)
    assert venue.calls == ["refresh"]
    assert BrokerConnection.objects.get(pk=row.pk).state == State.CONNECTED


# --- when only the owner can help -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error", [AuthRevoked("The venue does not take this login."), AuthExpired("Too late.")]
)
def test_it_says_that_its_owner_is_needed(venue, error):
    venue.refusing["refresh"] = error
    row = login(token(lives=timedelta(seconds=10)))
    with pytest.raises(AuthRevoked) as caught:
        fresh_tokens(row.pk)
    stored = BrokerConnection.objects.get(pk=row.pk)
    assert (stored.state, stored.state_reason) == (State.NEEDS_REAUTHORIZATION, caught.value.message)
    assert told() == [(State.NEEDS_REAUTHORIZATION, caught.value.message)]


def test_it_says_so_when_the_kept_password_is_refused(venue):
    venue.refusing["login"] = AuthRevoked("The password was changed.")
    row = login(None, PASSWORD)
    with pytest.raises(AuthRevoked):
        fresh_tokens(row.pk)
    assert told() == [(State.NEEDS_REAUTHORIZATION, "The password was changed.")]


def test_it_tells_of_it_once(venue):
    row = login(None)
    for _ in range(3):
        with pytest.raises(AuthRevoked):
            fresh_tokens(row.pk)
    assert len(told()) == 1


@pytest.mark.parametrize("state", [State.NEEDS_REAUTHORIZATION, State.ERROR])
def test_it_is_connected_again_after_a_renewal(venue, state):
    row = login(token(lives=timedelta(seconds=10)), state=state)
    fresh_tokens(row.pk)
    assert told() == [(State.CONNECTED, "")]


def test_it_signs_nobody_in_whose_login_is_switched_off(venue):
    row = login(token(lives=timedelta(seconds=10)), PASSWORD, state=State.DISABLED)
    with pytest.raises(AuthRevoked, match="disabled"):
        fresh_tokens(row.pk)
    assert venue.calls == []
    assert BrokerConnection.objects.get(pk=row.pk).state == State.DISABLED


def test_it_brings_no_secret_back_that_was_forgotten_meanwhile(venue):
    row = login(token(lives=timedelta(seconds=10)))
    venue.meanwhile = lambda: at_once(1, lambda: disconnect(BrokerConnection.objects.get(pk=row.pk)))
    with pytest.raises(AuthRevoked):
        fresh_tokens(row.pk)
    stored = BrokerConnection.objects.get(pk=row.pk)
    assert (stored.tokens, stored.token_expires_at, stored.state) == (None, None, State.DISABLED)


def test_it_does_not_wake_a_login_that_was_switched_off_meanwhile(venue):
    row = login(token(lives=timedelta(seconds=10)))
    venue.refusing["refresh"] = AuthRevoked("The venue does not take this login.")
    switched_off = BrokerConnection.objects.filter(pk=row.pk)
    venue.meanwhile = lambda: at_once(1, lambda: switched_off.update(state=State.DISABLED))
    with pytest.raises(AuthRevoked):
        fresh_tokens(row.pk)
    assert BrokerConnection.objects.get(pk=row.pk).state == State.DISABLED


def test_it_prefers_what_its_owner_signed_in_with_meanwhile(venue):
    row = login(token(lives=timedelta(seconds=10)))

    def sign_in() -> None:
        renewed = BrokerConnection.objects.get(pk=row.pk)
        renewed.put_tokens(token("canary-owner"))
        renewed.save()

    venue.meanwhile = lambda: at_once(1, sign_in)
    assert fresh_tokens(row.pk).access_token == "canary-owner"
    assert BrokerConnection.objects.get(pk=row.pk).current_tokens().access_token == "canary-owner"


def test_it_writes_no_secret_into_the_log(venue, caplog):
    caplog.set_level(logging.DEBUG)
    venue.refusing["refresh"] = AuthExpired("Too late.")
    fresh_tokens(login(token(lives=timedelta(seconds=10)), PASSWORD).pk)
    assert "refresh not possible" in caplog.text
    assert "canary" not in caplog.text


# --- an adapter's own source ------------------------------------------------------------------------------------------


def test_it_asks_the_database_once_for_many_requests(venue, django_assert_max_num_queries):
    row = login(token())

    async def many() -> set[str]:
        source = ConnectionTokens(row.pk)
        return {(await source.current()).access_token for _ in range(50)}

    with django_assert_max_num_queries(4):
        assert asyncio.run(many()) == {"canary-old"}


def test_it_makes_one_call_for_all_requests_of_a_loop_that_were_refused(venue):
    venue.slow_by = 0.1
    row = login(token())

    async def many() -> list[str]:
        source = ConnectionTokens(row.pk)
        stale = await source.current()
        return [
            found.access_token for found in await asyncio.gather(*(source.renewed(stale) for _ in range(20)))
        ]

    assert set(asyncio.run(many())) == {"canary-refresh-1"}
    assert venue.calls == ["refresh"]


def test_it_makes_one_call_for_two_processes_that_were_refused(venue):
    row = login(token())

    async def one_after_another() -> list[str]:
        first, second = ConnectionTokens(row.pk), ConnectionTokens(row.pk)
        stale = await first.current()
        await second.current()
        return [(await source.renewed(stale)).access_token for source in (first, second)]

    assert asyncio.run(one_after_another()) == ["canary-refresh-1"] * 2
    assert venue.calls == ["refresh"]


def test_it_does_not_hand_out_a_token_that_ran_out_meanwhile(venue, monkeypatch):
    row = login(token())

    async def before_and_after() -> list[str]:
        source = ConnectionTokens(row.pk)
        first = await source.current()
        monkeypatch.setattr("brokers.tokens.utc_now", lambda: utc_now() + LIFE)
        return [first.access_token, (await source.current()).access_token]

    assert asyncio.run(before_and_after()) == ["canary-old", "canary-refresh-1"]


def test_it_does_not_hand_out_a_refused_token_that_only_got_a_longer_life(venue):
    row = login(token())

    async def refused() -> str:
        source = ConnectionTokens(row.pk)
        await source.current()
        return (await source.renewed(token(lives=LIFE / 2))).access_token

    assert asyncio.run(refused()) == "canary-refresh-1"
