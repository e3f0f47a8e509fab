"""What can be asked about each entity type: whose it is, its operations, its master, whether a session's end wipes it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from brokers.simulators.tradovate.entities import (
    Account,
    AccountRiskStatus,
    CashBalance,
    CashBalanceLog,
    Command,
    CommandReport,
    Contract,
    ContractMaturity,
    CurrencyRate,
    Entity,
    ExecutionReport,
    Fill,
    FillFee,
    FillPair,
    MarginSnapshot,
    Named,
    Order,
    OrderStrategy,
    OrderStrategyLink,
    OrderStrategyType,
    OrderVersion,
    Position,
    Product,
    ProductMargin,
    ProductSession,
    User,
    UserAccountAutoLiq,
)


class Scope(StrEnum):
    LIBRARY = "library"
    """The same for everybody and on both hosts."""
    USER = "user"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Spec:
    """One entity type: where it belongs, how it is asked for, whether a session's end wipes it."""

    name: str
    plural: str
    kind: type[Entity]
    scope: Scope
    operations: frozenset[str]
    master: str = ""
    per_session: bool = False
    synced: bool = True


_KEYED = "list item items deps ldeps"
_NAMED = "list item items find suggest"
_ACCOUNT, _LIBRARY, _USER = Scope.ACCOUNT, Scope.LIBRARY, Scope.USER


def _spec(
    name: str,
    kind: type[Entity],
    scope: Scope,
    operations: str,
    master: str = "",
    *,
    plural: str = "",
    marks: str = "",
) -> Spec:
    known = frozenset(operations.split())
    return Spec(
        name, plural or name + "s", kind, scope, known, master, "session" in marks, "unsynced" not in marks
    )


_ALL = (
    _spec("user", User, _USER, _NAMED),
    _spec("account", Account, _ACCOUNT, _NAMED + " deps ldeps", "userId"),
    _spec("accountRiskStatus", AccountRiskStatus, _ACCOUNT, _KEYED, "id", plural="accountRiskStatuses"),
    _spec("marginSnapshot", MarginSnapshot, _ACCOUNT, _KEYED, "id"),
    _spec("userAccountAutoLiq", UserAccountAutoLiq, _ACCOUNT, _KEYED, "id"),
    _spec("cashBalance", CashBalance, _ACCOUNT, _KEYED, "accountId"),
    _spec("cashBalanceLog", CashBalanceLog, _ACCOUNT, _KEYED, "accountId", marks="session unsynced"),
    _spec("currency", Named, _LIBRARY, _NAMED, plural="currencies"),
    _spec("currencyRate", CurrencyRate, _LIBRARY, _KEYED, "id", marks="unsynced"),
    _spec("position", Position, _ACCOUNT, _KEYED + " find", "accountId"),
    _spec("fillPair", FillPair, _ACCOUNT, _KEYED, "positionId", marks="session"),
    _spec("order", Order, _ACCOUNT, _KEYED, "accountId", marks="session"),
    _spec("contract", Contract, _LIBRARY, "item items find suggest deps ldeps", "contractMaturityId"),
    _spec(
        "contractMaturity",
        ContractMaturity,
        _LIBRARY,
        "item items deps ldeps",
        "productId",
        plural="contractMaturities",
    ),
    _spec("product", Product, _LIBRARY, _NAMED + " deps ldeps", "exchangeId"),
    _spec("exchange", Named, _LIBRARY, _NAMED),
    _spec("spreadDefinition", Named, _LIBRARY, "item items"),
    _spec("command", Command, _ACCOUNT, _KEYED, "orderId", marks="session"),
    _spec("commandReport", CommandReport, _ACCOUNT, _KEYED, "commandId", marks="session"),
    _spec(
        "executionReport", ExecutionReport, _ACCOUNT, _KEYED + " find suggest", "commandId", marks="session"
    ),
    _spec("orderVersion", OrderVersion, _ACCOUNT, _KEYED, "orderId", marks="session"),
    _spec("fill", Fill, _ACCOUNT, _KEYED, "orderId", marks="session"),
    _spec("fillFee", FillFee, _ACCOUNT, _KEYED, "id", marks="session"),
    _spec(
        "orderStrategy",
        OrderStrategy,
        _ACCOUNT,
        _KEYED,
        "accountId",
        plural="orderStrategies",
        marks="session",
    ),
    _spec("orderStrategyLink", OrderStrategyLink, _ACCOUNT, _KEYED, "orderStrategyId", marks="session"),
    _spec("orderStrategyType", OrderStrategyType, _LIBRARY, _NAMED),
    _spec("userProperty", Named, _USER, "item items deps ldeps", "id", plural="userProperties"),
    _spec("property", Named, _LIBRARY, _NAMED, plural="properties"),
    _spec("userPlugin", Named, _USER, _KEYED, "id"),
    _spec("contractGroup", Named, _LIBRARY, _NAMED),
    _spec("clearingHouse", Named, _LIBRARY, _NAMED, marks="unsynced"),
    _spec("productSession", ProductSession, _LIBRARY, "item items deps ldeps", "id", marks="unsynced"),
    _spec("productMargin", ProductMargin, _LIBRARY, _KEYED, "id", marks="unsynced"),
    _spec("contractMargin", ProductMargin, _LIBRARY, "item items deps ldeps", "id", marks="unsynced"),
    _spec("tradingPermission", Named, _USER, _KEYED, "id", marks="unsynced"),
)

SPECS = {spec.name: spec for spec in _ALL}
RISK_ENTITIES = frozenset({"accountRiskStatus", "userAccountAutoLiq", "productMargin", "contractMargin"})
