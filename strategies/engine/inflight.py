"""Orders on the wire or working, found again by whatever a report calls them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from brokers.domain import AccountRef, OrderReport, OrderStatus
from brokers.sessions import SessionKey
from strategies.engine.lanes import Holding


@dataclass(slots=True, eq=False)
class InFlight:
    """A sent order whose end is awaited: ``settled`` gets its final status. ``filled`` is how much of it is done so far.

    ``holding`` is the lane it was sent under, as long as that is held. ``legs_are_ours``: its protective orders did not go with
    it, so they are placed here as soon as it fills.
    """

    order_id: UUID
    client_order_id: str
    session: SessionKey
    ref: AccountRef
    settled: asyncio.Future[OrderStatus]
    holding: Holding
    before: Decimal | None = None
    """The position that it changes; None = not known."""
    legs_are_ours: bool = False
    venue_order_id: str = ""
    filled: Decimal = Decimal(0)
    last: OrderReport | None = None
    is_lost: bool = False

    def settle(self, status: OrderStatus) -> None:
        if not self.settled.done():
            self.settled.set_result(status)

    @property
    def is_held(self) -> bool:
        """Whether whoever sent it still keeps the lane for it."""
        return self.holding.ticket is not None


Handle = tuple[SessionKey, str, str]


class InFlightOrders:
    """Our sent orders by the handles a report may carry, and by their row."""

    def __init__(self) -> None:
        self._by_client: dict[Handle, InFlight] = {}
        self._by_venue: dict[Handle, InFlight] = {}
        self._by_order: dict[UUID, InFlight] = {}

    def add(self, item: InFlight) -> None:
        earlier = self._by_order.get(item.order_id)
        if earlier is not None:  # a second attempt: who waits for the first one waits for this one now
            item.settled.add_done_callback(lambda settled: earlier.settle(settled.result()))
        self._by_client[item.session, item.ref.id, item.client_order_id] = item
        self._by_order[item.order_id] = item
        item.settled.add_done_callback(lambda _: self.drop(item))

    def bind(self, item: InFlight, venue_order_id: str) -> None:
        if venue_order_id and not item.settled.done():
            item.venue_order_id = venue_order_id
            self._by_venue[item.session, item.ref.id, venue_order_id] = item

    def find(self, session: SessionKey, report: OrderReport) -> InFlight | None:
        return self._by_client.get(
            (session, report.account_id, report.client_order_id)
        ) or self._by_venue.get((session, report.account_id, report.venue_order_id))

    def of_order(self, order_id: UUID) -> InFlight | None:
        return self._by_order.get(order_id)

    def conclude(self, order_id: UUID, status: OrderStatus) -> None:
        """The end of an order was found out otherwise than by a report."""
        item = self._by_order.get(order_id)
        if item is not None:
            item.settle(status)

    def drop(self, item: InFlight) -> None:
        self._by_client.pop((item.session, item.ref.id, item.client_order_id), None)
        self._by_venue.pop((item.session, item.ref.id, item.venue_order_id), None)
        if self._by_order.get(item.order_id) is item:
            del self._by_order[item.order_id]

    def __len__(self) -> int:
        return len(self._by_client)
