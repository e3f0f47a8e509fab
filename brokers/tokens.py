"""Tokens of a connection: stored sealed, shared by all processes, refreshed by one at a time.

Order of ways to a fresh token: what another process stored meanwhile → the venue's refresh → a password login, only when
the owner asked for unattended re-login. When none is left the connection needs its owner, and says so.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from brokers.domain import Tokens
from brokers.errors import AuthExpired, AuthRevoked, BrokerError
from brokers.events import ConnectionStateChanged, StreamStateChanged
from brokers.models import BrokerConnection
from brokers.registry import build_auth
from tradeproject.common.clock import utc_now
from tradeproject.common.events import publish
from tradeproject.common.http import make_client
from tradeproject.common.locks import advisory_lock
from tradeproject.common.threads import in_thread

logger = logging.getLogger(__name__)

USABLE_FOR = timedelta(seconds=45)


def _is_usable(tokens: Tokens | None, now: datetime) -> bool:
    return tokens is not None and tokens.expires_at - now > USABLE_FOR


class ConnectionTokens:
    """The TokenSource of one connection, for one event loop."""

    def __init__(self, connection_id: UUID) -> None:
        self._connection_id = connection_id
        self._tokens: Tokens | None = None
        self._lock = asyncio.Lock()

    async def current(self) -> Tokens:
        tokens = self._tokens
        if tokens is not None and _is_usable(tokens, utc_now()):
            return tokens
        return await self._obtain(tokens)

    async def renewed(self, stale: Tokens) -> Tokens:
        if self._tokens is not None and self._tokens.access_token != stale.access_token:
            return await self.current()
        return await self._obtain(stale, refused=True)

    async def _obtain(self, stale: Tokens | None, *, refused: bool = False) -> Tokens:
        async with self._lock:
            # By its text, not its identity: a renewal may give the same token a longer life.
            no_more = stale.access_token if refused and stale else ""
            held = self._tokens
            if held is not None and held.access_token != no_more and _is_usable(held, utc_now()):
                return held
            self._tokens = await in_thread(fresh_tokens, self._connection_id, no_more)
            return self._tokens


def fresh_tokens(connection_id: UUID, refused: str = "", within: timedelta = USABLE_FOR) -> Tokens:
    """A stored token that lives longer than ``within``, else a new one. Blocking; single-flight over all processes.

    ``refused`` is an access token the venue no longer takes, however long it says it lives. Raises AuthRevoked when only
    the owner can help, AuthPenalty or Unavailable when it may work later.
    """
    with advisory_lock("tokens", connection_id):
        connection = BrokerConnection.objects.get(pk=connection_id)
        tokens = connection.current_tokens()
        if tokens is not None and tokens.access_token != refused and tokens.expires_at - utc_now() > within:
            return tokens
        return _refresh(connection, tokens)


def _refresh(connection: BrokerConnection, tokens: Tokens | None) -> Tokens:
    if connection.state == BrokerConnection.State.DISABLED:
        raise AuthRevoked("This login is disabled. Enable it on the Accounts page.")
    try:
        fresh = asyncio.run(_ask_venue(connection, tokens))
    except AuthRevoked as error:
        _ask_owner(connection, error)
        raise
    except BrokerError as error:
        logger.warning(
            "token refresh failed", extra={"connection": str(connection.pk), "reason": error.message}
        )
        raise
    return _store(connection, fresh)


def _ask_owner(asked: BrokerConnection, error: AuthRevoked) -> None:
    """Only the owner can help; unless they have switched the login off or renewed it while the venue was asked."""
    row = BrokerConnection.objects.get(pk=asked.pk)
    if row.state != BrokerConnection.State.DISABLED and row.tokens_stored_at == asked.tokens_stored_at:
        change_state(row, BrokerConnection.State.NEEDS_REAUTHORIZATION, error.message)


def _store(asked: BrokerConnection, fresh: Tokens) -> Tokens:
    """Keep a new token. What the owner did while the venue was asked stands: a removed login gets no secret back."""
    with transaction.atomic():
        row = BrokerConnection.objects.select_for_update().get(pk=asked.pk)
        if row.deleted_at is not None:
            raise AuthRevoked("This login was removed.")
        newer = row.current_tokens()
        if newer is not None and row.tokens_stored_at != asked.tokens_stored_at:
            return newer
        row.put_tokens(fresh)
        row.save(
            update_fields=[
                "tokens",
                "token_expires_at",
                "tokens_stored_at",
                "refresh_expires_at",
                "venue_user_id",
            ]
        )
    if row.state in {BrokerConnection.State.NEEDS_REAUTHORIZATION, BrokerConnection.State.ERROR}:
        change_state(row, BrokerConnection.State.CONNECTED)
    return fresh


async def _ask_venue(connection: BrokerConnection, tokens: Tokens | None) -> Tokens:
    async with make_client(max_connections=4) as http:
        auth = build_auth(connection.broker, connection.environment, connection.credentials, http)
        if tokens is not None:
            try:
                return await auth.refresh(tokens, connection.credentials)
            except AuthExpired as error:
                logger.info(
                    "refresh not possible", extra={"connection": str(connection.pk), "reason": error.message}
                )
        if connection.credentials.get("password"):
            return await auth.login(connection.credentials)
        raise AuthRevoked("The broker login has run out. Sign in again on the Accounts page.")


def change_state(connection: BrokerConnection, state: str, reason: str = "") -> None:
    """Store a new state and tell of it; nothing happens when it is the present one."""
    if connection.put_state(state, reason):
        with transaction.atomic():
            connection.save(update_fields=["state", "state_reason", "state_changed_at"])
            publish(
                ConnectionStateChanged(
                    user_id=connection.user_id,
                    connection=connection.pk,
                    label=str(connection),
                    state=state,
                    reason=reason[:300],
                )
            )


def note_stream_state(connection_id: UUID, state: str, reason: str = "") -> None:
    """Remember on the login whether its live stream is in step, and tell of a change."""
    connection = BrokerConnection.objects.filter(pk=connection_id, deleted_at__isnull=True).first()
    if connection is None or connection.stream_state == state:
        return
    before = connection.stream_state
    connection.stream_state, connection.stream_changed_at = state, utc_now()
    with transaction.atomic():
        connection.save(update_fields=["stream_state", "stream_changed_at"])
        if "opening" not in (before, state) or state == "synced":
            publish(
                StreamStateChanged(
                    user_id=connection.user_id,
                    connection=connection.pk,
                    label=str(connection),
                    state=state,
                    reason=reason[:300],
                )
            )
    if state == "login_needed":
        change_state(connection, BrokerConnection.State.NEEDS_REAUTHORIZATION, reason)
    elif state == "synced" and connection.state in {
        BrokerConnection.State.ERROR,
        BrokerConnection.State.CONNECTING,
    }:
        change_state(connection, BrokerConnection.State.CONNECTED)
