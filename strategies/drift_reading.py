"""Reading what the comparison of wishes and positions needs, for many allocations at once, in a fixed number of queries."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Q

from brokers.domain import AssetClass, OrderStatus, OrderType, Side
from brokers.models import BrokerAccount, BrokerConnection, Instrument, SymbolMapping
from brokers.symbols import normalize_symbol, root_of
from strategies import holdings
from strategies.execution.drift import Look, Move, Step, wanted_after
from strategies.execution.sizing import scaled
from strategies.execution.terms import ZERO, AccountView
from strategies.models import Allocation, Order, Signal
from tradeproject.common.money import sign

USUAL, MOST = 30, 2000  # signals per strategy: as a rule one of the last few says all; else many are read
LATELY = timedelta(minutes=10)
STREAM_DOWN_SECONDS = 15
_BUSY = {OrderStatus.PENDING.value, OrderStatus.SUBMITTED.value, OrderStatus.UNKNOWN.value}

_SAID = """
SELECT s.strategy_id, s.id, s.planned_at, s.plan, s.ticker FROM unnest(%s::uuid[]) AS wanted(id) CROSS JOIN LATERAL (
    SELECT g.strategy_id, g.id, g.planned_at, g.plan - 'accounts' AS plan,
           coalesce(nullif(g.alert ->> 'contract', ''), g.alert ->> 'ticker', '') AS ticker
      FROM strategies_signal AS g
     WHERE g.strategy_id = wanted.id AND g.planned_at IS NOT NULL AND g.progress <> 'superseded'
       AND g.plan ->> 'kind' IN ('target', 'enter', 'reduce')
     ORDER BY g.id DESC LIMIT %s) AS s
