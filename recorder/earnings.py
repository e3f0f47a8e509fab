"""What a user's scopes earned: closed round trips since their day began, and the worth of what is open now.

An open position is valued at a fresh quote, else by the broker's own figure for the account; without either its worth is
unknown, and so is that of every scope it belongs to. Currencies are added as they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import redis
from django.conf import settings
from redis.exceptions import RedisError

from brokers.domain import Quote
from brokers.marketdata import quotes
from recorder.models import RecordedPosition
from strategies.holdings import Earned, Watched
from tradeproject.common.clock import utc_now

QUOTE_FOR = timedelta(seconds=60)
ZERO = Decimal(0)
Closed = tuple[str, str, datetime | None, Decimal]  # strategy, account, end, money


def earned_by(user: UUID, watched: Collection[Watched]) -> dict[tuple[str, str], Earned]:
    """The provider behind ``strategies.holdings.earned_by``: two queries, however much is watched."""
    closed = _closed(user, min(since for _, _, since in watched))
    trips = list(
        RecordedPosition.objects.filter(user=user, status=RecordedPosition.Status.OPEN).select_related(
            "instrument", "broker_account"
        )
    )
    worth = _worth(trips, _quotes({trip.instrument.venue_symbol for trip in trips}))
    return {
        (scope, key): Earned(
            sum((money for *_, end, money in _of(closed, scope, key) if end and end >= since), ZERO),
            _open(trips, worth, scope, key),
        )
        for scope, key, since in watched
    }


def _closed(user: UUID, since: datetime) -> list[Closed]:
    rows = (
        RecordedPosition.objects.closed()
        .filter(user=user, exit_timestamp__gte=since)
        .order_by()
        .values_list("strategy_id", "broker_account_id", "exit_timestamp", "net_pnl")
    )
    return [(str(strategy), str(account), end, money) for strategy, account, end, money in rows]


def _of(closed: Iterable[Closed], scope: str, key: str) -> Iterable[Closed]:
    if scope == "user":
        return closed
    place = 0 if scope == "strategy" else 1
    return (row for row in closed if row[place] == key)


def _open(
    trips: Iterable[RecordedPosition], worth: Mapping[UUID, Decimal | None], scope: str, key: str
) -> Decimal | None:
    total = ZERO
    for trip in trips:
        owner = trip.strategy_id if scope == "strategy" else trip.broker_account_id
        if scope != "user" and str(owner) != key:
            continue
        value = worth[trip.pk]
        if value is None:
            return None
        total += value + trip.net_pnl
    return total


def _worth(trips: Iterable[RecordedPosition], found: Mapping[str, Quote]) -> dict[UUID, Decimal | None]:
    """What each open position would earn if it ended now, before costs still to come."""
    by_account: dict[UUID, list[RecordedPosition]] = defaultdict(list)
    for trip in trips:
        by_account[trip.broker_account_id].append(trip)
    worth: dict[UUID, Decimal | None] = {}
    for held in by_account.values():
        quoted = {trip.pk: _at(trip, found.get(trip.instrument.venue_symbol)) for trip in held}
        worth |= quoted
        told = held[0].broker_account.open_pnl
        if told is not None and None in quoted.values():
            # The broker's figure is the account's as a whole: one position stands for all of it.
            worth |= {trip.pk: ZERO for trip in held[1:]} | {held[0].pk: told}
            _spread_unknown(held, worth)
    return worth


def _spread_unknown(held: list[RecordedPosition], worth: dict[UUID, Decimal | None]) -> None:
    """Whose share of an account's figure is whose cannot be told when several strategies hold something there."""
    if len({trip.strategy_id for trip in held}) > 1:
        worth |= {trip.pk: None for trip in held}


def _at(trip: RecordedPosition, quote: Quote | None) -> Decimal | None:
    price = quote.price if quote is not None and utc_now() - quote.as_of <= QUOTE_FOR else None
    if price is None:
        return None
    held = trip.open_quantity if trip.side == "Buy" else -trip.open_quantity
    return (price - trip.entry_price) * held * trip.instrument.point_value


def _quotes(symbols: Collection[str]) -> dict[str, Quote]:
    if not symbols:
        return {}
    names = list(symbols)
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, decode_responses=True) as client:
            texts = client.hmget(quotes.LAST, names)
    except (RedisError, OSError):
        return {}
    return {name: quotes.decode(text) for name, text in zip(names, texts, strict=True) if text}
