"""The entities of one login, joined: what the venue tells in pieces, in any order and more than once.

Putting an entity twice changes nothing. What a change touches is collected in ``changed_*`` until it is reported.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from datetime import datetime

from brokers.adapters.tradovate.constants import FINISHED
from brokers.adapters.tradovate.parse import OrderParts, client_order_id, role_of
from brokers.adapters.tradovate.wire import Entity, check_ids
from tradeproject.common.clock import parse_iso

Rows = dict[int, Entity]
PositionKey = tuple[int, int]


class Book:
    """``accounts`` are the ids (text) whose rows are reported; the others only help to join and are never told."""

    def __init__(self, accounts: Container[str]) -> None:
        self.accounts = accounts
        self.orders: Rows = {}
        self.fills: Rows = {}
        self.fees: Rows = {}
        self.positions: dict[PositionKey, Entity] = {}
        self.cash: dict[PositionKey, Entity] = {}
        # Dicts without values: sets that keep the order in which things changed.
        self.changed_orders: dict[int, None] = {}
        self.changed_fills: dict[int, None] = {}
        self.changed_positions: dict[PositionKey, None] = {}
        self.changed_cash: dict[PositionKey, None] = {}
        self.homeless: set[int] = set()  # fills whose order is not known, and so neither their account
        self._commands: Rows = {}
        self._strategies: Rows = {}
        self._links: Rows = {}  # by order id
        self._versions_of: dict[int, Rows] = defaultdict(dict)
        self._commands_of: dict[int, Rows] = defaultdict(dict)
        self._reports_of: dict[int, Rows] = defaultdict(dict)  # by command id
        self._executions_of: dict[int, Rows] = defaultdict(dict)
        self._fills_of: dict[int, Rows] = defaultdict(dict)
        self._children: dict[int, set[int]] = defaultdict(set)
        self._orders_of_strategy: dict[int, set[int]] = defaultdict(set)

    # --- taking in ----------------------------------------------------------------------------------------------

    def put_all(self, kind: str, rows: Iterable[Entity]) -> None:
        for row in rows:
            self.put(kind, row)

    def put(self, kind: str, row: Entity, *, early: bool = False) -> None:
        """Take one entity. ``early`` marks an event from before the snapshot, which wins only if it is provably newer.

        Raises ProtocolSurprise when its ids are none.
        """
        check_ids(row)
        match kind:
            case "order":
                self._put_order(row, early)
            case "fill":
                self._put_fill(row, early)
            case "position":
                self._put_by_account(self.positions, self.changed_positions, row, "contractId", early)
            case "cashBalance":
                self._put_by_account(self.cash, self.changed_cash, row, "currencyId", early)
            case "command" | "orderVersion" | "executionReport":
                self._put_detail(kind, row, early)
            case "commandReport":
                self._put_command_report(row, early)
            case "fillFee":
                if _store(self.fees, row.get("id"), row, early):
                    self.changed_fills[row["id"]] = None
            case "orderStrategy" | "orderStrategyLink":
                self._put_strategy(kind, row, early)

    def remove(self, kind: str, row: Entity) -> None:
        """The venue dropped an entity. Only for a position does that say something: nothing is held any more."""
        if kind == "position":
            for key, held in self.positions.items():
                if held.get("id") == row.get("id"):
                    self.positions[key] = {**held, "netPos": 0}
                    self.changed_positions[key] = None

    def _put_order(self, row: Entity, early: bool) -> None:
        if not _store(self.orders, row.get("id"), row, early):
            return
        self.changed_orders[row["id"]] = None
        self.homeless.difference_update(self._fills_of.get(row["id"], ()))
        if isinstance(row.get("parentId"), int):
            self._children[row["parentId"]].add(row["id"])

    def _put_fill(self, row: Entity, early: bool) -> None:
        order_id = row.get("orderId")
        if isinstance(order_id, int) and _store(self.fills, row.get("id"), row, early):
            self._fills_of[order_id][row["id"]] = row
            self.changed_fills[row["id"]] = None
            self._touch(order_id)
            if order_id not in self.orders:
                self.homeless.add(row["id"])

    def forget_fill(self, fill_id: int) -> None:
        """The venue knows no order for this fill: it cannot be anybody's."""
        fill = self.fills.pop(fill_id, None)
        self.homeless.discard(fill_id)
        if fill is not None:
            self._fills_of[fill["orderId"]].pop(fill_id, None)

    def _put_detail(self, kind: str, row: Entity, early: bool) -> None:
        order_id = row.get("orderId")
        if not isinstance(order_id, int):
            return
        if kind == "command":
            rows = self._commands_of[order_id]
            self._commands[row.get("id") or 0] = row
        else:
            rows = (self._versions_of if kind == "orderVersion" else self._executions_of)[order_id]
        if _store(rows, row.get("id"), row, early):
            self._touch(order_id)

    def _put_command_report(self, row: Entity, early: bool) -> None:
        command_id = row.get("commandId")
        if isinstance(command_id, int) and _store(self._reports_of[command_id], row.get("id"), row, early):
            command = self._commands.get(command_id)
            if command is not None:
                self._touch(command["orderId"])

    def _put_strategy(self, kind: str, row: Entity, early: bool) -> None:
        if kind == "orderStrategy":
            if _store(self._strategies, row.get("id"), row, early):
                for order_id in self._orders_of_strategy[row["id"]]:
                    self._touch(order_id)
        elif _store(self._links, row.get("orderId"), row, early):
            self._orders_of_strategy[row.get("orderStrategyId") or 0].add(row["orderId"])
            self._touch(row["orderId"])

    def _put_by_account(
        self,
        rows: dict[PositionKey, Entity],
        changed: dict[PositionKey, None],
        row: Entity,
        part: str,
        early: bool,
    ) -> None:
        key = (row.get("accountId") or 0, row.get(part) or 0)
        old = rows.get(key)
        if old != row and (old is None or _supersedes(old, row, early)):
            rows[key] = row
            changed[key] = None

    def _touch(self, order_id: int) -> None:
        """An order's report may change, and with its client id those of the orders that hang on it."""
        self.changed_orders[order_id] = None
        self.changed_orders.update(dict.fromkeys(self._children.get(order_id, ())))

    # --- giving out ---------------------------------------------------------------------------------------------

    def is_ours(self, row: Entity) -> bool:
        return str(row.get("accountId")) in self.accounts

    def our_orders(self) -> Iterator[Entity]:
        return (row for row in self.orders.values() if self.is_ours(row))

    def fills_of(self, order_id: int) -> Rows:
        return self._fills_of.get(order_id, {})

    def children_of(self, order_id: int) -> set[int]:
        return self._children.get(order_id, set())

    def parts(self, order: Entity) -> OrderParts:
        """Everything known of ``order``, ready for ``parse.order_report``."""
        order_id = order["id"]
        commands = self._commands_of.get(order_id, {})
        reports = [row for command in commands for row in self._reports_of.get(command, {}).values()]
        parts = OrderParts(
            order,
            versions=self._versions_of.get(order_id, {}).values(),
            commands=commands.values(),
            command_reports=reports,
            executions=self._executions_of.get(order_id, {}).values(),
            fills=self._fills_of.get(order_id, {}).values(),
        )
        parts.client_order_id = self._inherited_id(parts)
        return parts

    def client_id(self, order: Entity) -> str:
        return client_order_id(self.parts(order))

    def _inherited_id(self, parts: OrderParts) -> str:
        """Our id of an order that we did not name ourselves: by its strategy's uuid, or by the order it protects."""
        order = parts.order
        link = self._links.get(order["id"])
        strategy = self._strategies.get(link.get("orderStrategyId") or 0) if link is not None else None
        if strategy is not None and strategy.get("uuid"):
            entry = order.get("action") == strategy.get("action")
            return str(strategy["uuid"]) + ("" if entry else role_of(parts.version()))
        role, above = role_of(parts.version()), self._own_id(order.get("parentId"))
        return above + role if above and role else ""

    def _own_id(self, order_id: object) -> str:
        """Our id of an order as its own command carries it."""
        order = self.orders.get(order_id) if isinstance(order_id, int) else None
        if order is None:
            return ""
        return client_order_id(OrderParts(order, commands=self._commands_of.get(order["id"], {}).values()))


def _store(rows: Rows, key: object, row: Entity, early: bool) -> bool:
    """Put ``row`` unless it says nothing new. Returns whether it was put."""
    if not isinstance(key, int):
        return False
    old = rows.get(key)
    if old == row or (old is not None and not _supersedes(old, row, early)):
        return False
    rows[key] = row
    return True


def _supersedes(old: Entity, new: Entity, early: bool) -> bool:
    """Whether ``new`` may replace ``old``: never by an older one, and a finished order does not come back to life."""
    before, after = _time(old), _time(new)
    if before is not None and after is not None and after < before:
        return False
    was_finished, is_finished = (str(row.get("ordStatus")) in FINISHED for row in (old, new))
    if was_finished and not is_finished and "action" in old:
        return False
    if not early:
        return True
    later = before is not None and after is not None and after > before
    return later or (is_finished and not was_finished)


def _time(row: Entity) -> datetime | None:
    try:
        return parse_iso(str(row.get("timestamp", "")))
    except ValueError:
        return None