"""


@dataclass(frozen=True, slots=True)
class Said:
    """One signal of a strategy, as it was planned."""

    id: UUID
    strategy: UUID
    at: datetime
    plan: dict[str, Any]
    ticker: str

    @property
    def base(self) -> Decimal:
        return Decimal(self.plan.get("base") or "0")

    @property
    def side(self) -> Side | None:
        return Side(self.plan["side"]) if self.plan.get("side") else None

    @property
    def is_target(self) -> bool:
        return bool(self.plan["kind"] == "target")

    @property
    def is_out(self) -> bool:
        """An exit of everything."""
        if self.is_target:
            return not self.base
        return bool(self.plan["kind"] == "reduce" and self.plan.get("whole", True))

    @property
    def says_all(self) -> bool:
        """What came before it no longer matters, whatever the account held."""
        if self.is_target:
            return not self.base or not self.plan.get("reduces_only")
        return self.is_out and self.side is None


@dataclass(slots=True)
class Topic:
    """What a strategy said of one contract root, from its last word that says all."""

    strategy: UUID
    root: str
    ticker: str
    said: list[Said] = field(default_factory=list)

    @property
    def since(self) -> datetime:
        return self.said[0].at


@dataclass(frozen=True, slots=True)
class Subject:
    """One allocation and contract to be looked at."""

    allocation: Allocation
    topic: Topic
    instrument: Instrument

    @property
    def account(self) -> BrokerAccount:
        return self.allocation.broker_account


class Reading:
    """Everything about some allocations. ``looks`` gives each subject with its comparison at ``now``."""

    def __init__(self, rows: Collection[Allocation], now: datetime) -> None:
        self._rows, self._now = list(rows), now
        self._accounts = {row.broker_account_id for row in self._rows}
        self._topics = topics_of({row.strategy_id: row.strategy.symbol for row in self._rows})
        self._instruments = _instruments(self._rows, self._topics)
        topics = [topic for found in self._topics.values() for topic in found]
        since = min((topic.since for topic in topics), default=now)
        orders = _orders(self._accounts, topics, since)
        self._orders: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
        for order in orders:
            self._orders[order["broker_account_id"]].append(order)
        self._stops: dict[UUID, list[holdings.Execution]] = defaultdict(list)
        for fill in holdings.protective_fills(self._accounts, since):
            self._stops[fill.broker_account].append(fill)
        self._nets: dict[UUID, dict[int, Decimal]] = defaultdict(dict)
        for (account, instrument), net in holdings.net_positions(self._accounts).items():
            self._nets[account][instrument] = net
        self._covered = holdings.covered_at(self._accounts)
        self._working, self._acted, self._busy = _activity(self._accounts, now)
        self._executing = set(
            Signal.objects.filter(status="accepted", progress__in=["queued", "executing"])
            .exclude(due_at__gt=now)
            .filter(strategy__in=self._topics)
            .values_list("strategy", flat=True)
        )
        ids = {instrument for nets in self._nets.values() for instrument in nets}
        ids |= {fill.instrument for fills in self._stops.values() for fill in fills}
        ids |= {order["instrument_id"] for order in orders}
        self._known = Instrument.objects.in_bulk([pk for pk in ids if pk is not None])
        self._shared = _shared(self._accounts)

    def looks(self) -> Iterator[tuple[Subject, Look]]:
        for row in self._rows:
            for topic in self._topics.get(row.strategy_id, []):
                instrument = self._instrument(row, topic)
                if instrument is not None:
                    subject = Subject(row, topic, instrument)
                    yield subject, self._look(subject)

    def _instrument(self, row: Allocation, topic: Topic) -> Instrument | None:
        account = row.broker_account
        found = self._instruments.get((account.connection.broker, account.environment, topic.ticker))
        if found is not None:
            return found
        for order in self._orders[account.pk]:  # a symbol that is no longer mapped: what was traded then
            if order["strategy_id"] == row.strategy_id:
                return self._known.get(order["instrument_id"])
        return None

    def _look(self, subject: Subject) -> Look:
        account, strategy = subject.account, subject.allocation.strategy_id
        why = why_unknown(account, self._covered.get(account.pk), self._now)
        held = None if why else self._held(subject)
        return Look(
            at=self._now,
            wanted=wanted_after(self._steps(subject)) or ZERO,
            held=held,
            why=why,
            working=self._working.get((strategy, account.pk), ZERO),
            acted_at=self._acted.get(account.pk),
            is_busy=account.pk in self._busy or strategy in self._executing,
        )

    def _is_same(self, instrument_id: int | None, subject: Subject) -> bool:
        """The very contract, or for futures another month of it: a position that waits for its roll is the same."""
        found = self._known.get(instrument_id) if instrument_id is not None else None
        if found is None or found.pk == subject.instrument.pk:
            return found is not None
        futures = found.asset_class == subject.instrument.asset_class == AssetClass.FUTURES.value
        return futures and found.root == subject.instrument.root

    def _held(self, subject: Subject) -> Decimal:
        account, strategy = subject.account.pk, subject.allocation.strategy_id
        total = ZERO
        for instrument, net in self._nets[account].items():
            if self._is_same(instrument, subject):
                total += net
                if account in self._shared:
                    total -= holdings.held_by_other_strategies(account, instrument, strategy)
        return total

    # --- what is wanted -----------------------------------------------------------------------------------------------

    def _steps(self, subject: Subject) -> Iterator[Step]:
        yield from self._spoken(subject)
        strategy, account, since = (
            subject.allocation.strategy_id,
            subject.account.pk,
            subject.topic.since,
        )
        for order in self._orders[account]:
            own = order["strategy_id"] in (None, strategy)
            if own and order["signal_id"] is None and order["planned_at"] >= since:
                yield from self._asked_by_hand(order, subject)
        for fill in self._stops[account]:
            mine = fill.strategy == strategy and fill.at >= since
            if mine and self._is_same(fill.instrument, subject):
                yield Step(fill.at, Move.CLOSE, abs(fill.signed))

    def _spoken(self, subject: Subject) -> Iterator[Step]:
        orders: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
        for order in self._orders[subject.account.pk]:
            if order["signal_id"]:
                orders[order["signal_id"]].append(order)
        for said in subject.topic.said:
            if said.is_target and not said.is_out:
                move = Move.AT_MOST if said.plan.get("reduces_only") else Move.BE
                yield Step(said.at, move, _scaled(said, subject))
            elif said.is_out:
                yield Step(said.at, Move.OUT, side=None if said.is_target else said.side)
            else:
                yield from _filled(said, orders.get(said.id, []))

    def _asked_by_hand(self, order: dict[str, Any], subject: Subject) -> Iterator[Step]:
        """A close that a person, or a guard of ours, asked for: meant to be closed, whatever became of it."""
        if not self._is_same(order["instrument_id"], subject) or order["status"] == OrderStatus.DENIED.value:
            return
        if order["purpose"] == Order.Purpose.FLATTEN:
            yield Step(order["planned_at"], Move.OUT)
        else:
            yield Step(order["planned_at"], Move.CLOSE, order["quantity"])


def _filled(said: Said, orders: Iterable[dict[str, Any]]) -> Iterator[Step]:
    """Order mode: what was really filled. What a reversal closes is in its entry's step."""
    for order in orders:
        if order["purpose"] == Order.Purpose.ENTRY:
            yield Step(said.at, Move.ENTER, order["filled_quantity"], Side(order["side"]))
        elif said.plan["kind"] == "reduce":
            yield Step(said.at, Move.CLOSE, order["filled_quantity"])


