"""The words of the trading domain, as immutable values. No Django, no I/O.

Quantities are positive Decimals unless a name says ``net`` or ``signed``; prices are Decimals in the instrument's quote
units; times are timezone-aware UTC. ``account_id`` is always the *venue's* id of one tradable account, as text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

ZERO = Decimal(0)


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY

    @classmethod
    def of(cls, signed: Decimal) -> Side:
        """The side that moves a position in the direction of ``signed`` (which is not zero)."""
        return cls.BUY if signed > 0 else cls.SELL


class OrderType(StrEnum):
    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"


class TimeInForce(StrEnum):
    DAY = "day"
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"


class OrderStatus(StrEnum):
    """The states of an order row. PENDING and DENIED never left us; the rest is the venue's truth as far as known."""

    PENDING = "pending"
    DENIED = "denied"
    SUBMITTED = "submitted"
    UNKNOWN = "unknown"
    REJECTED = "rejected"
    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    PENDING_CANCEL = "pending_cancel"
    CANCELED = "canceled"
    EXPIRED = "expired"

    @property
    def is_final(self) -> bool:
        return self in FINAL_STATUSES

    @property
    def is_working(self) -> bool:
        return self in {OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED, OrderStatus.PENDING_CANCEL}


FINAL_STATUSES = frozenset(
    {OrderStatus.DENIED, OrderStatus.REJECTED, OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED}
)


class Environment(StrEnum):
    LIVE = "live"
    DEMO = "demo"
    PAPER = "paper"


class AssetClass(StrEnum):
    FUTURES = "futures"
    FOREX = "forex"
    STOCK = "stock"
    OPTIONS = "options"
    CRYPTO = "crypto"


class LegKind(StrEnum):
    TAKE_PROFIT = "take_profit"
    STOP_LOSS = "stop_loss"


class Outcome(StrEnum):
    """The three answers to every command (law 4)."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"  # only on positive proof that the venue did not take it
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class AccountRef:
    """What an adapter needs to address one account: the venue's id and the venue's name of it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Instrument:
    """A contract definition. ``point_value`` is money per one whole price point and one unit of quantity."""

    venue_id: str
    venue_symbol: str
    root: str
    asset_class: AssetClass
    tick_size: Decimal
    point_value: Decimal
    quantity_step: Decimal = Decimal(1)
    currency: str = "USD"
    exchange: str = ""
    description: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class InstrumentQuery:
    """One way to name an instrument. ``text`` is a venue symbol, a root or a chart symbol such as MNQ1! or MNQZ2026."""

    text: str = ""
    venue_id: str = ""


@dataclass(frozen=True, slots=True)
class LegSpec:
    """One protective leg: an absolute ``price``, or an ``offset`` (positive price points) from the entry's fill."""

    kind: LegKind
    price: Decimal | None = None
    offset: Decimal | None = None
    trailing: bool = False


@dataclass(frozen=True, slots=True)
class OrderIntent:
    """The planner's immutable instruction for one order at one account.

    ``legs`` are the bracket that must exist from the moment the entry fills. ``reference_price`` is the price the
    offsets were measured from when the entry's own price is not known in advance (a market order); None = unknown.
    """

    client_order_id: str
    account: AccountRef
    instrument: Instrument
    side: Side
    quantity: Decimal
    order_type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_offset: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.DAY
    legs: tuple[LegSpec, ...] = ()
    reference_price: Decimal | None = None
    tag: str = ""

    def leg(self, kind: LegKind) -> LegSpec | None:
        return next((leg for leg in self.legs if leg.kind is kind), None)


@dataclass(frozen=True, slots=True)
class OrderChange:
    """New terms for a working order; the venue wants all of them each time, so none is optional but the prices."""

    account: AccountRef
    venue_order_id: str
    client_order_id: str
    instrument: Instrument
    side: Side
    quantity: Decimal
    order_type: OrderType
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_offset: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC


@dataclass(frozen=True, slots=True)
class SubmitResult:
    """What is known after a command was given.

    ``not_taken`` says that the venue provably did nothing *and* would have taken it at another moment (rate limit,
    penalty wait, expired token): it may be sent again after ``retry_after`` seconds. ``message`` is the venue's own words.
    """

    outcome: Outcome
    venue_order_id: str = ""
    leg_order_ids: Mapping[LegKind, str] = field(default_factory=dict)
    code: str = ""
    message: str = ""
    not_taken: bool = False
    retry_after: float | None = None

    @classmethod
    def accepted(cls, venue_order_id: str, legs: Mapping[LegKind, str] | None = None) -> SubmitResult:
        return cls(Outcome.ACCEPTED, venue_order_id, legs or {})

    @classmethod
    def rejected(cls, code: str, message: str = "") -> SubmitResult:
        return cls(Outcome.REJECTED, code=code, message=message)

    @classmethod
    def unknown(cls, code: str, message: str = "", venue_order_id: str = "") -> SubmitResult:
        return cls(Outcome.UNKNOWN, venue_order_id, code=code, message=message)

    @classmethod
    def refused_for_now(cls, code: str, message: str, retry_after: float | None) -> SubmitResult:
        return cls(Outcome.REJECTED, code=code, message=message, not_taken=True, retry_after=retry_after)


