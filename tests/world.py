"""A tenant with something of everything, for tests that look over all of it: the admin, the isolation matrix."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import ApiKey, User
from accounts.services import create_api_key, record_audit
from brokers.models import BrokerAccount, BrokerConnection, Instrument
from notifications.models import Notification
from recorder.models import EquityPoint, Fill, PositionCover, PositionSnapshot, RecordedPosition
from strategies.models import (
    Allocation,
    BracketLeg,
    ControlState,
    Drift,
    DriftPolicy,
    Halt,
    Order,
    OrderBatch,
    OrderEvent,
    Signal,
    Strategy,
    WebhookKey,
)
from tests.factories import (
    AllocationFactory,
    BrokerAccountFactory,
    ConnectionFactory,
    InstrumentFactory,
    OrderFactory,
    SignalFactory,
    StrategyFactory,
    WebhookKeyFactory,
)


@dataclass
class World:
    """One user's things. ``mark`` is in every name and secret, so that a leak anywhere is found by searching for it."""

    user: User
    mark: str
    connection: BrokerConnection
    account: BrokerAccount
    instrument: Instrument
    strategy: Strategy
    webhook_key: WebhookKey
    allocation: Allocation
    signal: Signal
    order: Order
    trip: RecordedPosition
    api_key: ApiKey
    api_secret: str
    notification: Notification
    drift: Drift

    @property
    def ids(self) -> dict[str, Any]:
        """The ids by what they are, for addresses."""
        return {
            "connection": self.connection.pk,
            "broker_account": self.account.pk,
            "strategy": self.strategy.pk,
            "signal": self.signal.pk,
            "order": self.order.pk,
            "api_key": self.api_key.pk,
            "notification": self.notification.pk,
            "user": self.user.pk,
            "drift": self.drift.pk,
        }

    @property
    def secrets(self) -> list[str]:
        return [
            f"{self.mark}-password",
            f"{self.mark}-token",
            f"{self.mark}-refresh",
            self.webhook_key.secret,
            self.user.webhook_secret,
            self.api_secret,
        ]


def make_world(user: User, mark: str = "canary") -> World:
    now = datetime.now(UTC)
    connection = ConnectionFactory(
        user=user,
        label=f"{mark} login",
        credentials={"username": f"{mark}-name", "password": f"{mark}-password"},
        tokens={
            "access_token": f"{mark}-token",
            "refresh_token": f"{mark}-refresh",
            "expires_at": "2030-01-01T00:00:00Z",
        },
    )
    account = BrokerAccountFactory(
        connection=connection, name=f"{mark}-ACC", last_synced_at=now, open_pnl=Decimal("12.5")
    )
    instrument = InstrumentFactory()
    strategy = StrategyFactory(user=user, name=f"{mark} strategy", demo_account=account)
    key = WebhookKeyFactory(strategy=strategy)
    allocation = AllocationFactory(strategy=strategy, broker_account=account)
    body = f'{{"ticker":"MNQ1!","action":"buy","quantity":1,"key":"{key.secret}"}}'
    signal = SignalFactory(strategy=strategy, intent=f"enter long 1 {mark}", raw_body=body, progress="done")
    order = _order(signal, account, instrument, mark, now)
    trip = _record(order, mark, now)
    api_key, api_secret = create_api_key(user, name=f"{mark} key", scopes=["read"])
    notification = Notification.objects.create(
        user=user,
        event_id=uuid.uuid4().int % 10**12,
        type="order.filled",
        level="good",
        title=f"{mark} title",
    )
    ControlState.objects.create(
        scope="strategy",
        object_id=str(strategy.pk),
        state="reducing",
        reason=f"{mark} reason",
        changed_by=user,
    )
    record_audit("strategy_edited", actor=user, object_type="strategy", object_id=strategy.pk)
    return World(
        user,
        mark,
        connection,
        account,
        instrument,
        strategy,
        key,
        allocation,
        signal,
        order,
        trip,
        api_key,
        api_secret,
        notification,
        _drift(allocation, instrument, mark),
    )


def _drift(allocation: Allocation, instrument: Instrument, mark: str) -> Drift:
    DriftPolicy.objects.create(strategy=allocation.strategy)
    Halt.objects.create(
        user=allocation.strategy.user,
        scope="strategy",
        object_id=str(allocation.strategy_id),
        name=f"{mark} strategy",
        phase="needs_you",
        problems=[f"{mark} problem"],
        finished_at=datetime.now(UTC),
    )
    return Drift.objects.create(
        allocation=allocation,
        root="MNQ",
        instrument=instrument,
        state="drifted",
        wanted=Decimal(2),
        held=Decimal(1),
    )


def _order(signal: Signal, account: BrokerAccount, instrument: Instrument, mark: str, now: datetime) -> Order:
    order = OrderFactory(
        signal=signal,
        broker_account=account,
        instrument=instrument,
        status="accepted",
        venue_order_id=f"{mark}-1",
        venue_message=f"{mark} said ok",
        sent_at=now,
        answered_at=now,
    )
    OrderBatch.objects.create(signal=signal, accounts=1)
    BracketLeg.objects.create(order=order, kind="stop_loss", offset=Decimal(5), quantity=Decimal(1))
    OrderEvent.objects.create(order=order, kind="denied", message=f"{mark} event")
    return order


def _record(order: Order, mark: str, now: datetime) -> RecordedPosition:
    fill = Fill.objects.create(
        user=order.user,
        broker_account=order.broker_account,
        instrument=order.instrument,
        venue_fill_id=f"{mark}-f1",
        venue_order_id=order.venue_order_id,
        order=order,
        strategy=order.strategy,
        side="buy",
        quantity=Decimal(1),
        price=Decimal(21000),
        executed_at=now,
        source="stream",
        match=Fill.Match.ORDER,
    )
    PositionSnapshot.objects.create(
        broker_account=order.broker_account,
        instrument=order.instrument,
        net_quantity=Decimal(1),
        average_price=Decimal(21000),
        as_of=now,
        source="stream",
    )
    PositionCover.objects.create(broker_account=order.broker_account, answered_at=now)
    EquityPoint.objects.create(broker_account=order.broker_account, at=now, equity=Decimal(50_000))
    closed = now - timedelta(hours=1)
    RecordedPosition.objects.create(**_trip(order, closed), **_ended(closed + timedelta(minutes=5)))
    return RecordedPosition.objects.create(**_trip(order, now), open_quantity=Decimal(1), first_fill=fill)


def _trip(order: Order, at: datetime) -> dict[str, Any]:
    return {
        "user": order.user,
        "strategy": order.strategy,
        "broker_account": order.broker_account,
        "instrument": order.instrument,
        "symbol": "MNQ",
        "side": "Buy",
        "quantity": Decimal(1),
        "entry_price": Decimal(21000),
        "entry_timestamp": at,
        "signal": order.signal,
    }


def _ended(at: datetime) -> dict[str, Any]:
    return {
        "open_quantity": Decimal(0),
        "exit_price": Decimal(21010),
        "exit_timestamp": at,
        "exit_reason": "Signal",
        "pnl": Decimal(20),
        "commission": Decimal("1.5"),
        "net_pnl": Decimal("18.5"),
        "status": "closed",
    }
