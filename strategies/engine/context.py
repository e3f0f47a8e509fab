"""What the executor knows while it carries out one signal: the signal itself, and every account of its fan-out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from brokers.domain import AccountRef, AssetClass, Instrument, OrderType, Side, TimeInForce
from brokers.sessions import SessionKey
from brokers.symbols import root_of
from strategies.engine.limits import LimitBook
from strategies.execution.limits import merge
from strategies.execution.terms import (
    AccountView,
    Control,
    PreviousTarget,
    Purpose,
    RecentOrder,
    RiskTerms,
    SignalFacts,
    StrategyTerms,
)
from strategies.webhooks.alert import Alert
from tradeproject.common.money import plain

RECENT_SECONDS = 3.0
RESTING = {"submitted", "unknown", "accepted", "partially_filled"}


@dataclass(slots=True)
class OpenLeg:
    """A protective order of ours that may still be working at the venue. It was ``placed_as`` that handle."""

    id: UUID
    order_id: UUID
    kind: str
    strategy_id: UUID | None
    instrument_id: int | None
    entry_side: Side
    venue_order_id: str
    client_order_id: str
    placed_as: str
    price: Decimal | None
    offset: Decimal | None
    trailing: bool
    quantity: Decimal
    status: str
    entry_price: Decimal | None
    entry_client_id: str
    entry_venue_id: str
    entry_quantity: Decimal
    entry_filled: Decimal
    entry_is_market: bool


@dataclass(frozen=True, slots=True)
class Contract:
    """An instrument and its row."""

    instrument: Instrument
    row_id: int


@dataclass(slots=True)
class AccountContext:
    """One account of the fan-out: how to reach it, and what is known of it from our own rows, which were read at ``read_at``
    (loop time).

    ``held`` is another contract of the same root that the account holds instead (before a roll, for example): exits act on
    that one.
    """

    allocation_id: UUID
    account_id: UUID
    ref: AccountRef
    session_key: SessionKey
    broker: str
    view: AccountView
    is_shared: bool
    read_at: float
    instrument_id: int | None = None
    held: Contract | None = None
    open_orders: list[DictRow] = field(default_factory=list)
    legs: list[OpenLeg] = field(default_factory=list)
    steps: list[DictRow] | None = None

    @property
    def lane_key(self) -> tuple[UUID, int | None]:
        return self.account_id, self.instrument_id

    @property
    def place(self) -> tuple[str, str]:
        return self.broker, self.session_key.environment

    @property
    def is_tradable(self) -> bool:
        """Whether it makes sense to ask for its position: what is switched off is refused anyway."""
        view = self.view
        usable = view.connection_state not in {"disabled", "needs_reauthorization"}
        return usable and view.allocation_enabled and view.account_enabled and view.account_open

    def contract(self, purpose: Purpose) -> Contract | None:
        """What an order of that purpose trades: an exit closes what is really held."""
        if purpose is Purpose.EXIT and self.held is not None:
            return self.held
        if self.view.instrument is None or self.instrument_id is None:
            return None
        return Contract(self.view.instrument, self.instrument_id)

    @property
    def row_ids(self) -> set[int | None]:
        """The contracts that this signal is about at this account."""
        return {self.instrument_id, self.held.row_id} if self.held is not None else {self.instrument_id}


@dataclass(slots=True)
class SignalContext:
    """``accounts`` are those read so far, of ``account_count``. ``switches`` are those not at running, by scope and object."""

    id: UUID
    user_id: UUID
    strategy_id: UUID
    fence: int
    attempts: int
    alert: Alert
    terms: StrategyTerms
    previous: PreviousTarget | None
    overtaken: bool
    age_when_read: float
    read_at: float
    symbol: str
    root: str
    account_count: int
    switches: dict[tuple[str, str], Control]
    accounts: list[AccountContext]
    limits: LimitBook
    facts: SignalFacts
    source: str = "webhook"
    is_delayed: bool = False
    active: bool = True

    def limit(self, *, live: bool) -> None:
        """Hold the strategy to what everybody says who may limit it; ``live``: one of its accounts trades real money."""
        self.terms = replace(self.terms, risk=self.limits.strategy(live=live))

    def keep_only(self, allocation: UUID | None) -> None:
        """Of all accounts only this allocation's."""
        self.accounts = [account for account in self.accounts if account.allocation_id == allocation]
        self.account_count = len(self.accounts)

    @property
    def age(self) -> float:
        """How old the alert is now, in seconds."""
        return self.age_when_read + asyncio.get_running_loop().time() - self.read_at

    @property
    def identity(self) -> str:
        return self.alert.explicit_id or self.alert.order_id


