from __future__ import annotations

import dataclasses

import pytest
from django.db import connection

from strategies.events import SignalStored
from strategies.models import Signal
from tests.strategies.webhooks.helpers import body
from tradeproject.common import events
from tradeproject.common.events import StoredEvent, relay_pending
from tradeproject.common.models import DomainEvent

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_tells_of_every_alert_once_in_the_events_own_fields(door, strategy, url):
    sent = body()
    door.post(url, sent)
    door.post(url, sent)
    door.post(url, b"nonsense")
    strategy.active = False
    strategy.save()
    door.post(url, body(order_id="2"))
    door.post("/webhook", body(strategy="Evening", key=strategy.user.webhook_secret))
    told = list(DomainEvent.objects.order_by("id"))
    assert [(event.type, event.user, event.data["status"], event.data["code"]) for event in told] == [
        ("signal.stored", strategy.user, "accepted", ""),
        ("signal.stored", strategy.user, "rejected", "malformed_json"),
        ("signal.stored", strategy.user, "ignored", "strategy_inactive"),
        ("signal.stored", strategy.user, "rejected", "unknown_strategy"),
    ]
    names = {field.name for field in dataclasses.fields(SignalStored)} - {"user_id"}
    assert all(set(event.data) == names for event in told)
    assert [event.data["signal"] for event in told] == [
        str(pk) for pk in Signal.objects.order_by("id").values_list("pk", flat=True)
    ]
    assert [event.data["strategy"] for event in told] == [str(strategy.pk)] * 3 + [None]


def test_it_tells_nobody_of_a_test(door, url):
    door.post(url + "?dry_run=1", body())
    assert not DomainEvent.objects.exists()


def test_it_wakes_the_relay_with_the_commit(door, url, monkeypatch):
    heard: list[StoredEvent] = []
    monkeypatch.setattr(events, "_subscribers", [heard.append])
    with connection.cursor() as cursor:
        cursor.execute("LISTEN domain_events")
        door.post(url, body(action="byu"))
        cursor.execute("SELECT 1")
        notes = list(connection.connection.notifies(timeout=2, stop_after=1))
        cursor.execute("UNLISTEN domain_events")
    assert len(notes) == 1
    assert relay_pending() == 1
    assert heard[0].data["code"] == "invalid_action"
