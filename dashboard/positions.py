"""Open positions as their owner sees them: what the venue says is held, whose it is, and what it is worth now.

``position_rows`` reads, in three queries; ``value`` is pure, so that a tick values a row anew without reading it again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from accounts.selectors import owned
from brokers.domain import Quote
from recorder.models import PositionSnapshot, RecordedPosition
from strategies.drift import states_by_pair
from tradeproject.common.clock import iso, utc_now
from tradeproject.common.money import cents, plain, sign

if TYPE_CHECKING:
    from accounts.models import User

ZERO = Decimal(0)
SYNCED_FOR = timedelta(minutes=2)
QUOTE_FOR = timedelta(seconds=60)  # an older quote gives way to the broker's own figure, if there is one
_PLACES = Decimal("1e-8")

Pair = tuple[UUID, int]  # broker account, instrument row


@dataclass(frozen=True, slots=True)
class PositionRow:
    """One open position without its price. ``net`` is signed; ``implied_price`` and ``broker_pnl`` are the broker's view.

    The broker tells one open figure per account: it is this position's only when nothing else is open there.
    """

    id: str
    broker_account: UUID
    account_name: str
    broker: str
    environment: str
    currency: str
    strategy: UUID | None
    strategy_name: str | None
    symbol: str
    venue_symbol: str
    net: Decimal
    point_value: Decimal
    entry_price: Decimal | None
    realized_pnl: Decimal
    opened_at: datetime | None
    stop_loss_price: Decimal | None
    take_profit_price: Decimal | None
    is_drifted: bool
    synced_at: datetime | None
    implied_price: Decimal | None = None
    broker_pnl: Decimal | None = None
    drift: str | None = None  # what was found when the strategy's wish was compared with the broker


# --- reading --------------------------------------------------------------------------------------------------------


def position_rows(user: User, *, staff_all: bool = False) -> list[PositionRow]:
    """Everything that is held on the user's accounts; for staff, when asked for, on everybody's."""
    snapshots = list(_snapshots(user, staff_all))
    accounts = {snapshot.broker_account_id for snapshot in snapshots}
    trips, drifts = _open_trips(accounts), states_by_pair(accounts)
    held_here: dict[UUID, int] = defaultdict(int)
    for snapshot in snapshots:
        held_here[snapshot.broker_account_id] += 1
    return [
        replace(row, drift=_drift_of(row, snapshot, drifts))
        for snapshot in snapshots
        for row in _rows_of(
            snapshot,
            trips.get((snapshot.broker_account_id, snapshot.instrument_id), []),
            alone=held_here[snapshot.broker_account_id] == 1,
        )
    ]


def _drift_of(
    row: PositionRow, snapshot: PositionSnapshot, drifts: Mapping[tuple[UUID, int, UUID], str]
) -> str | None:
    if row.strategy is None:
        return None
    return drifts.get((snapshot.broker_account_id, snapshot.instrument_id, row.strategy))


def _snapshots(user: User, staff_all: bool) -> Iterable[PositionSnapshot]:
    rows = PositionSnapshot.objects.exclude(net_quantity=0).filter(
        broker_account__connection__deleted_at__isnull=True
    )
    mine = owned(rows, user, path="broker_account__user", staff_sees_all=staff_all)
    return mine.select_related("broker_account__connection", "instrument").order_by(
        "broker_account__name", "instrument__venue_symbol", "pk"
    )


def _open_trips(accounts: Iterable[UUID]) -> dict[Pair, list[RecordedPosition]]:
    found: dict[Pair, list[RecordedPosition]] = defaultdict(list)
    rows = RecordedPosition.objects.filter(
        broker_account__in=list(accounts), status=RecordedPosition.Status.OPEN
    )
    for row in rows.select_related("strategy").order_by("entry_timestamp", "pk"):
        found[row.broker_account_id, row.instrument_id].append(row)
    return found


def _signed(trip: RecordedPosition) -> Decimal:
    return trip.open_quantity if trip.side == "Buy" else -trip.open_quantity


def _rows_of(
    snapshot: PositionSnapshot, trips: Sequence[RecordedPosition], *, alone: bool
) -> list[PositionRow]:
    """One row per strategy when the record explains the holding to the last contract, else one for all of it."""
    net = snapshot.net_quantity
    explained = sum(map(_signed, trips), ZERO) == net
    if len(trips) > 1 and explained and all(sign(_signed(trip)) == sign(net) for trip in trips):
        return [_row(snapshot, trip, _signed(trip), drifted=False, alone=alone) for trip in trips]
    only = trips[0] if len(trips) == 1 else None
    return [_row(snapshot, only, net, drifted=not explained, alone=alone)]


def _row(
    snapshot: PositionSnapshot,
    trip: RecordedPosition | None,
    net: Decimal,
    *,
    drifted: bool,
    alone: bool,
) -> PositionRow:
    account, instrument = snapshot.broker_account, snapshot.instrument
    whole = net == snapshot.net_quantity
    entry = snapshot.average_price if whole else None
    if entry is None and trip is not None:
        entry = trip.entry_price
    told = account.open_pnl if alone else None
    strategy = trip.strategy if trip is not None else None
    return PositionRow(
        id=f"{snapshot.pk}" if whole or trip is None else f"{snapshot.pk}-{trip.pk}",
        broker_account=account.pk,
        account_name=str(account),
        broker=account.connection.broker,
        environment=account.environment,
        currency=instrument.currency or account.currency,
        strategy=strategy.pk if strategy else None,
        strategy_name=strategy.name if strategy else None,
        symbol=instrument.root,
        venue_symbol=instrument.venue_symbol,
        net=net,
        point_value=instrument.point_value,
        entry_price=entry,
        realized_pnl=trip.pnl if trip is not None else ZERO,
        opened_at=trip.entry_timestamp if trip is not None else None,
        stop_loss_price=trip.stop_loss_price if trip is not None else None,
        take_profit_price=trip.take_profit_price if trip is not None else None,
        is_drifted=drifted,
        synced_at=account.last_synced_at,
        implied_price=_implied(snapshot, told),
        broker_pnl=None if told is None else cents(told * net / snapshot.net_quantity),
    )


def _implied(snapshot: PositionSnapshot, told: Decimal | None) -> Decimal | None:
    """The price at which the holding would earn what the broker says it does."""
    worth = snapshot.net_quantity * snapshot.instrument.point_value
    if told is None or snapshot.average_price is None or not worth:
        return None
    return (snapshot.average_price + told / worth).quantize(_PLACES)


# --- valuing --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Price:
    """What a position is valued at: the price, where it comes from (quote, broker, none), and its time."""

    value: Decimal | None
    source: str
    as_of: datetime | None = None


def price_of(row: PositionRow, quote: Quote | None, now: datetime) -> Price:
    """A quote of the last minute, else the broker's own figure, else an older quote."""
    quoted = quote.price if quote is not None else None
    if quote is not None and quoted is not None and now - quote.as_of <= QUOTE_FOR:
        return Price(quoted, "quote", quote.as_of)
    if row.implied_price is not None:
        return Price(row.implied_price, "broker", row.synced_at)
    if quote is not None and quoted is not None:
        return Price(quoted, "quote", quote.as_of)
    return Price(None, "none")


