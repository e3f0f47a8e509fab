"""The authorization-code flow: a consent page, single-use codes, refresh tokens that change at every use."""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import secrets
from dataclasses import dataclass
from string import Template
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from brokers.simulators.tradovate.clock import Clock
from brokers.simulators.tradovate.options import Options
from brokers.simulators.tradovate.people import Directory, Login
from brokers.simulators.tradovate.sessions import Sessions
from brokers.simulators.tradovate.wire import HTML, Refused, Reply, decode, encode

CODE_SECONDS = 600
PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Authorize an app - simulated Tradovate</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{font-family:system-ui,sans-serif;max-width:28rem;margin:4rem auto;padding:0 1rem}
button,select{font-size:1rem;padding:.6rem 1rem;margin-top:1rem;width:100%}</style></head>
<body><h1>Allow access?</h1>
<p>The app <strong>$client</strong> asks to see and trade the accounts of a simulated login. No real money is involved.</p>
<form method="post" action="$action">$hidden
<label>Login <select name="username" id="username">$options</select></label>
<button type="submit" name="allow" value="1" id="allow">Allow</button>
<button type="submit" name="allow" value="0" id="deny">Deny</button>
</form></body></html>""")
SHOWN_LOGINS = 50


@dataclass(frozen=True, slots=True)
class Code:
    user_id: int
    client_id: str
    redirect_uri: str
    expires: float


class OAuth:
    def __init__(self, clock: Clock, options: Options, directory: Directory, sessions: Sessions) -> None:
        self._clock, self._options, self._directory, self._sessions = clock, options, directory, sessions
        digest = hashlib.sha256(f"{options.seed}|oauth".encode()).hexdigest()
        self.client_id = str(7000 + options.seed % 1000)
        self.client_secret = f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"
        self._codes: dict[str, Code] = {}

    # --- consent ------------------------------------------------------------------------------------------------

    def consent(self, query: str, form: str = "") -> Reply:
        """The page; or, when ``allow`` and ``username`` are given (by its form or by a script), the way back."""
        asked = dict(parse_qsl(query)) | dict(parse_qsl(form))
        if asked.get("client_id") != self.client_id:
            return Reply(400, b"Wrong client_id", HTML)
        if asked.get("response_type") != "code" or not _is_web_address(asked.get("redirect_uri", "")):
            return Reply(400, b"response_type=code and a redirect_uri are required", HTML)
        if "allow" not in asked:
            return Reply(200, self._page(asked).encode(), HTML)
        state = {"state": asked["state"]} if "state" in asked else {}
        if asked["allow"] != "1":
            return _redirect(asked["redirect_uri"], {"error": "access_denied", **state})
        login = self._directory.by_name.get(asked.get("username", ""))
        if login is None:
            return Reply(400, b"There is no such login", HTML)
        return _redirect(asked["redirect_uri"], {"code": self._new_code(login, asked), **state})

    def _page(self, asked: dict[str, str]) -> str:
        hidden = "".join(
            f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
            for name, value in asked.items()
        )
        names = list(self._directory.by_name)[:SHOWN_LOGINS]
        options = "".join(f"<option>{html.escape(name)}</option>" for name in names)
        return PAGE.substitute(
            client=html.escape(asked["client_id"]), action="", hidden=hidden, options=options
        )

    def _new_code(self, login: Login, asked: dict[str, str]) -> str:
        code = secrets.token_urlsafe(24)
        self._codes[code] = Code(
            login.user_id, asked["client_id"], asked["redirect_uri"], self._clock.now() + CODE_SECONDS
        )
        return code

    # --- exchange -----------------------------------------------------------------------------------------------

    def exchange(self, body: bytes, content_type: str, authorization: str) -> dict[str, Any]:
        """Code or refresh token in, tokens out. A refusal is HTTP 200 with ``error``."""
        asked = _fields(body, content_type)
        grant = asked.get("grant_type")
        if not grant:
            raise Refused(400, "grant_type is required")
        client_id, secret = _client_of(asked, authorization)
        is_known = hmac.compare_digest(secret.encode(), self.client_secret.encode())
        if client_id != self.client_id or not is_known:
            return _error("invalid_client", "The client is not known, or its secret is wrong")
        if grant == "authorization_code":
            return self._spend_code(asked)
        if grant == "refresh_token":
            return self._refresh(asked)
        return _error("unsupported_grant_type", "Only authorization_code and refresh_token are supported")

    def _spend_code(self, asked: dict[str, str]) -> dict[str, Any]:
        code = self._codes.pop(asked.get("code", ""), None)
        if code is None or code.expires <= self._clock.now():
            return _error("invalid_grant", "The code is unknown, used or too old")
        if code.redirect_uri != asked.get("redirect_uri"):
            return _error("invalid_grant", "redirect_uri differs from the one the code was issued for")
        login = self._directory.by_user[code.user_id]
        session = self._sessions.open(login, "oauth", client_id=code.client_id)
        return self._tokens(session.id)

    def _refresh(self, asked: dict[str, str]) -> dict[str, Any]:
        token = self._sessions.tokens.get(asked.get("refresh_token", ""))
        now = self._clock.now()
        if token is None or token.use != "refresh" or token.expires <= now:
            return _error("invalid_grant", "The refresh token is unknown, used or too old")
        session = self._sessions.sessions[token.session_id]
        if session.closed:
            return _error("invalid_grant", "The session was closed")
        self._sessions.drop(token)
        return self._tokens(session.id)

    def _tokens(self, session_id: int) -> dict[str, Any]:
        session = self._sessions.sessions[session_id]
        access = self._sessions.issue_access(session)
        refresh = self._sessions.issue(session, "refresh", self._options.refresh_seconds)
        return {
            "access_token": access.text,
            "refresh_token": refresh.text,
            "token_type": "bearer",
            "expires_in": int(self._options.token_seconds),
            "refresh_token_expires_in": int(self._options.refresh_seconds),
            "id_token": "",
        }


def _fields(body: bytes, content_type: str) -> dict[str, str]:
    """Form or JSON, by the declared type; without one, by the look of it."""
    if "json" in content_type or (not content_type and body.lstrip().startswith(b"{")):
        told = decode(body)
        if not isinstance(told, dict):
            raise Refused(400, "The body must be a JSON object")
        return {name: str(value) for name, value in told.items() if value is not None}
    return dict(parse_qsl(body.decode("utf-8", "replace")))


def _client_of(asked: dict[str, str], authorization: str) -> tuple[str, str]:
    """From HTTP Basic if it is there, else from the body."""
    kind, _, encoded = authorization.partition(" ")
    if kind.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(encoded).decode().partition(":")
        except ValueError:
            return "", ""
        return unquote(name), unquote(secret)
    return asked.get("client_id", ""), asked.get("client_secret", "")


def _error(code: str, words: str) -> dict[str, Any]:
    return {"error": code, "error_description": words}


def _is_web_address(address: str) -> bool:
    return urlsplit(address).scheme in {"http", "https"} and bool(urlsplit(address).netloc)


def _redirect(address: str, extra: dict[str, str]) -> Reply:
    parts = urlsplit(address)
    query = urlencode([*parse_qsl(parts.query), *extra.items()])
    return Reply(302, b"", HTML, location=urlunsplit(parts._replace(query=query)))


def token_reply(answer: dict[str, Any]) -> Reply:
    return Reply(200, encode(answer))