def _scaled(said: Said, subject: Subject) -> Decimal:
    """The target as the planner would size it for this account."""
    row, account = subject.allocation, subject.account
    direction = row.strategy.directional_strategy
    if direction != "Both" and (direction == "Long") != (said.base > 0):
        return ZERO
    caps = [cap for cap in (row.max_contracts, account.max_contracts) if cap is not None]
    view = AccountView(
        allocation_id=row.pk,
        broker_account_id=account.pk,
        multiplier=row.multiplier,
        account_multiplier=account.multiplier,
        max_contracts=min(caps) if caps else None,
        instrument=subject.instrument.to_domain(),
    )
    return scaled(said.base, view) * sign(said.base)


# --- queries ------------------------------------------------------------------------------------------------------------


def topics_of(symbols: dict[UUID, str]) -> dict[UUID, list[Topic]]:
    """Per strategy what it said of each contract root. ``symbols``: strategy → its own symbol."""
    found = _topics(_said(list(symbols), USUAL), symbols)
    vague = {pk for pk, (_, complete) in found.items() if not complete}
    if vague:
        found |= _topics(_said(list(vague), MOST), symbols)
    return {pk: topics for pk, (topics, _) in found.items()}


def _said(strategies: list[UUID], limit: int) -> list[Said]:
    with connection.cursor() as cursor:
        cursor.execute(_SAID, [strategies, limit])
        rows = cursor.fetchall()
    plans = (json.loads(plan) if isinstance(plan, str) else plan for *_, plan, _ in rows)
    return [
        Said(pk, strategy, at, plan, ticker)
        for (strategy, pk, at, _, ticker), plan in zip(rows, plans, strict=True)
    ]


def _topics(rows: list[Said], symbols: dict[UUID, str]) -> dict[UUID, tuple[list[Topic], bool]]:
    """Topics per strategy, and whether each of them begins with a word that says all or with the strategy's first."""
    by_strategy: dict[UUID, list[Said]] = defaultdict(list)
    for row in rows:
        by_strategy[row.strategy].append(row)
    result: dict[UUID, tuple[list[Topic], bool]] = {}
    for strategy, said in by_strategy.items():
        topics = _by_root(strategy, sorted(said, key=lambda one: one.at), symbols[strategy])
        complete = len(said) < USUAL or all(topic.said[0].says_all for topic in topics)
        result[strategy] = topics, complete
    return result


def _by_root(strategy: UUID, said: list[Said], symbol: str) -> list[Topic]:
    topics: dict[str, Topic] = {}
    for one in said:
        ticker = normalize_symbol(one.ticker or symbol)
        root = root_of(ticker)
        if one.says_all or root not in topics:
            topics[root] = Topic(strategy, root, ticker)
        topics[root].ticker = ticker
        topics[root].said.append(one)
    return list(topics.values())


