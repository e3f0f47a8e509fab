"""Where exactly each limit of an entry lies. What is not set limits nothing; zero is a limit."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from brokers.domain import LegKind, LegSpec, OrderType, Side
from strategies.execution.gate import check
from strategies.execution.terms import RecentOrder, RiskTerms
from tests.strategies.execution.build import ABLE, TUESDAY, account, contract, entry, occasion, terms

STOP = LegSpec(LegKind.STOP_LOSS, offset=Decimal(5))
TRAILING = replace(STOP, trailing=True)
GOAL = LegSpec(LegKind.TAKE_PROFIT, offset=Decimal(5))
MARKET, LIMIT, STOP_ORDER = OrderType.MARKET, OrderType.LIMIT, OrderType.STOP


def objection(draft, view=None, strategy=None, **moment):
    denial = check(draft, view or account(), strategy or terms(), occasion(**moment))
    return None if denial is None else denial.code


def limits(**fields):
    return terms(risk=RiskTerms(**{name: Decimal(value) for name, value in fields.items()}))


def test_it_lets_an_entry_through_that_nothing_speaks_against():
    assert objection(entry(2)) is None


@pytest.mark.parametrize(("age", "code"), [(120.0, None), (120.01, "SIGNAL_STALE")])
def test_it_refuses_an_old_alert(age, code):
    assert objection(entry(), signal_age=age) == code


@pytest.mark.parametrize(
    ("left", "code"),
    [
        (timedelta(days=1), None),
        (timedelta(hours=23, minutes=59), "CONTRACT_EXPIRING"),
        (timedelta(0), "CONTRACT_EXPIRED"),
    ],
)
def test_it_refuses_a_contract_on_its_last_day(left, code):
    view = account(instrument=contract(expires_at=TUESDAY + left))
    assert objection(entry(), view) == code


@pytest.mark.parametrize(
    ("quantity", "limit", "code"),
    [(2, None, None), (2, "2", None), (3, "2", "QUANTITY_ABOVE_LIMIT"), (1, "0", "QUANTITY_ABOVE_LIMIT")],
)
def test_it_refuses_too_large_an_order(quantity, limit, code):
    strategy = terms() if limit is None else limits(max_order_quantity=limit)
    assert objection(entry(quantity), strategy=strategy) == code


@pytest.mark.parametrize(
    ("held", "working", "side", "code"),
    [
        pytest.param(0, 0, Side.BUY, None, id="as much as allowed"),
        pytest.param(1, 0, Side.BUY, "POSITION_ABOVE_LIMIT", id="more than allowed"),
        pytest.param(0, 1, Side.BUY, "POSITION_ABOVE_LIMIT", id="more with what rests on that side"),
        pytest.param(0, 1, Side.SELL, None, id="what rests on the other side"),
        pytest.param(-1, 0, Side.SELL, "POSITION_ABOVE_LIMIT", id="too short"),
        pytest.param(-9, 0, Side.BUY, None, id="after the exit of a reversal"),
    ],
)
def test_it_refuses_too_large_a_position(held, working, side, code):
    view = account(held, working_buys=Decimal(working))
    assert objection(entry(4, side), view, limits(max_position="4")) == code


def test_a_largest_position_of_zero_lets_nothing_in():
    assert objection(entry(1), strategy=limits(max_position="0")) == "POSITION_ABOVE_LIMIT"


def test_it_needs_the_position_even_without_a_limit():
    assert objection(entry(), account(0, held=None)) == "POSITION_UNKNOWN"


@pytest.mark.parametrize(
    ("last", "now", "code"),
    [
        ({}, {}, "ORDER_DUPLICATE"),
        ({"age_seconds": 2.0}, {}, "ORDER_DUPLICATE"),
        ({"age_seconds": 2.1}, {}, None),
        ({"side": Side.SELL}, {}, None),
        ({"quantity": Decimal(3)}, {}, None),
        ({"order_type": LIMIT}, {}, None),
        ({}, {"is_target": True}, None),
        ({"identity": "a"}, {"identity": "b"}, None),
        ({"identity": "a"}, {"identity": "a"}, "ORDER_DUPLICATE"),
        ({"identity": "a"}, {"identity": ""}, "ORDER_DUPLICATE"),
    ],
)
def test_it_refuses_the_same_order_again_unless_something_tells_them_apart(last, now, code):
    fields = {"side": Side.BUY, "quantity": Decimal(2), "order_type": MARKET, "age_seconds": 0.1}
    view = account(recent=(RecentOrder(**{**fields, "identity": "", **last}),))
    assert objection(entry(2), view, **now) == code


def test_only_the_latest_order_counts_as_the_same():
    same = RecentOrder(Side.BUY, Decimal(2), MARKET, 1.0, "")
    other = RecentOrder(Side.SELL, Decimal(2), MARKET, 0.5, "")
    assert objection(entry(2), account(recent=(other, same))) is None


@pytest.mark.parametrize("root", ["", "MNQ"])
def test_it_trades_the_strategys_own_root_or_any(root):
    assert objection(entry(), strategy=terms(symbol_root=root)) is None


@pytest.mark.parametrize(
    ("kind", "prices", "code"),
    [
        (LIMIT, {"limit_price": Decimal(1)}, None),
        (LIMIT, {"stop_price": Decimal(1)}, "PRICE_MISSING"),
        (STOP_ORDER, {"stop_price": Decimal(1)}, None),
        (STOP_ORDER, {"limit_price": Decimal(1)}, "PRICE_MISSING"),
        (OrderType.STOP_LIMIT, {"limit_price": Decimal(1), "stop_price": Decimal(1)}, None),
        (OrderType.STOP_LIMIT, {"limit_price": Decimal(1)}, "PRICE_MISSING"),
        (OrderType.STOP_LIMIT, {"stop_price": Decimal(1)}, "PRICE_MISSING"),
        (OrderType.TRAILING_STOP, {"trail_offset": Decimal(1)}, None),
        (OrderType.TRAILING_STOP, {}, "PRICE_MISSING"),
    ],
)
def test_it_needs_the_prices_of_its_order_type(kind, prices, code):
    assert objection(entry(order_type=kind, **prices)) == code


@pytest.mark.parametrize(
    ("legs", "able", "code"),
    [
        pytest.param((STOP, GOAL), {}, None, id="native"),
        pytest.param((STOP, GOAL), {"bracket": False}, None, id="emulated"),
        pytest.param(
            (STOP,), {"bracket": False, "order_types": {MARKET, LIMIT}}, "STOP_NOT_POSSIBLE", id="no stops"
        ),
        pytest.param(
            (GOAL,),
            {"bracket": False, "order_types": {MARKET, STOP_ORDER}},
            "STOP_NOT_POSSIBLE",
            id="no targets",
        ),
        pytest.param((GOAL,), {"bracket": False, "order_types": {MARKET, LIMIT}}, None, id="a target alone"),
        pytest.param((), {"bracket": False, "order_types": {MARKET}}, None, id="nothing asked for"),
        pytest.param((TRAILING,), {}, None, id="trailing"),
        pytest.param((TRAILING,), {"trailing_stop": False}, "STOP_NOT_POSSIBLE", id="no trailing"),
        pytest.param((STOP,), {"trailing_stop": False}, None, id="a fixed stop where none trails"),
    ],
)
def test_it_lets_no_entry_go_without_the_protection_asked_for(legs, able, code):
    view = account(capabilities=replace(ABLE, **able))
    assert objection(entry(legs=legs), view) == code
