"""The venue's entities by the field names of its API.

A field that is None is not sent. Every entity carries one field more than the published schema (``schemaRevision``), because
the real venue does that too and a client has to bear it.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec


class TradeDate(msgspec.Struct, frozen=True):
    year: int
    month: int
    day: int


class TradeTime(msgspec.Struct, frozen=True):
    hour: int
    minute: int


class Entity(msgspec.Struct, kw_only=True, omit_defaults=True, tag_field="schemaRevision", tag="2026-11"):
    id: int


class Account(Entity):
    name: str
    userId: int
    accountType: str
    active: bool
    clearingHouseId: int
    riskCategoryId: int
    autoLiqProfileId: int
    marginAccountType: str
    legalStatus: str
    timestamp: str
    readonly: bool | None = None
    evaluationSize: int | None = None
    closed: bool | None = None
    restricted: bool | None = None


class Position(Entity):
    accountId: int
    contractId: int
    timestamp: str
    tradeDate: TradeDate
    netPos: int
    bought: int
    boughtValue: Decimal
    sold: int
    soldValue: Decimal
    prevPos: int
    netPrice: Decimal | None = None
    prevPrice: Decimal | None = None


class Order(Entity):
    accountId: int
    contractId: int
    timestamp: str
    action: str
    ordStatus: str
    admin: bool
    executionProviderId: int | None = None
    ocoId: int | None = None
    parentId: int | None = None
    linkedId: int | None = None


class OrderVersion(Entity):
    orderId: int
    orderQty: int
    orderType: str
    price: Decimal | None = None
    stopPrice: Decimal | None = None
    limitIfTouchedPrice: Decimal | None = None
    maxShow: int | None = None
    pegDifference: Decimal | None = None
    timeInForce: str | None = None
    expireTime: str | None = None
    text: str | None = None


class Command(Entity):
    orderId: int
    timestamp: str
    commandType: str
    commandStatus: str
    clOrdId: str | None = None
    senderId: int | None = None
    userSessionId: int | None = None
    activationTime: str | None = None
    customTag50: str | None = None
    isAutomated: bool | None = None


class CommandReport(Entity):
    commandId: int
    timestamp: str
    commandStatus: str
    rejectReason: str | None = None
    text: str | None = None
    ordStatus: str | None = None


class ExecutionReport(Entity):
    commandId: int
    name: str
    accountId: int
    contractId: int
    timestamp: str
    orderId: int
    execType: str
    action: str
    tradeDate: TradeDate | None = None
    execRefId: str | None = None
    ordStatus: str | None = None
    cumQty: int | None = None
    avgPx: Decimal | None = None
    lastQty: int | None = None
    lastPx: Decimal | None = None
    rejectReason: str | None = None
    text: str | None = None
    exchangeOrderId: str | None = None


class Fill(Entity):
    orderId: int
    contractId: int
    timestamp: str
    tradeDate: TradeDate
    action: str
    qty: int
    price: Decimal
    active: bool
    finallyPaired: int


class FillFee(Entity):
    clearingFee: Decimal
    clearingCurrencyId: int
    exchangeFee: Decimal
    exchangeCurrencyId: int
    nfaFee: Decimal
    nfaCurrencyId: int
    commission: Decimal
    commissionCurrencyId: int
    orderRoutingFee: Decimal


class FillPair(Entity):
    positionId: int
    buyFillId: int
    sellFillId: int
    qty: int
    buyPrice: Decimal
    sellPrice: Decimal
    active: bool


class CashBalance(Entity):
    accountId: int
    timestamp: str
    tradeDate: TradeDate
    currencyId: int
    amount: Decimal
    realizedPnL: Decimal | None = None
    weekRealizedPnL: Decimal | None = None
    amountSOD: Decimal | None = None


class CashBalanceLog(Entity):
    accountId: int
    timestamp: str
    tradeDate: TradeDate
    currencyId: int
    amount: Decimal
    cashChangeType: str
    delta: Decimal
    realizedPnL: Decimal | None = None
    weekRealizedPnL: Decimal | None = None
    fillPairId: int | None = None
    fillId: int | None = None
    comment: str | None = None


class MarginSnapshot(Entity):
    timestamp: str
    riskTimePeriodId: int
    initialMargin: Decimal
    maintenanceMargin: Decimal
    totalUsedMargin: Decimal
    fullInitialMargin: Decimal
    autoLiqLevel: Decimal | None = None
    liqOnlyLevel: Decimal | None = None


class OrderStrategy(Entity):
    accountId: int
    timestamp: str
    contractId: int
    orderStrategyTypeId: int
    action: str
    status: str
    initiatorId: int | None = None
    params: str | None = None
    uuid: str | None = None
    failureMessage: str | None = None
    senderId: int | None = None
    customTag50: str | None = None
    userSessionId: int | None = None


class OrderStrategyLink(Entity):
    orderStrategyId: int
    orderId: int
    label: str


class OrderStrategyType(Entity):
    name: str
    enabled: bool


class User(Entity):
    name: str
    timestamp: str
    email: str
    status: str
    professional: bool
    organizationId: int | None = None


class UserAccountAutoLiq(Entity):
    changesLocked: bool | None = None
    dailyLossAutoLiq: Decimal | None = None
    trailingMaxDrawdown: Decimal | None = None
    trailingMaxDrawdownMode: str | None = None


class AccountRiskStatus(Entity):
    adminAction: str | None = None
    adminTimestamp: str | None = None
    userTriggeredLiqOnly: bool | None = None


class Contract(Entity):
    name: str
    contractMaturityId: int
    status: str
    providerTickSize: Decimal
    timestamp: str


class ContractMaturity(Entity):
    productId: int
    expirationMonth: int
    expirationDate: str
    isFront: bool
    archived: bool
    seqNo: int


class Product(Entity):
    name: str
    currencyId: int
    productType: str
    description: str
    exchangeId: int
    contractGroupId: int
    status: str
    months: str
    valuePerPoint: Decimal
    priceFormatType: str
    priceFormat: int
    tickSize: Decimal
    isMicro: bool
    exchangeChannelId: int
    marketDataSource: str
    hasReplay: bool


class ProductSession(Entity):
    openTime: TradeTime
    startTime: TradeTime
    stopTime: TradeTime
    closeTime: TradeTime
    sundayOpenTime: TradeTime


class ProductMargin(Entity):
    initialMargin: Decimal
    maintenanceMargin: Decimal
    timestamp: str


class Named(Entity):
    """Exchanges, contract groups, clearing houses: nothing but a name."""

    name: str
    symbol: str | None = None


class CurrencyRate(Entity):
    timestamp: str
    rate: Decimal
