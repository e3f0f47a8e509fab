"""Waiting report batches are taken in once, in order, and a bad one does not hold up the rest."""

from __future__ import annotations

import logging

import pytest

from brokers.models import ReportBatch
from brokers.reportcodec import encode
from recorder.models import PositionSnapshot
from recorder.services import MAX_ATTEMPTS, drain_report_batches
from tests.factories import InstrumentFactory
from tests.recorder.venue import fill, position

pytestmark = pytest.mark.django_db


def wait(desk, *items, environment="demo", **more) -> ReportBatch:
    return ReportBatch.objects.create(
        connection=desk.connection, environment=environment, payload={"items": encode(items), **more}
    )


def test_it_takes_what_waits_and_deletes_it(desk):
    desk.order("900", quantity=2)
    wait(desk, fill(1, "900", "buy", 1, 100))
    wait(desk, fill(2, "900", "buy", 1, 102), position(2, 101))
    assert drain_report_batches() == 2
    assert [trip.entry_price for trip in desk.trips()] == [101]
    assert desk.stored(1).source == "stream"
    assert not ReportBatch.objects.exists()
    assert drain_report_batches() == 0


def test_it_takes_no_more_than_it_is_asked_to(desk):
    for number in range(3):
        wait(desk, position(number + 1, 100, seconds=number))
    assert drain_report_batches(limit=2) == 2
    assert PositionSnapshot.objects.get().net_quantity == 2
    assert ReportBatch.objects.count() == 1


def test_it_keeps_environments_apart(desk):
    wait(desk, position(5, 100), environment="live")
    assert drain_report_batches() == 1
    assert not PositionSnapshot.objects.exists()


def test_it_hands_on_which_accounts_a_batch_is_complete_for(desk):
    desk.ingest(position(2, 100))
    wait(desk, complete_accounts=["33112"])
    drain_report_batches()
    assert PositionSnapshot.objects.get().net_quantity == 0


def test_it_sets_a_poisoned_batch_aside_and_goes_on(desk, caplog):
    desk.order("900")
    poisoned = ReportBatch.objects.create(
        connection=desk.connection, environment="demo", payload={"items": [{"kind": "rumour"}]}
    )
    wait(desk, fill(1, "900", "buy", 1, 100))
    with caplog.at_level(logging.CRITICAL, logger="recorder.services"):
        taken = [drain_report_batches() for _ in range(MAX_ATTEMPTS)]
    assert taken == [1, 0, 0]
    assert desk.stored(1)
    poisoned.refresh_from_db()
    assert poisoned.attempts == MAX_ATTEMPTS
    assert "set aside" in caplog.text
    wait(desk, position(1, 100))
    assert drain_report_batches() == 1


def test_it_waits_for_an_unknown_contract_and_asks_for_a_poll(desk):
    desk.order("900")
    unknown = fill(1, "900", "buy", 1, 100, venue_instrument_id="42")
    wait(desk, unknown, fill(2, "900", "buy", 1, 100))
    desk.connection.last_polled_at = desk.connection.created_at
    desk.connection.save()
    drain_report_batches()
    assert desk.account.fills.count() == 1
    batch = ReportBatch.objects.get()
    assert batch.waiting_for == ["42"]
    desk.connection.refresh_from_db()
    assert desk.connection.last_polled_at is None
    assert drain_report_batches() == 0  # it still waits
    InstrumentFactory(venue_id="42", venue_symbol="MESZ6", root="MES")
    assert drain_report_batches() == 1
    assert (desk.account.fills.count(), ReportBatch.objects.count()) == (2, 0)
