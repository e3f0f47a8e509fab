"""For every code the smallest circumstance that brings it about, and the numbers its sentence must name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from brokers.domain import OrderType, Side, TimeInForce
from strategies.execution.terms import (
    AccountFacts,
    AccountPlan,
    AccountView,
    Built,
    Control,
    Denial,
    Pace,
    PriceFact,
    RecentOrder,
    Result,
    RiskTerms,
    SignalFacts,
    StrategyTerms,
)
from strategies.webhooks.alert import Alert, QuantityKind
from tests.strategies.execution.build import (
    ABLE,
    TUESDAY,
    account,
    contract,
    occasion,
    order,
    plan,
    terms,
)

BUY = order("buy", 2)
IN_ORDER, PLAIN = account(), terms()
NO_STOPS = replace(ABLE, bracket=False, order_types=frozenset({OrderType.MARKET, OrderType.LIMIT}))
WINDOW = {"start": "09:30", "end": "16:00", "timezone": "America/New_York", "days": [0]}
JUST_NOW = RecentOrder(Side.BUY, Decimal(2), OrderType.MARKET, age_seconds=0.4, identity="")


@dataclass(frozen=True)
class Refusal:
    """An alert to an account that is in order but for one thing, and what the refusal of the entry must say."""

    code: str
    says: tuple[str, ...]
    view: AccountView = IN_ORDER
    strategy: StrategyTerms = PLAIN
    moment: tuple[tuple[str, object], ...] = ()
    alert: Alert = BUY

    def __str__(self) -> str:
        return self.code

    def plan(self) -> AccountPlan:
        told = {"is_target": self.alert.mode == "target", "signal_price": self.alert.signal_price}
        fields = {**told, **dict(self.moment)}
        return plan(self.alert, self.view, self.strategy, moment=occasion(**fields))

    @property
    def denial(self) -> Denial:
        return next(draft.denial for draft in self.plan().drafts if draft.denial is not None)


def _risk(**limits: object) -> StrategyTerms:
    return terms(risk=RiskTerms(**limits))


def _known(limits: RiskTerms | None = None, **facts: object) -> AccountView:
    return account(limits=limits or RiskTerms(), facts=AccountFacts(**facts))


def _signal(**facts: object) -> tuple[tuple[str, object], ...]:
    return (("facts", SignalFacts(**facts)),)


def _built(entries: int, price: Decimal | None = None) -> AccountView:
    """A long position of so many entries."""
    return account(entries, facts=AccountFacts(built={Side.BUY: Built(entries, price)}))


def _quote(bid: int, ask: int, age: float = 1.0) -> PriceFact:
    return PriceFact(Decimal(bid), Decimal(ask), Decimal(bid), age)


CHRISTMAS = {"start": "2026-10-06T00:00:00Z", "end": "2026-10-07T00:00:00Z"}
PRICED = order("buy", 2, order_type=OrderType.LIMIT, limit_price=Decimal(21900))

CIRCUMSTANCES = (
    Refusal("CONTROL_HALTED", ("strategy",), account(control=Control.HALTED, control_scope="strategy")),
    Refusal("CONTROL_REDUCING", ("platform",), account(control=Control.REDUCING, control_scope="platform")),
    Refusal("ACCOUNT_DISABLED", ("switched off",), account(account_enabled=False)),
    Refusal("ACCOUNT_CLOSED", ("closed or missing",), account(account_open=False)),
    Refusal(
        "CONNECTION_NOT_READY",
        ("needs reauthorization", "Your token ran out."),
        account(connection_state="needs_reauthorization", connection_reason="Your token ran out."),
    ),
    Refusal("ACCOUNT_NOT_RECONCILED", ("could not be read",), account(reconciled=False)),
    Refusal(
        "INSTRUMENT_UNKNOWN",
        ("MNQ", "tradovate", "Did you mean NQ?"),
        account(instrument=None, instrument_problem="Did you mean NQ?"),
    ),
    Refusal("INSTRUMENT_NOT_ALLOWED", ("MNQ", "MES"), strategy=terms(symbol_root="MES")),
    Refusal("CONTRACT_EXPIRED", ("MNQZ6", "2026-10-06"), account(instrument=contract(expires_at=TUESDAY))),
    Refusal(
        "CONTRACT_EXPIRING",
        ("MNQZ6", "2026-10-07"),
        account(instrument=contract(expires_at=TUESDAY + timedelta(hours=23))),
    ),
    Refusal("SESSION_CLOSED", ("09:30–16:00 America/New_York",), strategy=_risk(session=WINDOW)),
    Refusal("SIGNAL_STALE", ("120.5 s", "120 s"), moment=(("signal_age", 120.46),)),
    Refusal("SIGNAL_SUPERSEDED", ("newer alert",), moment=(("superseded", True),)),
    Refusal("ORDER_DUPLICATE", ("0.4 s",), account(recent=(JUST_NOW,))),
    Refusal("QUANTITY_ZERO", ("2 × 0.3", "at most 5"), account(multiplier="0.3", max_contracts=5)),
    Refusal("QUANTITY_ABOVE_LIMIT", ("2 ", "1."), strategy=_risk(max_order_quantity=Decimal(1))),
    Refusal("POSITION_ABOVE_LIMIT", ("5;", "4."), account(3), _risk(max_position=Decimal(4))),
    Refusal("POSITION_UNKNOWN", ("could not be read",), account(None)),
    Refusal("EXIT_WOULD_OPEN", ("3 ", "1 held"), account(3, held=1), alert=order("exit")),
    Refusal("ORDER_OUTCOME_UNKNOWN", ("2 earlier",), account(unknown_orders=2)),
    Refusal("DIRECTION_NOT_ALLOWED", ("short only",), strategy=terms(direction="Short")),
    Refusal(
        "STOP_NOT_POSSIBLE",
        ("stop-loss", "tradovate"),
        account(capabilities=NO_STOPS),
        terms(stop_loss=20),
    ),
    Refusal("NO_REFERENCE_PRICE", ("take-profit", "percent"), strategy=terms(take_profit=1, units="Percent")),
    Refusal("BRACKET_INVALID", ("stop-loss", "0 ticks"), strategy=terms(stop_loss=0)),
    Refusal(
        "ORDER_TYPE_NOT_SUPPORTED",
        ("tradovate", "stop"),
        account(capabilities=NO_STOPS),
        alert=order("buy", 2, order_type=OrderType.STOP, stop_price=Decimal(21900)),
    ),
    Refusal(
        "TIME_IN_FORCE_NOT_SUPPORTED",
        ("tradovate", "IOC"),
        account(capabilities=replace(ABLE, time_in_force=frozenset({TimeInForce.DAY, TimeInForce.GTC}))),
        alert=order("buy", 2, time_in_force=TimeInForce.IOC),
    ),
    Refusal("PRICE_MISSING", ("limit",), alert=order("buy", 2, order_type=OrderType.LIMIT)),
    Refusal("ACTION_NOT_AVAILABLE", ("breakeven", "tradovate"), alert=order("breakeven")),
    Refusal(
        "QUANTITY_KIND_NOT_AVAILABLE",
        ("percent of position",),
        alert=order("buy", 50, quantity_kind=QuantityKind.PERCENT_OF_POSITION),
    ),
    Refusal(
        "SESSION_BLACKOUT", ("2026-10-06T00:00:00Z", "2026-10-07"), strategy=_risk(blackout=(CHRISTMAS,))
    ),
    Refusal("CLOCK_WRONG", ("7.2 s", "5.0 s"), moment=_signal(clock_offset=7.2)),
    Refusal(
        "DAILY_LOSS_REACHED",
        ("strategy", "501.5", "500"),
        _known(results=(Result("strategy", Decimal(500), None, Decimal("-501.50")),)),
    ),
    Refusal(
        "DRAWDOWN_REACHED",
        ("account", "2000 below"),
        _known(results=(Result("account", None, Decimal(2000), None, Decimal(2000)),)),
    ),
    Refusal("RESULT_UNKNOWN", ("account", "500"), _known(results=(Result("account", Decimal(500)),))),
    Refusal("REJECTS_IN_A_ROW", ("5 orders",), _known(RiskTerms(max_rejects_in_a_row=5), rejects_in_a_row=5)),
    Refusal(
        "EXECUTION_REPEATED",
        ("execution 11", "10"),
        strategy=_risk(max_orders_per_minute=10),
        moment=_signal(last_minute=10),
    ),
    Refusal(
        "REVERSALS_REPEATED",
        ("3 times",),
        strategy=_risk(max_reversals_per_minute=3),
        moment=_signal(reversals=3),
    ),
    Refusal(
        "MESSAGE_RATE_ABOVE_LIMIT",
        ("50 orders", "platform", "20 a second"),
        moment=_signal(paces=(Pace("platform", 50, Decimal(20)),)),
    ),
    Refusal(
        "ORDERS_PER_DAY_REACHED", ("200 orders",), _known(RiskTerms(max_orders_per_day=200), orders_today=200)
    ),
    Refusal(
        "TRADES_PER_DAY_REACHED",
        ("strategy", "4 trades"),
        strategy=_risk(max_trades_per_day=4),
        moment=_signal(trades_today=4),
    ),
    Refusal(
        "WORKING_ORDERS_ABOVE_LIMIT",
        ("20 orders",),
        _known(RiskTerms(max_working_orders=20), working_orders=20),
    ),
    Refusal("OPPOSING_ORDER", ("sell 2 MNQZ6",), _known(others_selling="sell 2 MNQZ6")),
    Refusal("ADDS_REACHED", ("2 times", "at most 2"), _built(3), _risk(max_adds=2)),
    Refusal(
        "AVERAGING_DOWN",
        ("entered at 21900", "at 21880"),
        _built(1, Decimal(21900)),
        _risk(no_average_down=True),
        alert=order("buy", 2, signal_price=Decimal(21880)),
    ),
    Refusal(
        "AVERAGE_UNKNOWN",
        ("the market's price is missing",),
        _built(1, Decimal(21900)),
        _risk(no_average_down=True),
    ),
    Refusal(
        "FAN_OUT_ABOVE_LIMIT",
        ("60 contracts", "30 accounts", "50"),
        strategy=_risk(max_fan_out=Decimal(50)),
        moment=_signal(fan_out=Decimal(60), accounts=30),
    ),
    Refusal("STREAM_DOWN", ("45 s", "30 s"), _known(stream_down_seconds=45.2), alert=PRICED),
    Refusal("QUOTE_MISSING", ("5 s",), strategy=_risk(max_quote_age=5)),
    Refusal("QUOTE_STALE", ("9.5 s", "5 s"), _known(quote=_quote(1, 2, 9.5)), _risk(max_quote_age=5)),
    Refusal(
        "SPREAD_TOO_WIDE",
        ("10 %", "5 %"),
        _known(RiskTerms(max_spread_percent=Decimal(5)), quote=_quote(100, 110)),
    ),
    Refusal(
        "REFERENCE_PRICE_MISSING", ("1 %",), strategy=_risk(price_collar_percent=Decimal(1)), alert=PRICED
    ),
    Refusal(
        "PRICE_OUTSIDE_COLLAR",
        ("21900", "9.5 %", "20000", "1 %"),
        _known(quote=_quote(20000, 20000)),
        _risk(price_collar_percent=Decimal(1)),
        alert=PRICED,
    ),
    Refusal("ORDER_VALUE_UNKNOWN", ("1000",), strategy=_risk(max_order_notional=Decimal(1000))),
    Refusal(
        "ORDER_VALUE_ABOVE_LIMIT",
        ("87600", "1000"),
        strategy=_risk(max_order_notional=Decimal(1000)),
        alert=PRICED,
    ),
    Refusal("MARGIN_UNKNOWN", ("50 %",), _known(RiskTerms(max_margin_percent=Decimal(50)))),
    Refusal(
        "MARGIN_ABOVE_LIMIT",
        ("4000", "50 %", "7000"),
        _known(
            RiskTerms(max_margin_percent=Decimal(50), margin_per_contract=Decimal(2000)), equity=Decimal(7000)
        ),
    ),
)

LATER = {
    "EXIT_NOT_CONFIRMED": ({"status": "partially filled"}, "partially filled"),
    "NOT_SENT_IN_TIME": ({"reason": "Slow down."}, "Slow down."),
}
"""What is refused only after the planning, with its context and what its sentence must say."""
