"""Recording on and off, equity points, clearing up."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import AuditEntry, IdempotencyKey
from brokers.models import ReportBatch
from recorder.models import EquityPoint
from recorder.services import prune, record_equity_points, start_recording, stop_recording
from strategies.models import AlertDigest
from tests.recorder.venue import money
from tradeproject.common.clock import utc_now
from tradeproject.common.models import DomainEvent

pytestmark = pytest.mark.django_db


def test_it_starts_and_stops_recording_and_writes_down_who_did(desk, owner):
    stop_recording(desk.strategy, actor=owner)
    desk.strategy.refresh_from_db()
    assert not desk.strategy.recording_enabled
    start_recording(desk.strategy, actor=owner)
    start_recording(desk.strategy, actor=owner)  # again: nothing to do, nothing to write down
    desk.strategy.refresh_from_db()
    assert desk.strategy.recording_enabled
    entries = AuditEntry.objects.filter(action__startswith="recording").order_by("pk")
    assert [(e.action, e.actor, e.object_id) for e in entries] == [
        ("recording_stopped", owner, str(desk.strategy.pk)),
        ("recording_started", owner, str(desk.strategy.pk)),
    ]


def test_it_keeps_an_equity_point_only_when_the_money_changed(desk):
    assert record_equity_points() == 0  # nothing is known yet
    desk.ingest(money(50000, equity=Decimal(50010)))
    assert record_equity_points() == 1
    EquityPoint.objects.update(at=utc_now() - timedelta(minutes=5))
    assert record_equity_points() == 0
    desk.ingest(money(50000, seconds=2, equity=Decimal(50020)))
    assert record_equity_points() == 1
    assert [point.equity for point in EquityPoint.objects.order_by("at")] == [50010, 50020]


def test_it_keeps_one_point_a_minute(desk):
    desk.ingest(money(50000))
    record_equity_points()
    minute = EquityPoint.objects.get().at
    assert (minute.second, minute.microsecond) == (0, 0)
    desk.ingest(money(50001, seconds=2))
    record_equity_points()
    assert EquityPoint.objects.values("at").distinct().count() == EquityPoint.objects.count()


def test_it_deletes_what_is_old_and_keeps_the_rest(desk, owner):
    now, old = utc_now(), utc_now() - timedelta(days=60)
    done = DomainEvent.objects.create(type="x", user=owner, relayed_at=old)
    waiting = DomainEvent.objects.create(type="x", user=owner)
    fresh = DomainEvent.objects.create(type="x", user=owner, relayed_at=now)
    DomainEvent.objects.filter(pk__in=[done.pk, waiting.pk]).update(created_at=old)
    aside = ReportBatch.objects.create(connection=desk.connection, environment="demo", payload={}, attempts=3)
    ReportBatch.objects.filter(pk=aside.pk).update(created_at=old)
    for digest, expires in (("a", old), ("b", now + timedelta(minutes=5))):
        AlertDigest.objects.create(
            strategy=desk.strategy, digest=digest, signal_id=desk.strategy.pk, expires_at=expires
        )
    key = IdempotencyKey.objects.create(user=owner, key="k", request_digest="d", status_code=200)
    IdempotencyKey.objects.filter(pk=key.pk).update(created_at=old)
    assert prune() == {"events": 1, "report_batches": 1, "alert_digests": 1, "idempotency_keys": 1}
    assert set(DomainEvent.objects.values_list("pk", flat=True)) >= {waiting.pk, fresh.pk}
    assert AlertDigest.objects.get().digest == "b"


def test_it_deletes_more_than_one_handful(owner, monkeypatch):
    monkeypatch.setattr("recorder.services.PRUNE_CHUNK", 3)
    old = utc_now() - timedelta(days=60)
    DomainEvent.objects.bulk_create([DomainEvent(type="x", user=owner, relayed_at=old) for _ in range(7)])
    DomainEvent.objects.update(created_at=old)
    assert prune()["events"] == 7
