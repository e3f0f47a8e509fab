"""Events of the brokers app."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from tradeproject.common.events import Event, event


@event("connection.state")
@dataclass(frozen=True, kw_only=True)
class ConnectionStateChanged(Event):
    """A login's state changed: connected, needs_reauthorization, disabled, error."""

    connection: UUID
    label: str
    state: str
    reason: str


@event("connection.stream")
@dataclass(frozen=True, kw_only=True)
class StreamStateChanged(Event):
    """A login's live stream went up or down (the login itself may be fine: polling goes on)."""

    connection: UUID
    label: str
    state: str
    reason: str


@event("connection.accounts")
@dataclass(frozen=True, kw_only=True)
class AccountsChanged(Event):
    """Accounts were found, lost or edited under a login."""

    connection: UUID
