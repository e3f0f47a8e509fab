"""The limits that are measured: losses, counts, rates, prices and margin. Each is a small function over one case.

They speak against entries alone; what a limit needs and nobody knows speaks against the entry too (law 9).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from brokers.domain import AssetClass, OrderType, Side
from strategies.execution.limits import CLASS_COLLAR, order_terms
from strategies.execution.terms import (
    ZERO,
    AccountFacts,
    AccountView,
    Built,
    Denial,
    OrderDraft,
    RiskTerms,
    SignalFacts,
)

CLOCK_SECONDS = 5.0
STREAM_SECONDS = 30.0
QUOTE_SECONDS = 10
RATE_WINDOW = Decimal("2.5")  # seconds: two a second with a burst of five
PRICED = frozenset({OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT})
SOFT_SHARE = Decimal("0.8")


@dataclass(frozen=True, slots=True)
class Case:
    """One entry before the limits: what it is, what is known, what the strategy and the account allow."""

    draft: OrderDraft
    account: AccountView
    risk: RiskTerms
    signal: SignalFacts
    signal_price: Decimal | None = None

    @property
    def limits(self) -> RiskTerms:
        return self.account.limits

    @property
    def facts(self) -> AccountFacts:
        return self.account.facts

    @property
    def terms(self) -> RiskTerms:
        return order_terms(self.risk, self.account.limits, self.account.instrument)

    @property
    def own_price(self) -> Decimal | None:
        draft = self.draft
        return draft.limit_price if draft.limit_price is not None else draft.stop_price

    @property
    def held_along(self) -> Decimal:
        """What is held on the order's own side already; an order that turns the position adds to none."""
        return max(ZERO, (self.account.net or ZERO) * self.draft.side.sign)

    @property
    def built(self) -> Built:
        return (self.facts.built or {}).get(self.draft.side, Built())

    @property
    def price(self) -> Decimal | None:
        """What the order is valued at: its own price, the alert's, the market's."""
        quoted = self.facts.quote.price if self.facts.quote is not None else None
        return next((p for p in (self.own_price, self.signal_price, quoted) if p is not None), None)

    @property
    def notional(self) -> Decimal | None:
        """Its worth in the contract's currency. Prices below zero are worth something too."""
        instrument, price = self.account.instrument, self.price
        if instrument is None or price is None:
            return None
        return abs(price) * self.draft.quantity * instrument.point_value

    def fresh_price(self, seconds: float) -> Decimal | None:
        quote = self.facts.quote
        return quote.price if quote is not None and quote.age_seconds <= seconds else None


Rail = Callable[[Case], Denial | None]


def check(case: Case) -> Denial | None:
    """The first limit that speaks against the entry."""
    return next((denial for rail in RAILS if (denial := rail(case))), None)


# --- the clock and the connection -----------------------------------------------------------------------------------


def _clock(case: Case) -> Denial | None:
    offset = case.signal.clock_offset
    if abs(offset) > CLOCK_SECONDS:
        return Denial("CLOCK_WRONG", {"offset_seconds": round(offset, 1), "limit": CLOCK_SECONDS})
    return None


def _stream(case: Case) -> Denial | None:
    """An order with a price of its own rests while the market moves: it needs to be heard of."""
    down = case.facts.stream_down_seconds
    if case.draft.order_type in PRICED and down > STREAM_SECONDS:
        return Denial("STREAM_DOWN", {"seconds": round(down), "limit": int(STREAM_SECONDS)})
    return None


# --- losses -----------------------------------------------------------------------------------------------------------


def _daily_loss(case: Case) -> Denial | None:
    for result in case.facts.results:
        limit = result.max_daily_loss
        if limit is None:
            continue
        if result.day_pnl is None:
            return Denial("RESULT_UNKNOWN", {"scope": result.scope, "limit": limit})
        if -result.day_pnl >= limit:
            return Denial(
                "DAILY_LOSS_REACHED", {"scope": result.scope, "loss": -result.day_pnl, "limit": limit}
            )
    return None


def _drawdown(case: Case) -> Denial | None:
    for result in case.facts.results:
        limit = result.max_drawdown
        if limit is None:
            continue
        if result.drawdown is None:
            return Denial("RESULT_UNKNOWN", {"scope": result.scope, "limit": limit})
        if result.drawdown >= limit:
            context = {"scope": result.scope, "drawdown": result.drawdown, "limit": limit}
            return Denial("DRAWDOWN_REACHED", context)
    return None


# --- counts and rates ---------------------------------------------------------------------------------------------------


def _repeated(case: Case) -> Denial | None:
    limit, count = case.risk.max_orders_per_minute, case.signal.last_minute
    if limit is not None and count >= limit:
        return Denial("EXECUTION_REPEATED", {"count": count + 1, "limit": limit})
    return None