@dataclass(frozen=True, slots=True)
class OrderReport:
    """The venue's present view of one order. Later reports replace earlier ones; cumulative numbers never shrink."""

    account_id: str
    venue_order_id: str
    status: OrderStatus
    side: Side
    venue_instrument_id: str
    updated_at: datetime
    client_order_id: str = ""
    order_type: OrderType | None = None
    quantity: Decimal | None = None
    filled_quantity: Decimal = ZERO
    average_price: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    reason: str = ""
    parent_venue_order_id: str = ""
    linked_venue_order_id: str = ""


@dataclass(frozen=True, slots=True)
class FillReport:
    """One execution. ``commission`` and ``fees`` are None while the venue has not told them yet, else money paid (>= 0).

    ``voided`` marks an execution that the venue has taken back.
    """

    account_id: str
    venue_fill_id: str
    venue_order_id: str
    venue_instrument_id: str
    side: Side
    quantity: Decimal
    price: Decimal
    executed_at: datetime
    commission: Decimal | None = None
    fees: Decimal | None = None
    client_order_id: str = ""
    voided: bool = False


@dataclass(frozen=True, slots=True)
class PositionReport:
    """What one account holds of one instrument now. ``average_price`` is None when flat or untold."""

    account_id: str
    venue_instrument_id: str
    net_quantity: Decimal
    average_price: Decimal | None
    as_of: datetime


@dataclass(frozen=True, slots=True)
class AccountReport:
    """Money in one account, in its currency. ``open_pnl`` is the venue's own unrealised figure, None if untold."""

    account_id: str
    as_of: datetime
    balance: Decimal | None = None
    equity: Decimal | None = None
    open_pnl: Decimal | None = None
    realized_pnl: Decimal | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """An account found under a login."""

    id: str
    name: str
    environment: Environment
    currency: str = "USD"
    active: bool = True
    detail: str = ""

    @property
    def ref(self) -> AccountRef:
        return AccountRef(self.id, self.name)


@dataclass(frozen=True, slots=True)
class Quote:
    """Latest known prices; any may be missing. ``mid`` is what open positions are valued at when last is missing."""

    venue_symbol: str
    as_of: datetime
    bid: Decimal | None = None
    ask: Decimal | None = None
    last: Decimal | None = None

    @property
    def price(self) -> Decimal | None:
        if self.last is not None:
            return self.last
        if self.bid is not None and self.ask is not None:
            return (self.bid + self.ask) / 2
        return self.bid if self.bid is not None else self.ask

    def updated(self, newer: Quote) -> Quote:
        """This quote with every figure that the newer one tells."""
        return replace(
            self,
            as_of=max(self.as_of, newer.as_of),
            bid=newer.bid if newer.bid is not None else self.bid,
            ask=newer.ask if newer.ask is not None else self.ask,
            last=newer.last if newer.last is not None else self.last,
        )


@dataclass(frozen=True, slots=True)
class StreamSnapshot:
    """The complete truth at one moment, sent first after every (re)connection: what is not in it does not exist.

    ``covered``: the venue's ids of the accounts it tells of, None for all of the session. Of any other account it says nothing:
    that one's positions are unknown, never flat.
    """

    at: datetime
    positions: tuple[PositionReport, ...]
    orders: tuple[OrderReport, ...]
    fills: tuple[FillReport, ...]
    accounts: tuple[AccountReport, ...] = ()
    covered: tuple[str, ...] | None = None


BRACKET_UNSUPPORTED = "BRACKET_UNSUPPORTED"
"""The code of a refusal that proves two things: nothing was placed, and this server takes no such bracket."""


Report = OrderReport | FillReport | PositionReport | AccountReport
StreamItem = StreamSnapshot | Report


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a login yields. ``extra`` keeps what the venue wants back later (its own hosts, for example)."""

    access_token: str = field(repr=False)
    expires_at: datetime
    refresh_token: str = field(default="", repr=False)
    refresh_expires_at: datetime | None = None
    market_data_token: str = field(default="", repr=False)
    venue_user_id: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a venue does by itself. What it lacks, the execution core emulates or denies with a reason."""

    order_types: frozenset[OrderType]
    time_in_force: frozenset[TimeInForce]
    bracket: bool
    """Entry, target and stop can be given in one command, so that the entry never exists without its stop."""
    bracket_offsets: bool
    """... and the legs may be given as offsets from a fill price not yet known."""
    modify: bool
    trailing_stop: bool
    reduce_only: bool
    client_id_lookup: bool
    """An order of unknown outcome can be found again by our client order id."""
    order_stream: bool
    market_data: bool


class Call(StrEnum):
    """What a request to a venue is for: limits count the calls of one such class."""

    ANY = "any"
    ORDERS = "orders"
    READS = "reads"
    SIGN_IN = "sign-in"
    RENEWAL = "renewal"
    IDENTITY = "identity"
    STREAM = "stream"
    """Opening a stream of account changes."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """``calls`` in any window of ``seconds``, counted per ``scope`` ("login" or "address") for one class of endpoints.

    ``endpoint`` is "*" (all calls), "orders", "reads", or the end of the venue's own path; ``call`` says what such a path is
    for. Where ``failed_only``, calls that succeed are free.
    """

    scope: str
    endpoint: str
    calls: int
    seconds: int
    call: Call = Call.OTHER
    failed_only: bool = False

    @property
    def counts(self) -> Call:
        """The class of calls that this limit counts."""
        return {"*": Call.ANY, "orders": Call.ORDERS, "reads": Call.READS}.get(self.endpoint, self.call)
