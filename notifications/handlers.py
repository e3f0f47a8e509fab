"""The way from domain events to notifications: called by the event relay, in its process."""

from __future__ import annotations

from notifications import services
from notifications.messages import handled_types
from tradeproject.common.events import StoredEvent, subscribe


def on_event(event: StoredEvent) -> None:
    """Most events are none of ours and cost a look into a set. Runs in a savepoint of the relay's transaction."""
    if event.type in handled_types():
        services.notify_of(event)


def connect() -> None:
    subscribe(on_event)
