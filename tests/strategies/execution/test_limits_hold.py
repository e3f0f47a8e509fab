"""Whatever is set and whatever is known: no entry passes a limit that is breached, and no limit ever holds up an exit."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from brokers.domain import OrderType, Side
from strategies.execution.gate import check
from strategies.execution.terms import AccountFacts, Pace, PriceFact, Result, RiskTerms, SignalFacts
from tests.strategies.execution.build import account, entry, exit_of, occasion, terms

money = st.integers(-50, 50).map(Decimal)
above_zero = st.integers(1, 50).map(Decimal)
counts = st.integers(0, 8)
some_count = st.none() | counts
limit = st.none() | above_zero
whole = st.none() | st.integers(1, 8)
WINDOW = {"start": "09:30", "end": "16:00", "timezone": "America/New_York", "days": [0]}
SPAN = {"start": "2026-10-06T00:00:00Z", "end": "2026-10-07T00:00:00Z"}

risks = st.builds(
    RiskTerms,
    max_order_quantity=limit,
    max_position=limit,
    max_signal_age=whole,
    session=st.sampled_from([None, WINDOW]),
    blackout=st.sampled_from([(), (SPAN,)]),
    max_order_notional=limit,
    margin_per_contract=limit,
    max_margin_percent=limit,
    max_working_orders=whole,
    price_collar_percent=limit,
    max_quote_age=whole,
    max_spread_percent=limit,
    max_orders_per_second=limit,
    max_orders_per_minute=whole,
    max_reversals_per_minute=whole,
    max_orders_per_day=whole,
    max_trades_per_day=whole,
    max_rejects_in_a_row=whole,
    max_fan_out=limit,
    by_class=st.booleans(),
)
quotes = st.builds(PriceFact, st.none() | above_zero, st.none() | above_zero, st.none() | above_zero, counts)
results = st.builds(Result, st.just("account"), limit, limit, st.none() | money, st.none() | money)
accounts = st.builds(
    AccountFacts,
    working_orders=counts,
    others_selling=st.sampled_from(["", "sell 1 MNQZ6"]),
    orders_today=some_count,
    trades_today=some_count,
    sent_lately=counts,
    rejects_in_a_row=counts,
    quote=st.none() | quotes,
    equity=st.none() | money,
    results=st.lists(results, max_size=2).map(tuple),
    stream_down_seconds=st.sampled_from([0.0, 60.0]),
)
signals = st.builds(
    SignalFacts,
    last_minute=counts,
    reversals=counts,
    orders_today=some_count,
    trades_today=some_count,
    fan_out=above_zero,
    accounts=counts,
    clock_offset=st.sampled_from([0.0, 9.0]),
    paces=st.lists(st.builds(Pace, st.just("user"), counts, above_zero), max_size=1).map(tuple),
)
prices = st.none() | above_zero


def is_over(count, most) -> bool:
    return most is not None and (count is None or count >= most)


def breached(draft, limits, risk, facts, signal) -> bool:
    """An independent reading of the limits that are plain comparisons."""
    smallest = [one.max_order_quantity for one in (limits, risk) if one.max_order_quantity is not None]
    losses = [
        is_over(None if r.day_pnl is None else -r.day_pnl, r.max_daily_loss)
        or is_over(r.drawdown, r.max_drawdown)
        for r in facts.results
    ]
    return (
        any(losses)
        or any(draft.quantity > most for most in smallest)
        or any(one.session is not None or one.blackout for one in (limits, risk))
        or bool(facts.others_selling)
        or abs(signal.clock_offset) > 5
        or is_over(facts.working_orders, limits.max_working_orders)
        or is_over(facts.rejects_in_a_row, limits.max_rejects_in_a_row)
        or is_over(facts.orders_today, limits.max_orders_per_day)
        or is_over(facts.trades_today, limits.max_trades_per_day)
        or is_over(signal.orders_today, risk.max_orders_per_day)
        or is_over(signal.trades_today, risk.max_trades_per_day)
        or is_over(signal.last_minute, risk.max_orders_per_minute)
        or is_over(signal.reversals, risk.max_reversals_per_minute)
        or (risk.max_fan_out is not None and signal.fan_out > risk.max_fan_out)
    )


@given(risks, risks, accounts, signals, st.integers(1, 12), prices, prices)
def test_no_entry_passes_a_breached_limit(limits, risk, facts, signal, quantity, own_price, alert_price):
    kind = {"order_type": OrderType.LIMIT, "limit_price": own_price} if own_price else {}
    draft = entry(quantity, Side.BUY, **kind)
    view = account(0, limits=limits, facts=facts)
    moment = occasion(facts=signal, signal_price=alert_price)
    denial = check(draft, view, terms(risk=risk), moment)
    if breached(draft, limits, risk, facts, signal):
        assert denial is not None


@given(risks, risks, accounts, signals, st.integers(-9, 9).filter(bool), prices)
def test_no_limit_holds_up_an_exit(limits, risk, facts, signal, held, alert_price):
    view = account(held, limits=limits, facts=facts)
    moment = occasion(facts=signal, signal_price=alert_price, signal_age=10_000)
    assert check(exit_of(held), view, terms(risk=risk), moment) is None
