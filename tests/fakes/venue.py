"""An in-memory netting venue that knows the truth, with logins over its accounts and a switch for everything that goes wrong.

``Venue`` is the exchange: it takes orders, fills them, nets positions and remembers everything. ``Login`` is one broker login:
the accounts it may trade, and how it behaves. ``tests.fakes.adapter.FakeAdapter`` is what the product talks to.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from brokers.domain import (
    ZERO,
    AccountRef,
    AssetClass,
    FillReport,
    Instrument,
    LegKind,
    LegSpec,
    OrderIntent,
    OrderReport,
    OrderStatus,
    OrderType,
    PositionReport,
    Report,
    Side,
    StreamSnapshot,
)
from brokers.errors import BrokerError

MNQ = Instrument(
    venue_id="3570918",
    venue_symbol="MNQZ6",
    root="MNQ",
    asset_class=AssetClass.FUTURES,
    tick_size=Decimal("0.25"),
    point_value=Decimal(2),
    expires_at=datetime.now(UTC) + timedelta(days=28),
)


class Answer(StrEnum):
    """What becomes of one command."""

    ACCEPT = "accept"
    REJECT = "reject"
    BUSY = "busy"
    """Refused for the moment: nothing was done, and it may be tried again."""
    LOST = "lost"
    """Unknown, and it never arrived."""
    ANSWER_LOST = "answer lost"
    """Unknown, but it was done."""
    LATE = "late"
    """Unknown; it is done ``late_by`` seconds later."""
    HANG = "hang"
    """No answer ever; nothing was done."""
    HANG_DONE = "hang done"
    """No answer ever, but it was done."""
    CRASH = "crash"
    """The adapter itself fails before anything was sent."""


@dataclass
class Conduct:
    """How a login behaves. The deques say what becomes of the next commands; after them everything is accepted."""

    submits: deque[Answer] = field(default_factory=deque)
    cancels: deque[Answer] = field(default_factory=deque)
    protects: deque[Answer] = field(default_factory=deque)
    every_submit: Answer = Answer.ACCEPT
    every_protect: Answer = Answer.ACCEPT
    busy_for: float = 0.01
    late_by: float = 0.2
    slow_by: float = 0.0
    """Seconds before a command is answered (it is done at once)."""
    fill_delay: float | None = 0.0
    """Seconds until a market order fills; None = it rests until ``Venue.fill``."""
    partial_fills: bool = False
    """A market order fills its first lot at once, the rest ``rest_delay`` seconds later."""
    rest_delay: float = 0.05
    fill_before_answer: bool = True
    position_delay: float = 0.0
    takes_brackets: bool = True
    sees_orders: bool = True
    """False: look-ups by handle find nothing, although the order is there."""
    queries: Answer = Answer.ACCEPT
    """ACCEPT, LOST (they fail) or HANG."""
    opening: Answer | BrokerError = Answer.ACCEPT
    """What becomes of connecting the stream. Plain requests work all the same."""
    leaves_out: set[str] = field(default_factory=set)
    """Accounts of which the stream's snapshot tells nothing."""
    is_reachable: bool = True
    """False: not even an adapter can be made."""


@dataclass
class VenueOrder:
    venue_id: str
    client_id: str
    account: str
    instrument: Instrument
    side: Side
    quantity: Decimal
    order_type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    parent: str = ""
    group: str = ""
    status: OrderStatus = OrderStatus.ACCEPTED
    filled: Decimal = ZERO
    value: Decimal = ZERO
    suspended: bool = False

    @property
    def open(self) -> Decimal:
        return ZERO if self.status.is_final else self.quantity - self.filled

    def report(self) -> OrderReport:
        return OrderReport(
            account_id=self.account,
            venue_order_id=self.venue_id,
            status=self.status,
            side=self.side,
            venue_instrument_id=self.instrument.venue_id,
            updated_at=datetime.now(UTC),
            client_order_id=self.client_id,
            order_type=self.order_type,
            quantity=self.quantity,
            filled_quantity=self.filled,
            average_price=self.value / self.filled if self.filled else None,
            limit_price=self.limit_price,
            stop_price=self.stop_price,
            parent_venue_order_id=self.parent,
        )


