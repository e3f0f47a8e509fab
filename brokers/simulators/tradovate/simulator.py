"""The whole venue in one object: built from options, driven by requests, its background and the control endpoint."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from datetime import date, timedelta

from brokers.simulators.tradovate.auth import Auth
from brokers.simulators.tradovate.clock import Clock
from brokers.simulators.tradovate.faults import FaultBook
from brokers.simulators.tradovate.hub import Hub
from brokers.simulators.tradovate.journal import Journal
from brokers.simulators.tradovate.ledger import Ledger
from brokers.simulators.tradovate.library import Library
from brokers.simulators.tradovate.limits import Limits
from brokers.simulators.tradovate.marketdata import MarketDataEndpoint
from brokers.simulators.tradovate.memory import Memory
from brokers.simulators.tradovate.oauth import OAuth
from brokers.simulators.tradovate.options import Options
from brokers.simulators.tradovate.people import DEFAULT_PREFIX, HOSTS, Directory, Login, LoginOrder
from brokers.simulators.tradovate.pipeline import Core, Pipeline
from brokers.simulators.tradovate.prices import Prices, Walk
from brokers.simulators.tradovate.routes import Router
from brokers.simulators.tradovate.sessions import Session, Sessions
from brokers.simulators.tradovate.store import Change, Ids
from brokers.simulators.tradovate.trading import TradingEndpoint
from brokers.simulators.tradovate.traffic import Traffic
from brokers.simulators.tradovate.venue import Venue

logger = logging.getLogger(__name__)
ID_EPOCH = 1_760_000_000
IDS_A_SECOND = 100_000
BEAT_SECONDS = 0.25
PRICES_KEPT_EVERY = 5.0


class Simulator:
    """Parts are public: tests reach in through ``clock``, ``prices``, ``faults``, ``venues``, ``directory``, ``sessions``."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.clock = Clock()
        self.random = random.Random(options.seed)  # noqa: S311 - jitter
        # Ids grow from the time of the start, so that a new memory never gives out an id of an older one.
        self.ids = Ids(int((time.time() - ID_EPOCH) * IDS_A_SECOND))
        self.faults = FaultBook(options.seed)
        self.directory = Directory(options.seed)
        self.limits = Limits(self.clock, options)
        self.traffic = Traffic()
        self._timers: set[asyncio.TimerHandle] = set()
        self._background: asyncio.Task[None] | None = None
        self._build_market()
        self._build_doors()
        self._remember()

    def _build_market(self) -> None:
        self.library = Library(self.clock.now())
        self.prices = Prices(self.library, self.clock, self.options)
        self.sessions = Sessions(self.clock, self.options, self.ids.next)
        self.hub = Hub(self.faults, self.later)
        self.venues = {host: self._venue(host) for host in HOSTS}
        self.ledger = Ledger(self.venues, self.library, self.directory)

    def _venue(self, host: str) -> Venue:
        venue = Venue(
            host, self.clock, self.library, self.prices, self.ids, self.faults, self.options, self.later
        )
        venue.store.is_watched = lambda account_id: self.hub.is_watched(host, account_id)
        return venue

    def _build_doors(self) -> None:
        self.auth = Auth(self.clock, self.options, self.directory, self.sessions, self.limits)
        self.oauth = OAuth(self.clock, self.options, self.directory, self.sessions)
        router = Router(self.auth, self.library, self.clock, self.limits, self.options)
        core = Core(
            self.options,
            self.faults,
            self.limits,
            self.traffic,
            self.login_of,
            lambda token: self.sessions.authenticate(token, "access"),
            self.auth.request_token,
            router.knows,
            router.call,
            self.settle,
            self.random,
        )
        self.pipeline = Pipeline(core)
        self.trading = TradingEndpoint(
            self.options, self.sessions, self.directory, self.limits, self.hub, self.pipeline, self.venues
        )
        self.market_data = MarketDataEndpoint(
            self.options, self.clock, self.sessions, self.directory, self.library, self.prices, self.hub
        )
        self.sessions.on_close = self._end_session_sockets

    def _remember(self) -> None:
        """Bring back what the state folder holds, then keep everything that changes."""
        self.journal: Journal | None = None
        self.memory: Memory | None = None
        if self.options.state_dir is not None:
            self.journal = Journal(self.options.state_dir)
            self.memory = Memory(
                self.journal, self.venues, self.directory, self.sessions, self.prices, self.ids
            )
            self.memory.load()
            self.sessions.on_change = self.memory.keep_session
        self.make_logins(
            LoginOrder(
                DEFAULT_PREFIX,
                self.options.logins,
                self.options.accounts_per_login,
                prop_firm="alternate",
            )
        )
        self.default_logins = [
            self.directory.by_name[f"{DEFAULT_PREFIX}{number}"]
            for number in range(1, self.options.logins + 1)
        ]

    # --- people -------------------------------------------------------------------------------------------------

    def make_logins(self, order: LoginOrder) -> list[Login]:
        """Logins and accounts as wished; those that exist stay as they are."""
        logins, _ = self.directory.ensure(order)
        if self.memory is not None:
            self.memory.keep_logins(order)
        for login in logins:
            for venue in self.venues.values():
                venue.add_user(login)
            for account in login.accounts:
                self.venues[account.host].add_account(account)
        self.hub.publish(self.settle())
        return logins

    def login_of(self, session: Session) -> Login:
        return self.directory.by_user[session.user_id]

    def _end_session_sockets(self, session: Session, reason: str) -> None:
        found = self.hub.of_sessions({session.id})
        self.hub.shut_down(found, reason, "The session was closed by a newer login")

    # --- changes ------------------------------------------------------------------------------------------------

    def settle(self) -> list[Change]:
        """What changed since the last time, written to the journal; to be published once the answer is out."""
        changes = [change for venue in self.venues.values() for change in venue.store.take_changes()]
        if self.journal is not None and changes:
            self.journal.write(changes)
        return changes

    def settle_and_tell(self) -> None:
        self.hub.publish(self.settle())

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        def run() -> None:
            self._timers.discard(handle)
            action()
            self.settle_and_tell()

        handle = asyncio.get_running_loop().call_later(seconds, run)
        self._timers.add(handle)

    # --- the market ---------------------------------------------------------------------------------------------

    def move_market(self, walks: list[Walk]) -> None:
        """Let orders and viewers see that these prices moved."""
        names = {walk.name for walk in walks}
        for venue in self.venues.values():
            for contract_id in venue.desk.engine.busy_instruments():
                contract = self.library.contracts[int(str(contract_id))]
                if contract.product.walk in names:
                    venue.desk.on_quote(
                        contract.id, self.prices.shown(contract, self.prices.walk_of(contract))
                    )
        self.settle_and_tell()
        self.market_data.on_moved(walks)

    def tick(self) -> None:
        """One step of the price process, only for what somebody looks at."""
        busy = self.market_data.watched()
        for venue in self.venues.values():
            contracts = (
                self.library.contracts[int(str(one))] for one in venue.desk.engine.busy_instruments()
            )
            busy.update(contract.product.walk for contract in contracts)
        moved = self.prices.advance(sorted(busy)) if busy else []
        if moved:
            self.move_market(moved)

    def roll(self, until: date | None = None) -> None:
        """End the session of both hosts."""
        for venue in self.venues.values():
            venue.roll(until or max(venue.session + timedelta(days=1), self.clock.trade_date()))
        self.settle_and_tell()
        if self.memory is not None:
            self.memory.rewrite()

    def reset(self) -> None:
        """Forget every order, position, fault and count; logins, accounts and tokens stay, with their first cash."""
        for handle in list(self._timers):
            handle.cancel()
        self._timers.clear()
        self.faults.remove(None)
        self.limits.clear()
        self.traffic.clear()
        self.hub.shut_down(self.hub.connections(), "Maintenance", "The simulator was reset")
        self.venues.update({host: self._venue(host) for host in HOSTS})
        for login in self.directory.by_name.values():
            for venue in self.venues.values():
                venue.add_user(login)
            for account in login.accounts:
                self.venues[account.host].add_account(account)
        self.settle()
        if self.memory is not None:
            self.memory.rewrite()

    # --- background ---------------------------------------------------------------------------------------------

    def ensure_running(self) -> None:
        """Start the background in the running loop, once."""
        if self._background is None or self._background.done():
            self._background = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        next_beat = next_keep = time.monotonic()
        while True:
            await asyncio.sleep(min(1 / self.options.ticks_per_second, BEAT_SECONDS))
            now = time.monotonic()
            try:
                self.tick()
                if now >= next_beat:
                    next_beat = now + BEAT_SECONDS
                    self._beat()
                if now >= next_keep:
                    next_keep = now + PRICES_KEPT_EVERY
                    self._keep_prices()
            except Exception:  # the edge of the background: without it every socket would fall silent
                logger.exception("A step of the simulator's background failed; it goes on with the next one")

    def _beat(self) -> None:
        self.hub.beat()
        if any(venue.is_roll_due() for venue in self.venues.values()):
            self.roll(self.clock.trade_date())

    def _keep_prices(self) -> None:
        moved = {walk.name for walk in self.prices.walks.values() if walk.version}
        if self.memory is not None and moved:
            self.memory.keep_prices(moved)

    async def stop(self) -> None:
        """Leave no task, timer or file behind."""
        if self._background is not None:
            self._background.cancel()
            await asyncio.gather(self._background, return_exceptions=True)
            self._background = None
        for handle in list(self._timers):
            handle.cancel()
        self._timers.clear()
        if self.journal is not None:
            self._keep_prices()
            self.journal.close()