def strategy_terms(strategy_id: UUID, row: DictRow) -> StrategyTerms:
    return StrategyTerms(
        id=strategy_id,
        symbol_root=root_of(row["symbol"]) if row["symbol"] else "",
        position_size=row["position_size"],
        position_add=row["position_add"],
        take_profit=row["take_profit"],
        stop_loss=row["stop_loss"],
        units=row["tpsl_units"],
        trim=row["trim"],
        direction=row["directional_strategy"],
        time_in_force=TimeInForce(row["time_in_force"]) if row["time_in_force"] else None,
        risk=risk_terms(row["risk"] or {}),
    )


def risk_terms(risk: dict[str, Any]) -> RiskTerms:
    """A strategy's own limits, without anybody's caps."""
    return merge([risk], [])


def recent_orders(account: AccountContext, signal_id: UUID) -> tuple[RecentOrder, ...]:
    """The account's orders of the last moments in this contract, newest first, this signal's own not counted."""
    return tuple(
        RecentOrder(
            side=Side(order["side"]),
            quantity=order["quantity"],
            order_type=OrderType(order["order_type"]),
            age_seconds=order["age"],
            identity=order["identity"],
        )
        for order in account.open_orders
        if order["instrument_id"] in account.row_ids
        and order["signal_id"] != signal_id
        and order["age"] < RECENT_SECONDS
    )


def undecided(account: AccountContext) -> list[DictRow]:
    """Orders in this contract of which nobody knows whether they arrived."""
    same = (o for o in account.open_orders if o["instrument_id"] in account.row_ids)
    return [order for order in same if order["status"] == "unknown"]


def resting(account: AccountContext, side: Side, gone: set[UUID]) -> Decimal:
    """What resting entry orders on ``side`` may still add to the position; ``gone`` ones were canceled a moment ago."""
    return sum(
        (
            order["quantity"] - order["filled_quantity"]
            for order in account.open_orders
            if order["instrument_id"] == account.instrument_id
            and (order["purpose"], order["side"]) == (Purpose.ENTRY.value, side.value)
            and order["order_type"] != OrderType.MARKET.value
            and order["status"] in RESTING
            and order["id"] not in gone
        ),
        Decimal(0),
    )


def working(account: AccountContext, signal_id: UUID, gone: set[UUID]) -> int:
    """How many earlier orders of the account may still be filled, in whatever contract."""
    return sum(
        order["status"] in RESTING and order["signal_id"] != signal_id and order["id"] not in gone
        for order in account.open_orders
    )


def of_others(account: AccountContext, strategy_id: UUID, side: Side) -> str:
    """Another strategy's order that rests on ``side`` of this contract, in words; "" when there is none."""
    for order in account.open_orders:
        rests = order["status"] in RESTING and order["order_type"] != OrderType.MARKET.value
        theirs = order["strategy_id"] is not None and order["strategy_id"] != strategy_id
        if (
            rests
            and theirs
            and order["side"] == side.value
            and order["instrument_id"] == account.instrument_id
        ):
            left = order["quantity"] - order["filled_quantity"]
            contract = account.view.instrument
            return f"{side.value} {plain(left)} {contract.venue_symbol if contract else ''}".strip()
    return ""


def instrument_from(row: DictRow) -> Instrument:
    return Instrument(
        venue_id=row["venue_id"],
        venue_symbol=row["venue_symbol"],
        root=row["root"],
        asset_class=AssetClass(row["asset_class"]),
        tick_size=row["tick_size"],
        point_value=row["point_value"],
        quantity_step=row["quantity_step"],
        currency=row["currency"],
        exchange=row["exchange"],
        expires_at=row["expires_at"],
    )
