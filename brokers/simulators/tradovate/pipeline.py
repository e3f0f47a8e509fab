"""The way of one request, REST or socket: counted, delayed, authenticated, limited, mistreated if asked for, answered.

What it changed is journaled before the answer is handed out; the events follow the answer.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from brokers.simulators.tradovate.auth import LOGIN_PATH
from brokers.simulators.tradovate.faults import REQUEST_KINDS, Fault, FaultBook, Subject
from brokers.simulators.tradovate.limits import Limits
from brokers.simulators.tradovate.options import Options
from brokers.simulators.tradovate.people import Login
from brokers.simulators.tradovate.reports import Caller
from brokers.simulators.tradovate.routes import Request
from brokers.simulators.tradovate.sessions import DENIED, EXPIRED, Session
from brokers.simulators.tradovate.store import Change
from brokers.simulators.tradovate.traffic import Traffic
from brokers.simulators.tradovate.venue import Venue
from brokers.simulators.tradovate.wire import TEXT, Refused, Reply, decode, encode

FOREVER = 3600.0
HIDING = frozenset({"missing_net_price"})
STATUS_KINDS = {"rate_limit": (429, ""), "denied": (401, DENIED), "expired": (401, EXPIRED)}


@dataclass(slots=True)
class Incoming:
    """A request as it arrived. ``session`` is given by a socket; REST brings ``token``.

    ``handler`` answers what only a socket can ask, in place of the routes.
    """

    venue: Venue
    transport: str
    path: str
    args: Any
    token: str
    address: str
    session: Session | None = None
    handler: Callable[[Login], Any] | None = None
    wall: float = 0.0
    monotonic_ns: int = 0


@dataclass(slots=True)
class Outcome:
    """What the transport has to do: send ``reply`` (``way`` = reply), never answer (hang), or break (drop).

    ``changes`` are to be published after that.
    """

    reply: Reply
    changes: list[Change]
    way: str = "reply"
    seconds: float = FOREVER


@dataclass(frozen=True, slots=True)
class Core:
    """What a request needs of the simulator."""

    options: Options
    faults: FaultBook
    limits: Limits
    traffic: Traffic
    login_of: Callable[[Session], Login]
    authenticate: Callable[[str], Session]
    request_token: Callable[[Any, str], Any]
    knows: Callable[[str], bool]
    call: Callable[[Request], Any]
    settle: Callable[[], list[Change]]
    random: random.Random


class Pipeline:
    def __init__(self, core: Core) -> None:
        self._core = core

    async def serve(self, incoming: Incoming) -> Outcome:
        core = self._core
        row = self._receive(incoming)
        await self._wait(core.options.latency_ms, core.options.jitter_ms)
        fault = core.faults.take(REQUEST_KINDS, self._subject(incoming)) if core.faults else None
        if fault is None:
            outcome = self._process(incoming)
        else:
            outcome = await self._mistreat(incoming, fault)
        if incoming.path.startswith("position/") and outcome.reply.status == 200:
            self._hide_net_price(incoming, outcome.reply)
        self._note(incoming, row, outcome)
        return outcome

    def serve_now(self, incoming: Incoming) -> Outcome | None:
        """The same without waiting, if nothing asks to wait: saves a task per request. None = use ``serve``."""
        core = self._core
        if core.options.latency_ms or core.options.jitter_ms or core.faults:
            return None
        row = self._receive(incoming)
        outcome = self._process(incoming)
        self._note(incoming, row, outcome)
        return outcome

    def _receive(self, incoming: Incoming) -> dict[str, Any] | None:
        now = time.monotonic_ns()
        incoming.monotonic_ns = incoming.monotonic_ns or now
        incoming.wall = time.time() - (now - incoming.monotonic_ns) / 1e9
        return self._core.traffic.note_request(
            incoming.path,
            incoming.venue.host,
            incoming.transport,
            incoming.args,
            incoming.wall,
            incoming.monotonic_ns,
        )

    def _note(self, incoming: Incoming, row: dict[str, Any] | None, outcome: Outcome) -> None:
        status = outcome.way if outcome.way != "reply" else str(outcome.reply.status)
        self._core.traffic.note_answer(incoming.path, status, row, outcome.reply.body)

    # --- the ordinary way ---------------------------------------------------------------------------------------

    def _process(self, incoming: Incoming) -> Outcome:
        try:
            reply = Reply.of(self._answer(incoming))
        except Refused as refusal:
            reply = Reply.refusal(refusal)
        return Outcome(reply, self._core.settle())

    def _answer(self, incoming: Incoming) -> Any:
        core = self._core
        if incoming.path == LOGIN_PATH:
            return core.request_token(incoming.args, incoming.address)
        if incoming.handler is None and not core.knows(incoming.path):
            raise Refused(404, f"There is no {incoming.path}")
        session = incoming.session or core.authenticate(incoming.token)
        core.limits.count_call(session.user_id)
        login = core.login_of(session)
        if incoming.handler is not None:
            return incoming.handler(login)
        caller = Caller(
            login.user_id,
            login.name,
            session.id,
            incoming.transport,
            incoming.path,
            incoming.wall,
            incoming.monotonic_ns,
        )
        request = Request(
            incoming.venue,
            incoming.path,
            incoming.args,
            session,
            login,
            incoming.token,
            incoming.address,
            caller,
        )
        return core.call(request)

    # --- the hard way -------------------------------------------------------------------------------------------

    async def _wait(self, milliseconds: float, jitter: float = 0) -> None:
        if jitter:
            milliseconds += self._core.random.uniform(0, jitter)
        if milliseconds > 0:
            await asyncio.sleep(milliseconds / 1000)

    def _subject(self, incoming: Incoming) -> Subject:
        body = incoming.args if isinstance(incoming.args, dict) else {}
        user, account = "", body.get("accountId")
        try:
            session = incoming.session or self._core.authenticate(incoming.token)
            user = self._core.login_of(session).name
        except Refused:
            user = body.get("name", "") if isinstance(body.get("name"), str) else ""
        symbol, order_id = body.get("symbol"), body.get("orderId")
        record = incoming.venue.desk.records.get(order_id) if isinstance(order_id, int) else None
        if record is not None:
            account = record.account_id
        return Subject(
            incoming.path,
            incoming.venue.host,
            incoming.transport,
            user,
            account if isinstance(account, int) else 0,
            symbol if isinstance(symbol, str) else "",
        )

    async def _mistreat(self, incoming: Incoming, fault: Fault) -> Outcome:
        if fault.kind == "delay":
            await self._wait(float(fault.get("ms", 500)), float(fault.get("jitter_ms", 0)))
            outcome = self._process(incoming)
            await self._wait(float(fault.get("after_ms", 0)))
            return outcome
        if fault.kind == "penalty" and self._redeems(incoming):
            return self._process(incoming)
        if fault.kind == "truncate":
            outcome = self._process(incoming)
            outcome.reply.body = outcome.reply.body[: int(fault.get("keep", len(outcome.reply.body) // 2))]
            return outcome
        before = fault.get("when", "before") == "before"
        outcome = Outcome(Reply(), []) if before else self._process(incoming)
        if fault.kind in {"hang", "drop"}:
            outcome.way, outcome.seconds = fault.kind, float(fault.get("seconds", FOREVER))
        else:
            outcome.reply = self._false_reply(incoming, fault)
        return outcome

    def _hide_net_price(self, incoming: Incoming, reply: Reply) -> None:
        if self._core.faults.take(HIDING, self._subject(incoming)) is not None:
            told = decode(reply.body)
            for row in told if isinstance(told, list) else [told]:
                row.pop("netPrice", None)
            reply.body = encode(told)

    def _redeems(self, incoming: Incoming) -> bool:
        ticket = incoming.args.get("p-ticket") if isinstance(incoming.args, dict) else None
        return self._core.limits.redeem(ticket, incoming.path)

    def _false_reply(self, incoming: Incoming, fault: Fault) -> Reply:
        if fault.kind in STATUS_KINDS:
            status, text = STATUS_KINDS[fault.kind]
            return Reply(status, text.encode(), TEXT)
        if fault.kind == "penalty":
            captcha, seconds = fault.get("captcha", False) is True, int(fault.get("seconds", 5))
            return Reply.of(self._core.limits.penalty(incoming.path, captcha=captcha, seconds=seconds))
        if fault.kind == "violation":
            told = {name: str(fault.get(name, "")) for name in ("constraint", "value", "description")}
            return Reply(200, encode({"violations": [told]}))
        if fault.kind == "error_text":
            return Reply(200, encode({"errorText": fault.get("text", "Something went wrong")}))
        return Reply(int(fault.get("status", 500)), str(fault.get("body", "")).encode(), TEXT)
