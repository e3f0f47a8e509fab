"""A trader's desk as it looks after some weeks: for the tests of pages and for their screenshots."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import User
from brokers.models import BrokerAccount, BrokerConnection, Instrument
from recorder.models import Fill, PositionSnapshot, RecordedPosition
from strategies.models import BracketLeg, Order, OrderEvent, Signal, Strategy
from tests.factories import (
    AllocationFactory,
    BrokerAccountFactory,
    ConnectionFactory,
    InstrumentFactory,
    OrderFactory,
    SignalFactory,
    StrategyFactory,
    SymbolMappingFactory,
    WebhookKeyFactory,
)

ENTRY = Decimal("21874.25")
BODY = """{
  "v": 1,
  "ticker": "MNQ1!",
  "action": "buy",
  "contracts": "2",
  "market_position": "long",
  "market_position_size": "2",
  "prev_market_position": "flat",
  "prev_market_position_size": "0",
  "order_id": "Long breakout",
  "timenow": "2026-11-20T14:30:00Z"
}"""


@dataclass
class Desk:
    """What was built, for assertions."""

    user: User
    connections: list[BrokerConnection] = field(default_factory=list)
    accounts: list[BrokerAccount] = field(default_factory=list)
    instrument: Instrument | None = None
    strategy: Strategy | None = None
    second: Strategy | None = None
    signal: Signal | None = None
    orders: list[Order] = field(default_factory=list)


def build_desk(
    user: User, *, accounts: int = 25, trades: int = 60, positions: bool = True, seed: int = 7
) -> Desk:
    """Two strategies over ``accounts`` accounts, with a record of ``trades`` and, if wanted, one open position each."""
    desk = Desk(user)
    _logins(desk, accounts)
    desk.instrument = InstrumentFactory()
    SymbolMappingFactory(instrument=desk.instrument)
    _strategies(desk)
    _trades(desk, trades, random.Random(seed))
    _signals(desk)
    if positions:
        _positions(desk)
    return desk


def _logins(desk: Desk, accounts: int) -> None:
    now = datetime.now(UTC)
    half = -(-accounts // 2)
    for number, count in enumerate((half, accounts - half), start=1):
        desk.connections.append(
            ConnectionFactory(
                user=desk.user,
                label=f"Evaluation desk {number}",
                stream_state="synced",
                token_expires_at=now + timedelta(minutes=72),
                last_used_at=now - timedelta(seconds=8),
                last_polled_at=now - timedelta(seconds=21),
            )
        )
        desk.accounts += [
            BrokerAccountFactory(
                connection=desk.connections[-1],
                name=f"DEMO{4100 + number * 100 + n}",
                external_id=f"{number}{n:03}",
                balance=Decimal(50_000) + n * 37,
                equity=Decimal(50_000) + n * 37 + 60,
                last_synced_at=now,
            )
            for n in range(count)
        ]


def _strategies(desk: Desk) -> None:
    common = {"user": desk.user, "take_profit": Decimal(40), "stop_loss": Decimal(20)}
    desk.strategy = StrategyFactory(name="Opening range breakout", position_size=Decimal(2), **common)
    desk.second = StrategyFactory(name="Mean reversion", symbol="MES1!", active=False, **common)
    for strategy in (desk.strategy, desk.second):
        WebhookKeyFactory(strategy=strategy)
    for account in desk.accounts:
        AllocationFactory(strategy=desk.strategy, broker_account=account)


def _trades(desk: Desk, count: int, dice: random.Random) -> None:
    assert desk.strategy is not None and desk.instrument is not None
    start = datetime.now(UTC) - timedelta(days=45)
    rows = []
    for number in range(count):
        opened = start + timedelta(days=45) * number / max(count, 1)
        points = Decimal(dice.choice([-20, -12, -20, 8, 40, 26, 40, 17])) / 4
        gross, costs = points * 4, Decimal("1.74")
        long = dice.random() < 0.6
        entry = ENTRY + dice.randint(-400, 400)
        rows.append(
            RecordedPosition(
                user=desk.user,
                strategy=desk.strategy,
                broker_account=desk.accounts[number % len(desk.accounts)],
                instrument=desk.instrument,
                symbol="MNQ",
                side="Buy" if long else "Sell",
                quantity=Decimal(2),
                open_quantity=Decimal(0),
                entry_price=entry,
                entry_timestamp=opened,
                exit_price=entry + (points if long else -points),
                exit_timestamp=opened + timedelta(minutes=dice.randint(2, 90)),
                exit_reason="Take Profit" if points > 9 else "Stop Loss" if points < -4 else "Signal",
                pnl=gross,
                commission=costs,
                net_pnl=gross - costs,
                status="target_hit" if points > 9 else "stopped_out" if points < -4 else "closed",
                slippage=Decimal(dice.choice(["0", "0.25", "0.5"])),
            )
        )
    RecordedPosition.objects.bulk_create(rows)


def _signals(desk: Desk) -> None:
    now = datetime.now(UTC)
    rejected: dict[str, Any] = {
        "status": Signal.Status.REJECTED,
        "code": "malformed_json",
        "message": "The alert is not valid JSON: a quote is missing near position 41. Copy the message again.",
        "raw_body": '{"ticker": "MNQ1!", "action: "buy"}',
        "progress": "none",
    }
    SignalFactory(strategy=desk.strategy, received_at=now - timedelta(hours=3), **rejected)
    done = {"progress": "done", "format": "tradingview", "status": Signal.Status.ACCEPTED}
    earlier = SignalFactory(
        strategy=desk.strategy, intent="exit long MNQ, all", received_at=now - timedelta(hours=1), **done
    )
    _orders(desk, earlier, desk.accounts, "sell", "exit")
    received = now - timedelta(minutes=6)
    desk.signal = SignalFactory(
        strategy=desk.strategy,
        intent="enter long 2 MNQ",
        received_at=received,
        stored_at=received + timedelta(milliseconds=2),
        planned_at=received + timedelta(milliseconds=4),
        finished_at=received + timedelta(milliseconds=90),
        raw_body=BODY,
        content_type="application/json; charset=utf-8",
        source_address="52.89.214.238",
        alert_time=received - timedelta(seconds=1),
        **done,
    )
    desk.orders = _orders(desk, desk.signal, desk.accounts, "buy", "entry")


def _orders(
    desk: Desk, signal: Signal, accounts: list[BrokerAccount], side: str, purpose: str
) -> list[Order]:
    found = []
    for number, account in enumerate(accounts):
        at = signal.received_at
        denied = number == len(accounts) - 1 and purpose == "entry" and len(accounts) > 2
        rejected = number == len(accounts) - 2 and purpose == "entry" and len(accounts) > 2
        order = OrderFactory(
            signal=signal,
            broker_account=account,
            instrument=desk.instrument,
            side=side,
            purpose=purpose,
            quantity=Decimal(2),
            status="denied" if denied else "rejected" if rejected else "filled",
            deny_code="QUANTITY_ABOVE_LIMIT" if denied else "",
            deny_context={"quantity": "2", "limit": "1"} if denied else {},
            reject_reason="Insufficient margin" if rejected else "",
            venue_message="Account DEMO is not permitted: liquidation only" if rejected else "",
            venue_order_id="" if denied else f"{8_100_000 + number}",
            filled_quantity=0 if denied or rejected else 2,
            average_price=None if denied or rejected else ENTRY + Decimal(number % 3) / 4,
            planned_at=at + timedelta(milliseconds=4),
            sent_at=None if denied else at + timedelta(milliseconds=5 + number % 4),
            answered_at=None if denied else at + timedelta(milliseconds=31 + number),
            filled_at=None if denied or rejected else at + timedelta(milliseconds=38 + number),
        )
        if order.status == "filled":
            _fill(desk, order)
        found.append(order)
    return found


def _fill(desk: Desk, order: Order) -> None:
    Fill.objects.create(
        user=desk.user,
        broker_account=order.broker_account,
        instrument=desk.instrument,
        venue_fill_id=f"f{order.pk}",
        venue_order_id=order.venue_order_id,
        order=order,
        strategy=order.strategy,
        side=order.side,
        quantity=Decimal(2),
        price=order.average_price or ENTRY,
        executed_at=order.filled_at,
        source="stream",
        match="order",
    )
    OrderEvent.objects.create(order=order, kind="accepted", message="Accepted by the broker")
    if order.purpose == "entry":
        for kind, price in (("take_profit", ENTRY + 10), ("stop_loss", ENTRY - 5)):
            BracketLeg.objects.create(
                order=order, kind=kind, price=price, quantity=Decimal(2), status="accepted"
            )


def _positions(desk: Desk) -> None:
    """Open on every account whose entry was filled."""
    now = datetime.now(UTC)
    for order in desk.orders:
        if order.status != "filled":
            continue
        PositionSnapshot.objects.create(
            broker_account=order.broker_account,
            instrument=desk.instrument,
            net_quantity=Decimal(2),
            average_price=order.average_price,
            as_of=now,
            source="stream",
        )
        RecordedPosition.objects.create(
            user=desk.user,
            strategy=desk.strategy,
            broker_account=order.broker_account,
            instrument=desk.instrument,
            symbol="MNQ",
            side="Buy",
            quantity=Decimal(2),
            open_quantity=Decimal(2),
            entry_price=order.average_price or ENTRY,
            entry_timestamp=order.filled_at or now,
            stop_loss_price=ENTRY - 5,
            take_profit_price=ENTRY + 10,
            signal=desk.signal,
        )
