"""Telling users something, and remembering what they have read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from notifications.events import NotificationCreated
from notifications.messages import MAX_BODY, MAX_TITLE, Message, message_for
from notifications.models import Notification
from notifications.selectors import notifications_of
from tradeproject.common.clock import utc_now
from tradeproject.common.events import StoredEvent, publish

if TYPE_CHECKING:
    from accounts.models import User

TROUBLED = (Notification.Level.WARNING, Notification.Level.PROBLEM)


@transaction.atomic
def notify_of(event: StoredEvent) -> Notification | None:
    """Tell the event's user of it, once, however often it is handed on. Returns a new row, or None."""
    message = message_for(event)
    if message is None or event.user_id is None:
        return None
    if message.recovery and not _was_in_trouble(event, event.user_id, message.link):
        return None
    if message.subject and _add_to(event, event.user_id, message):
        return None
    row, created = _create(event, event.user_id, message)
    if created:
        publish(
            NotificationCreated(user_id=event.user_id, notification=row.pk, level=row.level, title=row.title)
        )
    return row if created else None


def _create(event: StoredEvent, user_id: UUID, message: Message) -> tuple[Notification, bool]:
    """Insert, unless this very event or this very subject is there already."""
    values: dict[str, Any] = {
        "type": event.type,
        "subject": message.subject,
        "level": message.level,
        "title": message.title[:MAX_TITLE],
        "body": message.body[:MAX_BODY],
        "link": message.link,
    }
    if message.subject:
        key = {"user_id": user_id, "type": event.type, "subject": message.subject}
        return Notification.objects.get_or_create(**key, defaults={**values, "event_id": event.id})
    return Notification.objects.get_or_create(user_id=user_id, event_id=event.id, defaults=values)


def _add_to(event: StoredEvent, user_id: UUID, message: Message) -> bool:
    """Count the event on the row that already tells of its subject. An event seen before changes nothing."""
    rows = Notification.objects.filter(user_id=user_id, type=event.type, subject=message.subject)
    newer = rows.filter(event_id__lt=event.id).update(
        count=F("count") + 1, event_id=event.id, level=message.level
    )
    return bool(newer) or rows.exists()


def _was_in_trouble(event: StoredEvent, user_id: UUID, link: str) -> bool:
    """Whether the last thing told of this was a trouble: a first connection is no news."""
    earlier = Notification.objects.filter(user_id=user_id, type=event.type, link=link, event_id__lt=event.id)
    last = earlier.order_by("-event_id").first()
    return last is not None and last.level in TROUBLED


def mark_read(user: User, pk: UUID | None = None) -> int:
    """One notification, or all of them. Returns how many were unread."""
    rows = notifications_of(user).filter(read_at__isnull=True)
    return (rows.filter(pk=pk) if pk is not None else rows).update(read_at=utc_now())


def forget_old(before: Any) -> int:
    """Delete what was told before a moment. Returns how many."""
    deleted, _ = Notification.objects.filter(created_at__lt=before).delete()
    return deleted
