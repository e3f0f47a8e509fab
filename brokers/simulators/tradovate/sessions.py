"""Sessions and tokens: who is logged in, for how long, and how many at once."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable
from typing import Any

import msgspec

from brokers.simulators.tradovate.clock import Clock
from brokers.simulators.tradovate.options import Options
from brokers.simulators.tradovate.people import Login
from brokers.simulators.tradovate.wire import Refused, encode

DENIED = "Access is denied"
EXPIRED = "Expired Access Token"


class Session(msgspec.Struct, kw_only=True):
    """One login of one client. ``kind`` is ``password`` or ``oauth``; a closed one keeps answering that it is closed."""

    id: int
    user_id: int
    kind: str
    started: float
    device_id: str = ""
    app_id: str = ""
    client_id: str = ""
    closed: bool = False


class Token(msgspec.Struct, kw_only=True):
    """``use`` is access, market_data or refresh."""

    text: str
    session_id: int
    use: str
    expires: float


class Sessions:
    """``on_change`` gets every session and token worth keeping, ``on_close`` every session that ends before its time."""

    def __init__(self, clock: Clock, options: Options, next_id: Callable[[], int]) -> None:
        self._clock, self._options, self._next_id = clock, options, next_id
        self.sessions: dict[int, Session] = {}
        self.tokens: dict[str, Token] = {}
        self._by_user: dict[int, list[Session]] = {}
        self.on_change: Callable[[Session | Token], None] = lambda _row: None
        self.on_close: Callable[[Session, str], None] = lambda _session, _reason: None

    # --- opening and closing ------------------------------------------------------------------------------------

    def open(
        self, login: Login, kind: str, *, device_id: str = "", app_id: str = "", client_id: str = ""
    ) -> Session:
        """A new session; the oldest of that user ends when there are too many."""
        session = Session(
            id=self._next_id(),
            user_id=login.user_id,
            kind=kind,
            started=self._clock.now(),
            device_id=device_id,
            app_id=app_id,
            client_id=client_id,
        )
        self.load_session(session)
        self.on_change(session)
        living = [one for one in self._by_user[login.user_id] if not one.closed]
        for oldest in living[: max(len(living) - self._options.session_cap, 0)]:
            self.close(oldest, "ConnectionQuotaReached")
        return session

    def close(self, session: Session, reason: str) -> None:
        session.closed = True
        self.on_change(session)
        self.on_close(session, reason)

    def of_user(self, user_id: int) -> list[Session]:
        return [session for session in self._by_user.get(user_id, ()) if not session.closed]

    def load_session(self, session: Session) -> None:
        if session.id not in self.sessions:
            self._by_user.setdefault(session.user_id, []).append(session)
        self.sessions[session.id] = session

    # --- tokens -------------------------------------------------------------------------------------------------

    def issue(self, session: Session, use: str, seconds: float) -> Token:
        token = Token(
            text=self._write(session, use),
            session_id=session.id,
            use=use,
            expires=self._clock.now() + seconds,
        )
        self.keep(token)
        return token

    def issue_access(self, session: Session) -> Token:
        return self.issue(session, "access", self._options.token_seconds)

    def keep(self, token: Token) -> None:
        self.tokens[token.text] = token
        self.on_change(token)

    def drop(self, token: Token) -> None:
        """Used up: a refresh token after its one use."""
        self.tokens.pop(token.text, None)
        token.expires = 0
        self.on_change(token)

    def load_token(self, token: Token) -> None:
        self.tokens[token.text] = token
        if token.expires <= 0:
            del self.tokens[token.text]

    def newest(self, session: Session, use: str) -> Token | None:
        found = [t for t in self.tokens.values() if t.session_id == session.id and t.use == use]
        return max(found, key=lambda token: token.expires, default=None)

    def _write(self, session: Session, use: str) -> str:
        """Shaped like a JWT whose subject is the user id; clients must treat it as opaque."""
        claims: dict[str, Any] = {"sub": str(session.user_id), "use": use, "jti": secrets.token_hex(12)}
        parts = [_base64(encode({"alg": "HS256", "typ": "JWT"})), _base64(encode(claims))]
        return ".".join([*parts, _base64(hashlib.sha256(parts[1].encode()).digest())])

    def authenticate(self, text: str, *uses: str) -> Session:
        """The session behind a token. Raises Refused: 401 unknown or expired, 408/429/500 closed by a newer login."""
        token = self.tokens.get(text)
        if token is None or token.use not in uses:
            raise Refused(401, DENIED)
        session = self.sessions[token.session_id]
        if session.closed:
            raise Refused(self._options.closed_session_status, "")
        if token.expires <= self._clock.now():
            raise Refused(401, EXPIRED)
        return session

    # --- faults -------------------------------------------------------------------------------------------------

    def expire_all(self, user_id: int | None, uses: tuple[str, ...]) -> int:
        """Let tokens run out now. Returns how many did."""
        count = 0
        for token in list(self.tokens.values()):
            if token.use in uses and user_id in {None, self.sessions[token.session_id].user_id}:
                token.expires = min(token.expires, self._clock.now())
                self.on_change(token)
                count += 1
        return count

    def revoke_all(self, user_id: int | None) -> int:
        """Make tokens unknown, as if they had never been issued."""
        doomed = [t for t in self.tokens.values() if user_id in {None, self.sessions[t.session_id].user_id}]
        for token in doomed:
            self.drop(token)
        return len(doomed)


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
