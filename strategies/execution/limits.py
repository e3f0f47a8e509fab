"""Which limit holds: the owner's own, else the default, never looser than what an administrator allows.

Limits come as JSON objects of several scopes. Of the owner's own the strictest holds; where nobody set one, the default
does, on accounts with real money; a cap holds in any case, set or not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from brokers.domain import AssetClass, Instrument
from strategies.execution.terms import RiskTerms

Limits = Mapping[str, Any]

_DECIMALS = (
    "max_order_quantity",
    "max_position",
    "max_order_notional",
    "margin_per_contract",
    "max_margin_percent",
    "price_collar_percent",
    "max_spread_percent",
    "max_orders_per_second",
    "max_alerts_per_second",
    "max_daily_loss",
    "max_drawdown",
    "max_fan_out",
)
_WHOLE = (
    "max_signal_age",
    "max_working_orders",
    "max_quote_age",
    "max_orders_per_minute",
    "max_reversals_per_minute",
    "max_orders_per_day",
    "max_trades_per_day",
    "max_rejects_in_a_row",
    "max_adds",
)
NUMBERS = (*_DECIMALS, *_WHOLE)
# Results of an account that loses: the user's own limit is about all accounts together and is no account's limit.
SUMMED = frozenset({"max_daily_loss", "max_drawdown"})
# The larger is the stricter: what a contract is taken to cost.
_RISING = frozenset({"margin_per_contract"})

ALWAYS: Limits = {"max_working_orders": 20, "max_rejects_in_a_row": 5}
"""In force wherever nobody set another value."""
REAL_MONEY: Limits = {
    "max_orders_per_second": "2",
    "max_orders_per_day": 200,
    "max_orders_per_minute": 10,
    "max_reversals_per_minute": 3,
    "max_spread_percent": "5",
}
"""In force too on live accounts, and for strategies that trade one."""
CLASS_QUANTITY = {
    AssetClass.FUTURES: Decimal(10),
    AssetClass.FOREX: Decimal(5),
    AssetClass.OPTIONS: Decimal(10),
}
CLASS_COLLAR = {
    AssetClass.FUTURES: Decimal(2),
    AssetClass.FOREX: Decimal(1),
    AssetClass.STOCK: Decimal(5),
    AssetClass.OPTIONS: Decimal(20),
    AssetClass.CRYPTO: Decimal(5),
}
ACCOUNT_DEFAULTS = ("max_working_orders", "max_rejects_in_a_row", "max_orders_per_second", "max_orders_per_day",
                    "max_spread_percent")  # fmt: skip
STRATEGY_DEFAULTS = ("max_orders_per_minute", "max_reversals_per_minute")


def defaults(names: Iterable[str], *, live: bool) -> dict[str, Any]:
    known = {**ALWAYS, **REAL_MONEY} if live else ALWAYS
    return {name: known[name] for name in names if name in known}


def merge(
    own: Collection[Limits],
    caps: Collection[Limits],
    fallback: Limits | None = None,
    *,
    by_class: bool = False,
) -> RiskTerms:
    """The limits in force. ``own`` are the owner's, ``caps`` an administrator's, ``fallback`` what holds if nobody chose."""
    values: dict[str, Any] = {}
    for name in NUMBERS:
        found = _strictest(name, own)
        if found is None and fallback is not None and fallback.get(name) is not None:
            found = _typed(name, fallback[name])
        values[name] = _stricter(name, found, _strictest(name, caps))
    windows = [limits["session"] for limits in (*own, *caps) if limits.get("session")]
    spans = [span for limits in (*own, *caps) for span in limits.get("blackout") or ()]
    return RiskTerms(
        **values,
        session=windows[0] if windows else None,
        sessions=tuple(windows[1:]),
        blackout=tuple(spans),
        no_average_down=any(limits.get("no_average_down") for limits in (*own, *caps)),
        by_class=by_class,
    )


def _typed(name: str, value: Any) -> Any:
    return int(value) if name in _WHOLE else Decimal(str(value))


def _strictest(name: str, several: Iterable[Limits]) -> Any:
    found = [_typed(name, limits[name]) for limits in several if limits.get(name) is not None]
    return _choose(name)(found) if found else None


def _stricter(name: str, one: Any, other: Any) -> Any:
    found = [value for value in (one, other) if value is not None]
    return _choose(name)(found) if found else None


def _choose(name: str) -> Callable[[list[Any]], Any]:
    return max if name in _RISING else min


def order_terms(strategy: RiskTerms, account: RiskTerms, instrument: Instrument | None = None) -> RiskTerms:
    """What holds for one order: the stricter of strategy and account, and the class's own where nobody chose."""
    both = {
        name: _stricter(name, getattr(strategy, name), getattr(account, name))
        for name in ("max_order_quantity", "max_position", "price_collar_percent", "max_order_notional",
                     "max_margin_percent", "margin_per_contract", "max_quote_age", "max_spread_percent",
                     "max_adds")
    }  # fmt: skip
    either = strategy.no_average_down or account.no_average_down
    chosen = replace(account, **both, no_average_down=either)
    if instrument is None or not account.by_class:
        return chosen
    return replace(
        chosen,
        max_order_quantity=_or_class(chosen.max_order_quantity, CLASS_QUANTITY, instrument),
    )


def limits_adds(strategy: RiskTerms, account: RiskTerms) -> bool:
    """Whether anybody limits what is added to a position, so that it matters how it was built."""
    terms = order_terms(strategy, account)
    return terms.max_adds is not None or terms.no_average_down


def _or_class(
    value: Decimal | None, table: Mapping[AssetClass, Decimal], instrument: Instrument
) -> Decimal | None:
    return table.get(instrument.asset_class) if value is None else value


def above_caps(limits: Limits, caps: Collection[Limits]) -> dict[str, str]:
    """Names of ``limits`` that are looser than an administrator allows → the cap. A window or a blackout knows no looser."""
    found: dict[str, str] = {}
    for name in NUMBERS:
        cap, value = _strictest(name, caps), limits.get(name)
        if cap is None or value is None:
            continue
        if _stricter(name, _typed(name, value), cap) != _typed(name, value):
            found[name] = f"{cap:f}" if isinstance(cap, Decimal) else str(cap)
    return found
