"""Whose turn it is to be polled."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from brokers.models import BrokerConnection
from recorder import reconcile, tasks
from tests.factories import BrokerAccountFactory, ConnectionFactory

pytestmark = pytest.mark.django_db


def polled(desk, seconds_ago: float | None, **more):
    moment = None if seconds_ago is None else timezone.now() - timedelta(seconds=seconds_ago)
    BrokerConnection.objects.filter(pk=desk.connection.pk).update(last_polled_at=moment, **more)
    return reconcile.claim_due_connections() == [desk.connection.pk]


def test_it_polls_a_login_that_never_was(desk):
    assert polled(desk, None, stream_state="synced")


def test_it_polls_calmly_while_the_stream_is_in_step(desk, settings):
    settings.POSITION_POLL_SECONDS = 30
    assert not polled(desk, 20, stream_state="synced")
    assert polled(desk, 31, stream_state="synced")


def test_it_hurries_while_the_stream_is_down(desk):
    assert not polled(desk, 3, stream_state="down")
    assert polled(desk, 6, stream_state="down")
    assert polled(desk, 6, stream_state="")


def test_it_does_not_hurry_for_a_login_that_trades_for_nobody(desk):
    desk.strategy.allocations.all().delete()
    assert not polled(desk, 6, stream_state="down")
    assert polled(desk, 31, stream_state="down")


@pytest.mark.parametrize("state", ["disabled", "needs_reauthorization"])
def test_it_leaves_logins_alone_that_may_not_be_used(desk, state):
    assert not polled(desk, None, state=state)


def test_it_leaves_logins_alone_that_were_removed_or_have_no_account(desk):
    ConnectionFactory(user=desk.account.user)
    assert not polled(desk, None, deleted_at=timezone.now())


def test_it_claims_a_login_once_however_many_accounts_it_has(desk):
    BrokerAccountFactory(connection=desk.connection)
    assert polled(desk, None)
    assert reconcile.claim_due_connections() == []


def test_it_hands_one_task_per_login_on(desk, monkeypatch):
    handed = []
    monkeypatch.setattr(tasks.poll_connection, "delay", handed.append)
    assert tasks.poll_connections() == 1
    assert handed == [str(desk.connection.pk)]


def test_it_names_the_environments_of_a_login(desk):
    BrokerAccountFactory(connection=desk.connection, environment="live")
    BrokerAccountFactory(connection=desk.connection, environment="paper", state="missing")
    BrokerAccountFactory(connection=desk.connection, environment="live")
    assert reconcile.environments_of(desk.connection) == ["demo", "live"]
