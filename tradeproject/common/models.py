from __future__ import annotations

from django.conf import settings
from django.db import models


class DomainEvent(models.Model):
    """One fact that has been committed and that other parts may be told of (law 13).

    Rows are written in the transaction of the change itself and handed on afterwards by the relay, in order of ``id``,
    at least once. ``relayed_at`` is when that happened.
    """

    id = models.BigAutoField(primary_key=True)
    type = models.CharField(max_length=64)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+")
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    relayed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["id"], condition=models.Q(relayed_at__isnull=True), name="event_not_relayed"
            ),
            models.Index(fields=["user", "-id"], name="event_by_user"),
        ]

    def __str__(self) -> str:
        return f"{self.type} #{self.pk}"


class Heartbeat(models.Model):
    """A process says that it is alive and at work; how long ago tells whether it still is."""

    name = models.CharField(max_length=64, primary_key=True)
    at = models.DateTimeField()
    detail = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.name} {self.at:%H:%M:%S}"
