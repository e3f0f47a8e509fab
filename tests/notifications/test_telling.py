"""Once per event, one row for what belongs together, and word of it to open pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from notifications import services
from notifications.handlers import on_event
from notifications.models import Notification
from notifications.selectors import unread_count
from tests.factories import StrategyFactory
from tradeproject.common.events import StoredEvent, publish, relay_pending
from tradeproject.common.models import DomainEvent

pytestmark = pytest.mark.django_db


def event(number: int, user, name: str = "connection.state", **data) -> StoredEvent:
    data = data or {"connection": "c1", "label": "Desk", "state": "error", "reason": "No answer."}
    return StoredEvent(number, name, user.pk, data, datetime.now(UTC))


def opened(number: int, user, signal: str) -> StoredEvent:
    return event(
        number,
        user,
        "position.opened",
        position=str(uuid4()),
        strategy="s",
        symbol="MNQ",
        side="Buy",
        signal=signal,
    )


def test_it_tells_once_however_often_the_event_comes(owner):
    for _ in range(3):
        on_event(event(7, owner))
    row = Notification.objects.get()
    assert (row.user, row.level, row.title, row.body) == (
        owner,
        "warning",
        "Desk does not answer",
        "No answer.",
    )
    assert DomainEvent.objects.filter(type="notification.created").count() == 1


def test_it_counts_what_belongs_together(owner):
    signal = str(uuid4())
    for number in range(1, 26):
        on_event(opened(number, owner, signal))
        on_event(opened(number, owner, signal))
    row = Notification.objects.get()
    assert (row.title, row.count) == ("MNQ long opened", 25)
    on_event(opened(26, owner, str(uuid4())))
    assert Notification.objects.count() == 2


def test_it_tells_of_a_recovery_only_after_a_trouble(owner):
    back = {"connection": "c1", "label": "Desk", "state": "connected", "reason": ""}
    on_event(event(1, owner, **back))
    assert not Notification.objects.exists()
    on_event(event(2, owner))
    on_event(event(3, owner, **back))
    on_event(event(4, owner, **back))
    assert list(Notification.objects.order_by("event_id").values_list("level", flat=True)) == [
        "warning",
        "good",
    ]


def test_it_keeps_the_users_apart(owner, stranger):
    on_event(event(1, owner))
    on_event(event(1, stranger))
    assert unread_count(owner) == unread_count(stranger) == 1


def test_it_cuts_what_is_too_long(owner):
    on_event(event(1, owner, connection="c", label="L" * 300, state="error", reason="r" * 900))
    row = Notification.objects.get()
    assert (len(row.title), len(row.body)) == (200, 500)


def test_the_relay_brings_it_and_its_own_event(owner):
    from strategies.events import ControlChanged

    StrategyFactory(user=owner)
    publish(ControlChanged(user_id=owner.pk, scope="user", object_id="", state="halted", reason="Enough."))
    relay_pending()
    assert Notification.objects.get(user=owner).title == "Trading is halted for all your strategies"
    relay_pending()
    assert Notification.objects.count() == 1
    assert not DomainEvent.objects.filter(relayed_at__isnull=True).exists()


def test_it_forgets_what_is_old(owner):
    on_event(event(1, owner))
    on_event(event(2, owner, connection="c2", label="Two", state="error", reason=""))
    Notification.objects.filter(event_id=1).update(created_at=timezone.now() - timedelta(days=90))
    assert services.forget_old(timezone.now() - timedelta(days=60)) == 1
    assert Notification.objects.get().event_id == 2
