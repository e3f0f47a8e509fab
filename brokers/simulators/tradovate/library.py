"""The contract library, generated from today's date: exchanges, products, maturities, contracts, sessions, margins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal

import msgspec

from brokers.simulators.tradovate.catalog import SPECS, Scope
from brokers.simulators.tradovate.clock import stamp
from brokers.simulators.tradovate.entities import (
    Contract,
    ContractMaturity,
    CurrencyRate,
    Entity,
    Named,
    OrderStrategyType,
    Product,
    ProductMargin,
    ProductSession,
    TradeTime,
)
from brokers.simulators.tradovate.expiries import MONTH_CODES, maturities
from brokers.simulators.tradovate.products import EXCHANGES, GROUPS, PRODUCTS, ProductInfo
from brokers.simulators.tradovate.store import Table

USD, EUR = 1, 2
MULTI_BRACKET = 2
FIRST_PRODUCT, FIRST_MATURITY, FIRST_CONTRACT = 800, 50_000, 3_500_000
CARRY = Decimal("0.0025")  # how much dearer each further month is, as a part of the price
FLAT_UNTIL = 2026 * 12 + 12
SESSION = ProductSession(
    id=0,
    openTime=TradeTime(17, 45),
    startTime=TradeTime(18, 0),
    stopTime=TradeTime(17, 0),
    closeTime=TradeTime(17, 15),
    sundayOpenTime=TradeTime(18, 0),
)


@dataclass(frozen=True, slots=True)
class ContractInfo:
    """``basis`` is added to the walk's price; ``expires`` is seconds since 1970."""

    id: int
    name: str
    maturity_id: int
    product: ProductInfo
    basis: Decimal
    expires: float

    @property
    def tick(self) -> Decimal:
        return self.product.tick

    @property
    def point_value(self) -> Decimal:
        return self.product.point_value


