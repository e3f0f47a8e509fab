"""What is added to a position: how often, and never to one that loses, where somebody said so."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.domain import OrderType, Side
from strategies.execution.adds import Step, built_by
from strategies.execution.guard import Entry
from strategies.execution.terms import AccountFacts, Built, PriceFact, RiskTerms
from tests.strategies.execution.build import account, denials, exact, order, plan, steps, target, terms

BUY, SELL = Side.BUY, Side.SELL


def step(
    number: int, signed: float, price=None, *, closed=0, works=False, purpose="entry", signal=None
) -> Step:
    """The order of this number: what it filled, signed."""
    side = BUY if signed >= 0 else SELL
    entry = Entry(
        order_id=UUID(int=number),
        is_entry=purpose == "entry",
        closes_all=purpose == "flatten",
        side=side,
        filled=abs(exact(signed)),
        closed=exact(closed),
    )
    return Step(entry, UUID(int=1000 + (signal or number)), exact(price), works)


def long(*found: Step) -> tuple[int, Decimal | None]:
    built = built_by(found)[BUY]
    return built.entries, built.price


# --- of what it is built ----------------------------------------------------------------------------------------------


def test_it_counts_entries_and_averages_their_prices():
    assert long(step(1, 1, 100), step(2, 3, 104)) == (2, 103)


def test_exits_end_the_oldest_entry_first():
    assert long(step(1, 1, 100), step(2, 1, 104), step(3, -1, purpose="exit")) == (1, 104)


def test_what_stop_and_target_closed_is_out():
    assert long(step(1, 2, 100, closed=2), step(2, 1, 104)) == (1, 104)


def test_a_close_of_everything_and_a_turn_begin_anew():
    assert long(step(1, 2, 100), step(2, -2, purpose="flatten"), step(3, 1, 90)) == (1, 90)
    assert long(step(1, 2, 100), step(2, -3)) == (0, None)


def test_the_parts_of_one_entry_are_one():
    assert long(step(1, 1, 100, signal=5), step(2, 1, 100, signal=5)) == (1, 100)


def test_an_entry_that_rests_counts_before_it_fills():
    assert long(step(1, 1, 100), step(2, 0, works=True)) == (2, 100)


def test_a_price_that_was_not_told_yet_is_not_made_up():
    assert long(step(1, 1, 100), step(2, 1)) == (2, None)


@given(st.lists(st.tuples(st.integers(-5, 5), st.sampled_from(["entry", "exit"])), max_size=12))
def test_never_are_both_sides_open(moves):
    built = built_by(step(n, signed, 100, purpose=purpose) for n, (signed, purpose) in enumerate(moves))
    assert not (built[BUY].entries and built[SELL].entries)


# --- how often --------------------------------------------------------------------------------------------------------


def view(net, entries=None, price=None, **facts):
    built = None if entries is None else {Side.of(Decimal(net or 1)): Built(entries, exact(price))}
    return account(net, facts=AccountFacts(built=built, **facts))


def limited(limit, **more):
    return terms(risk=RiskTerms(max_adds=limit, **more))


@pytest.mark.parametrize(
    ("limit", "entries", "goes"), [(None, 9, True), (1, 1, True), (1, 2, False), (0, 1, False)]
)
def test_it_is_added_to_as_often_as_allowed(limit, entries, goes):
    assert (denials(plan(order("buy", 1), view(2, entries), limited(limit))) == []) is goes


def test_the_first_entry_is_no_add():
    assert steps(plan(order("buy", 1), view(0, 0), limited(0))) == [("entry", 1)]
    assert steps(plan(order("buy", 1), account(0), limited(0))) == [("entry", 1)]


def test_a_turn_is_no_add():
    assert steps(plan(order("sell", 1), view(2, 3), limited(0))) == [("exit", -2), ("entry", -1)]


def test_an_entry_that_rests_makes_the_next_one_an_add():
    assert denials(plan(order("buy", 1), view(0, 1), limited(0))) == ["ADDS_REACHED"]


def test_what_nobody_counted_is_refused():
    assert denials(plan(order("buy", 1), account(1), limited(5))) == ["ADDS_REACHED"]


def test_a_position_taken_by_hand_can_be_added_to_once_less():
    assert denials(plan(order("buy", 1), view(1, 0), limited(0))) == ["ADDS_REACHED"]


def test_the_accounts_own_limit_holds_too():
    short = account(-2, limits=RiskTerms(max_adds=0), facts=AccountFacts(built={SELL: Built(1)}))
    assert denials(plan(target(-3), short)) == ["ADDS_REACHED"]


def test_exits_are_never_held_up():
    assert steps(plan(order("exit"), view(2, 9), limited(0))) == [("exit", -2)]


# --- never to one that loses ------------------------------------------------------------------------------------------

GUARDED = terms(risk=RiskTerms(no_average_down=True))


@pytest.mark.parametrize(
    ("net", "price", "goes"), [(2, 101, True), (2, 100, True), (2, 99, False), (-2, 101, False)]
)
def test_the_alerts_price_tells_whether_it_loses(net, price, goes):
    alert = order("buy" if net > 0 else "sell", 1, signal_price=exact(price))
    assert (denials(plan(alert, view(net, 1, 100), GUARDED)) == []) is goes


def test_a_fresh_quote_is_believed_before_the_alert():
    quote = PriceFact(exact(99), exact(100), exact(99), age_seconds=1)
    alert = order("buy", 1, signal_price=exact(101))
    assert denials(plan(alert, view(2, 1, 100, quote=quote), GUARDED)) == ["AVERAGING_DOWN"]


def test_an_order_that_waits_below_the_entry_is_one():
    alert = order("buy", 1, order_type=OrderType.LIMIT, limit_price=exact(95), signal_price=exact(105))
    assert denials(plan(alert, view(2, 1, 100), GUARDED)) == ["AVERAGING_DOWN"]


def test_what_is_not_known_refuses():
    assert denials(plan(order("buy", 1), view(2, 1, 100), GUARDED)) == ["AVERAGE_UNKNOWN"]
    assert denials(plan(order("buy", 1, signal_price=exact(101)), view(2, 1), GUARDED)) == ["AVERAGE_UNKNOWN"]


def test_a_first_entry_and_a_turn_are_none():
    assert steps(plan(order("buy", 1), view(0, 0), GUARDED)) == [("entry", 1)]
    assert steps(plan(order("sell", 1), view(2, 1, 100), GUARDED)) == [("exit", -2), ("entry", -1)]
