"""Which strategy a fill belongs to, and which round trips the fills make. Pure: no Django, no I/O.

**Whose is a fill?** ``decide_owner`` asks, in this order:

1. *order* – it executed one of our orders or bracket legs: the venue's order id, else our client order id, is known.
2. *tag* – its client order id is the tag of a strategy that may trade the account (the strategy's name or id).
3. *window* – exactly one of our orders at that account and contract is in flight with no venue id yet, on the same side, no
   smaller than the fill, and the fill happened from 5 s before to 60 s after it was sent. The order is named, not proven:
   it is told nothing until the venue's id confirms it, and the fill is asked about again then.
4. *recorded* – a strategy records this account and trades the contract's root: everything there is its own.
5. *external* – somebody traded by hand or with other software.

**Whom does it close?** A netting account has one position, so a fill against it closes what is open whoever opened it.
Only the fill of an entry order belongs to its owner whole. Every other fill first closes its owner's open position, then
those of the others at that account and contract, oldest first; what is left opens a position of its owner. So a manual
close of a strategy's position ends that strategy's round trip (exit reason Manual; the fill becomes a *window* match), one
flatten order closes the positions of several strategies, and an exit that met contracts added by hand does not leave its
strategy with a position the account does not have. Nothing is lost: the parts of a fill always add up to it.

**Order.** Fills are applied by time of execution, then by the venue's fill id (numbers by value). The result is a function
of the set of fills, not of their arrival, so a late fill needs no more than a replay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from enum import StrEnum
from uuid import UUID

from brokers.domain import ZERO, Side

WINDOW_BEFORE = timedelta(seconds=5)
WINDOW_AFTER = timedelta(seconds=60)
MONEY_UNIT = Decimal("0.0001")
MEANINGLESS_PERCENT = Decimal(10) ** 9  # entered at a price of nearly nothing
_WIDE = Context(prec=60)


class Match(StrEnum):
    ORDER = "order"
    TAG = "tag"
    WINDOW = "window"
    RECORDED = "recorded"
    EXTERNAL = "external"


class ExitReason(StrEnum):
    TAKE_PROFIT = "Take Profit"
    STOP_LOSS = "Stop Loss"
    MANUAL = "Manual"
    SIGNAL = "Signal"


class TripStatus(StrEnum):
    OPEN = "open"
    CLOSED = "closed"
    STOPPED_OUT = "stopped_out"
    TARGET_HIT = "target_hit"


_STATUS_OF = {ExitReason.TAKE_PROFIT: TripStatus.TARGET_HIT, ExitReason.STOP_LOSS: TripStatus.STOPPED_OUT}


# --- whose is a fill ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OrderRef:
    """One of our orders, or a leg of one; ``strategy`` is None for an order placed for the account as a whole."""

    order: UUID
    strategy: UUID | None
    leg: UUID | None = None


@dataclass(frozen=True, slots=True)
class InFlightOrder:
    """An order of ours that was sent and has no venue id yet."""

    ref: OrderRef
    side: Side
    quantity: Decimal
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class FillFacts:
    """What of a fill decides its owner."""

    venue_order_id: str
    side: Side
    quantity: Decimal
    executed_at: datetime
    client_order_id: str = ""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Everything that may claim a fill at its account and contract. ``tags`` are case-folded texts."""

    by_venue_id: Mapping[str, OrderRef] = field(default_factory=dict)
    by_client_id: Mapping[str, OrderRef] = field(default_factory=dict)
    tags: Mapping[str, UUID] = field(default_factory=dict)
    in_flight: Sequence[InFlightOrder] = ()
    recorder: UUID | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    match: Match
    strategy: UUID | None = None
    ref: OrderRef | None = None


def decide_owner(fill: FillFacts, candidates: Candidates) -> Owner:
    """Whose a fill is before open positions are looked at; the rules are at the top of this module."""
    ref = candidates.by_venue_id.get(fill.venue_order_id) or candidates.by_client_id.get(fill.client_order_id)
    if ref is not None:
        return Owner(Match.ORDER, ref.strategy, ref)
    tagged = candidates.tags.get(fill.client_order_id.casefold()) if fill.client_order_id else None
    if tagged is not None:
        return Owner(Match.TAG, tagged)
    near = [order for order in candidates.in_flight if _is_near(order, fill)]
    if len(near) == 1:
        return Owner(Match.WINDOW, near[0].ref.strategy, near[0].ref)
    if candidates.recorder is not None:
        return Owner(Match.RECORDED, candidates.recorder)
    return Owner(Match.EXTERNAL)


