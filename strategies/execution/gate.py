"""May we? Every order passes here: limits fail closed for entries and open for exits (law 9).

Checks are small functions in one list; the first that objects decides. An exit passes only the checks that protect it
from opening a position.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from brokers.domain import Capabilities, LegKind, LegSpec, OrderType, Side
from strategies.execution import rails
from strategies.execution.limits import order_terms
from strategies.execution.sessions import in_words, open_spans, window_is_open
from strategies.execution.terms import (
    ZERO,
    AccountView,
    Control,
    Denial,
    OrderDraft,
    Purpose,
    SignalFacts,
    StrategyTerms,
)

DUPLICATE_SECONDS = 2.0
LAST_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Occasion:
    """What the gate knows of the signal itself."""

    now: datetime
    signal_age: float
    max_age: int
    broker: str
    symbol_root: str
    is_target: bool = False
    identity: str = ""
    superseded: bool = False
    signal_price: Decimal | None = None
    facts: SignalFacts = field(default_factory=SignalFacts)


Check = Callable[[OrderDraft, AccountView, StrategyTerms, Occasion], Denial | None]


def check(draft: OrderDraft, account: AccountView, terms: StrategyTerms, occasion: Occasion) -> Denial | None:
    """The first objection to ``draft``, or None."""
    checks = EXIT_CHECKS if draft.purpose is Purpose.EXIT else ENTRY_CHECKS
    return next((denial for each in checks if (denial := each(draft, account, terms, occasion))), None)


def _halted(
    draft: OrderDraft, account: AccountView, terms: StrategyTerms, occasion: Occasion
) -> Denial | None:
    if account.control is Control.HALTED:
        return Denial("CONTROL_HALTED", {"scope": account.control_scope})
    return None


def _reducing(
    draft: OrderDraft, account: AccountView, terms: StrategyTerms, occasion: Occasion
) -> Denial | None:
    if account.control is Control.REDUCING:
        return Denial("CONTROL_REDUCING", {"scope": account.control_scope})
    return None


def _account_enabled(
    draft: OrderDraft, account: AccountView, terms: StrategyTerms, occasion: Occasion
) -> Denial | None:
    if not account.account_enabled:
        return Denial("ACCOUNT_DISABLED")
    return None


def _account_open(
    draft: OrderDraft, account: AccountView, terms: StrategyTerms, occasion: Occasion
) -> Denial | None:
    if not account.account_open:
        return Denial("ACCOUNT_CLOSED", {"state": "closed or missing"})
    return None


def _connection(
    draft: OrderDraft, account: AccountView, terms: StrategyTerms, occasion: Occasion
) -> Denial | None:
    """A login that waits for its owner cannot trade at all; one in error may still take an exit."""
    blocked = {"disabled", "needs_reauthorization"}
    if account.connection_state in blocked:
        state = account.connection_state.replace("_", " ")
        return Denial("CONNECTION_NOT_READY", {"state": state, "reason": account.connection_reason})
    return None


def _reconciled(
    draft: OrderDraft, account: AccountView, terms: StrategyTerms, occasion: Occasion
) -> Denial | None:
    return None if account.reconciled else Denial("ACCOUNT_NOT_RECONCILED")


def _instrument_allowed(
    draft: OrderDraft, account: AccountView, terms: StrategyTerms, occasion: Occasion
) -> Denial | None:
    unknown = _instrument_known(draft, account, terms, occasion)
    if unknown is not None:
        return unknown
    if terms.symbol_root and occasion.symbol_root != terms.symbol_root:
        return Denial(
            "INSTRUMENT_NOT_ALLOWED", {"symbol": occasion.symbol_root, "allowed": terms.symbol_root}
        )
    return None


def _instrument_known(
    draft: OrderDraft, account: AccountView, terms: StrategyTerms, occasion: Occasion
) -> Denial | None:
    if account.instrument is None:
        context = {
            "symbol": occasion.symbol_root,
            "broker": occasion.broker,
            "suggestion": account.instrument_problem,
        }
        return Denial("INSTRUMENT_UNKNOWN", context)
    return None


def _contract_alive(
    draft: OrderDraft, account: AccountView, terms: StrategyTerms, occasion: Occasion
) -> Denial | None:
    instrument = account.instrument
    if instrument is None or instrument.expires_at is None:
        return None
    context = {"contract": instrument.venue_symbol, "expires": instrument.expires_at.date().isoformat()}
    if instrument.expires_at <= occasion.now:
        return Denial("CONTRACT_EXPIRED", context)
    if instrument.expires_at - occasion.now < LAST_DAY:
        return Denial("CONTRACT_EXPIRING", context)
    return None


def _session(
    draft: OrderDraft, account: AccountView, terms: StrategyTerms, occasion: Occasion
) -> Denial | None:
    for window in (*terms.risk.windows, *account.limits.windows):
        if not window_is_open(window, occasion.now):
            return Denial("SESSION_CLOSED", {"window": in_words(window)})
    return None


def _blackout(
    draft: OrderDraft, account: AccountView, terms: StrategyTerms, occasion: Occasion
) -> Denial | None:
    for span in open_spans((*terms.risk.blackout, *account.limits.blackout), occasion.now):
        return Denial("SESSION_BLACKOUT", {"start": span["start"], "end": span["end"]})
    return None


def _age(draft: OrderDraft, account: AccountView, terms: StrategyTerms, occasion: Occasion) -> Denial | None:
    if occasion.superseded:
        return Denial("SIGNAL_SUPERSEDED")
    own = account.limits.max_signal_age
    max_age = occasion.max_age if own is None else min(own, occasion.max_age)
    if occasion.signal_age > max_age:
        context = {"age_seconds": round(occasion.signal_age, 1), "max_age_seconds": max_age}
        return Denial("SIGNAL_STALE", context)
    return None


def _duplicate(
    draft: OrderDraft, account: AccountView, terms: StrategyTerms, occasion: Occasion
) -> Denial | None:
    """The latest order was this very one, moments ago, and the alert says nothing that tells them apart."""
    if occasion.is_target or not account.recent:
        return None
    last = account.recent[0]
    same = (last.side, last.quantity, last.order_type) == (draft.side, draft.quantity, draft.order_type)
    told_apart = bool(occasion.identity) and last.identity != occasion.identity
    if same and not told_apart and last.age_seconds <= DUPLICATE_SECONDS:
        return Denial("ORDER_DUPLICATE", {"age_seconds": round(last.age_seconds, 2)})
    return None


def _quantity(
    draft: OrderDraft, account: AccountView, terms: StrategyTerms, occasion: Occasion
) -> Denial | None:
    limit = order_terms(terms.risk, account.limits, account.instrument).max_order_quantity
    if limit is not None and draft.quantity > limit:
        return Denial("QUANTITY_ABOVE_LIMIT", {"quantity": draft.quantity, "limit": limit})
    return None


def _position(
    draft: OrderDraft, account: AccountView, terms: StrategyTerms, occasion: Occasion
) -> Denial | None:
    limit = order_terms(terms.risk, account.limits).max_position
    if account.held is None:
        return Denial("POSITION_UNKNOWN")
    if limit is None:
        return None
    after_exit = ZERO if account.held * draft.side.sign < 0 else account.held
    working = account.working_buys if draft.side is Side.BUY else account.working_sells
    projected = abs(after_exit + draft.side.sign * (draft.quantity + working))
    if projected > limit:
        return Denial("POSITION_ABOVE_LIMIT", {"projected": projected, "limit": limit})
    return None


def _rails(
    draft: OrderDraft, account: AccountView, terms: StrategyTerms, occasion: Occasion
) -> Denial | None:
    """The limits that need facts: loss, rates, prices, margin."""
    case = rails.Case(draft, account, terms.risk, occasion.facts, occasion.signal_price)
    return rails.check(case)


def _reduce_only(
    draft: OrderDraft, account: AccountView, terms: StrategyTerms, occasion: Occasion
) -> Denial | None:
    """An exit acts against the position and is never larger than it (law 5)."""
    if account.held is None:
        return Denial("POSITION_UNKNOWN")
    closable = max(ZERO, -draft.side.sign * account.held)
    if draft.quantity > closable:
        return Denial("EXIT_WOULD_OPEN", {"quantity": draft.quantity, "held": closable})
    return None


def _stop_possible(
    draft: OrderDraft, account: AccountView, terms: StrategyTerms, occasion: Occasion
) -> Denial | None:
    """An entry never goes without the protection that was asked for (law 6): native, emulated, or refused."""
    able = account.capabilities
    if able is None:
        return None
    impossible = [leg for leg in draft.legs if not _can_place(leg, able)]
    if impossible:
        what = " and ".join(sorted(leg.kind.value.replace("_", "-") for leg in impossible))
        trailing = "trailing " if any(leg.trailing for leg in impossible) else ""
        return Denial("STOP_NOT_POSSIBLE", {"what": trailing + what, "broker": occasion.broker})
    return None


def _can_place(leg: LegSpec, able: Capabilities) -> bool:
    """The venue itself does it with the entry, or takes the plain order with which we do it; a trail only the venue can keep."""
    if leg.trailing and not able.trailing_stop:
        return False
    plain = OrderType.LIMIT if leg.kind is LegKind.TAKE_PROFIT else OrderType.STOP
    return able.bracket or plain in able.order_types


def _type_supported(
    draft: OrderDraft, account: AccountView, terms: StrategyTerms, occasion: Occasion
) -> Denial | None:
    able = account.capabilities
    if able is not None and draft.order_type not in able.order_types:
        return Denial(
            "ORDER_TYPE_NOT_SUPPORTED", {"broker": occasion.broker, "order_type": draft.order_type.value}
        )
    if able is not None and draft.time_in_force not in able.time_in_force:
        context = {"broker": occasion.broker, "time_in_force": draft.time_in_force.value.upper()}
        return Denial("TIME_IN_FORCE_NOT_SUPPORTED", context)
    needs: dict[OrderType, tuple[tuple[str, Decimal | None], ...]] = {
        OrderType.LIMIT: (("limit price", draft.limit_price),),
        OrderType.STOP: (("stop price", draft.stop_price),),
        OrderType.STOP_LIMIT: (("limit price", draft.limit_price), ("stop price", draft.stop_price)),
        OrderType.TRAILING_STOP: (("trail distance", draft.trail_offset),),
    }
    for what, value in needs.get(draft.order_type, ()):
        if value is None:
            return Denial("PRICE_MISSING", {"order_type": draft.order_type.value, "what": what})
    return None


def _unknown_outstanding(
    draft: OrderDraft, account: AccountView, terms: StrategyTerms, occasion: Occasion
) -> Denial | None:
    if account.unknown_orders:
        return Denial("ORDER_OUTCOME_UNKNOWN", {"count": account.unknown_orders})
    return None


ENTRY_CHECKS: tuple[Check, ...] = (
    _halted,
    _reducing,
    _account_enabled,
    _account_open,
    _connection,
    _instrument_allowed,
    _contract_alive,
    _session,
    _blackout,
    _age,
    _reconciled,
    _unknown_outstanding,
    _duplicate,
    _type_supported,
    _quantity,
    _position,
    _stop_possible,
    _rails,
)
EXIT_CHECKS: tuple[Check, ...] = (
    _halted,
    _account_enabled,
    _account_open,
    _connection,
    _instrument_known,
    _type_supported,
    _reduce_only,
)