def _reversing(case: Case) -> Denial | None:
    limit, count = case.risk.max_reversals_per_minute, case.signal.reversals
    if limit is not None and count >= limit:
        return Denial("REVERSALS_REPEATED", {"count": count, "limit": limit})
    return None


def _rate(case: Case) -> Denial | None:
    per_second, sent = case.limits.max_orders_per_second, case.facts.sent_lately
    if per_second is not None and sent >= max(Decimal(1), per_second * RATE_WINDOW):
        context = {"scope": "account", "count": sent, "seconds": RATE_WINDOW, "limit": per_second}
        return Denial("MESSAGE_RATE_ABOVE_LIMIT", context)
    for pace in case.signal.paces:
        if pace.lately >= max(Decimal(1), pace.per_second * RATE_WINDOW):
            context = {
                "scope": pace.scope,
                "count": pace.lately,
                "seconds": RATE_WINDOW,
                "limit": pace.per_second,
            }
            return Denial("MESSAGE_RATE_ABOVE_LIMIT", context)
    return None


def _per_day(case: Case) -> Denial | None:
    counted = (
        ("strategy", "ORDERS_PER_DAY_REACHED", case.risk.max_orders_per_day, case.signal.orders_today),
        ("account", "ORDERS_PER_DAY_REACHED", case.limits.max_orders_per_day, case.facts.orders_today),
        ("strategy", "TRADES_PER_DAY_REACHED", case.risk.max_trades_per_day, case.signal.trades_today),
        ("account", "TRADES_PER_DAY_REACHED", case.limits.max_trades_per_day, case.facts.trades_today),
    )
    for scope, code, limit, count in counted:
        if limit is not None and (count is None or count >= limit):
            return Denial(code, {"scope": scope, "count": "an unknown number" if count is None else count,
                                 "limit": limit})  # fmt: skip
    return None


def _working(case: Case) -> Denial | None:
    limit, count = case.limits.max_working_orders, case.facts.working_orders
    if limit is not None and count >= limit:
        return Denial("WORKING_ORDERS_ABOVE_LIMIT", {"count": count, "limit": limit})
    return None


def _rejects(case: Case) -> Denial | None:
    limit, count = case.limits.max_rejects_in_a_row, case.facts.rejects_in_a_row
    if limit is not None and count >= limit:
        return Denial("REJECTS_IN_A_ROW", {"count": count, "limit": limit})
    return None


def _opposing(case: Case) -> Denial | None:
    """On one net account it would trade against the user's own other order, or undo it."""
    facts = case.facts
    other = facts.others_selling if case.draft.side is Side.BUY else facts.others_buying
    if other:
        return Denial("OPPOSING_ORDER", {"order": other})
    return None


def _adds(case: Case) -> Denial | None:
    """How often a position may be added to after its first entry."""
    limit, held = case.terms.max_adds, case.held_along
    if limit is None or (not held and not case.built.entries):
        return None
    if case.facts.built is None:
        return Denial("ADDS_REACHED", {"count": "an unknown number", "limit": limit})
    adds = max(case.built.entries - 1, 0)
    return Denial("ADDS_REACHED", {"count": adds, "limit": limit}) if adds >= limit else None


def _averaging_down(case: Case) -> Denial | None:
    """No more of a position that loses. A price of the order's own counts as much as the market's."""
    if not case.terms.no_average_down or not case.held_along:
        return None
    entered, market = case.built.price, case.fresh_price(QUOTE_SECONDS)
    prices = [case.own_price, case.signal_price if market is None else market]
    known = [price for price in prices if price is not None]
    if entered is None or not known:
        what = "the market's price" if entered is not None else "the price at which it was entered"
        return Denial("AVERAGE_UNKNOWN", {"what": what})
    worst = min(known) if case.draft.side is Side.BUY else max(known)
    if (worst - entered) * case.draft.side.sign < 0:
        return Denial("AVERAGING_DOWN", {"price": worst, "entered": round(entered, 8)})
    return None


def _fan_out(case: Case) -> Denial | None:
    limits = [limit for limit in (case.risk.max_fan_out, case.limits.max_fan_out) if limit is not None]
    if limits and case.signal.fan_out > min(limits):
        context = {"quantity": case.signal.fan_out, "accounts": case.signal.accounts, "limit": min(limits)}
        return Denial("FAN_OUT_ABOVE_LIMIT", context)
    return None


# --- prices ---------------------------------------------------------------------------------------------------------------


def _quote(case: Case) -> Denial | None:
    limit, quote = case.terms.max_quote_age, case.facts.quote
    if limit is None:
        return None
    if quote is None or quote.price is None:
        return Denial("QUOTE_MISSING", {"limit": limit})
    if quote.age_seconds > limit:
        return Denial("QUOTE_STALE", {"age_seconds": round(quote.age_seconds, 1), "limit": limit})
    return None