class Login:
    """One login: its accounts, its conduct, and whoever listens to its stream."""

    def __init__(self, venue: Venue, name: str, accounts: Iterable[str]) -> None:
        self.venue, self.name, self.accounts = venue, name, list(accounts)
        self.conduct = Conduct()
        self.listeners: list[asyncio.Queue[Report | BrokerError | StreamSnapshot]] = []
        self.opened = 0
        self.queried: Counter[str] = Counter()

    def tell(self, report: Report) -> None:
        for queue in self.listeners:
            queue.put_nowait(report)

    def cut(self, error: BrokerError | None = None) -> None:
        """The socket ends."""
        for queue in self.listeners:
            queue.put_nowait(error or BrokerError("The socket was cut."))

    def fall_silent(self) -> None:
        """The socket stays open, and nothing more comes of it."""
        self.listeners.clear()

    def snapshot(self) -> StreamSnapshot:
        venue = self.venue
        told = [account for account in self.accounts if account not in self.conduct.leaves_out]
        return StreamSnapshot(
            at=datetime.now(UTC),
            positions=tuple(venue.position_reports(told)),
            orders=tuple(o.report() for o in venue.orders.values() if o.account in told),
            fills=tuple(fill for fill in venue.fills if fill.account_id in told),
            covered=tuple(told) if self.conduct.leaves_out else None,
        )


