"""Reading what a user was told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import QuerySet

from accounts.selectors import owned
from notifications.models import Notification

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User

LATEST = 20


def notifications_of(user: User | AnonymousUser) -> QuerySet[Notification]:
    """Newest first."""
    return owned(Notification.objects.order_by("-created_at", "-id"), user)


def latest_unread(user: User | AnonymousUser) -> QuerySet[Notification]:
    return notifications_of(user).filter(read_at__isnull=True)[:LATEST]


def unread_count(user: User | AnonymousUser) -> int:
    return notifications_of(user).filter(read_at__isnull=True).count()
