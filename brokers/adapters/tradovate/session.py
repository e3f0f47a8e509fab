"""One login at one host: its token, its trading socket, and which of the two ways a request takes."""

from __future__ import annotations

import asyncio
from typing import Any

from brokers.adapters.tradovate.client import Client
from brokers.adapters.tradovate.confirm import Confirmations
from brokers.adapters.tradovate.constants import TIMINGS, Timings
from brokers.adapters.tradovate.endpoints import Endpoints, Host, own_api, socket_of
from brokers.adapters.tradovate.events import entities_of
from brokers.adapters.tradovate.outcomes import TICKET, as_read_error, penalty_seconds, read_body, read_error
from brokers.adapters.tradovate.rest import Rest
from brokers.adapters.tradovate.stream import OnEvent, Socket, WrongHost
from brokers.adapters.tradovate.wire import Answer, AnswerLost
from brokers.domain import Tokens
from brokers.errors import AuthError, AuthPenalty, AuthRevoked, BrokerError, ProtocolSurprise, Unavailable
from brokers.protocol import AdapterConfig


class Session:
    """Reads go over HTTP; commands over the socket while it is open and authorised, else over HTTP; never over both."""

    def __init__(self, config: AdapterConfig, timings: Timings = TIMINGS) -> None:
        endpoints: Endpoints = config.endpoints
        self.environment = config.environment
        self.host: Host = endpoints.host(config.environment)
        self.timings = timings
        self.tokens = config.tokens
        self.rush = config.rush
        self.rest = Rest(config.http, self.host.api, self._moved_to)
        self.socket: Socket | None = None
        self.confirmations = Confirmations()
        self.reads: Client[Any] = Client(self.ask)
        self.commands: Client[Answer] = Client(self.command)
        self._moved = False
        self._socket_tokens: Tokens | None = None
        self._listener: OnEvent | None = None
        self._opening = asyncio.Lock()
        self._leaving: set[asyncio.Task[None]] = set()

    # --- token and host -----------------------------------------------------------------------------------------

    async def token(self) -> Tokens:
        return self._follow(await self.tokens.current())

    async def renew(self, stale: Tokens) -> Tokens:
        return self._follow(await self.tokens.renewed(stale))

    def _follow(self, tokens: Tokens) -> Tokens:
        """Use the host that the venue assigned to this login, unless a redirect has taught us a newer one."""
        if not self._moved:
            self.rest.api = own_api(self.host, self.environment, tokens.extra)
        return tokens

    def _moved_to(self, _: str) -> None:
        self._moved = True

    # --- requests -----------------------------------------------------------------------------------------------

    async def ask(self, operation: str, query: str, body: bytes | None) -> Any:
        """The JSON of a read, with one renewal of an expired token. Raises what ``read_body`` raises."""
        tokens = await self.token()
        try:
            answer = await self.rest.send(operation, query, body, token=tokens.access_token)
            if answer.is_expired_token:
                tokens = await self.renew(tokens)
                answer = await self.rest.send(operation, query, body, token=tokens.access_token)
        except AnswerLost as error:
            raise as_read_error(error) from error
        return read_body(answer, operation)

    async def command(self, operation: str, query: str, body: bytes | None) -> Answer:
        """The answer to a command, sent once. An expired token proves that it was not taken: renewed, it is sent again."""
        socket = self.socket
        if socket is not None and socket.authorized and socket.usable and self._socket_tokens is not None:
            answer = await socket.request(operation, query, body or b"")
            if not answer.is_expired_token:
                return answer
            tokens = await self.renew(self._socket_tokens)
            self._retire(socket)
        else:
            tokens = await self.token()
            answer = await self.rest.send(operation, query, body, token=tokens.access_token)
            if not answer.is_expired_token:
                return answer
            tokens = await self.renew(tokens)
        return await self.rest.send(operation, query, body, token=tokens.access_token)

    # --- the trading socket -------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Connect and authorise, unless that is so already. Raises AuthError, RateLimited or Unavailable."""
        async with self._opening:
            if self.socket is not None and self.socket.authorized and self.socket.usable:
                return
            await self._drop()
            tokens = await self.token()
            answer = await self._connect(tokens)
            if answer.status in {400, 401}:
                await self._drop()
                tokens = await self.renew(tokens)
                answer = await self._connect(tokens)
            if self.socket is None or not self.socket.authorized:
                await self._drop()
                raise _authorize_error(answer)

    async def _connect(self, tokens: Tokens) -> Answer:
        try:
            socket = await Socket.connect(self._socket_url(), self._hear, self.timings, self.rush)
        except WrongHost:
            before = self.rest.api
            await self._learn_host()
            if self.rest.api == before:
                raise
            socket = await Socket.connect(self._socket_url(), self._hear, self.timings, self.rush)
        self.socket, self._socket_tokens = socket, tokens
        return await authorize(socket, tokens.access_token)

    def _socket_url(self) -> str:
        return self.host.socket if self.rest.api == self.host.api else socket_of(self.rest.api)

    async def _learn_host(self) -> None:
        """Any read will do: REST answers with a redirect to the host that the socket did not name."""
        try:
            await self.reads.auth_me()
        except AuthError:
            return

    def _hear(self, event: Any) -> None:
        kind, _, rows = entities_of(event)
        if kind == "commandReport":
            for row in rows:
                self.confirmations.hear(row)
        if self._listener is not None:
            self._listener(event)

    def listen(self, listener: OnEvent | None) -> None:
        """Give every further event of the socket to ``listener``."""
        self._listener = listener

    def _retire(self, socket: Socket) -> None:
        """No new request on this socket; those under way get their answers first."""
        if socket.usable:
            task = asyncio.create_task(socket.leave())
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)

    async def _drop(self) -> None:
        socket, self.socket = self.socket, None
        if socket is not None:
            await socket.close()

    async def close(self) -> None:
        """Close the socket, after a moment for answers that are still due. Never raises; safe to call twice."""
        socket, self.socket = self.socket, None
        if socket is not None:
            await socket.leave()
        if self._leaving:
            await asyncio.gather(*self._leaving, return_exceptions=True)

    # --- who we are ---------------------------------------------------------------------------------------------

    async def user_id(self) -> int:
        """The user behind the token. ``Account.userId`` is the account's owner and may be a firm, never this login."""
        tokens = await self.token()
        if tokens.venue_user_id.isdigit():
            return int(tokens.venue_user_id)
        for question in (self._id_from_me, self._id_from_list):
            found = await question()
            if found:
                return found
        raise ProtocolSurprise(
            "Tradovate does not say which user this login is. Reconnect it on the Accounts page."
        )

    async def _id_from_me(self) -> int:
        try:
            me = await self.reads.auth_me()
        except (Unavailable, AuthError):
            return 0  # it lags behind for fresh tokens and belongs to the live host
        return _whole(me, "userId")

    async def _id_from_list(self) -> int:
        users = await self.reads.list("user")
        return _whole(users[0], "id") if isinstance(users, list) and len(users) == 1 else 0


def _whole(body: Any, key: str) -> int:
    value = body.get(key) if isinstance(body, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


async def authorize(socket: Socket, token: str) -> Answer:
    """Authorise a socket. A lost answer closes it and raises Unavailable: nothing was changed by it."""
    try:
        return await socket.authorize(token)
    except BrokerError as error:
        await socket.close()
        raise Unavailable(
            "Tradovate's socket opened but did not answer the authorisation. It will be tried again."
        ) from error


def _authorize_error(answer: Answer) -> BrokerError:
    if TICKET in answer.fields:
        captcha = bool(answer.fields.get("p-captcha"))
        return AuthPenalty(
            "Tradovate asks for a wait before another socket is authorised. It will be tried again by itself.",
            retry_after=penalty_seconds(answer.fields),
            captcha=captcha,
        )
    if answer.status in {400, 401, 403}:
        return AuthRevoked(
            f'Tradovate does not accept this login\'s token, even renewed ("{answer.words}"). '
            "Reconnect it on the Accounts page."
        )
    return read_error(answer, "authorize")
