"""What a venue would report, in short form, and a login with accounts to report about."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from brokers.domain import (
    AccountReport,
    FillReport,
    OrderReport,
    OrderStatus,
    PositionReport,
    Side,
)
from brokers.models import BrokerAccount, BrokerConnection, Instrument
from recorder.ingest import IngestResult, ingest
from recorder.models import Fill, RecordedPosition
from strategies.models import BracketLeg, Order, Strategy
from tests.factories import (
    AllocationFactory,
    BrokerAccountFactory,
    ConnectionFactory,
    InstrumentFactory,
    OrderFactory,
    SignalFactory,
    StrategyFactory,
)

EPOCH = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
MNQ = "3570918"


def at(seconds: float) -> datetime:
    return EPOCH + timedelta(seconds=seconds)


def fill(number: int, order: str, side: str, quantity: Any, price: Any, **more: Any) -> FillReport:
    """Fill ``number``, executed ``number`` seconds into the session, of the venue order ``order``."""
    facts = {
        "account_id": more.pop("account", "33112"),
        "venue_fill_id": str(number),
        "venue_order_id": order,
        "venue_instrument_id": MNQ,
        "side": Side(side),
        "quantity": Decimal(str(quantity)),
        "price": Decimal(str(price)),
        "executed_at": at(number),
    }
    return FillReport(**{**facts, **more})


def order_report(order: str, status: OrderStatus, side: str = "buy", **more: Any) -> OrderReport:
    facts = {
        "account_id": more.pop("account", "33112"),
        "venue_order_id": order,
        "status": status,
        "side": Side(side),
        "venue_instrument_id": MNQ,
        "updated_at": more.pop("updated_at", at(1)),
    }
    return OrderReport(**{**facts, **more})


def position(net: Any, price: Any = None, seconds: float = 1, **more: Any) -> PositionReport:
    return PositionReport(
        more.get("account", "33112"),
        more.get("instrument", MNQ),
        Decimal(str(net)),
        None if price is None else Decimal(str(price)),
        at(seconds),
    )


def money(balance: Any, seconds: float = 1, **more: Any) -> AccountReport:
    return AccountReport("33112", at(seconds), balance=Decimal(str(balance)), **more)


@dataclass
class Desk:
    """One login with one account, one contract and one strategy, and short ways to trade and look."""

    connection: BrokerConnection
    account: BrokerAccount
    instrument: Instrument
    strategy: Strategy
    results: list[IngestResult] = field(default_factory=list)

    @classmethod
    def open(cls, user: Any) -> Desk:
        connection = ConnectionFactory(user=user)
        account = BrokerAccountFactory(connection=connection, external_id="33112", name="DEMO33112")
        strategy = StrategyFactory(user=user, name="Scalper")
        AllocationFactory(strategy=strategy, broker_account=account)
        return cls(connection, account, InstrumentFactory(), strategy)

    def order(self, venue_order_id: str = "", **more: Any) -> Order:
        """An order of the strategy's, sent a moment ago; accepted if it has a venue id."""
        strategy = more.pop("strategy", self.strategy)
        alert = more.pop("alert", {})
        signal = SignalFactory(strategy=strategy, alert=alert) if more.pop("has_signal", True) else None
        facts = {
            "signal": signal,
            "strategy": strategy,
            "user": self.account.user,
            "broker_account": self.account,
            "instrument": self.instrument,
            "venue_order_id": venue_order_id,
            "status": "accepted" if venue_order_id else "submitted",
            "sent_at": at(0),
            "planned_at": at(0),
        }
        return OrderFactory(**{**facts, **more})

    def leg(self, order: Order, kind: str, venue_order_id: str, **more: Any) -> BracketLeg:
        more.setdefault("status", "accepted")
        return BracketLeg.objects.create(
            order=order, kind=kind, venue_order_id=venue_order_id, quantity=order.quantity, **more
        )

    def ingest(self, *items: Any, source: str = "stream", **more: Any) -> IngestResult:
        result = ingest(self.connection, "demo", items, source=source, **more)
        self.results.append(result)
        return result

    def trips(self, strategy: Strategy | None = None) -> list[RecordedPosition]:
        rows = RecordedPosition.objects.filter(
            broker_account=self.account, strategy=strategy or self.strategy
        )
        return list(rows.order_by("entry_timestamp", "pk"))

    def external(self) -> list[RecordedPosition]:
        return list(RecordedPosition.objects.filter(strategy=None).order_by("entry_timestamp", "pk"))

    def stored(self, number: int) -> Fill:
        return Fill.objects.get(broker_account=self.account, venue_fill_id=str(number))