class Library:
    def __init__(self, now: float) -> None:
        self.tables = {name: Table(spec) for name, spec in SPECS.items() if spec.scope is Scope.LIBRARY}
        self.contracts: dict[int, ContractInfo] = {}
        self.by_name: dict[str, ContractInfo] = {}
        self.chains: dict[str, list[ContractInfo]] = {}
        self._next_flip = 0.0
        self._born = stamp(now)
        self._fill_small_tables()
        for product in PRODUCTS.values():
            self._add_product(product)
            self._add_contracts(product, datetime.fromtimestamp(now, UTC))
        self.refresh(now)

    def _add(self, kind: str, entity: Entity) -> None:
        table = self.tables[kind]
        table.rows[entity.id] = entity
        table.add(entity, 0)

    def _fill_small_tables(self) -> None:
        for number, name in enumerate(EXCHANGES, 1):
            self._add("exchange", Named(id=number, name=name))
        for number, name in enumerate(GROUPS, 20):
            self._add("contractGroup", Named(id=number, name=name))
        self._add("currency", Named(id=USD, name="USD", symbol="$"))
        self._add("currency", Named(id=EUR, name="EUR", symbol="€"))
        self._add("currencyRate", CurrencyRate(id=EUR, timestamp=self._born, rate=Decimal("1.16")))
        self._add("clearingHouse", Named(id=2, name="Simulated Clearing"))
        self._add("orderStrategyType", OrderStrategyType(id=MULTI_BRACKET, name="Bracket", enabled=True))

    def _add_product(self, info: ProductInfo) -> None:
        product_id = FIRST_PRODUCT + info.number
        product = Product(
            id=product_id,
            name=info.root,
            currencyId=USD,
            productType="Futures",
            description=info.description,
            exchangeId=EXCHANGES.index(info.exchange) + 1,
            contractGroupId=20 + list(GROUPS).index(info.group),
            status="Verified",
            months=info.months,
            valuePerPoint=info.point_value,
            priceFormatType="Fractional" if info.fractional else "Decimal",
            priceFormat=int(info.tick.as_tuple().exponent),
            tickSize=info.tick,
            isMicro=info.is_micro,
            exchangeChannelId=310,
            marketDataSource="Simulated",
            hasReplay=False,
        )
        margin = ProductMargin(
            id=product_id,
            initialMargin=info.full_margin,
            maintenanceMargin=info.full_margin * Decimal("0.9"),
            timestamp=self._born,
        )
        self._add("product", product)
        self._add("productMargin", margin)
        self._add("productSession", _with_id(SESSION, product_id))

    def _add_contracts(self, info: ProductInfo, now: datetime) -> None:
        ahead = 5 if len(info.months) <= 4 else 12
        chain = self.chains[info.root] = []
        for year, month, expiry in maturities(info.months, info.expiry, now, ahead):
            serial = info.number * 1000 + (year - 2020) * 12 + month
            maturity = ContractMaturity(
                id=FIRST_MATURITY + serial,
                productId=FIRST_PRODUCT + info.number,
                expirationMonth=year * 100 + month,
                expirationDate=expiry.strftime("%Y-%m-%dT%H:%MZ"),
                isFront=False,
                archived=expiry <= now,
                seqNo=(year - 2020) * 12 + month,
            )
            contract = ContractInfo(
                id=FIRST_CONTRACT + serial,
                name=f"{info.root}{MONTH_CODES[month - 1]}{year % 10}",
                maturity_id=maturity.id,
                product=info,
                basis=_basis(info, year * 12 + month),
                expires=expiry.timestamp(),
            )
            self._add("contractMaturity", maturity)
            self._add_contract(contract)
            chain.append(contract)

    def _add_contract(self, info: ContractInfo) -> None:
        self.contracts[info.id] = info
        self.by_name[info.name] = info
        margin = self.tables["productMargin"].rows[FIRST_PRODUCT + info.product.number]
        self._add("contractMargin", _with_id(margin, info.id))
        contract = Contract(
            id=info.id,
            name=info.name,
            contractMaturityId=info.maturity_id,
            status="DefinitionChecked",
            providerTickSize=info.tick,
            timestamp=self._born,
        )
        self._add("contract", contract)

    # --- asking -------------------------------------------------------------------------------------------------

    def refresh(self, now: float) -> None:
        """Move isFront on: it follows the expiry, days after the volume has gone."""
        if now < self._next_flip:
            return
        rows = self.tables["contractMaturity"].rows
        fronts = {chain[0].product.root: _first_living(chain, now) for chain in self.chains.values()}
        for chain in self.chains.values():
            for contract in chain:
                rows[contract.maturity_id].isFront = fronts[contract.product.root] is contract
        self._next_flip = min(front.expires for front in fronts.values() if front is not None)

    def suggest(self, text: str, limit: int, now: float) -> list[Entity]:
        """Living contracts whose name begins so, the nearest expiry first. Other roots may begin so, too."""
        wanted = text.upper()
        found = [c for c in self.contracts.values() if c.name.startswith(wanted) and c.expires > now]
        found.sort(key=lambda contract: (contract.expires, contract.name))
        return [self.tables["contract"].rows[contract.id] for contract in found[:limit]]

    def roll(self, name: str, forward: bool, if_expired: bool, now: float) -> ContractInfo | None:
        """The neighbouring maturity; None if the contract is unknown or the chain ends there."""
        contract = self.by_name.get(name.upper())
        if contract is None:
            return None
        if if_expired and contract.expires > now:
            return contract
        chain = self.chains[contract.product.root]
        place = chain.index(contract) + (1 if forward else -1)
        return chain[place] if 0 <= place < len(chain) else None

    def front(self, root: str, now: float) -> ContractInfo:
        return _first_living(self.chains[root], now) or self.chains[root][-1]


def _first_living(chain: list[ContractInfo], now: float) -> ContractInfo | None:
    return next((contract for contract in chain if contract.expires > now), None)


def _basis(info: ProductInfo, month: int) -> Decimal:
    """Later months cost a little more, in whole ticks. Counted from a fixed month, so that a restart moves no price."""
    months = max(month - FLAT_UNTIL, 0)
    ticks = (info.start_price * CARRY * months / info.tick).quantize(Decimal(1), ROUND_HALF_EVEN)
    return ticks * info.tick


def _with_id(entity: Entity, new_id: int) -> Entity:
    return msgspec.structs.replace(entity, id=new_id)
