"""The streams process: reports into the record, events to whoever is told, quotes to whoever looks.

Each part runs for itself and is started again when it fails; none of them can touch an order.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

import psycopg

from brokers.marketdata.feed import Feed
from brokers.registry import close_loop_client
from dashboard.relay import Relay
from recorder.openpnl import OpenPnl, held_symbols
from recorder.services import BATCHES_AT_ONCE, drain_report_batches
from strategies import drift_policy
from tradeproject.common import heartbeat
from tradeproject.common.events import CHANNEL as EVENTS_CHANNEL
from tradeproject.common.events import EVENTS_AT_ONCE, StoredEvent, relay_pending, subscribe
from tradeproject.common.postgres import DATABASE_AWAY, conninfo
from tradeproject.common.threads import in_thread

logger = logging.getLogger(__name__)

REPORTS_CHANNEL = "reports"
GATHER_SECONDS = 0.05  # what comes together is handled together: one order makes several reports and events
LOOK_SECONDS = 1.0  # how long a notification that got lost delays anything
RESTART_SECONDS = 1.0
DRIFT_SECONDS = 3.0  # how often positions are compared with what strategies want, when nothing moves
DRIFT_REST_SECONDS = 0.5
MOVES = ("position.", "fill.")


class Streams:
    def __init__(self) -> None:
        self._reports, self._events = asyncio.Event(), asyncio.Event()
        self._stopping = asyncio.Event()
        self._relay = Relay()
        self._moved = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self) -> None:
        self._relay.start(asyncio.get_running_loop())
        self._loop = asyncio.get_running_loop()
        subscribe(self._relay.put)
        subscribe(self._see)
        parts: list[Callable[[], Awaitable[None]]] = [
            self._listen,
            self._drain_reports,
            self._relay_events,
            self._show_life,
            self._watch_drift,
            Feed(held_symbols).run,
            OpenPnl().run,
        ]
        tasks = [asyncio.create_task(self._forever(part)) for part in parts]
        await self._stopping.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._relay.stop()
        await close_loop_client()

    def stop(self) -> None:
        self._stopping.set()

    async def _forever(self, part: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await part()
            except DATABASE_AWAY as error:
                logger.warning("the database is away", extra={"reason": str(error)[:200]})
            except Exception:
                logger.exception("a part of the streams failed and is started again")
            await asyncio.sleep(RESTART_SECONDS)

    async def _listen(self) -> None:
        address = conninfo(application_name="streams-listen")
        async with await psycopg.AsyncConnection.connect(address, autocommit=True) as own:
            for channel in (REPORTS_CHANNEL, EVENTS_CHANNEL):
                await own.execute(f"LISTEN {channel}")
            self._reports.set()
            self._events.set()
            async for notice in own.notifies():
                (self._reports if notice.channel == REPORTS_CHANNEL else self._events).set()

    async def _drain_reports(self) -> None:
        await self._whenever(self._reports, drain_report_batches, BATCHES_AT_ONCE)

    async def _relay_events(self) -> None:
        await self._whenever(self._events, relay_pending, EVENTS_AT_ONCE)

    def _see(self, stored: StoredEvent) -> None:
        """What accounts hold has changed. Called in whatever thread the relay runs."""
        if self._loop is not None and stored.type.startswith(MOVES):
            self._loop.call_soon_threadsafe(self._moved.set)

    async def _watch_drift(self) -> None:
        """Beat asks too: whoever comes first does it, so that neither's end leaves accounts unwatched."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), DRIFT_SECONDS)
            self._moved.clear()
            await in_thread(drift_policy.watch)
            await asyncio.sleep(DRIFT_REST_SECONDS)

    async def _show_life(self) -> None:
        while True:
            await in_thread(heartbeat.beat, "streams")
            await asyncio.sleep(heartbeat.EVERY_SECONDS)

    async def _whenever(self, wake: asyncio.Event, work: Callable[[], int], full: int) -> None:
        """Do ``work`` whenever woken and once a second anyway, again at once while it finds ``full`` hands of it."""
        while True:
            try:
                await asyncio.wait_for(wake.wait(), LOOK_SECONDS)
                await asyncio.sleep(GATHER_SECONDS)
            except TimeoutError:
                pass
            wake.clear()
            while await in_thread(work) >= full:
                pass
