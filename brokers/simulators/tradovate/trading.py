"""The trading socket: authorize with the raw token, then any REST operation, and ``user/syncrequest`` for everything else."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from brokers.simulators.tradovate import sync
from brokers.simulators.tradovate.catalog import RISK_ENTITIES
from brokers.simulators.tradovate.framing import BadFrame, Connection, Frame, parse_frame, response
from brokers.simulators.tradovate.hub import Hub, TradingSocket
from brokers.simulators.tradovate.limits import Limits
from brokers.simulators.tradovate.options import Options
from brokers.simulators.tradovate.people import Directory, Login
from brokers.simulators.tradovate.pipeline import Incoming, Outcome, Pipeline
from brokers.simulators.tradovate.sessions import DENIED, EXPIRED, Session, Sessions
from brokers.simulators.tradovate.venue import Venue
from brokers.simulators.tradovate.wire import Refused, Reply

SYNC_PATH = "user/syncrequest"
BAD_TOKEN = "Invalid access token"  # noqa: S105 - an error text


def authorize(connection: Connection, sessions: Sessions, token: str, *uses: str) -> Session:
    """The session of a raw token. Raises Refused(401) with the socket's own words."""
    try:
        session = sessions.authenticate(token, *uses)
    except Refused as refusal:
        raise Refused(401, EXPIRED if refusal.text == EXPIRED else BAD_TOKEN) from None
    connection.session, connection.token = session, token
    return session


class TradingEndpoint:
    def __init__(
        self,
        options: Options,
        sessions: Sessions,
        directory: Directory,
        limits: Limits,
        hub: Hub,
        pipeline: Pipeline,
        venues: dict[str, Venue],
    ) -> None:
        self._options, self._sessions, self._directory = options, sessions, directory
        self._limits, self._hub, self._pipeline, self._venues = limits, hub, pipeline, venues
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, connection: Connection, host: str) -> None:
        socket = TradingSocket(connection, host)
        self._hub.add(socket)
        try:
            await connection.open()
            async for text, arrival_ns in connection.texts():
                self._take(socket, self._venues[host], text, arrival_ns)
        finally:
            self._hub.remove(socket)

    def _take(self, socket: TradingSocket, venue: Venue, text: str, arrival_ns: int) -> None:
        connection = socket.connection
        try:
            frame = parse_frame(text, arrival_ns)
        except BadFrame as bad:
            connection.push(response(bad.request_id, Reply.refusal(bad)))
            return
        try:
            if frame.path == "authorize":
                self._authorize(socket, frame)
            elif connection.session is None:
                raise Refused(401, DENIED)
            else:
                self._request(socket, venue, frame, connection.session)
        except Refused as refusal:
            connection.push(response(frame.id, Reply.refusal(refusal)))

    # --- authorizing --------------------------------------------------------------------------------------------

    def _authorize(self, socket: TradingSocket, frame: Frame) -> None:
        session = authorize(socket.connection, self._sessions, frame.body, "access")
        socket.user_name = self._directory.by_user[session.user_id].name
        socket.connection.push(response(frame.id, Reply()))
        self._keep_cap(session.user_id)

    def _keep_cap(self, user_id: int) -> None:
        """Too many sockets of one user: the oldest goes and its token with it."""
        mine = [c for c in self._hub.connections() if c.session is not None and c.session.user_id == user_id]
        for oldest in mine[: max(len(mine) - self._options.socket_cap, 0)]:
            token = self._sessions.tokens.get(oldest.token)
            if token is not None:
                self._sessions.drop(token)
            self._hub.shut_down([oldest], "ConnectionQuotaReached", "Too many connections of this user")

    # --- requests -----------------------------------------------------------------------------------------------

    def _request(self, socket: TradingSocket, venue: Venue, frame: Frame, session: Session) -> None:
        connection = socket.connection
        incoming = Incoming(
            venue, "socket", frame.path, frame.args, connection.token, connection.address, session
        )
        incoming.monotonic_ns = frame.arrival_ns
        more: list[Any] = []
        if frame.path == SYNC_PATH:
            incoming.handler = lambda login: self._sync(socket, venue, frame, login, more)
        outcome = self._pipeline.serve_now(incoming)
        if outcome is not None:
            self._finish(socket, frame, outcome, more)
            return
        task = asyncio.get_running_loop().create_task(self._request_slowly(socket, frame, incoming, more))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _request_slowly(
        self, socket: TradingSocket, frame: Frame, incoming: Incoming, more: list[Any]
    ) -> None:
        self._finish(socket, frame, await self._pipeline.serve(incoming), more)

    def _finish(self, socket: TradingSocket, frame: Frame, outcome: Outcome, more: list[Any]) -> None:
        """The answer, what belongs to it, and only then the events."""
        if outcome.way == "reply":
            socket.connection.push(response(frame.id, outcome.reply))
            for part in more:
                socket.connection.push(response(frame.id, Reply.of(part)))
        elif outcome.way == "drop":
            socket.connection.cut()
        self._hub.publish(outcome.changes)

    def _sync(
        self, socket: TradingSocket, venue: Venue, frame: Frame, login: Login, more: list[Any]
    ) -> dict[str, Any]:
        """Follow the accounts from now on. Returns the snapshot, or its first part with the others in ``more``."""
        self._limits.count_endpoint(SYNC_PATH, socket.connection.address, self._options.syncs_per_hour)
        if socket.is_synced:
            raise Refused(400, "This connection is synchronized already")
        session = socket.connection.session
        is_blind = session is not None and session.kind == "oauth" and not self._options.oauth_risk_rights
        hidden = RISK_ENTITIES if is_blind else frozenset()
        wish = sync.parse_wish(frame.args, login, venue, self._options, hidden)
        told = sync.snapshot(wish, login, venue)
        if "positions" in told and self._hub.hides_net_price(socket):
            told["positions"] = [msgspec.structs.replace(row, netPrice=None) for row in told["positions"]]
        socket.kinds = wish.kinds
        self._hub.follow(socket, wish.accounts)
        first, *rest = sync.split(told) if wish.is_split else [told]
        more.extend(rest)
        return first
