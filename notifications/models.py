"""What a user was told."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from tradeproject.common.ids import uuid7


class Notification(models.Model):
    """One message to one user, shown in the product. Made from a domain event, once per event.

    Events that tell of the same thing (the 25 positions one signal opened) share one row: ``subject`` says which thing,
    ``count`` how many events told of it, ``event_id`` the newest of them.
    """

    class Level(models.TextChoices):
        INFO = "info"
        GOOD = "good"
        WARNING = "warning"
        PROBLEM = "problem"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications")
    event_id = models.BigIntegerField()
    type = models.CharField(max_length=64)
    subject = models.CharField(max_length=80, blank=True)
    count = models.PositiveIntegerField(default=1)
    level = models.CharField(max_length=8, choices=Level.choices)
    title = models.CharField(max_length=200)
    body = models.CharField(max_length=500, blank=True)
    link = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["user", "event_id"], name="notified_once_per_event"),
            models.UniqueConstraint(
                fields=["user", "type", "subject"],
                condition=~models.Q(subject=""),
                name="notified_once_per_subject",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-created_at"]),
            models.Index(
                fields=["user"], condition=models.Q(read_at__isnull=True), name="notification_unread"
            ),
        ]

    def __str__(self) -> str:
        return self.title
