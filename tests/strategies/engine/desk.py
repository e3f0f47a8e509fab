"""A user with logins at the fake venue, a strategy on their accounts, and executors that can be killed at any moment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction

from brokers.errors import Unavailable
from brokers.models import BrokerAccount
from brokers.sessions import SessionKey
from recorder.services import drain_report_batches
from strategies.engine.runner import ExecutionEngine
from strategies.engine.timings import Timings
from strategies.holdings import held_by_other_strategies
from strategies.models import Allocation, BracketLeg, Order, OrderEvent, Signal, Strategy
from strategies.webhooks.alert import Alert
from tests.factories import (
    AllocationFactory,
    BrokerAccountFactory,
    ConnectionFactory,
    InstrumentFactory,
    SignalFactory,
    StrategyFactory,
    SymbolMappingFactory,
    UserFactory,
)
from tests.fakes.adapter import FakeAdapter
from tests.fakes.venue import MNQ, Login, Venue
from tradeproject.common.aio import end_tasks
from tradeproject.common.events import notify
from tradeproject.common.models import DomainEvent
from tradeproject.common.threads import in_thread

FAST = Timings(
    sweep=0.05,
    session_check=0.2,
    orphan_check=0.3,
    signal_lease=1.0,
    lease_renewal=0.3,
    order_lease=0.8,
    lease_margin=0.1,
    send=0.5,
    stop=0.3,
    settle=0.5,
    exit_fill=1.5,
    book_lag=0.4,
    book_wait=0.1,
    session_wait=0.3,
    exit_patience=1.5,
    entry_patience=0.8,
    recorder_wait=1.0,
    cancel_confirm=0.2,
    ask=0.3,
    first_lookup=0.05,
    lookup=0.1,
    alarm=0.2,
    fresh=0.1,
    proof=0.4,
    failed_lookups=(0.05, 0.1, 0.2),
    naked=0.5,
    protect_again=0.15,
    lane_wait=0.8,
)
WAIT = 15.0


async def eventually(check: Callable[[], Any], seconds: float = WAIT) -> Any:
    """Poll until ``check`` (plain or async) returns something true; that is returned."""
    deadline = time.monotonic() + seconds
    while True:
        found = check()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        assert time.monotonic() < deadline, f"not in time: {getattr(check, '__doc__', '') or check}"
        await asyncio.sleep(0.01)


class Desk:
    """Everything a test of the executor needs. Rows are made and read in threads; the venue lives in the test's loop."""

    def __init__(self) -> None:
        self.venue = Venue()
        self.logins: dict[UUID, Login] = {}
        self.accounts: list[BrokerAccount] = []
        self.engines: list[tuple[ExecutionEngine, asyncio.Task[None]]] = []
        self.strategy: Strategy
        self._recorder: asyncio.Task[None] | None = None
        self._records = False

    # --- setting up ----------------------------------------------------------------------------------------------------

    @classmethod
    async def open(cls, accounts: int = 1, logins: int = 1, **strategy: Any) -> Desk:
        desk = cls()
        await in_thread(partial(desk._make_rows, accounts, logins, strategy))
        desk.start_recording()
        return desk

    def _make_rows(self, accounts: int, logins: int, strategy: dict[str, Any]) -> None:
        self.user = UserFactory()
        self.instrument = InstrumentFactory(venue_id=MNQ.venue_id, expires_at=MNQ.expires_at)
        SymbolMappingFactory(instrument=self.instrument)
        self.strategy = StrategyFactory(user=self.user, **strategy)
        connections = [ConnectionFactory(user=self.user) for _ in range(logins)]
        for index in range(accounts):
            account = BrokerAccountFactory(connection=connections[index % logins])
            AllocationFactory(strategy=self.strategy, broker_account=account)
            self.accounts.append(account)
        for connection in connections:
            ids = [a.external_id for a in self.accounts if a.connection_id == connection.pk]
            self.logins[connection.pk] = self.venue.login(connection.label, ids)

    @property
    def login(self) -> Login:
        return next(iter(self.logins.values()))

    @property
    def account(self) -> BrokerAccount:
        return self.accounts[0]

    def login_of(self, account: BrokerAccount) -> Login:
        return self.logins[account.connection_id]

    async def allocation(self, account: BrokerAccount) -> Allocation:
        return await in_thread(lambda: Allocation.objects.get(strategy=self.strategy, broker_account=account))

    async def change(self, model: Any, pk: Any, **values: Any) -> None:
        await in_thread(lambda: model.objects.filter(pk=pk).update(**values))

    async def change_strategy(self, **values: Any) -> None:
        await self.change(Strategy, self.strategy.pk, **values)

    # --- executors -----------------------------------------------------------------------------------------------------

    async def start(self, *, ready: bool = True, **options: Any) -> ExecutionEngine:
        """A new executor, with all logins in step unless it is told otherwise."""
        timings = replace(FAST, **options.pop("waits", {}))
        engine = ExecutionEngine(
            connections=2,
            opener=self._open_session,
            held_by_others=self._held_by_others,
            timings=timings,
            **options,
        )
        up = asyncio.Event()
        run = asyncio.create_task(engine.run(started=up.set))
        self.engines.append((engine, run))
        await eventually(lambda: up.is_set() or run.done())
        if run.done():
            run.result()  # it failed before it was up: raise that
        if ready:
            await eventually(lambda: engine.holds_shard)
            await eventually(lambda: self._all_synced(engine))
        return engine

    def _all_synced(self, engine: ExecutionEngine) -> bool:
        sessions = [engine.sessions.peek(SessionKey(pk, "demo")) for pk in self.logins]
        return all(session is not None and session.is_synced for session in sessions)

    async def _open_session(self, key: SessionKey) -> FakeAdapter:
        login = self.logins[key.connection_id]
        if not login.conduct.is_reachable:
            raise Unavailable("The venue is away.")
        return FakeAdapter(login)

    @staticmethod
    async def _held_by_others(account: UUID, instrument: int, strategy: UUID) -> Decimal:
        return await in_thread(held_by_other_strategies, account, instrument, strategy)

    async def kill(self, engine: ExecutionEngine) -> None:
        """What kill -9 leaves behind: nothing more is written, every socket and database connection is gone."""
        run = next(task for one, task in self.engines if one is engine)

        async def nothing(*_: Any) -> None:
            """A killed process shuts nothing down."""

        engine._shut_down = nothing
        engine._stopping.set()
        sessions = [session._task for session in engine.sessions.sessions.values()]
        tasks = [run, *engine._loops, engine.writer._task, engine.forwarder._task, *engine._tasks, *sessions]
        stuck = await end_tasks([task for task in tasks if task is not None], WAIT)
        assert not stuck, f"these live on: {stuck}"
        await engine.pool.close(timeout=0)
        for login in self.logins.values():
            login.listeners.clear()

    async def close(self) -> None:
        """Everything ends in time, so that a test which fails can never make the next one wait."""
        await self.stop_recording()
        for engine, task in self.engines:
            engine.stop()
            await asyncio.wait({task}, timeout=WAIT)
        # What is left are tasks of the connection pools. The runner would wait for them without end.
        await end_tasks(asyncio.all_tasks(), WAIT)

    async def stop_recording(self) -> None:
        """The recorder's process is gone until ``start_recording``."""
        self._records = False
        if self._recorder is not None:
            # To the end of what it is taking in: a thread goes on after its task was canceled.
            await asyncio.wait({self._recorder}, timeout=WAIT)
            await end_tasks([self._recorder], WAIT)

    def start_recording(self) -> None:
        self._records = True
        self._recorder = asyncio.create_task(self._record())

    async def _record(self) -> None:
        """The recorder's process: takes in what the executor was told."""
        while self._records:
            await in_thread(drain_report_batches)
            await asyncio.sleep(0.02)

    # --- signals -------------------------------------------------------------------------------------------------------

    async def signal(
        self, *, hint: bool = True, strategy: Strategy | None = None, age: float = 0, **alert: Any
    ) -> UUID:
        """Store an alert as the webhook does, and wake whoever listens."""
        values = {"format": "test", "ticker": "MNQ1!", "action": "buy", **alert}
        encoded = Alert.from_json(values).to_json()
        fired, waits = Alert.from_json(values).alert_time, Alert.from_json(values).waits

        def due(now: datetime) -> datetime | None:
            return None if waits is None else now + timedelta(seconds=float(waits))

        def store() -> UUID:
            now = datetime.fromtimestamp(time.time() - age, UTC)
            with transaction.atomic():
                stored = SignalFactory(
                    strategy=strategy or self.strategy, user=self.user, alert=encoded, alert_time=fired,
                    received_at=now, stored_at=now, due_at=due(now),
                )  # fmt: skip
                if hint:
                    notify("signals", str(stored.pk))
            return stored.pk

        return await in_thread(store)

    async def target(self, net: int, **alert: Any) -> UUID:
        """The strategy is ``net`` long (or short) now."""
        side = "flat" if not net else "long" if net > 0 else "short"
        action = alert.pop("action", "buy" if net > 0 else "sell")
        size = {} if not net else {"position_after_size": str(abs(net))}
        return await self.signal(action=action, position_after=side, **size, **alert)

    async def exit(self, **alert: Any) -> UUID:
        return await self.signal(action="exit", **alert)

    async def done(self, signal_id: UUID, seconds: float = WAIT) -> Signal:
        """The signal once its execution has ended."""

        async def look() -> Signal | None:
            signal = await self.read(signal_id)
            return signal if signal.progress in {"done", "superseded"} else None

        return await eventually(look, seconds)

    @staticmethod
    async def read(signal_id: UUID) -> Signal:
        return await in_thread(lambda: Signal.objects.get(pk=signal_id))

    # --- looking -------------------------------------------------------------------------------------------------------

    async def orders(self, signal_id: UUID | None = None, **by: Any) -> list[Order]:
        if signal_id is not None:
            by["signal"] = signal_id
        return await in_thread(lambda: list(Order.objects.filter(**by).order_by("planned_at", "leg")))

    async def legs(self, **by: Any) -> list[BracketLeg]:
        return await in_thread(lambda: list(BracketLeg.objects.filter(**by).order_by("order_id", "kind")))

    async def leg_states(self, states: set[str]) -> bool:
        """Whether there are legs, each in one of these states."""
        legs = await self.legs()
        return bool(legs) and {leg.status for leg in legs} <= states

    async def events(self, order: Order | None = None) -> list[OrderEvent]:
        rows = OrderEvent.objects.order_by("id") if order is None else OrderEvent.objects.filter(order=order)
        return await in_thread(lambda: list(rows.order_by("id")))

    async def says(self, order: Order, words: str) -> bool:
        """Whether the order's timeline has these words."""
        return any(words in event.message for event in await self.events(order))

    async def told(self, type_: str = "signal.answered") -> list[DomainEvent]:
        return await in_thread(lambda: list(DomainEvent.objects.filter(type=type_).order_by("id")))

    async def until_status(self, signal_id: UUID, *statuses: str, seconds: float = WAIT) -> list[Order]:
        """The signal's orders, once each is in one of these states."""

        async def look() -> list[Order] | None:
            orders = await self.orders(signal_id)
            return orders if orders and all(order.status in statuses for order in orders) else None

        try:
            return await eventually(look, seconds)
        except AssertionError as error:
            raise AssertionError(await self.story(signal_id)) from error

    async def story(self, signal_id: UUID) -> str:
        """What happened to a signal, for a test that failed."""
        signal = await self.read(signal_id)
        lines = [f"signal {signal.progress}, attempts {signal.attempts}"]
        for order in await self.orders(signal_id):
            lines.append(f"{order.purpose} {order} {order.status} {order.deny_code} {order.reject_reason}")
            lines += [f"    {event.kind}: {event.message}" for event in await self.events(order)]
        return "\n".join(lines)

    def net(self, account: BrokerAccount | None = None) -> Decimal:
        return self.venue.net((account or self.account).external_id)

    def nets(self) -> list[int]:
        return [int(self.net(account)) for account in self.accounts]

    async def settled(self, *nets: int, seconds: float = WAIT) -> None:
        """Wait until the venue holds these positions, one for every account (or the same for all)."""
        wanted = list(nets) if len(nets) > 1 else list(nets) * len(self.accounts)
        await eventually(lambda: self.nets() == wanted, seconds)

    def sends(self, account: BrokerAccount | None = None) -> list[str]:
        """The handles of every order given to the venue for this account, arrived or not."""
        wanted = (account or self.account).external_id
        return [
            handle
            for command, where, handle in self.venue.commands
            if command == "submit" and where == wanted
        ]
