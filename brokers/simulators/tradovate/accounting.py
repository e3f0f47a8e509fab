"""Positions and money of one host: every fill is paired first in, first out, and booked to the cent.

Realised P&L is that of the closed contracts without fees; fees leave the cash at every fill.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import msgspec

from brokers.simulators.tradovate.clock import Clock
from brokers.simulators.tradovate.entities import (
    AccountRiskStatus,
    CashBalance,
    CashBalanceLog,
    Fill,
    FillFee,
    FillPair,
    MarginSnapshot,
    Position,
    TradeDate,
    UserAccountAutoLiq,
)
from brokers.simulators.tradovate.library import USD, ContractInfo, Library
from brokers.simulators.tradovate.products import Fees
from brokers.simulators.tradovate.records import average
from brokers.simulators.tradovate.store import Ids, Store
from brokers.simulators.tradovate.wire import plain_number

ZERO = Decimal(0)
SESSION_RISK_PERIOD = 1


class Lot(msgspec.Struct):
    """Contracts of one fill that are still open."""

    fill_id: int
    qty: int
    price: Decimal


class Lots(msgspec.Struct, kw_only=True):
    """The open lots of one position, the oldest first. Kept over sessions, unlike the fills they came from."""

    id: int
    lots: list[Lot] = []


class Books:
    def __init__(
        self, store: Store, library: Library, clock: Clock, ids: Ids, trade_date: Callable[[], TradeDate]
    ) -> None:
        self._store, self._library, self._clock, self._ids = store, library, clock, ids
        self._trade_date = trade_date
        self._positions: dict[tuple[int, int], Position] = {}

    # --- accounts -----------------------------------------------------------------------------------------------

    def open_account(self, account_id: int, cash: Decimal) -> None:
        """The rows that every account has from its first day."""
        now = self._clock.stamp()
        balance = CashBalance(
            id=self._ids.next(),
            accountId=account_id,
            timestamp=now,
            tradeDate=self._trade_date(),
            currencyId=USD,
            amount=cash,
            amountSOD=cash,
        )
        self._store.put("cashBalance", balance, account_id)
        self._store.put(
            "accountRiskStatus", AccountRiskStatus(id=account_id, adminAction="Normal"), account_id
        )
        self._store.put("userAccountAutoLiq", UserAccountAutoLiq(id=account_id), account_id)
        self._store.put("marginSnapshot", self._margin(account_id), account_id)

    def cash(self, account_id: int) -> CashBalance:
        rows: list[CashBalance] = self._store.of_account("cashBalance", account_id)
        return rows[0]

    def deposit(self, account_id: int, amount: Decimal, kind: str) -> None:
        self._move_cash(account_id, [(kind, amount, None, None)])

    # --- positions ----------------------------------------------------------------------------------------------

    def net(self, account_id: int, contract_id: int) -> int:
        position = self._positions.get((account_id, contract_id))
        return position.netPos if position is not None else 0

    def positions(self, account_id: int) -> list[Position]:
        rows: list[Position] = self._store.of_account("position", account_id)
        return rows

    def open_cost(self, position: Position) -> Decimal:
        """What the open contracts cost in points, negative for a short. Exact, unlike the rounded average price."""
        sign = 1 if position.netPos > 0 else -1
        return sign * sum((lot.qty * lot.price for lot in self._lots(position).lots), ZERO)

    def _position(self, account_id: int, contract_id: int) -> Position:
        position = self._positions.get((account_id, contract_id))
        if position is None:
            position = Position(
                id=self._ids.next(),
                accountId=account_id,
                contractId=contract_id,
                timestamp=self._clock.stamp(),
                tradeDate=self._trade_date(),
                netPos=0,
                bought=0,
                boughtValue=ZERO,
                sold=0,
                soldValue=ZERO,
                prevPos=0,
            )
            self._positions[account_id, contract_id] = position
        return position

    def _lots(self, position: Position) -> Lots:
        lots = self._store.records["lots"].get(position.id)
        return lots if lots is not None else Lots(id=position.id)

    # --- booking ------------------------------------------------------------------------------------------------

    def book(self, account_id: int, fill: Fill) -> None:
        """Everything a fill changes beyond its order: position, fees, pairs, cash, margin, in the venue's order."""
        contract = self._library.contracts[fill.contractId]
        position = self._position(account_id, contract.id)
        lots = self._lots(position)
        pairs = self._pair(position, lots, fill)
        self._write_position(position, lots, fill)
        self._book_fees(account_id, fill, contract.product.fees)
        for pair in pairs:
            self._book_pair(account_id, pair, fill, contract)
        self._store.put("marginSnapshot", self._margin(account_id), account_id)

    def _pair(self, position: Position, lots: Lots, fill: Fill) -> list[FillPair]:
        """Close the oldest opposite contracts first; what is left of the fill opens a lot."""
        sign = 1 if fill.action == "Buy" else -1
        open_qty, pairs = fill.qty, []
        while open_qty and lots.lots and position.netPos * sign < 0:
            lot = lots.lots[0]
            qty = min(open_qty, lot.qty)
            pairs.append(self._make_pair(position, lot, fill, qty))
            open_qty -= qty
            lot.qty -= qty
            position.netPos += sign * qty
            if not lot.qty:
                lots.lots.pop(0)
        if open_qty:
            lots.lots.append(Lot(fill.id, open_qty, fill.price))
            position.netPos += sign * open_qty
        self._store.put_record("lots", lots, position.accountId)
        return pairs

    def _make_pair(self, position: Position, lot: Lot, fill: Fill, qty: int) -> FillPair:
        bought = (fill.id, fill.price) if fill.action == "Buy" else (lot.fill_id, lot.price)
        sold = (lot.fill_id, lot.price) if fill.action == "Buy" else (fill.id, fill.price)
        return FillPair(
            id=self._ids.next(),
            positionId=position.id,
            buyFillId=bought[0],
            sellFillId=sold[0],
            qty=qty,
            buyPrice=bought[1],
            sellPrice=sold[1],
            active=True,
        )

    def _write_position(self, position: Position, lots: Lots, fill: Fill) -> None:
        position.timestamp, position.tradeDate = fill.timestamp, fill.tradeDate
        if fill.action == "Buy":
            position.bought += fill.qty
            position.boughtValue = plain_number(position.boughtValue + fill.qty * fill.price)
        else:
            position.sold += fill.qty
            position.soldValue = plain_number(position.soldValue + fill.qty * fill.price)
        position.netPrice = average(
            sum((lot.qty * lot.price for lot in lots.lots), ZERO), abs(position.netPos)
        )
        self._store.put("position", position, position.accountId)

    def _book_fees(self, account_id: int, fill: Fill, fees: Fees) -> None:
        fee = FillFee(
            id=fill.id,
            clearingFee=fees.clearing * fill.qty,
            clearingCurrencyId=USD,
            exchangeFee=fees.exchange * fill.qty,
            exchangeCurrencyId=USD,
            nfaFee=fees.nfa * fill.qty,
            nfaCurrencyId=USD,
            commission=fees.commission * fill.qty,
            commissionCurrencyId=USD,
            orderRoutingFee=ZERO,
        )
        self._store.put("fillFee", fee, account_id)
        charges = (
            ("ClearingFee", fee.clearingFee),
            ("ExchangeFee", fee.exchangeFee),
            ("NfaFee", fee.nfaFee),
            ("Commission", fee.commission),
        )
        self._move_cash(account_id, [(kind, -amount, fill.id, None) for kind, amount in charges])

    def _book_pair(self, account_id: int, pair: FillPair, fill: Fill, contract: ContractInfo) -> None:
        gain = (pair.sellPrice - pair.buyPrice) * pair.qty * contract.point_value
        self._store.put("fillPair", pair, account_id)
        for fill_id in (pair.buyFillId, pair.sellFillId):
            self._mark_paired(fill if fill_id == fill.id else self._fill(fill_id), pair.qty)
        balance = self.cash(account_id)
        balance.realizedPnL = plain_number((balance.realizedPnL or ZERO) + gain)
        balance.weekRealizedPnL = plain_number((balance.weekRealizedPnL or ZERO) + gain)
        self._move_cash(account_id, [("TradePaired", gain, fill.id, pair.id)])

    def _fill(self, fill_id: int) -> Fill | None:
        table = self._store.tables["fill"]
        found: Fill | None = table.rows.get(fill_id) or table.archive.get(fill_id)
        return found

    def _mark_paired(self, fill: Fill | None, qty: int) -> None:
        if fill is not None:
            fill.finallyPaired += qty
            self._store.put("fill", fill)

    def _move_cash(self, account_id: int, moves: list[tuple[str, Decimal, int | None, int | None]]) -> None:
        """One log row per move (kind, amount, fill, pair), then the balance itself."""
        balance = self.cash(account_id)
        balance.timestamp, balance.tradeDate = self._clock.stamp(), self._trade_date()
        for kind, delta, fill_id, pair_id in moves:
            balance.amount = plain_number(balance.amount + delta)
            row = CashBalanceLog(
                id=self._ids.next(),
                accountId=account_id,
                timestamp=balance.timestamp,
                tradeDate=balance.tradeDate,
                currencyId=USD,
                amount=balance.amount,
                cashChangeType=kind,
                delta=plain_number(delta),
                realizedPnL=balance.realizedPnL,
                weekRealizedPnL=balance.weekRealizedPnL,
                fillPairId=pair_id,
                fillId=fill_id,
            )
            self._store.put("cashBalanceLog", row, account_id)
        self._store.put("cashBalance", balance)

    def _margin(self, account_id: int) -> MarginSnapshot:
        day = full = ZERO
        for position in self.positions(account_id):
            product = self._library.contracts[position.contractId].product
            day += product.day_margin * abs(position.netPos)
            full += product.full_margin * abs(position.netPos)
        return MarginSnapshot(
            id=account_id,
            timestamp=self._clock.stamp(),
            riskTimePeriodId=SESSION_RISK_PERIOD,
            initialMargin=day,
            maintenanceMargin=day,
            totalUsedMargin=day,
            fullInitialMargin=full,
        )

    # --- busting ------------------------------------------------------------------------------------------------

    def bust(self, account_id: int, fill: Fill) -> None:
        """Take back a fill that closed nothing and was closed by nothing: contracts, fees, and its being active."""
        position = self._position(account_id, fill.contractId)
        lots = self._lots(position)
        lots.lots = [lot for lot in lots.lots if lot.fill_id != fill.id]
        position.netPos -= fill.qty if fill.action == "Buy" else -fill.qty
        self._store.put_record("lots", lots, account_id)
        fill.active = False
        self._store.put("fill", fill)
        undone = msgspec.structs.replace(fill, qty=-fill.qty, timestamp=self._clock.stamp())
        self._write_position(position, lots, undone)
        fees = self._library.contracts[fill.contractId].product.fees
        self._move_cash(account_id, [("ManualAdjustment", fees.total * fill.qty, fill.id, None)])
        self._store.put("marginSnapshot", self._margin(account_id), account_id)

    # --- the session's end --------------------------------------------------------------------------------------

    def roll(self, before: date, after: date) -> None:
        """Carry positions and cash into the next session. Flat rows go."""
        new_week = after - timedelta(days=after.weekday()) > before
        for key, position in list(self._positions.items()):
            if position.netPos == 0:
                del self._positions[key]
                continue
            position.prevPos, position.prevPrice = position.netPos, position.netPrice
            position.bought = position.sold = 0
            position.boughtValue = position.soldValue = ZERO
            position.tradeDate = self._trade_date()
        self._store.replace_all("position", self._positions.values())
        for account_id in list(self._store.tables["cashBalance"].by_account):
            self._roll_cash(self.cash(account_id), new_week)

    def _roll_cash(self, balance: CashBalance, new_week: bool) -> None:
        balance.realizedPnL, balance.amountSOD = None, balance.amount
        if new_week:
            balance.weekRealizedPnL = None
        self._move_cash(balance.accountId, [("NewSession", ZERO, None, None)])

    def reload(self) -> None:
        """After the journal was read: find the positions again."""
        rows: list[Position] = list(self._store.tables["position"].rows.values())
        self._positions = {(row.accountId, row.contractId): row for row in rows}
