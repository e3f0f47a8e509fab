"""One host of the venue (live or demo): its rows, its desk, its books, and the end of its sessions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from brokers.simulators.tradovate.accounting import Books, Lots
from brokers.simulators.tradovate.catalog import SPECS, Scope
from brokers.simulators.tradovate.clock import Clock
from brokers.simulators.tradovate.commands import Commands
from brokers.simulators.tradovate.desk import Desk, Later
from brokers.simulators.tradovate.entities import Account, AccountRiskStatus, TradeDate, User
from brokers.simulators.tradovate.faults import FaultBook
from brokers.simulators.tradovate.library import Library
from brokers.simulators.tradovate.options import Options
from brokers.simulators.tradovate.people import LIVE, AccountInfo, Login
from brokers.simulators.tradovate.prices import Prices
from brokers.simulators.tradovate.records import OrderRecord
from brokers.simulators.tradovate.reports import Reporter
from brokers.simulators.tradovate.risk import Risk
from brokers.simulators.tradovate.store import Ids, Store, View
from brokers.simulators.tradovate.strategies import Strategies, StrategyState
from brokers.simulators.tradovate.wire import plain_number

ROW_KINDS = {name: spec.kind for name, spec in SPECS.items() if spec.scope is not Scope.LIBRARY}
RECORD_KINDS = {"orderRecord": OrderRecord, "lots": Lots, "strategyState": StrategyState}
LOCK_ACTIONS = {
    "TradingLocked": "LockTradingImmediately",
    "LiquidationOnly": "LiquidateOnlyModeImmediately",
    "": "Normal",
}
KEPT_WITH_ORDER = ("order", "command", "orderVersion")


class Venue:
    def __init__(
        self,
        host: str,
        clock: Clock,
        library: Library,
        prices: Prices,
        ids: Ids,
        faults: FaultBook,
        options: Options,
        later: Later,
    ) -> None:
        self.host = host
        self._clock, self._library, self._prices, self._options = clock, library, prices, options
        self._session = clock.trade_date()
        self._told_date = _told(self._session)
        self.store = Store(host, clock, library.tables)
        self.books = Books(self.store, library, clock, ids, self.trade_date)
        self.risk = Risk(prices, clock, options, self.books.net)
        reporter = Reporter(self.store, clock, ids, self.trade_date)
        self.desk = Desk(self.store, library, ids, prices, faults, reporter, self.books, self.risk, later)
        self.commands = Commands(host, self.desk, self.books, library, ids, faults, options)
        self.strategies = Strategies(self.store, library, clock, ids, self.desk, self.commands)

    # --- people -------------------------------------------------------------------------------------------------

    def add_user(self, login: Login) -> None:
        if self.store.get("user", login.user_id) is None:
            user = User(
                id=login.user_id,
                name=login.name,
                timestamp=self._clock.stamp(),
                email=login.email,
                status="Active",
                professional=False,
            )
            self.store.put("user", user)

    def add_account(self, info: AccountInfo) -> None:
        """Idempotent: an account the journal brought back is left as it is."""
        if self.store.get("account", info.id) is not None:
            return
        account = Account(
            id=info.id,
            name=info.name,
            userId=info.owner_id,
            accountType="Customer",
            active=True,
            clearingHouseId=2,
            riskCategoryId=780,
            autoLiqProfileId=info.id,
            marginAccountType="Speculator",
            legalStatus="Individual",
            timestamp=self._clock.stamp(),
            readonly=False,
            evaluationSize=int(self._options.start_cash) if info.host != LIVE else None,
        )
        self.store.put("account", account, info.id)
        self.books.open_account(info.id, self._options.start_cash)

    def view(self, login: Login) -> View:
        ids = tuple(account.id for account in login.on(self.host))
        return View(login.user_id, frozenset(ids), ids)

    def lock(self, account_id: int, reason: str) -> None:
        """TradingLocked, LiquidationOnly, or empty for neither."""
        if reason:
            self.risk.locks[account_id] = reason
        else:
            self.risk.locks.pop(account_id, None)
        status = AccountRiskStatus(
            id=account_id, adminAction=LOCK_ACTIONS[reason], adminTimestamp=self._clock.stamp()
        )
        self.store.put("accountRiskStatus", status, account_id)

    # --- money --------------------------------------------------------------------------------------------------

    def open_pnl(self, account_id: int) -> Decimal | None:
        """Of all open positions at the last trade; None when there is none."""
        gains = []
        for position in self.books.positions(account_id):
            contract = self._library.contracts[position.contractId]
            mark = self._prices.mark(contract)
            if position.netPos and mark is not None:
                cost = self.books.open_cost(position)
                gains.append((mark * position.netPos - cost) * contract.point_value)
        return sum(gains, Decimal(0)) if gains else None

    def cash_snapshot(self, account_id: int) -> dict[str, object]:
        """What getcashbalancesnapshot answers; P&L figures are left out when there is none."""
        balance = self.books.cash(account_id)
        margin = self.store.get("marginSnapshot", account_id)
        open_pnl, realized = self.open_pnl(account_id), balance.realizedPnL
        parts = [part for part in (open_pnl, realized) if part is not None]
        figures = {
            "totalCashValue": balance.amount,
            "totalPnL": sum(parts, Decimal(0)) if parts else None,
            "initialMargin": margin.initialMargin,
            "maintenanceMargin": margin.maintenanceMargin,
            "netLiq": balance.amount + (open_pnl or 0),
            "openPnL": open_pnl,
            "realizedPnL": realized,
            "weekRealizedPnL": balance.weekRealizedPnL,
            "netLiqSOD": balance.amountSOD,
            "cashUSD": balance.amount,
        }
        return {name: plain_number(value) for name, value in figures.items() if value is not None}

    # --- sessions -----------------------------------------------------------------------------------------------

    def trade_date(self) -> TradeDate:
        today = self._clock.trade_date()
        if today > self._session and not self._options.rolls_sessions:
            self._session, self._told_date = today, _told(today)
        return self._told_date

    def is_roll_due(self) -> bool:
        return self._options.rolls_sessions and self._clock.trade_date() > self._session

    def roll(self, until: date) -> None:
        """End the session: day orders expire, its rows vanish, what still works or is held is carried over."""
        self.desk.expire_day_orders()
        living = [record for record in self.desk.records.values() if not record.is_final]
        kept = [row for record in living for row in self._rows_of(record)]
        before, self._session, self._told_date = self._session, until, _told(until)
        self.store.wipe_session()
        for kind, row, account_id in kept:
            self.store.load(kind, row, account_id)
        self.books.roll(before, until)

    def _rows_of(self, record: OrderRecord) -> list[tuple[str, object, int]]:
        ids = {"order": {record.id}, "command": {record.command_id, record.new_command_id}}
        ids["orderVersion"] = {record.command_id}
        found = ((kind, self.store.get(kind, one)) for kind in KEPT_WITH_ORDER for one in sorted(ids[kind]))
        return [(kind, row, record.account_id) for kind, row in found if row is not None]

    @property
    def session(self) -> date:
        return self._session

    def reload(self) -> None:
        """After the journal was read."""
        reasons = {action: reason for reason, action in LOCK_ACTIONS.items() if reason}
        for status in self.store.tables["accountRiskStatus"].rows.values():
            if status.adminAction in reasons:
                self.risk.locks[status.id] = reasons[status.adminAction]
        balances = self.store.tables["cashBalance"].rows.values()
        days = (date(b.tradeDate.year, b.tradeDate.month, b.tradeDate.day) for b in balances)
        self._session = max(days, default=self._session)
        self._told_date = _told(self._session)
        self.books.reload()
        self.desk.reload()


def _told(day: date) -> TradeDate:
    return TradeDate(day.year, day.month, day.day)
