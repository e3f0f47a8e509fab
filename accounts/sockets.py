"""Who is behind a websocket: the browser's session or a JWT, checked when it opens and again while it lives.

``SocketIdentity`` wraps the websocket application. A socket without a valid identity is refused before it is accepted
(HTTP 403 on the handshake). An accepted one finds its user in ``scope["user"]``; the consumer asks ``still_valid``
every RECHECK_SECONDS and closes with CLOSED_UNAUTHENTICATED (4401) when it says no.

A session cookie is sent by the browser whoever opened the socket, so the Origin must be this site; a token was put
there on purpose by whoever holds it, so its Origin does not matter.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from allauth.core.internal.sessionkit import get_session_user
from allauth.headless.internal.sessionkit import lookup_session
from channels.db import database_sync_to_async
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http.cookie import parse_cookie
from django.http.request import split_domain_port, validate_host

from accounts.models import User
from accounts.sign_in import user_of_access_token

logger = logging.getLogger(__name__)

CLOSED_UNAUTHENTICATED = 4401
RECHECK_SECONDS = 3
CREDENTIAL = "accounts.credential"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, repr=False)
class SocketCredential:
    """What a socket was opened with: a session key or an access token."""

    kind: str
    secret: str

    def __repr__(self) -> str:
        return f"SocketCredential({self.kind})"

    def user(self) -> User | None:
        """Its user as of now, from the database; None once it is worth nothing any more."""
        if self.kind == "token":
            return user_of_access_token(self.secret)
        session = lookup_session(self.secret)
        user = get_session_user(session) if session is not None else None
        return user if isinstance(user, User) else None


class SocketIdentity:
    """ASGI wrapper for the websocket side of the application."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        credential = credential_of(scope)
        user = await database_sync_to_async(credential.user)() if credential else None
        if user is None:
            await receive()  # websocket.connect; a close in answer to it is HTTP 403
            await send({"type": "websocket.close", "code": CLOSED_UNAUTHENTICATED})
            return
        await self.application({**scope, "user": user, CREDENTIAL: credential}, receive, send)


async def still_valid(scope: Scope) -> bool:
    """Whether the socket may stay open: false after logout, password change, deactivation or token expiry.

    While the database is away nothing private can be read either, so the socket stays and the next check decides.
    """
    credential = scope.get(CREDENTIAL)
    if not isinstance(credential, SocketCredential):
        return False
    try:
        user = await database_sync_to_async(credential.user)()
    except (OperationalError, InterfaceError):
        logger.warning("socket identity not checked: the database does not answer")
        return True
    return user is not None and user.pk == scope["user"].pk


def credential_of(scope: Scope) -> SocketCredential | None:
    """What the handshake offers: ``?token=``, else the session cookie of a page of this site."""
    tokens = parse_qs(scope.get("query_string", b"").decode("latin-1"), max_num_fields=20).get("token")
    if tokens:
        return SocketCredential("token", tokens[0])
    headers = _headers(scope)
    session_key = parse_cookie(headers.get("cookie", "")).get(settings.SESSION_COOKIE_NAME)
    if not session_key or not _is_own_origin(headers):
        return None
    return SocketCredential("session", session_key)


def _headers(scope: Scope) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in scope.get("headers", []):
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        found[key] = f"{found[key]}; {text}" if key == "cookie" and key in found else text
    return found


def _is_own_origin(headers: dict[str, str]) -> bool:
    """True without an Origin (no browser), for SITE_URL, and for the allowed host that was asked for."""
    origin = headers.get("origin")
    if origin is None or origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    parts = urlsplit(origin)
    host = headers.get("host", "")
    if parts.scheme not in {"http", "https"} or not host or parts.netloc.lower() != host.lower():
        return False
    return validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS)
