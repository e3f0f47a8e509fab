"""What a login's state means for its owner, and what they should do. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from brokers.models import BrokerConnection

State = BrokerConnection.State
SOON = timedelta(minutes=30)
SILENT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Health:
    """``tone`` is good, warn, bad or calm; ``advice`` is empty when there is nothing to do."""

    tone: str
    words: str
    advice: str = ""


def health_of(connection: BrokerConnection, now: datetime) -> Health:
    """The one thing about this login that matters most at the moment."""
    reason = connection.state_reason
    if connection.state == State.NEEDS_REAUTHORIZATION:
        return Health(
            "bad", "login needed", f"{reason} Reconnect it, or its accounts take no orders.".strip()
        )
    if connection.state == State.ERROR:
        return Health(
            "bad", "trouble", f"{reason} It is tried again by itself; reconnect it if that lasts.".strip()
        )
    if connection.state == State.DISABLED:
        return Health(
            "calm", "switched off", "Its accounts take no orders. Enable it when you want to trade there."
        )
    if connection.state == State.CONNECTING:
        return Health("busy", "connecting", "")
    return _connected(connection, now)


def _connected(connection: BrokerConnection, now: datetime) -> Health:
    expires = connection.token_expires_at
    if expires is not None and expires <= now:
        return Health(
            "warn", "token expired", "It is renewed at the next use. Reconnect if orders are refused."
        )
    if stream_word(connection.stream_state) == "down":
        return Health(
            "warn", "no live stream", "Orders work; fills and positions are polled until it is back."
        )
    if expires is not None and expires - now < SOON:
        return Health("good", "connected", "The token is renewed before it expires.")
    return Health("good", "connected")


def stream_word(state: str) -> str:
    """The stream's state as the pages show it: live, starting, down or off."""
    known = {"synced": "live", "live": "live", "open": "live", "opening": "starting", "": "off"}
    return known.get(state, "down")