class Venue:
    def __init__(self, *instruments: Instrument) -> None:
        self.instruments = {i.venue_id: i for i in instruments or (MNQ,)}
        self.symbols: dict[str, list[Instrument]] = {}
        self.prices: dict[str, Decimal] = {}
        self.orders: dict[str, VenueOrder] = {}
        self.fills: list[FillReport] = []
        self.positions: dict[tuple[str, str], Decimal] = {}
        self.peaks: dict[tuple[str, str], Decimal] = {}
        self.history: list[tuple[str, str, Decimal]] = []
        """(account, venue instrument, position) after every fill."""
        self.commands: list[tuple[str, str, str]] = []
        """(command, account, handle) in the order in which they were given, whether they arrived or not."""
        self.arrived: Counter[str] = Counter()
        """How often each handle really became an order."""
        self.logins: list[Login] = []
        self._ids = itertools.count(1001)
        self._fill_ids = itertools.count(1)

    def login(self, name: str, accounts: Iterable[str]) -> Login:
        login = Login(self, name, accounts)
        self.logins.append(login)
        return login

    # --- looking -----------------------------------------------------------------------------------------------------

    def net(self, account: str, instrument: Instrument = MNQ) -> Decimal:
        return self.positions.get((account, instrument.venue_id), ZERO)

    def position_reports(self, accounts: Iterable[str]) -> list[PositionReport]:
        return [
            PositionReport(account, venue_id, net, None, datetime.now(UTC))
            for (account, venue_id), net in self.positions.items()
            if account in accounts and net
        ]

    def working(self, account: str) -> list[VenueOrder]:
        return [o for o in self.orders.values() if o.account == account and not o.status.is_final]

    def could_open(self, account: str) -> list[VenueOrder]:
        """Working orders, entries apart, that would open or enlarge a position if they filled now."""
        return [
            order
            for order in self.working(account)
            if not order.suspended
            and (order.group or order.parent)
            and order.open > max(ZERO, -order.side.sign * self.net(account, order.instrument))
        ]

    def placed(self, account: str = "", *, legs: bool = False) -> list[VenueOrder]:
        """Orders that became real, in their order: entries and exits, or the protective legs."""
        found = [o for o in self.orders.values() if bool(o.group) == legs]
        return [o for o in found if not account or o.account == account]

    # --- trading -----------------------------------------------------------------------------------------------------

    def price(self, instrument: Instrument) -> Decimal:
        return self.prices.get(instrument.venue_id, Decimal(20000))

    def place(self, intent: OrderIntent, conduct: Conduct) -> VenueOrder:
        order = self._new(
            intent.client_order_id, intent.account, intent.instrument, intent.side, intent.quantity
        )
        order.order_type, order.limit_price = intent.order_type, intent.limit_price
        order.stop_price = intent.stop_price
        self._tell(order)
        for leg in intent.legs:
            self._leg(order, leg, intent.client_order_id)
        if order.order_type is OrderType.MARKET and conduct.fill_delay is not None:
            self._fill_soon(order, conduct)
        return order

    def protect(
        self,
        account: AccountRef,
        instrument: Instrument,
        side: Side,
        quantity: Decimal,
        legs: Iterable[LegSpec],
        handle: str,
    ) -> list[VenueOrder]:
        group, placed = f"oco-{next(self._ids)}", []
        for leg in legs:
            suffix = "t" if leg.kind is LegKind.TAKE_PROFIT else "s"
            order = self._new(handle + suffix, account, instrument, side.opposite, quantity)
            self._shape(order, leg, leg.price, group)
            self._tell(order)
            placed.append(order)
        return placed

    def _new(
        self, handle: str, account: AccountRef, instrument: Instrument, side: Side, quantity: Decimal
    ) -> VenueOrder:
        order = VenueOrder(str(next(self._ids)), handle, account.id, instrument, side, quantity)
        self.orders[order.venue_id] = order
        self.arrived[handle] += 1
        return order

    def _leg(self, entry: VenueOrder, leg: LegSpec, handle: str) -> None:
        suffix = "t" if leg.kind is LegKind.TAKE_PROFIT else "s"
        account = AccountRef(entry.account, entry.account)
        order = self._new(handle + suffix, account, entry.instrument, entry.side.opposite, entry.quantity)
        order.parent, order.suspended = entry.venue_id, True
        self._shape(order, leg, leg.price, f"bracket-{entry.venue_id}")
        order_offset = leg.offset or ZERO
        away = entry.side.sign if leg.kind is LegKind.TAKE_PROFIT else -entry.side.sign
        if leg.price is None:
            self._shape(order, leg, self.price(entry.instrument) + away * order_offset, order.group)
        self._tell(order)

    @staticmethod
    def _shape(order: VenueOrder, leg: LegSpec, price: Decimal | None, group: str) -> None:
        order.group = group
        if leg.kind is LegKind.TAKE_PROFIT:
            order.order_type, order.limit_price = OrderType.LIMIT, price
        else:
            order.order_type, order.stop_price = OrderType.STOP, price

    def _fill_soon(self, order: VenueOrder, conduct: Conduct) -> None:
        first = Decimal(1) if conduct.partial_fills and order.quantity > 1 else order.quantity
        self._after(conduct.fill_delay or 0, lambda: self.fill(order.venue_id, first, conduct.position_delay))
        if first < order.quantity:
            wait = (conduct.fill_delay or 0) + conduct.rest_delay
            self._after(wait, lambda: self.fill(order.venue_id, None, conduct.position_delay))

    @staticmethod
    def _after(seconds: float, work: Callable[[], None]) -> None:
        if seconds > 0:
            asyncio.get_running_loop().call_later(seconds, work)
        else:
            work()

    def fill(self, venue_order_id: str, quantity: Decimal | None = None, position_delay: float = 0.0) -> None:
        """Execute an order, all that is open of it or ``quantity``, at its own price or the market's."""
        order = self.orders[venue_order_id]
        done = order.open if quantity is None else min(quantity, order.open)
        if done <= 0:
            return
        price = order.limit_price or order.stop_price or self.price(order.instrument)
        order.filled, order.value = order.filled + done, order.value + done * price
        order.status = (
            OrderStatus.FILLED if not order.quantity - order.filled else OrderStatus.PARTIALLY_FILLED
        )
        key = (order.account, order.instrument.venue_id)
        self.positions[key] = net = self.positions.get(key, ZERO) + order.side.sign * done
        self.peaks[key] = max(self.peaks.get(key, ZERO), abs(net))
        self.history.append((*key, net))
        fill = FillReport(
            account_id=order.account,
            venue_fill_id=f"f{next(self._fill_ids)}",
            venue_order_id=order.venue_id,
            venue_instrument_id=order.instrument.venue_id,
            side=order.side,
            quantity=done,
            price=price,
            executed_at=datetime.now(UTC),
            client_order_id=order.client_id,
        )
        self.fills.append(fill)
        self._tell(order)
        self._broadcast(order.account, fill)
        self._after(position_delay, lambda: self._tell_position(key))
        self._follow_up(order)

    def _follow_up(self, order: VenueOrder) -> None:
        for other in list(self.orders.values()):
            if other.parent == order.venue_id and other.suspended:
                other.suspended, other.quantity = False, order.filled
                self._tell(other)
            elif other.parent == order.venue_id and not other.status.is_final:
                other.quantity = order.filled
                self._tell(other)
            elif order.group and other.group == order.group and other is not order and other.open:
                self.end(other.venue_id, OrderStatus.CANCELED)

    def end(self, venue_order_id: str, status: OrderStatus) -> None:
        order = self.orders[venue_order_id]
        if order.status.is_final:
            return
        order.status = OrderStatus(status)
        self._tell(order)
        for other in self.orders.values():
            if other.parent == venue_order_id and other.suspended:
                self.end(other.venue_id, OrderStatus.CANCELED)

    def move_by_hand(self, account: str, net: Decimal, instrument: Instrument = MNQ) -> None:
        """The account's owner trades past us."""
        key = (account, instrument.venue_id)
        self.positions[key] = net
        self._tell_position(key)

    # --- telling -----------------------------------------------------------------------------------------------------

    def _tell(self, order: VenueOrder) -> None:
        self._broadcast(order.account, order.report())

    def _tell_position(self, key: tuple[str, str]) -> None:
        net = self.positions.get(key, ZERO)
        self._broadcast(key[0], PositionReport(*key, net, None, datetime.now(UTC)))

    def _broadcast(self, account: str, report: Report) -> None:
        for login in self.logins:
            if account in login.accounts:
                login.tell(report)
