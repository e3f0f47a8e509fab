"""What may claim a fill, read from the database only when it is needed. The rules are those of ``recorder.matching``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from functools import cached_property
from uuid import UUID

from django.db.models.functions import Coalesce

from brokers.domain import OrderStatus, Side
from brokers.models import Instrument
from brokers.symbols import normalize_symbol, root_of
from recorder.matching import Candidates, FillFacts, InFlightOrder, Match, OrderRef, Owner, decide_owner
from recorder.scope import Pair, Scope
from strategies.models import Allocation, Order, Strategy

IN_FLIGHT = [OrderStatus.SUBMITTED.value, OrderStatus.UNKNOWN.value]
NOTHING: Mapping[str, OrderRef] = {}


def trades_instrument(symbol: str, instrument: Instrument) -> bool:
    """Whether a strategy's symbol (MNQ1!, MNQ, MNQZ6, CME_MINI:MNQ1!) means this contract or its root."""
    root = instrument.root.upper()
    return normalize_symbol(symbol) in {instrument.venue_symbol.upper(), root} or root_of(symbol) == root


class Claims:
    """Decides owners for one ingest.

    ``by_venue_id`` and ``by_client_id`` hold our orders per account, as far as asked; ``bound`` are orders that got their
    venue id just now and are no longer in search of one.
    """

    def __init__(
        self,
        scope: Scope,
        by_venue_id: Mapping[UUID, Mapping[str, OrderRef]],
        by_client_id: Mapping[UUID, Mapping[str, OrderRef]],
        bound: Collection[UUID] = (),
    ) -> None:
        self._scope, self._bound = scope, frozenset(bound)
        self._by_venue_id, self._by_client_id = by_venue_id, by_client_id

    def decide(self, account_id: UUID, instrument: Instrument, fill: FillFacts) -> Owner:
        ids = Candidates(
            by_venue_id=self._by_venue_id.get(account_id, NOTHING),
            by_client_id=self._by_client_id.get(account_id, NOTHING),
        )
        owner = decide_owner(fill, ids)
        return (
            owner if owner.match is Match.ORDER else decide_owner(fill, self._others(account_id, instrument))
        )

    def _others(self, account_id: UUID, instrument: Instrument) -> Candidates:
        return Candidates(
            tags=self._tags.get(account_id, {}),
            in_flight=self._in_flight.get((account_id, instrument.pk), ()),
            recorder=self._recorder_of(account_id, instrument),
        )

    def _recorder_of(self, account_id: UUID, instrument: Instrument) -> UUID | None:
        """The strategy that records the account and trades the contract; the oldest when several do."""
        return next(
            (s.pk for s in self._recorders.get(account_id, ()) if trades_instrument(s.symbol, instrument)),
            None,
        )

    @cached_property
    def _recorders(self) -> dict[UUID, list[Strategy]]:
        # Only the owner's own strategies: naming somebody else's account must not show what happens there (law 11).
        rows = Strategy.objects.filter(
            demo_account__in=self._scope.account_ids,
            recording_enabled=True,
            user=self._scope.connection.user_id,
        )
        result: dict[UUID, list[Strategy]] = defaultdict(list)
        for strategy in rows.only("symbol", "demo_account").order_by("created_at", "pk"):
            if strategy.demo_account_id is not None:
                result[strategy.demo_account_id].append(strategy)
        return result

    @cached_property
    def _tags(self) -> dict[UUID, dict[str, UUID]]:
        """Per account the names and ids of the strategies that may trade it."""
        allocated = Allocation.objects.filter(
            broker_account__in=self._scope.account_ids, strategy__user=self._scope.connection.user_id
        )
        result: dict[UUID, dict[str, UUID]] = defaultdict(dict)
        for account_id, strategy_id, name in allocated.values_list(
            "broker_account_id", "strategy_id", "strategy__name"
        ):
            for tag in (name.casefold(), str(strategy_id), strategy_id.hex):
                result[account_id].setdefault(tag, strategy_id)
        return result

    @cached_property
    def _in_flight(self) -> dict[Pair, list[InFlightOrder]]:
        rows = Order.objects.filter(
            broker_account__in=self._scope.account_ids,
            status__in=IN_FLIGHT,
            venue_order_id="",
        )
        result: dict[Pair, list[InFlightOrder]] = defaultdict(list)
        # The moment of sending is written down with the answer; until then the order is as old as its plan.
        for pk, account_id, instrument_id, strategy_id, side, quantity, sent_at in rows.values_list(
            "pk",
            "broker_account_id",
            "instrument_id",
            "strategy_id",
            "side",
            "quantity",
            Coalesce("sent_at", "planned_at"),
        ):
            if instrument_id is not None and pk not in self._bound:
                order = InFlightOrder(OrderRef(pk, strategy_id), Side(side), quantity, sent_at)
                result[account_id, instrument_id].append(order)
        return result