def _instruments(
    rows: Iterable[Allocation], topics: dict[UUID, list[Topic]]
) -> dict[tuple[str, str, str], Instrument]:
    tickers = {topic.ticker for found in topics.values() for topic in found}
    brokers = {row.broker_account.connection.broker for row in rows}
    found = SymbolMapping.objects.filter(symbol__in=tickers, broker__in=brokers).select_related("instrument")
    return {(one.broker, one.environment, one.symbol): one.instrument for one in found if one.instrument}


def _orders(accounts: Collection[UUID], topics: Iterable[Topic], since: datetime) -> list[dict[str, Any]]:
    """The orders of the signals that count, and the closes without one."""
    signals = [said.id for topic in topics for said in topic.said]
    wanted = Q(signal__in=signals) | Q(signal=None, planned_at__gte=since)
    rows = Order.objects.filter(wanted, broker_account__in=accounts)
    found = rows.order_by("id").values(
        "strategy_id", "broker_account_id", "instrument_id", "signal_id", "purpose", "side", "quantity",
        "filled_quantity", "planned_at", "status",
    )  # fmt: skip
    return [dict(row) for row in found]


def _activity(
    accounts: Collection[UUID], now: datetime
) -> tuple[dict[tuple[UUID, UUID], Decimal], dict[UUID, datetime], set[UUID]]:
    """What rests (signed, per strategy and account), when an order last changed, and accounts with one under way."""
    newest = UUID(int=int((now - LATELY).timestamp() * 1000) << 80)  # ids begin with their millisecond
    unfinished = [s.value for s in OrderStatus if not s.is_final]
    rows = Order.objects.filter(broker_account__in=accounts).filter(
        Q(status__in=unfinished) | Q(pk__gte=newest)
    )
    working: dict[tuple[UUID, UUID], Decimal] = defaultdict(Decimal)
    acted: dict[UUID, datetime] = {}
    busy: set[UUID] = set()
    for order in rows.only(
        "strategy_id", "broker_account_id", "status", "purpose", "order_type", "side", "quantity",
        "filled_quantity", "updated_at",
    ):  # fmt: skip
        account = order.broker_account_id
        acted[account] = max(acted.get(account, order.updated_at), order.updated_at)
        if order.status not in unfinished:
            continue
        if order.status in _BUSY or order.order_type == OrderType.MARKET.value:
            busy.add(account)
        elif order.purpose == Order.Purpose.ENTRY and order.strategy_id is not None:
            left = order.quantity - order.filled_quantity
            working[order.strategy_id, account] += left * Side(order.side).sign
    return working, acted, busy


def _shared(accounts: Collection[UUID]) -> set[UUID]:
    found: set[UUID] = set()
    seen: set[UUID] = set()
    for account in Allocation.objects.filter(broker_account__in=accounts).values_list(
        "broker_account", flat=True
    ):
        (found if account in seen else seen).add(account)
    return found


def why_unknown(account: BrokerAccount, covered_at: datetime | None, now: datetime) -> str:
    """Why the position of an account cannot be known now; "" when it can. An answer that did not come is no "flat"."""
    login = account.connection
    states = BrokerConnection.State
    if login.state == states.NEEDS_REAUTHORIZATION:
        return "The broker login needs you to sign in again."
    if login.state == states.DISABLED:
        return "The broker login is switched off."
    if account.state != BrokerAccount.State.READY:
        return "The broker no longer shows this account."
    if covered_at is None:
        return "The broker has not told the positions of this account yet."
    is_live = login.stream_state == "synced"
    allowed = settings.POSITION_POLL_SECONDS * 2 + STREAM_DOWN_SECONDS if is_live else STREAM_DOWN_SECONDS
    if now - covered_at <= timedelta(seconds=allowed):
        return ""
    if is_live:
        return "The broker has not answered about this account's positions lately."
    return "The live connection is down and the broker does not answer."