def _is_near(order: InFlightOrder, fill: FillFacts) -> bool:
    return (
        order.side is fill.side
        and order.quantity >= fill.quantity
        and order.sent_at - WINDOW_BEFORE <= fill.executed_at <= order.sent_at + WINDOW_AFTER
    )


# --- round trips ----------------------------------------------------------------------------------------------------


def venue_order(executed_at: datetime, venue_fill_id: str) -> tuple[datetime, int, str]:
    """The sort key of fills: time, then the venue's id; among numbers the longer is the larger."""
    return executed_at, len(venue_fill_id), venue_fill_id


@dataclass(frozen=True, slots=True)
class Execution:
    """A fill as the ledger needs it. ``costs`` are commission and fees paid; ``whole`` marks an entry order's fill."""

    id: UUID
    venue_id: str
    executed_at: datetime
    side: Side
    quantity: Decimal
    price: Decimal
    costs: Decimal = ZERO
    owner: UUID | None = None
    whole: bool = False
    reason: ExitReason = ExitReason.MANUAL
    order: UUID | None = None
    signal: UUID | None = None

    @property
    def sort_key(self) -> tuple[datetime, int, str]:
        return venue_order(self.executed_at, self.venue_id)


@dataclass(frozen=True, slots=True)
class Figures:
    """A round trip in numbers, rounded to what is stored. Prices are averages; money is in the account's currency."""

    entry_price: Decimal
    exit_price: Decimal | None
    pnl: Decimal
    costs: Decimal
    net_pnl: Decimal
    pnl_percent: Decimal | None
    slippage: Decimal | None


@dataclass(slots=True)
class RoundTrip:
    """A position of one owner from flat to flat, or to now. Sums are exact; averages are taken from them."""

    owner: UUID | None
    side: Side
    first: Execution
    from_flat: bool
    """Nothing of anybody was open at this account and contract when it began: a replay may start here."""
    open_quantity: Decimal = ZERO
    open_cost: Decimal = ZERO
    largest: Decimal = ZERO
    entry_quantity: Decimal = ZERO
    entry_value: Decimal = ZERO
    exit_quantity: Decimal = ZERO
    exit_value: Decimal = ZERO
    first_order_quantity: Decimal = ZERO
    first_order_value: Decimal = ZERO
    costs: Decimal = ZERO
    closed_by: Execution | None = None

    def take(self, execution: Execution, quantity: Decimal, costs: Decimal) -> None:
        self.costs += costs
        if execution.side is self.side:
            self._add(execution, quantity)
        else:
            self._reduce(execution, quantity)

    def _add(self, execution: Execution, quantity: Decimal) -> None:
        value = quantity * execution.price
        self.entry_quantity += quantity
        self.entry_value += value
        self.open_quantity += quantity
        self.open_cost += value
        self.largest = max(self.largest, self.open_quantity)
        if execution.order == self.first.order:
            self.first_order_quantity += quantity
            self.first_order_value += value

    def _reduce(self, execution: Execution, quantity: Decimal) -> None:
        """Leave the average of what stays open as it is, as a venue's net price does."""
        self.exit_quantity += quantity
        self.exit_value += quantity * execution.price
        rest = self.open_quantity - quantity
        self.open_cost = self.open_cost * rest / self.open_quantity if rest else ZERO
        self.open_quantity = rest
        if not rest:
            self.closed_by = execution

    @property
    def is_open(self) -> bool:
        return self.closed_by is None

    @property
    def status(self) -> TripStatus:
        if self.closed_by is None:
            return TripStatus.OPEN
        return _STATUS_OF.get(self.closed_by.reason, TripStatus.CLOSED)

    def figures(self, point_value: Decimal, wanted_price: Decimal | None = None) -> Figures:
        """Prices, money and slippage.

        The entry price is the average of what is still open (the venue's net price), of all entries once closed. P&L is
        what the closed part earned: Σ closed quantity × (exit − entry) × sign × ``point_value``. The percentage is net of
        costs and relates to the value of all entries. ``wanted_price`` is the price the entry signal was given at;
        slippage is what its order paid more (bought) or got less (sold), in price points per unit: positive is worse.
        """
        with localcontext(_WIDE):
            average = (
                self.open_cost / self.open_quantity
                if self.is_open
                else self.entry_value / self.entry_quantity
            )
            gross = (self.exit_value - self.entry_value + self.open_cost) * self.side.sign * point_value
            pnl = gross.quantize(MONEY_UNIT, ROUND_HALF_EVEN)
            return Figures(
                entry_price=_price(average),
                exit_price=_price(self.exit_value / self.exit_quantity) if self.exit_quantity else None,
                pnl=pnl,
                costs=self.costs,
                net_pnl=pnl - self.costs,
                pnl_percent=self._percent(pnl - self.costs, point_value),
                slippage=self._slippage(wanted_price),
            )

    def _percent(self, net: Decimal, point_value: Decimal) -> Decimal | None:
        invested = abs(self.entry_value * point_value)
        if self.is_open or not invested:
            return None
        percent = (100 * net / invested).quantize(MONEY_UNIT, ROUND_HALF_EVEN)
        return percent if abs(percent) < MEANINGLESS_PERCENT else None

    def _slippage(self, wanted_price: Decimal | None) -> Decimal | None:
        if wanted_price is None:
            return None
        paid = self.first_order_value / self.first_order_quantity
        return _price((paid - wanted_price) * self.side.sign)


