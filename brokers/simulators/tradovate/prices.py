"""Prices: one random walk per underlying, moved in whole ticks, only as far as somebody looks.

A walk that nobody watches costs nothing: it catches up in one step when it is asked. The random source only decides *how many
ticks*; every price is an exact multiple of the tick.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from brokers.matching import Touch
from brokers.simulators.tradovate.clock import Clock
from brokers.simulators.tradovate.library import ContractInfo, Library
from brokers.simulators.tradovate.options import Options
from brokers.simulators.tradovate.products import PRODUCTS, ProductInfo

TRADING_SECONDS = 252 * 23 * 3600  # a year
HOMING = 0.0002  # how strongly a tick pulls back to the start price, so that a long run stays plausible
SINGLE_STEPS = 8  # more missed ticks than this are caught up in one jump
BARS_KEPT = 2 * 24 * 60
VOLUME_A_TICK = 7


@dataclass(slots=True)
class Bar:
    """One minute of a walk, in prices of its front month."""

    minute: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int = 0
    ticks: int = 0

    def take(self, price: Decimal) -> None:
        self.high, self.low, self.close = max(self.high, price), min(self.low, price), price
        self.volume += VOLUME_A_TICK
        self.ticks += 1


@dataclass(slots=True)
class Walk:
    """``price`` is the bid; the ask stands one tick above unless a quote was set by hand."""

    name: str
    product: ProductInfo
    price: Decimal
    at: float
    source: random.Random
    is_last_at_ask: bool = False
    frozen: bool = False
    pinned: Touch | None = None
    volume: int = 0
    bars: dict[int, Bar] = field(default_factory=dict)
    version: int = 0

    def touch(self) -> Touch:
        if self.pinned is not None:
            return self.pinned
        ask = self.price + self.product.tick
        return Touch(self.price, ask, ask if self.is_last_at_ask else self.price)

    def move(self, ticks: int, at: float) -> None:
        self.price = max(self.price + ticks * self.product.tick, self.product.tick)
        self.pinned = None
        self.is_last_at_ask = self.source.random() < 0.5
        self.volume += VOLUME_A_TICK
        self.version += 1
        self.note(at)

    def note(self, at: float) -> None:
        """Write the present price into its minute."""
        minute = int(at // 60)
        bar = self.bars.get(minute)
        if bar is None:
            bar = self.bars[minute] = Bar(minute, self.price, self.price, self.price, self.price)
            if len(self.bars) > BARS_KEPT:
                del self.bars[next(iter(self.bars))]
        bar.take(self.price)


class Prices:
    def __init__(self, library: Library, clock: Clock, options: Options) -> None:
        self._library, self._clock, self._options = library, clock, options
        self.walks: dict[str, Walk] = {}
        self.silent: set[str] = set()
        """Walks without any quote (the fault NoQuote)."""
        for product in PRODUCTS.values():
            self.walks.setdefault(product.walk, self._new_walk(product))

    def _new_walk(self, product: ProductInfo) -> Walk:
        source = random.Random(f"{self._options.seed}|{product.walk}")  # noqa: S311 - a repeatable walk
        return Walk(product.walk, product, product.start_price, self._clock.now(), source)

    # --- reading ------------------------------------------------------------------------------------------------

    def walk_of(self, contract: ContractInfo) -> Walk:
        return self.walks[contract.product.walk]

    def touch(self, contract: ContractInfo) -> Touch:
        """The contract's best prices now; all unknown while its quotes are silent."""
        walk = self.walk_of(contract)
        self._catch_up(walk)
        return self.shown(contract, walk)

    def shown(self, contract: ContractInfo, walk: Walk) -> Touch:
        if walk.name in self.silent:
            return Touch()
        touch, basis = walk.touch(), contract.basis
        if not basis:
            return touch
        return Touch(*(None if one is None else one + basis for one in (touch.bid, touch.ask, touch.last)))

    def mark(self, contract: ContractInfo) -> Decimal | None:
        """What an open position is valued at: the last trade."""
        return self.touch(contract).last

    # --- moving -------------------------------------------------------------------------------------------------

    def _catch_up(self, walk: Walk) -> None:
        now = self._clock.now()
        missed = int((now - walk.at) * self._options.ticks_per_second)
        if missed <= 0:
            return
        if self._options.frozen or walk.frozen:
            walk.at = now
        elif missed <= SINGLE_STEPS:
            for _ in range(missed):
                walk.at += 1 / self._options.ticks_per_second
                self._step(walk, 1)
        else:
            walk.at = now
            self._step(walk, missed)

    def _step(self, walk: Walk, ticks: int) -> None:
        """One draw that stands for ``ticks`` ticks. Floats only choose a number of price ticks."""
        product = walk.product
        seconds = ticks / self._options.ticks_per_second
        spread = product.yearly_volatility * self._options.volatility * (seconds / TRADING_SECONDS) ** 0.5
        away = float((product.start_price - walk.price) / product.tick)
        wanted = walk.source.gauss(away * min(HOMING * ticks, 1.0), spread * float(walk.price / product.tick))
        walk.move(round(wanted), walk.at)

    def advance(self, walks: Iterable[str]) -> list[Walk]:
        """Move the named walks up to now. Returns those that moved."""
        moved = []
        for name in walks:
            walk = self.walks[name]
            version = walk.version
            self._catch_up(walk)
            if walk.version != version:
                moved.append(walk)
        return moved

    def set(
        self,
        contract: ContractInfo,
        price: Decimal,
        *,
        bid: Decimal | None = None,
        ask: Decimal | None = None,
        freeze: bool | None = None,
    ) -> Walk:
        """Put the market somewhere: last trade and bid at ``price``, ask a tick above, unless told otherwise.

        The whole underlying moves, every month and the micro with it.
        """
        walk, basis = self.walk_of(contract), contract.basis
        walk.at = self._clock.now()
        walk.price = price - basis
        walk.is_last_at_ask = False
        walk.pinned = None
        if bid is not None or ask is not None:
            last_bid = price if bid is None else bid
            last_ask = price + contract.tick if ask is None else ask
            walk.pinned = Touch(last_bid - basis, last_ask - basis, price - basis)
        walk.frozen = walk.frozen if freeze is None else freeze
        walk.version += 1
        walk.note(walk.at)
        return walk

    def freeze(self, walk: Walk, frozen: bool) -> None:
        self._catch_up(walk)
        walk.frozen = frozen
        walk.at = self._clock.now()

    def find(self, symbol: str) -> ContractInfo | None:
        """A contract by its name, or the front month by its root."""
        name = symbol.upper()
        if name in self._library.chains:
            return self._library.front(name, self._clock.now())
        return self._library.by_name.get(name)
