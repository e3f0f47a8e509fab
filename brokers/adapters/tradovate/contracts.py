"""From a name to the contract to trade: the venue's library, our roll rule, definitions kept for good."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal

from brokers.adapters.tradovate.constants import (
    ASSET_CLASSES,
    CURRENCIES,
    DEFAULT_ROLL,
    ITEMS_PER_CALL,
    ROLL_RULES,
)
from brokers.adapters.tradovate.parse import number
from brokers.adapters.tradovate.reads import Reads, entities, entity
from brokers.adapters.tradovate.symbols import Symbol, is_contract_of, read_symbol
from brokers.adapters.tradovate.wire import Entity, NotFound
from brokers.domain import AssetClass, Instrument, InstrumentQuery
from brokers.errors import AuthError, ProtocolSurprise
from tradeproject.common.clock import parse_iso

SUGGESTIONS = 20
NEAREST_MATURITIES = 4


class Contracts:
    """Contract definitions never change, so each is asked for once. Which contract is the front one is asked every time."""

    def __init__(self, reads: Reads, now: Callable[[], datetime]) -> None:
        self._reads = reads
        self._now = now
        self._kept: dict[tuple[str, int], Entity] = {}
        self._by_name: dict[str, Instrument] = {}

    async def find(self, query: InstrumentQuery) -> list[Instrument]:
        """The matching contracts, the one to trade first; empty when the venue knows none."""
        if query.venue_id:
            return await self._by_id(query.venue_id)
        symbol = read_symbol(query.text)
        if symbol is None:
            return []
        if symbol.month:
            dated = await self._dated(symbol)
            if dated:
                return dated
            # "ZQ6" is September's Z contract or, were there one, a product of that name: the dated reading goes first.
            symbol = Symbol(f"{symbol.root}{symbol.month}{symbol.year}")
        return (await self._chain(symbol.root))[symbol.rank - 1 :]

    async def named(self, name: str) -> Instrument | None:
        """The contract of exactly this venue name."""
        if name not in self._by_name:
            try:
                row = entity(await self._reads.find("contract", name), "contract")
            except NotFound:
                return None
            self._keep("contract", row)
            await self._instruments([row])
        return self._by_name.get(name)

    async def _by_id(self, venue_id: str) -> list[Instrument]:
        if not venue_id.isdigit():
            return []
        rows = await self._items("contract", [int(venue_id)])
        return [instrument for instrument, _ in await self._instruments(rows)]

    async def _dated(self, symbol: Symbol) -> list[Instrument]:
        for name in symbol.names:
            instrument = await self.named(name)
            if instrument is not None and self._year_fits(instrument, symbol.year):
                return [instrument]
        return []

    def _year_fits(self, instrument: Instrument, year: str) -> bool:
        """A year written with two or four digits must be the contract's own; one digit is the venue's own way."""
        told = self._maturity(instrument).get("expirationMonth")
        if len(year) == 1 or not isinstance(told, int) or told < 190001:
            return True
        return str(told // 100).endswith(year)

    def _maturity(self, instrument: Instrument) -> Entity:
        contract = self._kept["contract", int(instrument.venue_id)]
        return self._kept["contractMaturity", contract["contractMaturityId"]]

    async def _chain(self, root: str) -> list[Instrument]:
        """The root's tradable contracts, nearest first, those that are about to end left out unless nothing else is there."""
        found = await self._instruments(await self._contracts_of(root))
        now = self._now()
        alive = [(i, last) for i, last in found if i.expires_at is None or i.expires_at > now]
        alive.sort(key=lambda pair: pair[0].expires_at or now)
        listed = [pair for pair in alive if self._is_listed_month(pair[0])] or alive
        tradable = [instrument for instrument, last in listed if last is None or last > now]
        return tradable or [instrument for instrument, _ in listed]

    async def _contracts_of(self, root: str) -> list[Entity]:
        """Contracts by suggestion, which is what the venue advises; by the product's maturities when others crowd it out."""
        suggested = entities(await self._reads.suggest("contract", root, SUGGESTIONS), "contract")
        rows = [row for row in suggested if is_contract_of(root, str(row.get("name", "")))]
        return rows or await self._contracts_of_product(root)

    async def _contracts_of_product(self, root: str) -> list[Entity]:
        try:
            product = entity(await self._reads.find("product", root), "product")
        except NotFound:
            return []
        rows = entities(await self._reads.deps("contractMaturity", product["id"]), "contractMaturity")
        now = self._now()
        ends = sorted((_end_of(row) or now, row["id"]) for row in rows if not row.get("archived"))
        nearest = [maturity for end, maturity in ends if end > now][:NEAREST_MATURITIES]
        answers = await asyncio.gather(*(self._reads.deps("contract", maturity) for maturity in nearest))
        found = [row for answer in answers for row in entities(answer, "contract")]
        return [row for row in found if is_contract_of(root, str(row.get("name", "")))]

    def _is_listed_month(self, instrument: Instrument) -> bool:
        """Products list more months than are traded; ``months`` names those of the cycle."""
        product = self._kept["product", self._maturity(instrument)["productId"]]
        months = str(product.get("months") or "")
        month = instrument.venue_symbol.removeprefix(instrument.root)[:1]
        return not months or month in months

    # --- definitions --------------------------------------------------------------------------------------------

    async def _instruments(self, contracts: Iterable[Entity]) -> list[tuple[Instrument, datetime | None]]:
        """Instruments with the moment from which another contract is traded instead. Unfit rows are left out."""
        rows = [row for row in contracts if isinstance(row.get("contractMaturityId"), int)]
        for row in rows:
            self._keep("contract", row)
        maturities = _by_id(
            await self._items("contractMaturity", [row["contractMaturityId"] for row in rows])
        )
        products = _by_id(
            await self._items("product", [row.get("productId", 0) for row in maturities.values()])
        )
        found = []
        for row in rows:
            maturity = maturities.get(row["contractMaturityId"])
            product = products.get(maturity.get("productId", 0)) if maturity is not None else None
            if maturity is not None and product is not None:
                instrument = await self._instrument(row, maturity, product)
                self._by_name[instrument.venue_symbol] = instrument
                found.append((instrument, _last_moment(maturity, instrument.root)))
        return found

    async def _instrument(self, contract: Entity, maturity: Entity, product: Entity) -> Instrument:
        tick, point = number(product, "tickSize"), number(product, "valuePerPoint")
        if tick <= 0 or point <= 0:
            raise ProtocolSurprise(
                f"Tradovate gives {contract.get('name')} no tick size or point value: not tradable."
            )
        currency = product.get("currencyId", 1)
        return Instrument(
            venue_id=str(contract["id"]),
            venue_symbol=str(contract["name"]),
            root=str(product["name"]),
            asset_class=ASSET_CLASSES.get(str(product.get("productType")), AssetClass.FUTURES),
            tick_size=tick,
            point_value=point,
            quantity_step=Decimal(1),
            currency=CURRENCIES.get(currency) or await self._name("currency", currency) or "USD",
            exchange=await self._name("exchange", product.get("exchangeId")),
            description=str(product.get("description") or ""),
            expires_at=_end_of(maturity),
        )

    async def _name(self, kind: str, entity_id: object) -> str:
        """The name of an exchange or a currency; "" when the key may not read it, for it decides nothing."""
        if not isinstance(entity_id, int):
            return ""
        try:
            rows = await self._items(kind, [entity_id])
        except AuthError:
            return ""
        return str(rows[0].get("name", "")) if rows else ""

    async def _items(self, kind: str, ids: list[int]) -> list[Entity]:
        """Entities by id, from memory or from the venue, few in one call: long lists are answered 404."""
        wanted = list(dict.fromkeys(ids))
        missing = [entity_id for entity_id in wanted if (kind, entity_id) not in self._kept]
        for start in range(0, len(missing), ITEMS_PER_CALL):
            for row in await self._fetch(kind, missing[start : start + ITEMS_PER_CALL]):
                self._keep(kind, row)
        return [self._kept[kind, entity_id] for entity_id in wanted if (kind, entity_id) in self._kept]

    async def _fetch(self, kind: str, ids: list[int]) -> list[Entity]:
        try:
            if len(ids) == 1:
                return [entity(await self._reads.item(kind, ids[0]), kind)]
            return entities(await self._reads.items(kind, ids), kind)
        except NotFound:
            return []

    def _keep(self, kind: str, row: Entity) -> None:
        if isinstance(row.get("id"), int):
            self._kept[kind, row["id"]] = row


def _by_id(rows: Iterable[Entity]) -> dict[int, Entity]:
    return {row["id"]: row for row in rows}


def _moment(row: Entity, key: str) -> datetime | None:
    """A time that may be missing and may lack its seconds (``2026-03-20T13:30Z``)."""
    try:
        return parse_iso(str(row[key])) if row.get(key) else None
    except ValueError:
        return None


def _end_of(maturity: Entity) -> datetime | None:
    return _moment(maturity, "expirationDate")


def _last_moment(maturity: Entity, root: str) -> datetime | None:
    """Until when this contract is the one to trade, by the rule of its group."""
    rule = ROLL_RULES.get(root, DEFAULT_ROLL)
    end, intent = _end_of(maturity), _moment(maturity, "firstIntentDate")
    moments = [end - rule.before_expiry] if end is not None else []
    moments += [intent - rule.before_intent] if intent is not None else []
    return min(moments, default=None)
