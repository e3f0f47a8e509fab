"""The truth, for tests: what really happened to every account, over all sessions."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

from brokers.simulators.tradovate.entities import Fill, FillFee
from brokers.simulators.tradovate.library import Library
from brokers.simulators.tradovate.people import Directory
from brokers.simulators.tradovate.records import OrderRecord
from brokers.simulators.tradovate.venue import Venue
from brokers.simulators.tradovate.wire import plain_number

ZERO = Decimal(0)


class Ledger:
    def __init__(self, venues: dict[str, Venue], library: Library, directory: Directory) -> None:
        self._venues, self._library, self._directory = venues, library, directory

    def told(self, account: str = "", user: str = "") -> dict[str, Any]:
        """All accounts, or those of one login, or one by id or name. Idle accounts are left out unless asked for."""
        infos = [
            info
            for info in self._directory.accounts.values()
            if (not account or account in {str(info.id), info.name})
            and (not user or self._directory.by_account[info.id].name == user)
        ]
        told = []
        for host, venue in self._venues.items():
            ids = [info.id for info in infos if info.host == host]
            orders, fills, gains = _orders(venue), _fills(venue), self._gains(venue)
            busy = ids if account or user else [one for one in ids if one in orders]
            told += [
                self._account(venue, one, orders.get(one, []), fills.get(one, []), gains.get(one, ZERO))
                for one in busy
            ]
        return {"accounts": told}

    def _account(
        self,
        venue: Venue,
        account_id: int,
        orders: list[OrderRecord],
        fills: list[dict[str, Any]],
        gain: Decimal,
    ) -> dict[str, Any]:
        info, balance = self._directory.accounts[account_id], venue.books.cash(account_id)
        fees = sum((fill["fees"] for fill in fills if fill["active"]), ZERO)
        return {
            "account_id": account_id,
            "name": info.name,
            "environment": venue.host,
            "username": self._directory.by_account[account_id].name,
            "cash": balance.amount,
            "realized_pnl": plain_number(gain),
            "fees": plain_number(fees),
            "net_pnl": plain_number(gain - fees),
            "open_pnl": venue.open_pnl(account_id),
            "positions": self._positions(venue, account_id),
            "orders": [self._order(record) for record in orders],
            "fills": fills,
        }

    def _positions(self, venue: Venue, account_id: int) -> list[dict[str, Any]]:
        return [
            {
                "contract_id": position.contractId,
                "symbol": self._library.contracts[position.contractId].name,
                "net": position.netPos,
                "average_price": position.netPrice,
            }
            for position in venue.books.positions(account_id)
            if position.netPos
        ]

    def _order(self, record: OrderRecord) -> dict[str, Any]:
        return {
            "order_id": record.id,
            "client_order_id": record.cl_ord_id,
            "symbol": self._library.contracts[record.contract_id].name,
            "contract_id": record.contract_id,
            "action": record.action,
            "order_type": record.order_type,
            "quantity": record.qty,
            "filled": record.filled,
            "average_price": record.average,
            "price": record.price,
            "stop_price": record.stop_price,
            "time_in_force": record.tif,
            "status": record.status,
            "reject_reason": record.reject_reason,
            "is_automated": record.is_automated,
            "parent_id": record.parent_id,
            "oco_id": record.oco_id,
            "strategy_id": record.strategy_id,
            "text": record.text,
            "source": record.source,
            "transport": record.transport,
            "received": record.received_wall,
            "received_monotonic_ns": record.received_monotonic_ns,
        }

    def _gains(self, venue: Venue) -> dict[int, Decimal]:
        """Realized P&L by account, from the pairs of all sessions, without fees."""
        table = venue.store.tables["fillPair"]
        gains: dict[int, Decimal] = defaultdict(Decimal)
        for rows in (table.archive, table.rows):
            for pair in rows.values():
                points = (pair.sellPrice - pair.buyPrice) * pair.qty
                gains[table.owner[pair.id]] += points * self._point_value(venue, pair.buyFillId)
        return gains

    def _point_value(self, venue: Venue, fill_id: int) -> Decimal:
        table = venue.store.tables["fill"]
        fill = table.rows.get(fill_id) or table.archive[fill_id]
        return self._library.contracts[fill.contractId].point_value


def _orders(venue: Venue) -> dict[int, list[OrderRecord]]:
    orders: dict[int, list[OrderRecord]] = defaultdict(list)
    for record in venue.desk.records.values():
        orders[record.account_id].append(record)
    return orders


def _fills(venue: Venue) -> dict[int, list[dict[str, Any]]]:
    fills: dict[int, list[dict[str, Any]]] = defaultdict(list)
    table, fees = venue.store.tables["fill"], venue.store.tables["fillFee"]
    for rows, costs in ((table.archive, fees.archive), (table.rows, fees.rows)):
        for fill in rows.values():
            fills[table.owner[fill.id]].append(_fill(fill, costs[fill.id]))
    return fills


def _fill(fill: Fill, fee: FillFee) -> dict[str, Any]:
    total = fee.clearingFee + fee.exchangeFee + fee.nfaFee + fee.commission
    return {
        "fill_id": fill.id,
        "order_id": fill.orderId,
        "contract_id": fill.contractId,
        "action": fill.action,
        "quantity": fill.qty,
        "price": fill.price,
        "at": fill.timestamp,
        "fees": plain_number(total),
        "commission": fee.commission,
        "active": fill.active,
    }
