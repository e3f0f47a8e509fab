"""Several processes at the same door: each fact once, nothing lost, nobody stuck."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection as database

from brokers.models import ReportBatch
from brokers.reportcodec import encode
from recorder import reconcile
from recorder.models import Fill, RecordedPosition
from recorder.services import drain_report_batches
from tests.recorder.venue import Desk, fill

pytestmark = pytest.mark.django_db(transaction=True)


def together(*jobs):
    """Run every job in a thread and database session of its own; their results in order."""

    def run(job):
        try:
            return job()
        finally:
            database.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def test_it_takes_a_fill_once_from_stream_and_poll_at_the_same_moment(owner):
    desk = Desk.open(owner)
    order = desk.order("900", quantity=40)
    fills = [fill(number, "900", "buy", 1, 100) for number in range(1, 41)]
    results = together(
        *(
            lambda source=source: desk.ingest(*fills, source=source)
            for source in ("stream", "poll", "sync", "poll")
        )
    )
    assert sorted(result.fills for result in results) == [0, 0, 0, 40]
    assert Fill.objects.count() == 40
    assert RecordedPosition.objects.get().quantity == 40
    order.refresh_from_db()
    assert (order.status, order.filled_quantity) == ("filled", 40)


def test_it_drains_every_batch_once_with_several_at_work(owner):
    desk = Desk.open(owner)
    desk.order("900", quantity=30)
    for number in range(1, 31):
        ReportBatch.objects.create(
            connection=desk.connection,
            environment="demo",
            payload={"items": encode([fill(number, "900", "buy", 1, 100)])},
        )

    def drain():
        taken, deadline = 0, time.monotonic() + 20
        while ReportBatch.objects.exists() and time.monotonic() < deadline:
            taken += drain_report_batches(limit=5)
        return taken

    assert sum(together(drain, drain, drain)) == 30
    assert not ReportBatch.objects.exists()
    assert RecordedPosition.objects.get().quantity == 30


def test_it_lets_one_of_several_claim_a_login(owner):
    desk = Desk.open(owner)
    claimed = together(*[reconcile.claim_due_connections] * 4)
    assert sorted(map(len, claimed)) == [0, 0, 0, 1]
    assert [pk for found in claimed for pk in found] == [desk.connection.pk]
