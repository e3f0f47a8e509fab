"""Secrets in, tokens out: password with API key, OAuth code and rotating refresh token, renewal.

Business failures come with HTTP 200. A token is renewed *before* it expires, with itself; there is no refresh token in that
flow. Everything an answer brings is kept: tokens, the market-data token, the hosts that serve this login.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx

from brokers.adapters.tradovate.constants import (
    APP_ID,
    APP_VERSION,
    LOGIN_RATE_WAIT,
    REFRESH_RATE_WAIT,
    REFRESH_RETRY,
    SHORT_PENALTY,
    TOKEN_LIFE,
)
from brokers.adapters.tradovate.endpoints import Endpoints, host_key, moved, own_api
from brokers.adapters.tradovate.outcomes import TICKET, penalty_seconds
from brokers.adapters.tradovate.rest import Rest
from brokers.adapters.tradovate.wire import Answer, AnswerLost, Entity, decode, encode
from brokers.domain import Environment, Tokens
from brokers.errors import (
    AuthError,
    AuthExpired,
    AuthPenalty,
    AuthRevoked,
    BrokerError,
    Unavailable,
    Unsupported,
)
from tradeproject.common.clock import parse_iso, utc_now

DEVICE_NAMESPACE = uuid.UUID("5b0d4f7e-7c0b-4a52-9a39-2f0f3c6d1e85")
WHAT_TO_DO = "Check username, password and API key, then connect again on the Accounts page."
Sleep = Callable[[float], Awaitable[None]]


class TradovateAuth:
    """``BrokerAuth`` for one environment. ``credentials`` may carry an OAuth app of the connection's own."""

    def __init__(
        self,
        environment: Environment,
        endpoints: Endpoints,
        http: httpx.AsyncClient,
        credentials: Mapping[str, str],
        *,
        sleep: Sleep = asyncio.sleep,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._environment = environment
        self._endpoints = endpoints
        self._host = endpoints.host(environment)
        self._http = http
        self._credentials = credentials
        self._sleep = sleep
        self._now = now

    # --- password and API key -----------------------------------------------------------------------------------

    async def login(self, credentials: Mapping[str, str]) -> Tokens:
        """A token for username, password and API key. A penalty of up to 20 s is waited out; a longer one is raised."""
        body = login_body(credentials)
        rest = Rest(self._http, self._host.api)
        answer = await self._post(rest, "auth/accesstokenrequest", body)
        if TICKET in answer.fields:
            await self._sit_out(answer)
            ticket = {TICKET: answer.fields[TICKET]}
            answer = await self._post(rest, "auth/accesstokenrequest", {**body, **ticket})
            if TICKET in answer.fields:
                raise penalty(answer)
        fields = self._granted(answer, secrets=credentials.values())
        return self._tokens(fields, Tokens("", self._now()))

    async def _post(self, rest: Rest, operation: str, body: Mapping[str, Any]) -> Answer:
        try:
            return await rest.send(operation, body=encode(body))
        except AnswerLost as error:
            raise Unavailable("Tradovate did not answer the login. Try again in a minute.") from error

    async def _sit_out(self, answer: Answer) -> None:
        wait = penalty_seconds(answer.fields)
        if answer.fields.get("p-captcha") or wait > SHORT_PENALTY:
            raise penalty(answer)
        await self._sleep(wait)

    def _granted(self, answer: Answer, secrets: Any = ()) -> Entity:
        """The fields of a login answer that grants a token. Raises AuthRevoked, AuthPenalty or Unavailable."""
        words = _without(answer.words, secrets)
        if answer.status in {423, 429}:
            raise AuthPenalty(
                "Tradovate takes no more logins from here for about an hour. Wait, or sign in with the browser.",
                retry_after=LOGIN_RATE_WAIT,
            )
        fields = answer.fields
        if answer.status in {400, 401, 403} or fields.get("errorText") or fields.get("violations"):
            raise AuthRevoked(f'Tradovate refused the login: "{words or answer.status}". {WHAT_TO_DO}')
        if not answer.ok or not fields.get("accessToken"):
            raise Unavailable(
                f"Tradovate's login gave an answer we cannot use (HTTP {answer.status}). Try again in a minute."
            )
        return fields

    # --- renewal ------------------------------------------------------------------------------------------------

    async def refresh(self, tokens: Tokens, credentials: Mapping[str, str]) -> Tokens:
        """A new token from the old one: by the refresh token if there is one, else by renewal while it still lives.

        Raises AuthExpired when only a login can help and the password is at hand, AuthRevoked when the owner must sign in.
        """
        refused = ""
        if tokens.refresh_token:
            try:
                return await self._refresh_grant(tokens, credentials)
            except AuthRevoked as error:
                refused = error.message
        if tokens.expires_at > self._now():
            try:
                return await self._renew(tokens)
            except AuthExpired:
                if not refused:
                    raise
        if refused and not credentials.get("password"):
            raise AuthRevoked(refused)
        raise AuthExpired("Tradovate's token has run out and cannot be renewed any more. A login is needed.")

    async def _refresh_grant(self, tokens: Tokens, credentials: Mapping[str, str]) -> Tokens:
        """The rotating refresh token for a new pair. A refusal was often seen to be transient: it is asked twice."""
        form = {
            "grant_type": "refresh_token",
            "refresh_token": tokens.refresh_token,
            **self._app(credentials),
        }
        answer = await self._post_form(form)
        if _is_refused(answer):
            await self._sleep(REFRESH_RETRY)
            answer = await self._post_form(form)
        return self._oauth_tokens(answer, tokens, "The sign-in with Tradovate has run out")

    async def _renew(self, tokens: Tokens) -> Tokens:
        """``renewaccesstoken``: a GET with the access token. Raises AuthExpired when it is too late for that."""
        rest = Rest(self._http, own_api(self._host, self._environment, tokens.extra))
        answer = await self._renewal_answer(rest, tokens)
        if TICKET in answer.fields:
            await self._sit_out(answer)
            query = urlencode({TICKET: str(answer.fields[TICKET])})
            answer = await self._renewal_answer(rest, tokens, query)
            if TICKET in answer.fields:
                raise penalty(answer)
        if answer.status in {423, 429}:
            raise AuthPenalty("Tradovate takes no more renewals for now.", retry_after=REFRESH_RATE_WAIT)
        fields = answer.fields
        if answer.status in {400, 401, 403} or fields.get("errorText"):
            raise AuthExpired(f'Tradovate did not renew the token: "{answer.words or answer.status}".')
        if not answer.ok or not (fields.get("accessToken") or fields.get("expirationTime")):
            raise Unavailable(f"Tradovate's renewal gave an answer we cannot use (HTTP {answer.status}).")
        return self._tokens(fields, tokens)

    async def _renewal_answer(self, rest: Rest, tokens: Tokens, query: str = "") -> Answer:
        try:
            answer = await rest.send("auth/renewaccesstoken", query, token=tokens.access_token)
            named = _named_host(answer, rest.api)
            if named is not None:
                rest.api = named
                answer = await rest.send("auth/renewaccesstoken", query, token=tokens.access_token)
            return answer
        except AnswerLost as error:
            raise Unavailable("Tradovate did not answer the renewal. It will be tried again.") from error

    # --- OAuth --------------------------------------------------------------------------------------------------

    def authorize_url(self, *, redirect_uri: str, state: str, code_challenge: str) -> str:
        """The consent page for the browser. Raises Unsupported when no OAuth app is configured."""
        query = {
            "response_type": "code",
            "client_id": self._app(self._credentials)["client_id"],
            "redirect_uri": redirect_uri,
            "state": state,
        }
        if code_challenge:
            query |= {"code_challenge": code_challenge, "code_challenge_method": "S256"}
        page = self._endpoints.consent_page
        return f"{page}{'&' if '?' in page else '?'}{urlencode(query)}"

    async def exchange(self, *, code: str, redirect_uri: str, code_verifier: str) -> Tokens:
        """Tokens for the code of the consent page, which is good for one use."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            **self._app(self._credentials),
        }
        if code_verifier:
            form["code_verifier"] = code_verifier
        answer = await self._post_form(form)
        tokens = self._oauth_tokens(answer, Tokens("", self._now()), "Tradovate did not complete the sign-in")
        return tokens if tokens.venue_user_id else await self._with_identity(tokens)

    async def _post_form(self, form: dict[str, str]) -> Answer:
        rest = Rest(self._http, self._host.api)
        try:
            return await rest.post_form(self._endpoints.token, form)
        except AnswerLost as error:
            raise Unavailable("Tradovate did not answer the sign-in. It will be tried again.") from error

    def _app(self, credentials: Mapping[str, str]) -> dict[str, str]:
        """Id and secret of the OAuth app: the connection's own, or the operator's.

        Beside a username, ``client_id`` is an API key for the password login and no OAuth app.
        """
        own = "" if credentials.get("username") else credentials.get("client_id", "")
        client_id = own or self._endpoints.client_id
        if not client_id:
            raise Unsupported(
                "No Tradovate OAuth app is configured. Set TRADOVATE_CLIENT_ID and TRADOVATE_CLIENT_SECRET, "
                "or connect with username, password and API key."
            )
        secret = credentials.get("client_secret", "") if own else self._endpoints.client_secret
        return {"client_id": client_id, **({"client_secret": secret} if secret else {})}

    def _oauth_tokens(self, answer: Answer, old: Tokens, refused: str) -> Tokens:
        fields = answer.fields
        if answer.status in {423, 429} or TICKET in fields:
            raise penalty(answer)
        if _is_refused(answer):
            words = answer.words or str(answer.status)
            hint = " Check the OAuth app's id, secret and redirect address." if "client" in words else ""
            raise AuthRevoked(
                f'{refused} ("{words}"). Sign in with Tradovate again on the Accounts page.{hint}'
            )
        if not answer.ok or not isinstance(fields.get("access_token"), str):
            raise Unavailable(f"Tradovate's sign-in gave an answer we cannot use (HTTP {answer.status}).")
        now, token = self._now(), fields["access_token"]
        refresh_life = _seconds(fields.get("refresh_token_expires_in"))
        renewed = isinstance(fields.get("refresh_token"), str) and bool(fields["refresh_token"])
        return replace(
            old,
            access_token=token,
            expires_at=now + (_seconds(fields.get("expires_in")) or TOKEN_LIFE),
            refresh_token=fields["refresh_token"] if renewed else old.refresh_token,
            refresh_expires_at=now + refresh_life if refresh_life else old.refresh_expires_at,
            venue_user_id=_subject(token) or old.venue_user_id,
        )

    async def _with_identity(self, tokens: Tokens) -> Tokens:
        """The tokens with the user they belong to. The answer may lag for a fresh token: then it is asked again later."""
        try:
            user_id, _ = await self.identity(tokens)
        except BrokerError:
            return tokens
        return replace(tokens, venue_user_id=user_id)

    async def identity(self, tokens: Tokens) -> tuple[str, str]:
        """User id and name behind a token (``/auth/me``). Raises AuthError or Unavailable."""
        rest = Rest(self._http, own_api(self._host, self._environment, tokens.extra))
        try:
            answer = await rest.send("auth/me", token=tokens.access_token)
            named = _named_host(answer, rest.api)
            if named is not None:
                rest.api = named
                answer = await rest.send("auth/me", token=tokens.access_token)
        except AnswerLost as error:
            raise Unavailable("Tradovate did not say who this login is. Try again in a minute.") from error
        if answer.status in {400, 401, 403}:
            raise AuthError("Tradovate does not accept this token. Sign in again on the Accounts page.")
        user_id = answer.fields.get("userId")
        if not isinstance(user_id, int):
            raise Unavailable("Tradovate did not say who this login is. Try again in a minute.")
        return str(user_id), str(answer.fields.get("name") or "")

    # --- answers ------------------------------------------------------------------------------------------------

    def _tokens(self, fields: Entity, old: Tokens) -> Tokens:
        """The old tokens with everything the answer brings; what it leaves out stays as it was."""
        user_id = fields.get("userId")
        return replace(
            old,
            access_token=str(fields.get("accessToken") or old.access_token),
            expires_at=self._expiry(fields),
            market_data_token=str(fields.get("mdAccessToken") or old.market_data_token),
            venue_user_id=str(user_id) if isinstance(user_id, int) else old.venue_user_id,
            extra={**old.extra, **self._hosts(fields)},
        )

    def _expiry(self, fields: Entity) -> datetime:
        try:
            return parse_iso(str(fields.get("expirationTime")))
        except ValueError:
            return self._now() + TOKEN_LIFE

    def _hosts(self, fields: Entity) -> dict[str, str]:
        """The hosts the venue assigns to this login, as far as a token may be sent there."""
        told = fields.get("apiHosts")
        hosts: dict[str, str] = {}
        for environment in (Environment.LIVE, Environment.DEMO):
            place = told.get(environment.value) if isinstance(told, dict) else None
            api = self._endpoints.host(environment).api
            target = moved(api, place) if isinstance(place, str) and place else None
            if target is not None:
                hosts[host_key(environment.value)] = target
        return hosts


def login_body(credentials: Mapping[str, str]) -> dict[str, Any]:
    """``accesstokenrequest``. The key's id goes as a number when it is one, as every official example has it."""
    username, password = credentials.get("username", ""), credentials.get("password", "")
    if not username or not password:
        raise AuthRevoked(f"Username or password is missing. {WHAT_TO_DO}")
    body: dict[str, Any] = {
        "name": username,
        "password": password,
        "appId": credentials.get("app_id") or APP_ID,
        "appVersion": credentials.get("app_version") or APP_VERSION,
        "deviceId": credentials.get("device_id") or device_id(username),
    }
    key = credentials.get("client_id", "").strip()
    if key:
        body["cid"] = int(key) if key.isascii() and key.isdigit() else key
        body["sec"] = credentials.get("client_secret", "")
    return body


def device_id(username: str) -> str:
    """The same id for the same user on every machine: the live host lets only approved devices trade."""
    return str(uuid.uuid5(DEVICE_NAMESPACE, username.strip().lower()))


def penalty(answer: Answer) -> AuthPenalty:
    """What a penalty ticket means for the user."""
    fields = answer.fields
    wait, captcha = penalty_seconds(fields), bool(fields.get("p-captcha"))
    if TICKET not in fields:
        return AuthPenalty("Tradovate takes no more sign-ins for now.", retry_after=REFRESH_RATE_WAIT)
    if captcha:
        message = "Tradovate wants a captcha, which only its own site can show. Wait about an hour, or sign in there once."
    else:
        message = f"Tradovate asks to wait {wait:.0f} s before the next login. Try again then."
    return AuthPenalty(message, retry_after=wait, captcha=captcha, ticket=str(fields[TICKET]))


def _is_refused(answer: Answer) -> bool:
    """A refused grant comes with 200 and ``error`` as well as with a 4xx."""
    if answer.status in {423, 429}:
        return False
    return 400 <= answer.status < 500 or bool(answer.fields.get("error") or answer.fields.get("errorText"))


def _named_host(answer: Answer, api: str) -> str | None:
    """The host that an answer says should be called instead ("… should be called on live.tradovateapi.com")."""
    words = str(answer.fields.get("errorText") or "")
    _, found, rest = words.partition("should be called on ")
    host = rest.split()[0].strip(".,;'\"") if found and rest.strip() else ""
    target = moved(api, host) if host else None
    return target if target != api else None


def _without(words: str, secrets: Any) -> str:
    for secret in secrets:
        if secret and len(secret) > 3:
            words = words.replace(secret, "•••")
    return words


def _seconds(value: Any) -> timedelta | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 10**9:
        return None
    return timedelta(seconds=value)


def _subject(token: str) -> str:
    """The user id a JWT names, unchecked: it only saves a question. "" for any other kind of token."""
    parts = token.split(".")
    if len(parts) != 3:
        return ""
    try:
        claims = decode(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error):
        return ""
    subject = str(claims.get("sub", "")) if isinstance(claims, dict) else ""
    return subject if subject.isascii() and subject.isdigit() else ""