def _spread(case: Case) -> Denial | None:
    """A market order pays the spread, so a torn book is a reason to wait."""
    limit, quote = case.terms.max_spread_percent, case.facts.quote
    if limit is None or quote is None or case.draft.order_type is not OrderType.MARKET:
        return None
    if not quote.bid or quote.ask is None or quote.age_seconds > QUOTE_SECONDS:
        return None
    spread = (quote.ask - quote.bid) / abs(quote.bid) * 100
    if spread > limit:
        return Denial("SPREAD_TOO_WIDE", {"spread_percent": round(spread, 2), "limit": limit})
    return None


def _collar(case: Case) -> Denial | None:
    """How far an entry's price may lie from the market.

    A chosen collar holds on both sides, for a market order's alert price too, and needs a price to measure from. The
    class's own holds where the order would pay more than the market, and only where the market is known.
    """
    chosen = case.terms.price_collar_percent
    market = case.fresh_price(QUOTE_SECONDS)
    if chosen is not None:
        return _chosen_collar(case, chosen, market)
    instrument = case.account.instrument
    if instrument is None or not case.limits.by_class or not market or case.own_price is None:
        return None
    usual = CLASS_COLLAR.get(instrument.asset_class)
    worse = (case.own_price - market) * case.draft.side.sign
    if case.draft.order_type is OrderType.STOP:
        worse = -worse  # a stop beyond the market goes off at once
    if usual is None or worse <= 0:
        return None
    return _outside(case.own_price, market, usual)


def _chosen_collar(case: Case, percent: Decimal, market: Decimal | None) -> Denial | None:
    reference = market if market is not None else case.signal_price
    price = case.own_price if case.own_price is not None else case.signal_price
    if case.draft.order_type in PRICED and not reference:
        return Denial("REFERENCE_PRICE_MISSING", {"limit": percent})
    return _outside(price, reference, percent) if price is not None and reference else None


def _outside(price: Decimal, reference: Decimal, percent: Decimal) -> Denial | None:
    away = abs(price - reference) / abs(reference) * 100
    if away > percent:
        context = {"price": price, "market": reference, "away_percent": round(away, 2), "limit": percent}
        return Denial("PRICE_OUTSIDE_COLLAR", context)
    return None


# --- money ------------------------------------------------------------------------------------------------------------------


def _notional(case: Case) -> Denial | None:
    limit = case.terms.max_order_notional
    if limit is None:
        return None
    worth = case.notional
    if worth is None:
        return Denial("ORDER_VALUE_UNKNOWN", {"limit": limit})
    if worth > limit:
        return Denial("ORDER_VALUE_ABOVE_LIMIT", {"value": worth, "limit": limit})
    return None


def _margin(case: Case) -> Denial | None:
    """No more than a share of what is free, by what the owner told a contract costs."""
    percent = case.terms.max_margin_percent
    if percent is None:
        return None
    needed, free = _margin_needed(case), _margin_free(case)
    if needed is None or free is None:
        return Denial("MARGIN_UNKNOWN", {"limit": percent})
    if needed > free * percent / 100:
        return Denial("MARGIN_ABOVE_LIMIT", {"needed": needed, "free": free, "limit": percent})
    return None


def _margin_needed(case: Case) -> Decimal | None:
    each = case.terms.margin_per_contract
    if each is not None:
        return each * case.draft.quantity
    instrument = case.account.instrument
    is_paid_in_full = instrument is not None and instrument.asset_class is AssetClass.STOCK
    return case.notional if is_paid_in_full else None


def _margin_free(case: Case) -> Decimal | None:
    each, equity = case.terms.margin_per_contract, case.facts.equity
    if equity is None:
        return None
    return equity if each is None or case.account.held is None else equity - each * abs(case.account.held)


# --- soft: told, not refused -------------------------------------------------------------------------------------------------


def cautions(case: Case) -> tuple[Denial, ...]:
    """What the owner should know of an entry that goes all the same: the broker decides about margin."""
    found: list[Denial] = []
    needed, free = _margin_needed(case), _margin_free(case)
    if needed is not None and free is not None and needed > free:
        found.append(Denial("MARGIN_SHORT", {"needed": needed, "free": free}))
    limit, count = case.limits.max_orders_per_day, case.facts.orders_today
    if limit is not None and count is not None and count + 1 >= limit * SOFT_SHARE:
        found.append(Denial("ORDERS_PER_DAY_NEAR", {"count": count + 1, "limit": limit}))
    return tuple(found)


RAILS: tuple[Rail, ...] = (
    _clock,
    _daily_loss,
    _drawdown,
    _rejects,
    _repeated,
    _reversing,
    _per_day,
    _rate,
    _working,
    _opposing,
    _adds,
    _averaging_down,
    _fan_out,
    _stream,
    _quote,
    _spread,
    _collar,
    _notional,
    _margin,
)