def _price(value: Decimal) -> Decimal:
    return value.quantize(Decimal("1E-10"), ROUND_HALF_EVEN)


def prorate(amount: Decimal, quantities: Sequence[Decimal]) -> list[Decimal]:
    """``amount`` of money shared by quantity; each share is rounded, and together they are the amount to the last digit."""
    total, run, given = sum(quantities, ZERO), ZERO, ZERO
    shares: list[Decimal] = []
    for quantity in quantities:
        run += quantity
        upto = amount if run == total else (amount * run / total).quantize(MONEY_UNIT, ROUND_HALF_EVEN)
        shares.append(upto - given)
        given = upto
    return shares


class Ledger:
    """All round trips at one account and contract, of all owners, from a moment when everything was flat."""

    def __init__(self) -> None:
        self.trips: list[RoundTrip] = []
        self.owners: dict[UUID, UUID | None] = {}
        self._open: dict[UUID | None, RoundTrip] = {}

    def replay(self, executions: Iterable[Execution]) -> Ledger:
        """Apply executions in the venue's order, whatever order they come in."""
        with localcontext(_WIDE):
            for execution in sorted(executions, key=lambda item: item.sort_key):
                self._apply(execution)
        return self

    def _apply(self, execution: Execution) -> None:
        parts = list(self._parts(execution))
        costs = prorate(execution.costs, [quantity for _, quantity in parts])
        for index, ((owner, quantity), share) in enumerate(zip(parts, costs, strict=True)):
            self._take(execution, owner, quantity, share, is_first=index == 0)
        self.owners[execution.id] = max(parts, key=lambda part: part[1])[0]

    def _parts(self, execution: Execution) -> Iterator[tuple[UUID | None, Decimal]]:
        """The fill cut into what closes open positions and what is left for its owner; the parts add up to the fill."""
        rest = execution.quantity
        for trip in self._closable(execution):
            part = min(rest, trip.open_quantity)
            yield trip.owner, part
            rest -= part
            if not rest:
                return
        yield execution.owner, rest

    def _closable(self, execution: Execution) -> list[RoundTrip]:
        own = self._open.get(execution.owner)
        others = [] if execution.whole else [trip for trip in self._open.values() if trip is not own]
        others.sort(key=lambda trip: trip.first.sort_key)
        return [trip for trip in (own, *others) if trip is not None and trip.side is not execution.side]

    def _take(
        self, execution: Execution, owner: UUID | None, quantity: Decimal, costs: Decimal, *, is_first: bool
    ) -> None:
        trip = self._open.get(owner)
        if trip is None:
            trip = RoundTrip(owner, execution.side, execution, from_flat=is_first and not self._open)
            self._open[owner] = trip
            self.trips.append(trip)
        trip.take(execution, quantity, costs)
        if not trip.is_open:
            del self._open[owner]


def build_round_trips(executions: Iterable[Execution]) -> Ledger:
    """The round trips of one account and contract and, per fill, the owner of its largest part."""
    return Ledger().replay(executions)
