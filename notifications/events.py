"""Events of the notifications app."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from tradeproject.common.events import Event, event


@event("notification.created")
@dataclass(frozen=True, kw_only=True)
class NotificationCreated(Event):
    """A user was told something: open pages show it."""

    notification: UUID
    level: str
    title: str
