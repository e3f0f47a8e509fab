"""Where each measured limit lies: at the limit, beyond it, unknown, and that an exit never meets it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest

from brokers.domain import AssetClass, OrderType, Side
from strategies.execution.gate import check
from strategies.execution.rails import Case, cautions
from strategies.execution.terms import AccountFacts, Pace, PriceFact, Result, RiskTerms, SignalFacts
from tests.strategies.execution.build import account, contract, entry, exact, exit_of, occasion, terms

LIMIT, STOP = OrderType.LIMIT, OrderType.STOP


def quote(price: Any, age: float = 0.5, spread: Any = "0.25") -> PriceFact:
    mid, half = exact(price), exact(spread) / 2
    return PriceFact(mid - half, mid + half, mid, age)


@dataclass(frozen=True)
class Situation:
    """An entry that one limit is about. ``code`` None: it goes."""

    name: str
    code: str | None
    limits: dict[str, Any] = field(default_factory=dict)  # of the account
    risk: dict[str, Any] = field(default_factory=dict)  # of the strategy
    facts: dict[str, Any] = field(default_factory=dict)
    signal: dict[str, Any] = field(default_factory=dict)
    order: dict[str, Any] = field(default_factory=dict)
    price: str | None = None
    quantity: int = 2
    held: int = 0
    kind: AssetClass = AssetClass.FUTURES

    def __str__(self) -> str:
        return self.name

    def judge(self, draft):
        moment = occasion(signal_price=exact(self.price), facts=SignalFacts(**self.signal))
        return check(draft, self.view, terms(risk=RiskTerms(**self.risk)), moment)

    @property
    def view(self):
        return account(
            self.held,
            instrument=contract(asset_class=self.kind),
            limits=RiskTerms(**self.limits),
            facts=AccountFacts(**self.facts),
        )

    @property
    def denial(self):
        return self.judge(entry(self.quantity, Side.BUY, **self.order))


def loss(day: Any = None, drawdown: Any = None, **limits: Any) -> dict[str, Any]:
    exact_limits = {name: exact(value) for name, value in limits.items()}
    return {"results": (Result("account", day_pnl=exact(day), drawdown=exact(drawdown), **exact_limits),)}


def at(price: Any, kind: OrderType = LIMIT) -> dict[str, Any]:
    name = "stop_price" if kind is STOP else "limit_price"
    return {"order_type": kind, name: exact(price)}


D = Decimal
SITUATIONS = (
    # 9, 20: worth and margin (two MNQ at 2 a point)
    Situation("worth the limit", None, risk={"max_order_notional": D(80000)}, price="20000"),
    Situation("worth more", "ORDER_VALUE_ABOVE_LIMIT", risk={"max_order_notional": D(79999)}, price="20000"),
    Situation(
        "worth more by the account",
        "ORDER_VALUE_ABOVE_LIMIT",
        limits={"max_order_notional": D(1)},
        price="20000",
    ),
    Situation("worth nobody knows", "ORDER_VALUE_UNKNOWN", risk={"max_order_notional": D(80000)}),
    Situation(
        "worth by the quote",
        "ORDER_VALUE_ABOVE_LIMIT",
        risk={"max_order_notional": D(1)},
        facts={"quote": quote(20000)},
    ),
    Situation(
        "half the margin",
        None,
        limits={"max_margin_percent": D(50), "margin_per_contract": D(1000)},
        facts={"equity": D(4000)},
    ),
    Situation(
        "more than half the margin",
        "MARGIN_ABOVE_LIMIT",
        limits={"max_margin_percent": D(50), "margin_per_contract": D(1000)},
        facts={"equity": D(3999)},
    ),
    Situation(
        "margin used by what is held",
        "MARGIN_ABOVE_LIMIT",
        limits={"max_margin_percent": D(50), "margin_per_contract": D(1000)},
        facts={"equity": D(4000)},
        held=1,
    ),
    Situation(
        "margin unknown", "MARGIN_UNKNOWN", limits={"max_margin_percent": D(50)}, facts={"equity": D(4000)}
    ),
    Situation(
        "equity unknown",
        "MARGIN_UNKNOWN",
        limits={"max_margin_percent": D(50), "margin_per_contract": D(1)},
    ),
    Situation(
        "stock is paid in full",
        "MARGIN_ABOVE_LIMIT",
        limits={"max_margin_percent": D(50)},
        facts={"equity": D(100)},
        price="20000",
        kind=AssetClass.STOCK,
    ),
    # 11
    Situation("one less working", None, limits={"max_working_orders": 3}, facts={"working_orders": 2}),
    Situation(
        "as many working",
        "WORKING_ORDERS_ABOVE_LIMIT",
        limits={"max_working_orders": 3},
        facts={"working_orders": 3},
    ),
    # 12
    Situation(
        "on the collar",
        None,
        risk={"price_collar_percent": D(1)},
        facts={"quote": quote(10000)},
        order=at(10100),
    ),
    Situation(
        "outside the collar",
        "PRICE_OUTSIDE_COLLAR",
        risk={"price_collar_percent": D(1)},
        facts={"quote": quote(10000)},
        order=at("10100.25"),
    ),
    Situation(
        "outside on the cheap side",
        "PRICE_OUTSIDE_COLLAR",
        risk={"price_collar_percent": D(1)},
        facts={"quote": quote(10000)},
        order=at(9800),
    ),
    Situation(
        "outside with a stop",
        "PRICE_OUTSIDE_COLLAR",
        risk={"price_collar_percent": D(1)},
        facts={"quote": quote(10000)},
        order=at(10200, STOP),
    ),
    Situation(
        "measured from the alert's price",
        "PRICE_OUTSIDE_COLLAR",
        risk={"price_collar_percent": D(1)},
        price="10000",
        order=at(10200),
    ),
    Situation(
        "an old quote is no market",
        "REFERENCE_PRICE_MISSING",
        risk={"price_collar_percent": D(1)},
        facts={"quote": quote(10000, age=11)},
        order=at(10000),
    ),
    Situation(
        "a collar without a market",
        "REFERENCE_PRICE_MISSING",
        risk={"price_collar_percent": D(1)},
        order=at(10000),
    ),
    Situation(
        "a market order's price against the market",
        "PRICE_OUTSIDE_COLLAR",
        risk={"price_collar_percent": D(1)},
        facts={"quote": quote(10000)},
        price="1000",
    ),
    Situation("a market order without prices", None, risk={"price_collar_percent": D(1)}),
    Situation(
        "the class's collar",
        "PRICE_OUTSIDE_COLLAR",
        limits={"by_class": True},
        facts={"quote": quote(10000)},
        order=at(10201),
    ),
    Situation(
        "a passive price far away",
        None,
        limits={"by_class": True},
        facts={"quote": quote(10000)},
        order=at(9000),
    ),
    Situation(
        "a stop the market passed long ago",
        "PRICE_OUTSIDE_COLLAR",
        limits={"by_class": True},
        facts={"quote": quote(10000)},
        order=at(9700, STOP),
    ),
    Situation("the class's collar without a market", None, limits={"by_class": True}, order=at(10201)),
    # 13, 26
    Situation("a quote as old as allowed", None, risk={"max_quote_age": 5}, facts={"quote": quote(1, age=5)}),
    Situation("too old a quote", "QUOTE_STALE", risk={"max_quote_age": 5}, facts={"quote": quote(1, age=6)}),
    Situation("no quote", "QUOTE_MISSING", risk={"max_quote_age": 5}),
    Situation(
        "a narrow market",
        None,
        limits={"max_spread_percent": D(1)},
        facts={"quote": quote(100, spread="0.9")},
    ),
    Situation(
        "a torn market",
        "SPREAD_TOO_WIDE",
        limits={"max_spread_percent": D(1)},
        facts={"quote": quote(100, spread=2)},
    ),
    Situation(
        "a torn market and a price of its own",
        None,
        limits={"max_spread_percent": D(1)},
        facts={"quote": quote(100, spread=2)},
        order=at(100),
    ),
    Situation("a stream just down", None, facts={"stream_down_seconds": 30.0}, order=at(100)),
    Situation("a dead stream", "STREAM_DOWN", facts={"stream_down_seconds": 30.1}, order=at(100)),
    Situation("a dead stream and a market order", None, facts={"stream_down_seconds": 99.0}),
    # 14
    Situation("a burst", None, limits={"max_orders_per_second": D(2)}, facts={"sent_lately": 4}),
    Situation(
        "more than a burst",
        "MESSAGE_RATE_ABOVE_LIMIT",
        limits={"max_orders_per_second": D(2)},
        facts={"sent_lately": 5},
    ),
    Situation("the user's pace", "MESSAGE_RATE_ABOVE_LIMIT", signal={"paces": (Pace("user", 5, D(2)),)}),
    Situation("a slow pace lets one through", None, signal={"paces": (Pace("platform", 0, D("0.1")),)}),
    # 15
    Situation("the last order of the day", None, limits={"max_orders_per_day": 3}, facts={"orders_today": 2}),
    Situation(
        "no more orders today",
        "ORDERS_PER_DAY_REACHED",
        limits={"max_orders_per_day": 3},
        facts={"orders_today": 3},
    ),
    Situation("orders nobody counted", "ORDERS_PER_DAY_REACHED", limits={"max_orders_per_day": 3}),
    Situation(
        "the strategy's day",
        "ORDERS_PER_DAY_REACHED",
        risk={"max_orders_per_day": 3},
        signal={"orders_today": 3},
    ),
    Situation("the last trade", None, risk={"max_trades_per_day": 3}, signal={"trades_today": 2}),
    Situation(
        "no more trades", "TRADES_PER_DAY_REACHED", risk={"max_trades_per_day": 3}, signal={"trades_today": 3}
    ),
    Situation(
        "no more trades here",
        "TRADES_PER_DAY_REACHED",
        limits={"max_trades_per_day": 3},
        facts={"trades_today": 4},
    ),
    # 16
    Situation("ten a minute", None, risk={"max_orders_per_minute": 10}, signal={"last_minute": 9}),
    Situation(
        "eleven a minute",
        "EXECUTION_REPEATED",
        risk={"max_orders_per_minute": 10},
        signal={"last_minute": 10},
    ),
    Situation(
        "flickering", "REVERSALS_REPEATED", risk={"max_reversals_per_minute": 3}, signal={"reversals": 3}
    ),
    # 17, 18
    Situation("a cent left", None, facts=loss("-99.99", max_daily_loss=100)),
    Situation("the daily loss", "DAILY_LOSS_REACHED", facts=loss(-100, max_daily_loss=100)),
    Situation("a loss nobody knows", "RESULT_UNKNOWN", facts=loss(None, max_daily_loss=100)),
    Situation("a good day", None, facts=loss(1000, max_daily_loss=100)),
    Situation("near the drawdown", None, facts=loss(0, "99.99", max_drawdown=100)),
    Situation("the drawdown", "DRAWDOWN_REACHED", facts=loss(0, 100, max_drawdown=100)),
    Situation("a drawdown nobody knows", "RESULT_UNKNOWN", facts=loss(0, None, max_drawdown=100)),
    # 19, 21, 24, 25
    Situation("four rejects", None, limits={"max_rejects_in_a_row": 5}, facts={"rejects_in_a_row": 4}),
    Situation(
        "five rejects",
        "REJECTS_IN_A_ROW",
        limits={"max_rejects_in_a_row": 5},
        facts={"rejects_in_a_row": 5},
    ),
    Situation("an opposing order", "OPPOSING_ORDER", facts={"others_selling": "sell 1 MNQZ6 of Scalper"}),
    Situation("all accounts together", None, risk={"max_fan_out": D(40)}, signal={"fan_out": D(40)}),
    Situation(
        "too many together", "FAN_OUT_ABOVE_LIMIT", limits={"max_fan_out": D(40)}, signal={"fan_out": D(41)}
    ),
    Situation("a clock a little off", None, signal={"clock_offset": -5.0}),
    Situation("a wrong clock", "CLOCK_WRONG", signal={"clock_offset": -5.1}),
    # 8 by class, and the stricter of two
    Situation("the class's largest order", None, limits={"by_class": True}, quantity=10),
    Situation("above the class's", "QUANTITY_ABOVE_LIMIT", limits={"by_class": True}, quantity=11),
    Situation(
        "the account is stricter",
        "QUANTITY_ABOVE_LIMIT",
        limits={"max_order_quantity": D(1)},
        risk={"max_order_quantity": D(9)},
    ),
    Situation("the account's largest position", "POSITION_ABOVE_LIMIT", limits={"max_position": D(1)}),
)
each = pytest.mark.parametrize("situation", SITUATIONS, ids=str)


@each
def test_it_judges_the_entry(situation):
    denial = situation.denial
    assert (None if denial is None else denial.code) == situation.code


@each
def test_it_lets_the_exit_pass(situation):
    held = replace(situation, held=3)
    assert held.judge(exit_of(3)) is None


@each
def test_without_limits_it_goes(situation):
    free = replace(situation, limits={}, risk={})
    about_limits = situation.limits or situation.risk
    if about_limits:
        assert free.denial is None


def test_it_cautions_about_margin_and_the_end_of_the_day():
    view = account(
        0,
        limits=RiskTerms(margin_per_contract=D(1000), max_orders_per_day=10),
        facts=AccountFacts(equity=D(1500), orders_today=7),
    )
    codes = [each.code for each in cautions(Case(entry(2), view, RiskTerms(), SignalFacts()))]
    assert codes == ["MARGIN_SHORT", "ORDERS_PER_DAY_NEAR"]


def test_it_has_nothing_to_say_of_an_ordinary_entry():
    assert cautions(Case(entry(2), account(0), RiskTerms(), SignalFacts())) == ()
