"""The executor's process: one asyncio loop with the broker sessions, woken by notifications, kept honest by its sweeper.

Only one executor at a time works a shard: it holds the shard's advisory lock on a connection of its own. Losing that
connection stops all sending until the lock is held again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import psycopg
from django.conf import settings
from psycopg.types.json import Jsonb

from brokers.addresses import Addresses
from brokers.domain import AccountRef, OrderReport, StreamItem, StreamSnapshot
from brokers.errors import BrokerError
from brokers.protocol import BrokerAdapter
from brokers.ratelimit import READ_SHARE
from brokers.registry import build_adapter, close_loop_client, egress_of
from brokers.rush import Rush
from brokers.services import ENGINE_CHANNEL
from brokers.sessionpool import SessionPool
from brokers.sessions import BrokerSession, Opener, SessionKey
from brokers.tokens import ConnectionTokens
from strategies.engine import sql, upkeep
from strategies.engine.asking import ask_order
from strategies.engine.brackets import Brackets
from strategies.engine.budgets import EVERY_SECONDS, Budgets
from strategies.engine.claims import Claims
from strategies.engine.guard import Guard
from strategies.engine.halting import Halting
from strategies.engine.inflight import InFlightOrders
from strategies.engine.instruments import Instruments
from strategies.engine.lanes import Lanes
from strategies.engine.orders import CHANNEL as ORDERS_CHANNEL
from strategies.engine.pace import Paces
from strategies.engine.positions import Positions
from strategies.engine.protection import Protection
from strategies.engine.pulse import Pulse
from strategies.engine.quotes import MarketPrices
from strategies.engine.reconcile import Reconciler
from strategies.engine.reports import ReportForwarder
from strategies.engine.requests import Requests
from strategies.engine.sending import Sender
from strategies.engine.signals import SignalExecutor
from strategies.engine.streamstates import StreamStates
from strategies.engine.timings import Timings
from strategies.engine.turns import Turns
from strategies.engine.warmup import warm_up
from strategies.engine.writer import Writer
from tradeproject.common import heartbeat
from tradeproject.common.aio import end_tasks, finish
from tradeproject.common.locks import lock_key
from tradeproject.common.postgres import DATABASE_AWAY, conninfo, make_pool
from tradeproject.common.threads import in_thread

logger = logging.getLogger(__name__)

SIGNALS_CHANNEL = "signals"
END_SECONDS = 2.0  # for each step of the end

HeldByOthers = Callable[[UUID, int, UUID], Awaitable[Decimal]]


def _name_of(work: Callable[..., Any]) -> str:
    return _name_of(work.args[-1]) if isinstance(work, partial) else work.__qualname__


async def _nobody_else(account: UUID, instrument: int, strategy: UUID) -> Decimal:
    return Decimal(0)


class ExecutionEngine:
    """``held_by_others(account, instrument, strategy)`` tells what other strategies hold there (the recorder knows).

    ``opener`` builds the adapter of a session; left out, the registry does. ``put_off`` are signals to be tried again, and
    whether the failed attempt counts.
    """

    def __init__(
        self,
        *,
        shard: int = 0,
        held_by_others: HeldByOthers = _nobody_else,
        opener: Opener | None = None,
        timings: Timings | None = None,
        connections: int = 8,
    ) -> None:
        self.shard = shard
        self._opener = opener or self._open_session
        self.worker = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}"
        self.batch_size, self.batch_delay = settings.BATCH_SIZE, settings.BATCH_DELAY_SECONDS
        self.max_age, self.timings = settings.SIGNAL_MAX_AGE_SECONDS, timings or Timings()
        self.pulse = Pulse(self.timings.stale)
        self.held_by_others, self._connections = held_by_others, connections
        self.holds_shard = False
        self.executing: set[UUID] = set()
        self.put_off, self.used_logins = dict[UUID, bool](), set[UUID]()
        self.turns, self.lanes, self.inflight = Turns(), Lanes(), InFlightOrders()
        self.rush = Rush()
        self.paces, self.prices = Paces(), MarketPrices()
        self.positions, self.instruments = Positions(self), Instruments(self)
        self.claims, self.brackets, self.protection = Claims(self), Brackets(self), Protection(self)
        self.sender, self.signals = Sender(self), SignalExecutor(self)
        self.reconciler, self.requests = Reconciler(self), Requests(self)
        self.halting, self.guard, self.budgets = Halting(self), Guard(self), Budgets(self)
        self._loops: list[asyncio.Task[None]] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._running: dict[UUID, asyncio.Task[None]] = {}
        self._stopping, self._check_sessions = asyncio.Event(), asyncio.Event()
        self._stream_states = StreamStates(self)
        self._loop: asyncio.AbstractEventLoop | None = None

    # --- life --------------------------------------------------------------------------------------------------------

    async def run(self, started: Callable[[], None] | None = None) -> None:
        """Work until ``stop`` is called."""
        self._loop = asyncio.get_running_loop()
        self.pool = make_pool("execution", self._connections, configure=warm_up)
        await self.pool.open()
        self.writer = Writer(self.pool, self.worker, self.timings.first_lookup, self.rush)
        self.forwarder = ReportForwarder(self.pool, self.rush)
        self.sessions = self._make_sessions()
        self.writer.start()
        self.forwarder.start()
        loops = [self._listen, self._sweep, self._keep_sessions, self._renew_leases, self._stream_states.tell]
        for seconds, work in (
            (self.timings.sweep, self.requests.serve),
            (self.timings.sweep, self.reconciler.look_up_due),
            (self.timings.sweep, self.protection.sweep),
            (self.timings.sweep, self.halting.serve),
            (self.timings.orphan_check, self.protection.check_standing),
            (self.timings.protect_again, self.guard.check),
            (EVERY_SECONDS, self.budgets.round),
        ):
            loops.append(partial(self._now_and_then, seconds, work))
        loops.append(self.pulse.look)
        self._loops = [asyncio.create_task(self._forever(each)) for each in loops]
        try:
            if started is not None:
                started()
            await self._stopping.wait()
        finally:
            await self._shut_down()

    def _make_sessions(self) -> SessionPool:
        return SessionPool(
            self._opener,
            on_items=self._on_items,
            on_state=self._stream_states.note,
            calls_per_minute=max(1, int(settings.API_CALLS_PER_MINUTE_LIMIT * (1 - READ_SHARE))),
            calls_per_hour=max(1, int(settings.API_CALLS_PER_HOUR_LIMIT * (1 - READ_SHARE))),
            maximum=settings.MAX_CONCURRENT_CONNECTIONS,
            addresses=Addresses(egress_of, settings.EXECUTION_SHARDS),
        )

    async def _shut_down(self) -> None:
        """Let what is on the wire be answered, write it down, then close."""
        stuck = await end_tasks(self._loops, END_SECONDS)
        if self._running:
            await asyncio.wait(self._running.values(), timeout=self.timings.stop)
        await self.writer.stop()
        await self.forwarder.stop()
        stuck |= await end_tasks(self._tasks, END_SECONDS)
        for work in (
            self.sessions.stop(),
            close_loop_client(),
            self.prices.close(),
            self.budgets.close(),
            self.pool.close(timeout=1),
        ):
            await self._end(work)
        if stuck:
            logger.error("parts of the executor did not end", extra={"parts": [t.get_name() for t in stuck]})

    @staticmethod
    async def _end(work: Coroutine[Any, Any, None]) -> None:
        """One step of the end; neither its failure nor its slowness may keep the others from theirs."""
        try:
            await finish(work, END_SECONDS)
        except Exception:
            logger.exception("a step of the executor's end failed", extra={"part": str(work)})

    def stop(self) -> None:
        """Safe from any thread, and when it has stopped already."""
        self._call(self._stopping.set)

    def wake(self, signal_id: UUID) -> None:
        """A hint that a signal waits. Safe from any thread; may come twice, late or never."""
        self._call(self._on_hint, signal_id)

    def _call(self, function: Callable[..., Any], *arguments: Any) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: there is nothing to tell any more
                self._loop.call_soon_threadsafe(function, *arguments)

    def _on_hint(self, signal_id: UUID) -> None:
        if not self.signals.has_taken(signal_id):  # as a rule the notification was faster
            self.start_signal(signal_id)

    async def _forever(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while not self._stopping.is_set():
            try:
                await work()
            except DATABASE_AWAY as error:
                logger.warning(
                    "the database is away", extra={"part": _name_of(work), "reason": str(error)[:200]}
                )
                await asyncio.sleep(0.5)
            except Exception:
                logger.exception("a part of the executor failed and goes on", extra={"part": _name_of(work)})
                await asyncio.sleep(1.0)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something beside; its failure is logged and touches nothing else."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._task_done)
        return task

    def _task_done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("a task of the executor failed", exc_info=task.exception())

    @staticmethod
    async def in_thread(work: Callable[..., Any], *arguments: Any) -> Any:
        """ORM work, off the loop."""
        return await in_thread(work, *arguments)

    # --- waking up ------------------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        """Hold the shard and listen. The connection is the proof that this executor is the one that may send."""
        address = conninfo(application_name="execution-shard")
        async with await psycopg.AsyncConnection.connect(address, autocommit=True) as own:
            try:
                await self._take_shard(own)
                for channel in (SIGNALS_CHANNEL, ORDERS_CHANNEL, ENGINE_CHANNEL):
                    await own.execute(f"LISTEN {channel}")
                await self._take_over()
                async for notice in own.notifies():
                    self._on_notice(notice.channel, notice.payload)
            finally:
                self.holds_shard = False

    async def _take_shard(self, own: psycopg.AsyncConnection[Any]) -> None:
        key = lock_key("execution-shard", self.shard)
        while True:
            row = await (await own.execute("SELECT pg_try_advisory_lock(%s)", [key])).fetchone()
            if row and row[0]:
                self.holds_shard = True
                return
            await self.sessions.keep(set())  # standing by: the sockets are the other's
            await asyncio.sleep(0.25)

    async def _take_over(self) -> None:
        """Whoever held this shard before is gone: what it had claimed is undecided now, and looked up at once."""
        async with self.pool.connection() as connection:
            await connection.execute(upkeep.ABANDONED_SIGNALS, {"worker": self.worker})
            rows = await (
                await connection.execute(upkeep.ABANDONED_ORDERS, {"all": True, "worker": self.worker})
            ).fetchall()
        if rows:
            logger.warning("orders of a former executor are looked up", extra={"count": len(rows)})
        self._check_sessions.set()

    def _on_notice(self, channel: str, payload: str) -> None:
        if channel == SIGNALS_CHANNEL:
            with contextlib.suppress(ValueError):
                self.start_signal(UUID(payload))
        elif channel == ORDERS_CHANNEL:
            self.spawn(self.requests.serve())
        else:
            self._check_sessions.set()
            with contextlib.suppress(ValueError):
                self.spawn(self.sessions.restart(UUID(payload)))

    def start_signal(self, signal_id: UUID) -> None:
        if self.holds_shard and signal_id not in self._running and not self._stopping.is_set():
            task = self._running[signal_id] = self.spawn(self.signals.execute(signal_id))
            task.add_done_callback(lambda _: self._running.pop(signal_id, None))

    # --- the sweeper ------------------------------------------------------------------------------------------------------

    async def _sweep(self) -> None:
        """Whatever no hint reached (law 1)."""
        await asyncio.sleep(self.timings.sweep)
        if not self.holds_shard:
            return
        put_off, self.put_off = self.put_off, {}
        used, self.used_logins = self.used_logins, set()
        again = {
            "worker": self.worker,
            "signals": list(put_off),
            "free": [i for i, counts in put_off.items() if not counts],
        }
        try:
            async with self.pool.connection() as connection, connection.pipeline():
                beat = {"name": "execution", "detail": Jsonb(self._vital_signs())}
                await connection.execute(heartbeat.BEAT, beat)
                await connection.execute(sql.RETRY_SIGNALS, again)
                await connection.execute(upkeep.ABANDONED_ORDERS, {"all": False, "worker": self.worker})
                await connection.execute(upkeep.LOGINS_USED, {"connections": list(used)})
                signals = await connection.execute(upkeep.UNFINISHED_SIGNALS)
            rows = await signals.fetchall()
        except BaseException:
            self.put_off = put_off | self.put_off
            raise
        for row in rows:
            self.start_signal(row["id"])

    async def _now_and_then(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        await asyncio.sleep(seconds)
        await self.rush.over()
        if self.holds_shard:
            await work()

    def _vital_signs(self) -> dict[str, Any]:
        states = Counter(session.state.value for session in self.sessions.sessions.values())
        return {
            "worker": self.worker,
            "sessions": dict(states),
            "in_flight": len(self.inflight),
            "lanes": self.lanes.busy(),
        }

    async def _renew_leases(self) -> None:
        await asyncio.sleep(self.timings.lease_renewal)
        if self.executing:
            lease = self.timings.signal_lease
            arguments = {"signals": list(self.executing), "worker": self.worker, "lease": lease}
            async with self.pool.connection() as connection:
                await connection.execute(sql.EXTEND_SIGNALS, arguments)

    # --- sessions -----------------------------------------------------------------------------------------------------------

    async def _keep_sessions(self) -> None:
        if self.holds_shard:
            async with self.pool.connection() as connection:
                rows = await (await connection.execute(upkeep.WANTED_SESSIONS)).fetchall()
            await self.sessions.keep({SessionKey(row["connection_id"], row["environment"]) for row in rows})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.timings.session_check):
                await self._check_sessions.wait()
        self._check_sessions.clear()

    async def _open_session(self, key: SessionKey) -> BrokerAdapter:
        arguments = {"connection": key.connection_id, "environment": key.environment}
        try:
            async with self.pool.connection() as connection:
                row = await (await connection.execute(upkeep.CONNECTION, arguments)).fetchone()
        except DATABASE_AWAY as error:
            raise BrokerError("The database is away; the session is opened when it is back.") from error
        if row is None:
            raise BrokerError("This login was removed.")
        accounts = [AccountRef(str(a["id"]), a["name"]) for a in row["accounts"] or []]
        tokens = ConnectionTokens(key.connection_id)
        return build_adapter(row["broker"], key.environment, tokens, accounts, rush=self.rush)

    def _on_items(self, session: BrokerSession, items: list[StreamItem]) -> None:
        self.forwarder.put(session, items)
        for item in items:
            reports = item.orders if isinstance(item, StreamSnapshot) else (item,)
            for report in reports:
                if isinstance(report, OrderReport):
                    self.sender.on_report(session.key, report)

    # --- what the parts share ---------------------------------------------------------------------------------------------

    def max_age_of(self, own: int | None) -> int:
        """How old an entry's alert may be: the stricter of the strategy's limit and the server's, in seconds."""
        return self.max_age if own is None else min(own, self.max_age)

    async def lookup(self, key: SessionKey, ref: AccountRef, handle: str) -> OrderReport | None:
        """One order asked of the venue; None when it is not there or could not be asked."""
        try:
            return await ask_order(self.sessions.get(key), ref, self.timings.ask, client_order_id=handle)
        except BrokerError as error:
            logger.warning("order look-up failed", extra={"handle": handle, "reason": error.message})
            return None
