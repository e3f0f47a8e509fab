"""What the venue checks after it has taken an order: the reasons that arrive as a rejection behind a 200 with an orderId."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from brokers.domain import Side
from brokers.matching import is_reached
from brokers.simulators.tradovate.clock import Clock, is_trading
from brokers.simulators.tradovate.library import ContractInfo
from brokers.simulators.tradovate.options import Options
from brokers.simulators.tradovate.prices import Prices
from brokers.simulators.tradovate.terms import Terms

SUPPORTED = frozenset({"Market", "Limit", "Stop", "StopLimit", "TrailingStop"})
TEXTS = {
    "SessionClosed": "The session is closed",
    "NoQuote": "There is no quote for the contract",
    "TradingLocked": "Trading is locked for this account",
    "LiquidationOnly": "The account may only reduce positions",
    "InvalidContract": "The contract has expired",
    "Unsupported": "The order type is not supported",
}
OFF_TICK = "The price is not a multiple of the tick size"
WRONG_SIDE = "The stop price is on the wrong side of the market"


@dataclass(frozen=True, slots=True)
class Verdict:
    reason: str
    text: str
    delay_ms: float = 0

    @classmethod
    def of(cls, reason: str) -> Verdict:
        return cls(reason, TEXTS.get(reason, reason))


class Risk:
    """``locks`` holds the accounts that may not trade, by reason."""

    def __init__(
        self, prices: Prices, clock: Clock, options: Options, net: Callable[[int, int], int]
    ) -> None:
        self._prices, self._clock, self._options, self._net = prices, clock, options, net
        self.locks: dict[int, str] = {}

    def check(
        self, account_id: int, contract: ContractInfo, terms: Terms, *, is_child: bool = False
    ) -> Verdict | None:
        """The first reason against the order, or None. A child's stop is judged when its parent fills, not now."""
        lock = self.locks.get(account_id)
        if lock is not None and not (
            lock == "LiquidationOnly" and self._reduces(account_id, contract, terms)
        ):
            return Verdict.of(lock)
        if not self._options.trades_at_all_hours and not is_trading(self._clock.now()):
            return Verdict.of("SessionClosed")
        if contract.expires <= self._clock.now():
            return Verdict.of("InvalidContract")
        if terms.order_type not in SUPPORTED:
            return Verdict.of("Unsupported")
        if self._prices.walk_of(contract).name in self._prices.silent and terms.order_type == "Market":
            return Verdict.of("NoQuote")
        return _check_ticks(contract, terms) or (None if is_child else self._check_side(contract, terms))

    def _reduces(self, account_id: int, contract: ContractInfo, terms: Terms) -> bool:
        net = self._net(account_id, contract.id)
        signed = terms.qty if terms.action == "Buy" else -terms.qty
        return net * signed < 0 and abs(signed) <= abs(net)

    def _check_side(self, contract: ContractInfo, terms: Terms) -> Verdict | None:
        if terms.stop_price is None or terms.order_type not in {"Stop", "StopLimit", "TrailingStop"}:
            return None
        side = Side.BUY if terms.action == "Buy" else Side.SELL
        if is_reached(side, terms.stop_price, self._prices.touch(contract)):
            return Verdict("InvalidPrice", WRONG_SIDE)
        return None


def _check_ticks(contract: ContractInfo, terms: Terms) -> Verdict | None:
    prices = [
        terms.price if terms.order_type in {"Limit", "StopLimit"} else None,
        terms.stop_price,
        terms.trail,
    ]
    if any(price is not None and price % contract.tick for price in prices):
        return Verdict("InvalidPrice", OFF_TICK)
    if any(price is not None and price <= Decimal(0) for price in prices[:2]):
        return Verdict("InvalidPrice", "The price must be greater than 0")
    return None
