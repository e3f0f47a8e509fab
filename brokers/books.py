"""What one login's stream has told: the positions of its accounts and the last report of each order. Pure, no I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from decimal import Decimal

from brokers.domain import FillReport, OrderReport, OrderType, PositionReport, Side

ZERO = Decimal(0)
STOPS = {OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP}
KEEP_ENDED = 2000  # orders that are over; who asks for an older one asks the venue
DOUBT_SECONDS = 2.0

PositionKey = tuple[str, str]  # the venue's account id and instrument id


class PositionBook:
    """What a login's accounts hold, as the stream tells it. Complete after a snapshot: what it lacks of the accounts that it
    covers is flat, what other accounts hold is not known.

    An execution makes its position doubtful until the venue's next report of it: the two come as separate messages.
    """

    def __init__(self) -> None:
        self._positions: dict[PositionKey, PositionReport] = {}
        self._versions: dict[PositionKey, int] = {}
        self._doubts: dict[PositionKey, float] = {}
        self._counter = 0
        self._covered: frozenset[str] | None = None

    def replace(self, reports: Iterable[PositionReport], covered: Collection[str] | None = None) -> None:
        self._covered = None if covered is None else frozenset(covered)
        self._positions = {(r.account_id, r.venue_instrument_id): r for r in reports}
        self._doubts.clear()
        self._counter += 1
        self._versions = dict.fromkeys(self._positions, self._counter)

    def put(self, report: PositionReport) -> None:
        key = (report.account_id, report.venue_instrument_id)
        self._counter += 1
        self._positions[key], self._versions[key] = report, self._counter
        self._doubts.pop(key, None)

    def doubt(self, key: PositionKey, now: float) -> None:
        """An execution was told whose position report may still be on its way."""
        self._doubts[key] = now

    def settle(self, key: PositionKey, until: float) -> None:
        """The position is what our orders must have led to: executions told until then are in it."""
        if self._doubts.get(key, until + 1) <= until:
            del self._doubts[key]

    def is_doubtful(self, key: PositionKey, now: float) -> bool:
        since = self._doubts.get(key)
        return since is not None and now - since < DOUBT_SECONDS

    def knows(self, key: PositionKey) -> bool:
        """Whether anything was told of this position, be it that its account has none."""
        return self._covered is None or key[0] in self._covered or key in self._positions

    def net(self, key: PositionKey) -> Decimal:
        """The signed position; ask ``knows`` first where a snapshot may have left the account out."""
        report = self._positions.get(key)
        return report.net_quantity if report is not None else ZERO

    def version(self, key: PositionKey) -> int:
        """Grows with every report about this position, so that a reader can wait for the next one."""
        return self._versions.get(key, 0)

    def instruments_held(self, account_id: str) -> list[str]:
        return [i for (a, i), report in self._positions.items() if a == account_id and report.net_quantity]

    def open_positions(self) -> list[PositionReport]:
        return [report for report in self._positions.values() if report.net_quantity]


class OrderBook:
    """The last report of every order that works, and of those that ended lately."""

    def __init__(self) -> None:
        self._orders: dict[str, OrderReport] = {}
        self._by_client: dict[tuple[str, str], str] = {}
        self._ended: dict[str, None] = {}
        self._done: dict[str, Decimal] = {}
        self._fills: dict[str, dict[str, Decimal]] = {}

    def __len__(self) -> int:
        return len(self._orders)

    def replace(self, orders: Iterable[OrderReport], fills: Iterable[FillReport] = ()) -> None:
        for kept in (self._orders, self._by_client, self._ended, self._done, self._fills):
            kept.clear()
        for order in orders:
            self.put(order)
        for fill in fills:
            self.put(fill)

    def put(self, report: OrderReport | FillReport) -> bool:
        """Remember what was told. Returns whether it tells of an execution that was not known."""
        if isinstance(report, OrderReport):
            self._remember(report)
            done = report.filled_quantity
        else:
            fills = self._fills.setdefault(report.venue_order_id, {})
            fills[report.venue_fill_id] = report.quantity
            done = sum(fills.values(), ZERO)
        if done <= self._done.get(report.venue_order_id, ZERO):
            return False
        self._done[report.venue_order_id] = done
        return True

    def _remember(self, report: OrderReport) -> None:
        self._orders[report.venue_order_id] = report
        if report.client_order_id:
            self._by_client[report.account_id, report.client_order_id] = report.venue_order_id
        if report.status.is_final:
            self._ended.pop(report.venue_order_id, None)
            self._ended[report.venue_order_id] = None
            if len(self._ended) > KEEP_ENDED:
                self._forget(next(iter(self._ended)))

    def _forget(self, venue_order_id: str) -> None:
        del self._ended[venue_order_id]
        report = self._orders.pop(venue_order_id)
        self._by_client.pop((report.account_id, report.client_order_id), None)
        self._done.pop(venue_order_id, None)
        self._fills.pop(venue_order_id, None)

    def get(self, venue_order_id: str) -> OrderReport | None:
        return self._orders.get(venue_order_id)

    def stopped(self, account_id: str, venue_instrument_id: str, side: Side) -> Decimal:
        """How much working stops on ``side`` would close, whoever placed them."""
        return sum(
            (
                report.quantity - report.filled_quantity
                for report in self._orders.values()
                if (report.account_id, report.venue_instrument_id, report.side)
                == (account_id, venue_instrument_id, side)
                and (report.stop_price is not None or report.order_type in STOPS)
                and not report.status.is_final
                and report.quantity is not None
            ),
            ZERO,
        )

    def by_client(self, account_id: str, client_order_id: str) -> OrderReport | None:
        """The order that goes by our handle."""
        found = self._by_client.get((account_id, client_order_id))
        return self._orders.get(found) if found is not None else None

    def of_parent(self, account_id: str, venue_order_id: str) -> list[OrderReport]:
        """The orders that hang on another one: a bracket's legs."""
        if not venue_order_id:
            return []
        return [
            order
            for order in self._orders.values()
            if order.parent_venue_order_id == venue_order_id and order.account_id == account_id
        ]
