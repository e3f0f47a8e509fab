"""Celery's part of polling: one login at a time, one environment's trouble is its own."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from brokers.errors import Unavailable
from recorder import tasks
from recorder.models import PositionSnapshot
from tests.factories import BrokerAccountFactory
from tests.recorder.fake_adapter import FakeAdapter
from tests.recorder.test_concurrency import together
from tests.recorder.venue import Desk, position
from tradeproject.common.locks import advisory_lock


@pytest.fixture
def venue(monkeypatch) -> dict[str, FakeAdapter]:
    """The adapters that a poll opens, by environment."""
    adapters: dict[str, FakeAdapter] = {
        "demo": FakeAdapter(positions=[position(1, 100)]),
        "live": FakeAdapter(),
    }

    @asynccontextmanager
    async def open_adapter(connection, environment):
        yield adapters[environment]

    monkeypatch.setattr(tasks, "open_adapter", open_adapter)
    return adapters


@pytest.mark.django_db
def test_it_polls_every_environment_of_a_login(desk, venue):
    BrokerAccountFactory(connection=desk.connection, environment="live")
    tasks.poll_connection(str(desk.connection.pk))
    assert PositionSnapshot.objects.get().net_quantity == 1
    assert venue["live"].calls["positions"] == 1


@pytest.mark.django_db
def test_it_goes_on_with_the_other_environment_when_one_fails(desk, venue):
    BrokerAccountFactory(connection=desk.connection, environment="live")
    venue["demo"].failing["positions"] = Unavailable("The broker is away.")
    tasks.poll_connection(str(desk.connection.pk))
    assert venue["live"].calls["positions"] == 1


@pytest.mark.django_db
def test_it_does_not_poll_a_login_that_was_switched_off_meanwhile(desk, venue):
    desk.connection.state = "disabled"
    desk.connection.save()
    tasks.poll_connection(str(desk.connection.pk))
    assert not venue["demo"].calls


@pytest.mark.django_db(transaction=True)
def test_it_does_not_double_a_poll_that_still_runs(owner, venue):
    desk = Desk.open(owner)
    with advisory_lock("recorder", "poll", desk.connection.pk):
        together(lambda: tasks.poll_connection(str(desk.connection.pk)))
    assert not venue["demo"].calls


@pytest.mark.django_db
def test_it_does_nothing_when_nothing_is_due():
    assert tasks.poll_connections() == tasks.drain_reports() == tasks.record_equity_points() == 0
    assert set(tasks.prune().values()) == {0}