def value(row: PositionRow, quote: Quote | None, now: datetime) -> dict[str, Any]:
    """The live position of the contract, at this quote; JSON values only. Money is in ``currency``, to the cent."""
    price = price_of(row, quote, now)
    return {
        "id": row.id,
        "broker_account": str(row.broker_account),
        "account_name": row.account_name,
        "broker": row.broker,
        "environment": row.environment,
        "currency": row.currency,
        "strategy": str(row.strategy) if row.strategy else None,
        "strategy_name": row.strategy_name,
        "symbol": row.symbol,
        "venue_symbol": row.venue_symbol,
        "side": "long" if row.net > 0 else "short",
        "quantity": plain(abs(row.net)),
        "entry_price": plain(row.entry_price),
        "current_price": plain(price.value),
        "price_source": price.source,
        "price_at": iso(price.as_of),
        "unrealized_pnl": plain(_unrealized(row, price)),
        "realized_pnl": plain(row.realized_pnl),
        "opened_at": iso(row.opened_at),
        "time_in_trade": _seconds_since(row.opened_at, now),
        "stop_loss_price": plain(row.stop_loss_price),
        "take_profit_price": plain(row.take_profit_price),
        "distance_to_stop": plain(_distance(row, row.stop_loss_price, price, -1)),
        "distance_to_target": plain(_distance(row, row.take_profit_price, price, 1)),
        "sync": _sync(row, now),
    }


def _unrealized(row: PositionRow, price: Price) -> Decimal | None:
    if price.source == "broker":
        return row.broker_pnl
    if price.value is None or row.entry_price is None:
        return None
    return cents((price.value - row.entry_price) * row.net * row.point_value)


def _distance(row: PositionRow, level: Decimal | None, price: Price, direction: int) -> Decimal | None:
    """Price points still to go; negative when the price is past the level. ``direction`` 1 = with the position."""
    if level is None or price.value is None:
        return None
    return (level - price.value) * direction * sign(row.net)


def _seconds_since(opened_at: datetime | None, now: datetime) -> int | None:
    return None if opened_at is None else max(0, int((now - opened_at).total_seconds()))


def _sync(row: PositionRow, now: datetime) -> str:
    if row.synced_at is None or now - row.synced_at > SYNCED_FOR:
        return "unknown"
    if row.drift is not None:
        return row.drift
    return "drifted" if row.is_drifted else "synced"


def live_positions(
    user: User,
    prices: Mapping[str, Quote] | None = None,
    *,
    staff_all: bool = False,
    now: datetime | None = None,
) -> list[dict[str, Any]]:
    """All open positions, valued at ``prices`` (by venue symbol); those without one at the broker's own figure."""
    moment = now or utc_now()
    quotes = prices or {}
    return [
        value(row, quotes.get(row.venue_symbol), moment) for row in position_rows(user, staff_all=staff_all)
    ]
