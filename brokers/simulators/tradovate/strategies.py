"""Order strategies: an entry and its brackets from one command, the brackets at distances from the entry's fill."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from brokers.simulators.tradovate.clock import Clock
from brokers.simulators.tradovate.commands import Answer, Commands
from brokers.simulators.tradovate.desk import Desk
from brokers.simulators.tradovate.entities import OrderStrategy, OrderStrategyLink
from brokers.simulators.tradovate.library import MULTI_BRACKET, ContractInfo, Library
from brokers.simulators.tradovate.people import Login
from brokers.simulators.tradovate.records import OrderRecord
from brokers.simulators.tradovate.reports import Caller
from brokers.simulators.tradovate.store import Ids, Store
from brokers.simulators.tradovate.terms import Terms, Violation, body_of, flag, integer, parse_terms, text
from brokers.simulators.tradovate.wire import Refused, decode, plain_number

PARAMS_CAP = 8192
BAD_PARAMS = "Invalid or missed parameters"


class Bracket(msgspec.Struct, kw_only=True):
    """Distances in price points, signed the way the price has to go."""

    qty: int
    profit_target: Decimal | None = None
    stop_loss: Decimal | None = None
    is_trailing: bool = False


class StrategyState(msgspec.Struct, kw_only=True):
    """What a running strategy still has to do. ``placed`` = its brackets are in the market."""

    id: int
    account_id: int
    contract_id: int
    entry_id: int
    action: str
    is_automated: bool
    brackets: list[Bracket]
    user_id: int
    placed: bool = False


class Strategies:
    def __init__(
        self, store: Store, library: Library, clock: Clock, ids: Ids, desk: Desk, commands: Commands
    ) -> None:
        self._store, self._library, self._clock, self._ids = store, library, clock, ids
        self._desk, self._commands = desk, commands
        desk.on_done = self._on_done

    @property
    def _states(self) -> dict[int, StrategyState]:
        return self._store.records["strategyState"]

    # --- commands -----------------------------------------------------------------------------------------------

    def start(self, caller: Caller, login: Login, args: Any) -> Answer:
        body = body_of(args)
        if integer(body, "orderStrategyTypeId") != MULTI_BRACKET:
            return {"errorText": "Order strategy type is not supported"}
        account, contract = self._commands.account_of(login, body), self._commands.contract_of(body)
        action = body.get("action")
        if action not in {"Buy", "Sell"}:
            raise Violation("action", action, "action must be one of Buy, Sell")
        try:
            entry, brackets = _parse_params(body, action, contract)
        except (ValueError, KeyError, TypeError, Refused, Violation):
            return {"errorText": BAD_PARAMS}
        strategy = self._write_strategy(caller, account.id, contract, body, action)
        record = self._desk.open(caller, account.id, contract, entry, strategy_id=strategy.id)
        self._link(strategy, record.id, "Entry")
        state = StrategyState(
            id=strategy.id,
            account_id=account.id,
            contract_id=contract.id,
            entry_id=record.id,
            action=action,
            is_automated=entry.is_automated,
            brackets=brackets,
            user_id=caller.user_id,
        )
        self._store.put_record("strategyState", state, account.id)
        self._desk.submit(self._commands.subject(caller, account.id, contract.name), (record, entry))
        return {"orderStrategy": strategy}

    def interrupt(self, caller: Caller, login: Login, args: Any) -> Answer:
        """Cancel everything the strategy still has in the market. The position stays."""
        strategy_id = integer(body_of(args), "orderStrategyId")
        strategy = self._store.get("orderStrategy", strategy_id)
        owned = {account.id for account in login.accounts}
        if strategy is None or strategy.accountId not in owned:
            raise Refused(404, f"orderStrategy {strategy_id} was not found")
        if strategy.status != "ActiveStrategy":
            return {"errorText": f"The strategy is {strategy.status} already", "orderStrategy": strategy}
        self._set_status(strategy, "StoppedByUser")
        for order_id in self._orders_of(strategy_id):
            record = self._desk.records[order_id]
            if not record.is_final and order_id in self._desk.engine:
                self._desk.cancel(caller, record)
        return {"orderStrategy": strategy}

    def _write_strategy(
        self, caller: Caller, account_id: int, contract: ContractInfo, body: dict[str, Any], action: str
    ) -> OrderStrategy:
        strategy = OrderStrategy(
            id=self._ids.next(),
            accountId=account_id,
            timestamp=self._clock.stamp(),
            contractId=contract.id,
            orderStrategyTypeId=MULTI_BRACKET,
            action=action,
            status="ActiveStrategy",
            initiatorId=caller.user_id,
            params=body["params"],
            uuid=text(body, "uuid"),
            senderId=caller.user_id,
            customTag50=text(body, "customTag50"),
            userSessionId=caller.session_id,
        )
        self._store.put("orderStrategy", strategy, account_id)
        return strategy

    def _link(self, strategy: OrderStrategy, order_id: int, label: str) -> None:
        link = OrderStrategyLink(
            id=self._ids.next(), orderStrategyId=strategy.id, orderId=order_id, label=label
        )
        self._store.put("orderStrategyLink", link, strategy.accountId)

    def _orders_of(self, strategy_id: int) -> list[int]:
        table = self._store.tables["orderStrategyLink"]
        return [table.rows[one].orderId for one in table.by_master.get(strategy_id, ())]

    def _set_status(self, strategy: OrderStrategy, status: str, message: str | None = None) -> None:
        strategy.status, strategy.failureMessage = status, message
        self._store.put("orderStrategy", strategy)

    # --- going on -----------------------------------------------------------------------------------------------

    def _on_done(self, record: OrderRecord) -> None:
        """An order ended: the entry brings its brackets, the last bracket ends the strategy."""
        if record.strategy_id is None:
            return
        strategy = self._store.get("orderStrategy", record.strategy_id)
        state = self._states.get(record.strategy_id)
        if strategy is None or state is None or strategy.status != "ActiveStrategy":
            return
        if record.id == state.entry_id and record.filled and not state.placed:
            self._place_brackets(strategy, state, record)
        elif record.id == state.entry_id and not record.filled:
            self._set_status(strategy, "ExecutionFailed", record.reject_text)
        elif all(self._desk.records[one].is_final for one in self._orders_of(strategy.id)):
            self._set_status(strategy, "ExecutionFinished")

    def _place_brackets(self, strategy: OrderStrategy, state: StrategyState, entry: OrderRecord) -> None:
        state.placed = True
        self._store.put_record("strategyState", state, state.account_id)
        contract, left = self._library.contracts[state.contract_id], entry.filled
        caller = Caller(state.user_id, "", 0, entry.transport, entry.path, entry.received_wall, 0, "strategy")
        for bracket in state.brackets:
            qty = min(bracket.qty, left)
            left -= qty
            if qty:
                self._place_bracket(caller, strategy, contract, entry, bracket, qty)
        if not any(one != entry.id for one in self._orders_of(strategy.id)):
            self._set_status(strategy, "ExecutionFinished")

    def _place_bracket(
        self,
        caller: Caller,
        strategy: OrderStrategy,
        contract: ContractInfo,
        entry: OrderRecord,
        bracket: Bracket,
        qty: int,
    ) -> None:
        legs = [(self._ids.next(), leg) for leg in _legs(entry, contract, bracket, qty)]
        if not legs:
            return
        entries = self._commands.open_legs(caller, entry.account_id, contract, None, legs, strategy.id)
        for record, terms in entries:
            self._link(strategy, record.id, "Target" if terms.order_type == "Limit" else "StopLoss")
        self._desk.submit(self._commands.subject(caller, entry.account_id, contract.name), *entries)


def _legs(entry: OrderRecord, contract: ContractInfo, bracket: Bracket, qty: int) -> list[Terms]:
    """Target and stop at the distances asked for, from the average entry price, on the tick."""
    away = "Sell" if entry.action == "Buy" else "Buy"
    base = entry.average or Decimal(0)
    common = {"action": away, "qty": qty, "tif": "GTC", "is_automated": entry.is_automated}
    legs = []
    if bracket.profit_target is not None:
        price = _on_tick(base + bracket.profit_target, contract.tick)
        legs.append(Terms(order_type="Limit", price=price, **common))  # type: ignore[arg-type]
    if bracket.stop_loss is not None:
        price = _on_tick(base + bracket.stop_loss, contract.tick)
        kind = "TrailingStop" if bracket.is_trailing else "Stop"
        trail = _on_tick(abs(bracket.stop_loss), contract.tick) if bracket.is_trailing else None
        legs.append(Terms(order_type=kind, stop_price=price, trail=trail, **common))  # type: ignore[arg-type]
    return legs


def _on_tick(price: Decimal, tick: Decimal) -> Decimal:
    return plain_number((price / tick).quantize(Decimal(1)) * tick)


def _parse_params(body: dict[str, Any], action: str, contract: ContractInfo) -> tuple[Terms, list[Bracket]]:
    """Raises for anything that is not the documented object, written as a JSON string."""
    params = body.get("params")
    if not isinstance(params, str) or len(params) > PARAMS_CAP:
        raise ValueError("params must be a JSON string")
    told = body_of(decode(params))
    entry = parse_terms({**told["entryVersion"], "action": action, "isAutomated": flag(body, "isAutomated")})
    brackets = [_parse_bracket(one, action, contract) for one in told["brackets"]]
    if sum(bracket.qty for bracket in brackets) > entry.qty:
        raise ValueError("brackets exceed the entry")
    return entry, brackets


def _parse_bracket(told: dict[str, Any], action: str, contract: ContractInfo) -> Bracket:
    target, stop = (_distance(told.get(name), contract) for name in ("profitTarget", "stopLoss"))
    sign = 1 if action == "Buy" else -1
    if (target is not None and target * sign <= 0) or (stop is not None and stop * sign >= 0):
        raise ValueError("a distance has the wrong sign")
    if not isinstance(told["qty"], int) or told["qty"] <= 0:
        raise ValueError("qty")
    return Bracket(
        qty=told["qty"], profit_target=target, stop_loss=stop, is_trailing=told.get("trailingStop") is True
    )


def _distance(value: Any, contract: ContractInfo) -> Decimal | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)) or Decimal(value) % contract.tick:
        raise ValueError("a distance must be a multiple of the tick size")
    return Decimal(value)
