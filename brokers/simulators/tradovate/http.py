"""The ASGI application: REST of both hosts, the sockets, the consent page, the control endpoint."""

from __future__ import annotations

import asyncio
import hmac

from brokers.simulators.tradovate.control import BadWish, Control, UnknownPath
from brokers.simulators.tradovate.framing import (
    ARRIVAL,
    TRANSPORT,
    Connection,
    Message,
    Receive,
    Send,
    merged,
)
from brokers.simulators.tradovate.oauth import token_reply
from brokers.simulators.tradovate.people import HOSTS
from brokers.simulators.tradovate.pipeline import Incoming, Outcome
from brokers.simulators.tradovate.simulator import Simulator
from brokers.simulators.tradovate.wire import Refused, Reply, encode

TOKEN_PATH = "auth/oauthtoken"  # noqa: S105 - a path
MARKET_DATA_HOSTS = frozenset({"md", "md-demo"})
BODY_CAP = 1_000_000


class Application:
    """``/live/v1/…`` and ``/demo/v1/…`` are the hosts, ``/md/v1/websocket`` the market data, ``/oauth`` the consent page."""

    def __init__(self, simulator: Simulator, control: Control) -> None:
        self._sim, self._control = simulator, control

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        self._sim.ensure_running()
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._http(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._sim.ensure_running()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self._sim.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    # --- sockets ------------------------------------------------------------------------------------------------

    async def _websocket(self, scope: Message, receive: Receive, send: Send) -> None:
        host, path = _split(scope["path"])
        is_market_data = host in MARKET_DATA_HOSTS
        if path != "websocket" or not (is_market_data or host in HOSTS):
            await receive()
            await send({"type": "websocket.close", "code": 1000})
            return
        connection = Connection(scope, receive, send, self._sim.options, self._count_frame)
        if is_market_data:
            await self._sim.market_data.run(connection)
        else:
            await self._sim.trading.run(connection, host)

    def _count_frame(self) -> None:
        self._sim.traffic.frames_sent += 1

    # --- HTTP ---------------------------------------------------------------------------------------------------

    async def _http(self, scope: Message, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        query = scope["query_string"].decode("latin-1")
        body = await _body(receive)
        host, path = _split(scope["path"])
        if host in HOSTS and path != TOKEN_PATH:
            await self._rest(scope, receive, send, host, path, query, headers, body)
            return
        try:
            reply = self._other(scope, host, path, query, headers, body)
        except Refused as refusal:
            reply = Reply.refusal(refusal)
        await _answer(send, reply)

    async def _rest(
        self,
        scope: Message,
        receive: Receive,
        send: Send,
        host: str,
        path: str,
        query: str,
        headers: dict[str, str],
        body: bytes,
    ) -> None:
        try:
            args = merged(query, body)
        except Refused as refusal:
            await _answer(send, Reply.refusal(refusal))
            return
        address = scope["client"][0] if scope.get("client") else "local"
        incoming = Incoming(self._sim.venues[host], "rest", path, args, _bearer(headers), address)
        incoming.monotonic_ns = (scope.get("extensions") or {}).get(ARRIVAL, 0)
        outcome = self._sim.pipeline.serve_now(incoming) or await self._sim.pipeline.serve(incoming)
        try:
            await _finish(scope, receive, send, outcome)
        finally:
            self._sim.hub.publish(outcome.changes)

    def _other(
        self, scope: Message, host: str, path: str, query: str, headers: dict[str, str], body: bytes
    ) -> Reply:
        if path == TOKEN_PATH and host in {*HOSTS, "", "v1"}:
            kind, authorization = headers.get("content-type", ""), headers.get("authorization", "")
            return token_reply(self._sim.oauth.exchange(body, kind, authorization))
        if host == "oauth" and not path:
            return self._sim.oauth.consent(query, body.decode("utf-8", "replace"))
        if host == "control":
            return self._controlled(path, query, headers, body)
        raise Refused(404, f"There is no {scope['path']}")

    def _controlled(self, path: str, query: str, headers: dict[str, str], body: bytes) -> Reply:
        token = self._sim.options.control_token
        given = headers.get("x-control-token", "") or _bearer(headers)
        if token and not hmac.compare_digest(token.encode(), given.encode()):
            raise Refused(401, "The control endpoint needs its token in X-Control-Token")
        args = merged(query, body)
        if not isinstance(args, dict):
            raise Refused(400, "The body must be a JSON object")
        try:
            return Reply(200, encode(self._control.call(path, args)))
        except BadWish as error:
            return Reply(400, encode({"error": str(error)}))
        except UnknownPath:
            raise Refused(404, f"There is no /control/{path}") from None


def _split(path: str) -> tuple[str, str]:
    """/live/v1/order/placeOrder → live, order/placeorder. The version may be left out; case does not matter."""
    parts = [part for part in path.lower().split("/") if part]
    if parts and parts[0] == "auth":
        return "", "/".join(parts)
    host, rest = (parts[0], parts[1:]) if parts else ("", [])
    if rest and rest[0] == "v1":
        rest = rest[1:]
    elif host in {*HOSTS, *MARKET_DATA_HOSTS} and rest != TOKEN_PATH.split("/"):
        return host, "unversioned/" + "/".join(rest)
    return host, "/".join(rest)


def _bearer(headers: dict[str, str]) -> str:
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


async def _body(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body") and len(body) < BODY_CAP:
        message = await receive()
        body += message.get("body", b"")
    return body


async def _answer(send: Send, reply: Reply) -> None:
    headers = [(b"content-length", str(len(reply.body)).encode())]
    if reply.body:
        headers.append((b"content-type", reply.content_type))
    if reply.location:
        headers.append((b"location", reply.location.encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


async def _finish(scope: Message, receive: Receive, send: Send, outcome: Outcome) -> None:
    if outcome.way == "reply":
        await _answer(send, outcome.reply)
        return
    if outcome.way == "hang":
        await _until_gone(receive, outcome.seconds)
    transport = (scope.get("extensions") or {}).get(TRANSPORT)
    if transport is None:
        raise ConnectionResetError("The simulator dropped the connection")
    transport.abort()


async def _until_gone(receive: Receive, seconds: float) -> None:
    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            continue

    try:
        await asyncio.wait_for(gone(), seconds)
    except TimeoutError:
        return
