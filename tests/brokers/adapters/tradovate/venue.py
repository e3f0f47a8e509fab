"""A venue for these tests, written from Tradovate's published descriptions: tables, answers, and a real socket server.

``FakeVenue.answers`` overrides single operations: a fixture's envelope, a ``(status, body)`` pair, or a function of the
request body that returns one. The socket speaks the venue's frames and mirrors every REST operation.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from brokers.adapters.tradovate.adapter import TradovateAdapter
from brokers.adapters.tradovate.constants import TIMINGS, Timings
from brokers.adapters.tradovate.endpoints import Endpoints, Host
from brokers.domain import AccountRef, AssetClass, Environment, Instrument, Tokens
from brokers.errors import BrokerError
from brokers.protocol import AdapterConfig

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures" / "tradovate"
API = "http://venue.test/v1"
NOW = datetime(2026, 11, 20, 14, 31, 10, tzinfo=UTC)
OURS, SECOND, FOREIGN = "33112", "33113", "90001"
ACCOUNT = AccountRef(OURS, "DEMO331124")
MASTERS = {
    "order": "accountId",
    "orderVersion": "orderId",
    "command": "orderId",
    "fill": "orderId",
    "commandReport": "commandId",
    "executionReport": "commandId",
    "orderStrategyLink": "orderStrategyId",
    "contractMaturity": "productId",
    "contract": "contractMaturityId",
}
MNQ = Instrument("3570918", "MNQZ6", "MNQ", AssetClass.FUTURES, Decimal("0.25"), Decimal(2))
FAST: Timings = replace(
    TIMINGS,
    connect=5.0,
    answer=1.0,
    snapshot=1.0,
    heartbeat=0.05,
    silence=5.0,
    drain=0.5,
    confirm_change=0.6,
    fill_waits_for_order=0.05,
    busy_retry=0.01,
    quotes_resubscribe=0.02,
)

Pair = tuple[int, Any]
DROP = object()  # as an answer on the socket: hang up after reading the request
HUSH = object()  # ... read the request and say nothing


def fixture(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text())


def envelope(name: str) -> Pair:
    content = fixture(name)
    return content["status"], content["body"]


def entities() -> dict[str, list[dict[str, Any]]]:
    return fixture("entities")


@dataclass
class Call:
    operation: str
    query: str
    body: Any
    raw: str
    token: str
    by: str  # "rest" or "socket"


class FakeTokens:
    """A token source: ``renewed`` hands out the next token, or raises what it was told to."""

    def __init__(self, *names: str, error: BrokerError | None = None, **fields: Any) -> None:
        life = NOW + timedelta(hours=1)
        self._tokens = [
            Tokens(name, life, venue_user_id="15461", **fields) for name in names or ("AT-first",)
        ]
        self._error = error
        self.renewals = 0

    async def current(self) -> Tokens:
        return self._tokens[0]

    async def renewed(self, stale: Tokens) -> Tokens:
        self.renewals += 1
        if self._error is not None:
            raise self._error
        if len(self._tokens) > 1:
            self._tokens.pop(0)
        return self._tokens[0]


class FakeVenue:
    def __init__(self, tables: dict[str, list[dict[str, Any]]] | None = None) -> None:
        self.tables = copy.deepcopy(tables if tables is not None else entities())
        self.answers: dict[str, Any] = {"auth/me": envelope("http_auth_me")}
        self.calls: list[Call] = []
        self.frames: list[str] = []
        self.sockets: list[ServerConnection] = []
        self.valid_tokens = {"AT-first", "AT-second", "MDT-first"}
        self.url = ""
        self.before_answer: Callable[[ServerConnection, str], Any] | None = None
        self.sync: Callable[[dict[str, Any]], Pair] = self.snapshot

    # --- answers ------------------------------------------------------------------------------------------------

    def named(self, operation: str, by: str = "") -> list[Call]:
        return [call for call in self.calls if call.operation == operation and (not by or call.by == by)]

    def answer(self, operation: str, query: str, body: Any) -> Any:
        given = self.answers.get(operation)
        if isinstance(given, list):
            given = given.pop(0) if len(given) > 1 else given[0]
        if callable(given):
            given = given(body)
        return given if given is not None else self._from_tables(operation, query)

    def _from_tables(self, operation: str, query: str) -> Pair:
        entity, _, verb = operation.partition("/")
        rows = self.tables.get(entity)
        if rows is None:
            return 404, None
        asked = {key: values[0] for key, values in parse_qs(query).items()}
        if verb == "list":
            return 200, rows
        if verb == "item":
            found = [row for row in rows if str(row["id"]) == asked["id"]]
            return (200, found[0]) if found else (404, None)
        if verb == "items":
            ids = asked["ids"].split(",")
            return (404, None) if len(ids) > 10 else (200, [row for row in rows if str(row["id"]) in ids])
        if verb == "find":
            found = [row for row in rows if row["name"] == asked["name"]]
            return (200, found[0]) if found else (404, None)
        wanted = asked.get("masterid", asked.get("masterids", "")).split(",")
        return 200, [row for row in rows if str(row.get(MASTERS[entity])) in wanted]

    def snapshot(self, body: dict[str, Any]) -> Pair:
        plural = {"orderStrategy": "orderStrategies"}
        message: dict[str, Any] = {"users": [{"id": 15461, "name": "jdoe01"}], "contractGroups": []}
        message["accounts"] = envelope("http_account_list")[1]
        for kind, rows in self.tables.items():
            message[plural.get(kind, kind + "s")] = rows
        return 200, message

    # --- HTTP ---------------------------------------------------------------------------------------------------

    def http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self._on_http))

    def _on_http(self, request: httpx.Request) -> httpx.Response:
        operation = request.url.path.removeprefix("/v1/")
        raw = request.content.decode()
        body = json.loads(raw) if raw.startswith("{") else raw
        query = request.url.query.decode()
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        self.calls.append(Call(operation, query, body, raw, token, "rest"))
        given = self.answer(operation, query, body)
        if isinstance(given, Exception):
            raise given
        if isinstance(given, httpx.Response):
            return given
        status, content = given
        if content is None or isinstance(content, str):
            return httpx.Response(status, text=content or "")
        return httpx.Response(status, json=content)

    # --- the socket ---------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def serving(self):
        async with serve(self._on_socket, "127.0.0.1", 0, compression=None) as server:
            port = server.sockets[0].getsockname()[1]
            self.url = f"ws://127.0.0.1:{port}/v1/websocket"
            yield self

    async def _on_socket(self, connection: ServerConnection) -> None:
        self.sockets.append(connection)
        await connection.send("o")
        with contextlib.suppress(ConnectionClosed):
            async for frame in connection:
                self.frames.append(str(frame))
                if frame != "[]":
                    await self._on_frame(connection, str(frame))

    async def _on_frame(self, connection: ServerConnection, frame: str) -> None:
        operation, number, query, raw = frame.split("\n", 3)
        if operation == "authorize":
            known = raw in self.valid_tokens
            refusal = {"s": 401, "i": int(number), "d": "Access is denied"}
            await self.tell(connection, {"s": 200, "i": int(number)} if known else refusal)
            return
        body = json.loads(raw) if raw else None
        self.calls.append(Call(operation, query, body, raw, "", "socket"))
        if self.before_answer is not None:
            await self.before_answer(connection, operation)
        given = self.sync(body) if operation == "user/syncrequest" else self.answer(operation, query, body)
        if given is DROP:
            connection.transport.abort()
        elif given is not HUSH:
            status, content = given
            message = {"s": status, "i": int(number)}
            await self.tell(connection, message if content is None else {**message, "d": content})

    @staticmethod
    async def tell(connection: ServerConnection, *messages: dict[str, Any]) -> None:
        await connection.send("a" + json.dumps(list(messages)))

    async def push(self, kind: str, entity: Any, change: str = "Updated") -> None:
        await self.tell(self.sockets[-1], props(kind, entity, change))

    # --- the adapter --------------------------------------------------------------------------------------------

    def adapter(
        self,
        tokens: FakeTokens | None = None,
        accounts: tuple[AccountRef, ...] = (ACCOUNT, AccountRef(SECOND, "DEMO331125")),
        http: httpx.AsyncClient | None = None,
        market_data: str = "",
        timings: Timings = FAST,
        api: str = API,
    ) -> TradovateAdapter:
        host = Host(api, self.url or "ws://127.0.0.1:9/none", market_data)
        config = AdapterConfig(
            environment=Environment.DEMO,
            endpoints=Endpoints(host, host, "", ""),
            http=http or self.http(),
            tokens=tokens or FakeTokens(),
            accounts=accounts,
        )
        return TradovateAdapter(config, timings=timings, now=lambda: NOW)


def props(kind: str, entity: Any, change: str = "Updated") -> dict[str, Any]:
    return {"e": "props", "d": {"entityType": kind, "eventType": change, "entity": entity}}


async def until(condition: Callable[[], Any], seconds: float = 10.0) -> None:
    """Poll until the condition holds, or fail."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for happens at the other end of a socket
            await asyncio.sleep(0.005)
