"""Alerts that wait before their entry, and entries that are given up when they are not filled."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from strategies.models import Signal
from tests.strategies.webhooks.helpers import body, parsed, read, refusal


def test_it_reads_both_in_seconds():
    alert = read(delay="2.5", cancel_after="45")
    assert (alert.delay, alert.cancel_after, alert.waits) == (Decimal("2.5"), 45, Decimal("2.5"))
    assert read(delay=0).delay is None
    assert read().cancel_after is None


@pytest.mark.parametrize(
    "fields",
    [{"delay": 3601}, {"delay": -1}, {"cancelAfter": 3601}, {"cancelAfter": "1.5"}, {"cancelAfter": 0}],
)
def test_it_refuses_what_it_could_not_keep(fields):
    assert refusal(**fields) == "invalid_number"


@pytest.mark.parametrize("action", ["exit", "cancel"])
def test_an_exit_does_not_wait(action):
    found = parsed(action=action, contracts=None, delay=30)
    assert found.alert.waits is None
    assert any(warning.startswith("delay is for entries") for warning in found.warnings)


def test_an_alert_that_only_reduces_does_not_wait_either():
    assert read(action="sell", sentiment="bullish", delay=30).waits is None


@pytest.mark.django_db(transaction=True)
def test_it_stores_when_it_is_due(door, url):
    answer = door.post(url, body(delay=30))
    assert answer.json()["intent"] == "enter long 1 MNQ, after 30 s"
    signal = Signal.objects.get(pk=answer.json()["signal_id"])
    assert signal.due_at - signal.stored_at == timedelta(seconds=30)
    assert Signal.objects.get(pk=door.post(url, body(order_id="2")).json()["signal_id"]).due_at is None
