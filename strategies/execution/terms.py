"""What the planner and the gate are given and what they answer: immutable values, no Django, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from brokers.domain import Capabilities, Instrument, LegSpec, OrderType, Side, TimeInForce

ZERO = Decimal(0)


class Control(StrEnum):
    """Trading states, from the least to the most restrictive."""

    RUNNING = "running"
    REDUCING = "reducing"
    HALTED = "halted"


class Purpose(StrEnum):
    ENTRY = "entry"
    EXIT = "exit"


@dataclass(frozen=True, slots=True)
class RiskTerms:
    """Limits as they hold at one scope; None = off. Quantities are contracts, ages seconds, money in the account's currency.

    ``sessions`` are further trading windows, all of which must be open.
    """

    max_order_quantity: Decimal | None = None
    max_position: Decimal | None = None
    max_signal_age: int | None = None
    session: Mapping[str, Any] | None = None
    sessions: tuple[Mapping[str, Any], ...] = ()
    blackout: tuple[Mapping[str, Any], ...] = ()
    max_order_notional: Decimal | None = None
    margin_per_contract: Decimal | None = None
    max_margin_percent: Decimal | None = None
    max_working_orders: int | None = None
    price_collar_percent: Decimal | None = None
    max_quote_age: int | None = None
    max_spread_percent: Decimal | None = None
    max_orders_per_second: Decimal | None = None
    max_alerts_per_second: Decimal | None = None
    max_orders_per_minute: int | None = None
    max_reversals_per_minute: int | None = None
    max_orders_per_day: int | None = None
    max_trades_per_day: int | None = None
    max_daily_loss: Decimal | None = None
    max_drawdown: Decimal | None = None
    max_rejects_in_a_row: int | None = None
    max_fan_out: Decimal | None = None
    max_adds: int | None = None
    no_average_down: bool = False
    by_class: bool = False  # nobody set a largest order or a collar: the class's own hold

    @property
    def windows(self) -> tuple[Mapping[str, Any], ...]:
        return (self.session, *self.sessions) if self.session else self.sessions


@dataclass(frozen=True, slots=True)
class PriceFact:
    """The market as last quoted here, and how long ago, in seconds."""

    bid: Decimal | None
    ask: Decimal | None
    price: Decimal | None
    age_seconds: float


@dataclass(frozen=True, slots=True)
class Result:
    """What a scope earned: ``day_pnl`` today with open positions, ``drawdown`` below its best; None = nobody knows."""

    scope: str
    max_daily_loss: Decimal | None = None
    max_drawdown: Decimal | None = None
    day_pnl: Decimal | None = None
    drawdown: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Built:
    """What a strategy has on one side of a contract: how many entries, resting ones too, and the open ones' average price."""

    entries: int = 0
    price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """What the limits of an account are measured against. Counts are of orders that were not denied; None = unknown."""

    working_orders: int = 0
    others_buying: str = ""  # another strategy's resting buy, in words
    others_selling: str = ""
    orders_today: int | None = None
    trades_today: int | None = None
    sent_lately: int = 0
    rejects_in_a_row: int = 0
    quote: PriceFact | None = None
    equity: Decimal | None = None
    results: tuple[Result, ...] = ()
    stream_down_seconds: float = 0.0
    built: Mapping[Side, Built] | None = None  # None: nobody counted


@dataclass(frozen=True, slots=True)
class Pace:
    """Alerts carried out in the last moments at a wide scope, and how many a second it may."""

    scope: str
    lately: int
    per_second: Decimal


@dataclass(frozen=True, slots=True)
class SignalFacts:
    """What the limits of a strategy are measured against: its earlier signals, never the accounts of one fan-out."""

    last_minute: int = 0
    reversals: int = 0
    orders_today: int | None = None
    trades_today: int | None = None
    fan_out: Decimal = ZERO  # contracts over all accounts together
    accounts: int = 0
    clock_offset: float = 0.0
    paces: tuple[Pace, ...] = ()


@dataclass(frozen=True, slots=True)
class StrategyTerms:
    """The settings of a strategy that decide an order. None = not set, zero = zero."""

    id: UUID
    symbol_root: str
    position_size: Decimal | None = None
    position_add: Decimal | None = None
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    units: str = "Ticks"
    trim: str = "All"
    direction: str = "Both"
    time_in_force: TimeInForce | None = None
    risk: RiskTerms = field(default_factory=RiskTerms)


@dataclass(frozen=True, slots=True)
class RecentOrder:
    """One of the account's latest orders, for the check against a repeated instruction."""

    side: Side
    quantity: Decimal
    order_type: OrderType
    age_seconds: float
    identity: str


@dataclass(frozen=True, slots=True)
class AccountView:
    """Everything about one account that matters to one signal, at the moment of planning.

    ``net`` is what the strategy may act on there, signed; None means that nobody knows (never that it is flat).
    ``held`` is the account's whole net position in the instrument, for the position limit; ``working_buys`` and
    ``working_sells`` are what its resting entry orders may still add to it.
    """

    allocation_id: UUID
    broker_account_id: UUID
    multiplier: Decimal = Decimal(1)
    account_multiplier: Decimal = Decimal(1)
    max_contracts: Decimal | None = None
    allocation_enabled: bool = True
    account_enabled: bool = True
    account_open: bool = True
    connection_state: str = "connected"
    connection_reason: str = ""
    reconciled: bool = True
    control: Control = Control.RUNNING
    control_scope: str = ""
    instrument: Instrument | None = None
    instrument_problem: str = ""
    capabilities: Capabilities | None = None
    net: Decimal | None = ZERO
    held: Decimal | None = ZERO
    working_buys: Decimal = ZERO
    working_sells: Decimal = ZERO
    unknown_orders: int = 0
    recent: tuple[RecentOrder, ...] = ()
    limits: RiskTerms = field(default_factory=RiskTerms)
    facts: AccountFacts = field(default_factory=AccountFacts)


@dataclass(frozen=True, slots=True)
class Denial:
    """Our own refusal: a code with its numbers (law: every denial says why)."""

    code: str
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OrderDraft:
    """One order the planner wants at one account; with ``denial`` it is recorded and not sent.

    ``cancel_after``: seconds after its sending until an order that is not filled is canceled; None = it rests on.
    """

    purpose: Purpose
    side: Side
    quantity: Decimal
    order_type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_offset: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.DAY
    cancel_after: int | None = None
    legs: tuple[LegSpec, ...] = ()
    reference_price: Decimal | None = None
    denial: Denial | None = None


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """What one account is to do about one signal: drafts in their order, or the reason for doing nothing.

    ``remaining`` is the size that stays protected after a partial exit; its old bracket is replaced by one of that size.
    """

    account: AccountView
    drafts: tuple[OrderDraft, ...] = ()
    no_action: str = ""
    remaining: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class PreviousTarget:
    """The strategy's last applied target on its own scale, and the chart's size it came from."""

    base: Decimal
    chart: Decimal
    alert_time: datetime | None
