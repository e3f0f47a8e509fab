"""Laws of the engine under any sequence of orders, quotes, cancels and changes."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.domain import OrderType, Side, TimeInForce
from brokers.matching import EventKind, InvalidChange, MatchingEngine, NewOrder, Touch, UnknownOrder

PRICES = st.integers(380, 420).map(lambda n: Decimal(n) / 4)
SIZES = st.none() | st.integers(1, 5).map(Decimal)
QUANTITIES = st.integers(1, 6).map(Decimal)


@st.composite
def quotes(draw) -> Touch:
    bid = draw(PRICES)
    ask = bid + draw(st.integers(1, 4)) * Decimal("0.25")
    return Touch(bid, ask, draw(st.none() | st.sampled_from([bid, ask])), draw(SIZES), draw(SIZES))


@st.composite
def orders(draw, order_id: int) -> NewOrder:
    return NewOrder(
        order_id,
        "ES",
        draw(st.sampled_from(Side)),
        draw(QUANTITIES),
        draw(st.sampled_from(OrderType)),
        limit_price=draw(PRICES),
        stop_price=draw(PRICES),
        trail_offset=draw(st.integers(1, 8).map(lambda n: Decimal(n) / 4)),
        time_in_force=draw(st.sampled_from(TimeInForce)),
        parent_id=draw(st.none() | st.integers(0, max(order_id - 1, 0))),
        oco_group=draw(st.none() | st.sampled_from(["a", "b"])),
        max_fill=draw(st.none() | st.integers(1, 3).map(Decimal)),
    )


@st.composite
def days(draw) -> list[tuple]:
    """Steps of a trading day: (what, argument)."""
    steps: list[tuple] = [("quote", draw(quotes()))]
    for number in range(draw(st.integers(1, 25))):
        kind = draw(st.sampled_from(["order", "order", "quote", "quote", "cancel", "advance", "change"]))
        if kind == "quote":
            steps.append((kind, draw(quotes())))
        elif kind == "order":
            steps.append((kind, draw(orders(number))))
        else:
            steps.append((kind, draw(st.integers(0, number)), draw(PRICES)))
    return steps


def play(steps: list[tuple]) -> list[tuple[Touch, object]]:
    """Every event with the quote of its moment."""
    engine, seen, touch = MatchingEngine(), [], Touch()
    for step in steps:
        try:
            events = act(engine, step)
        except (UnknownOrder, InvalidChange):
            continue
        touch = step[1] if step[0] == "quote" else touch
        seen += [(touch, event) for event in events]
    return seen


def act(engine: MatchingEngine, step: tuple):
    kind, argument = step[0], step[1]
    if kind == "quote":
        return engine.on_quote("ES", argument)
    if kind == "order":
        return engine.submit(argument)
    if kind == "cancel":
        return engine.cancel(argument)
    if kind == "advance":
        return engine.advance(argument)
    return engine.change(argument, limit_price=step[2], stop_price=step[2])


def final_terms(steps: list[tuple]) -> dict[int, NewOrder]:
    """First order of each key: a later one of a living key is refused."""
    terms: dict[int, NewOrder] = {}
    for step in steps:
        if step[0] == "order":
            terms.setdefault(step[1].order_id, step[1])
    return terms


@settings(max_examples=150, deadline=None)
@given(days())
def test_it_never_fills_beyond_the_quantity_nor_after_the_end(steps):
    terms, filled, ended = final_terms(steps), defaultdict(Decimal), set()
    for _, event in play(steps):
        assert event.order_id not in ended or event.kind is EventKind.REJECTED
        if event.kind is EventKind.FILL:
            assert event.quantity > 0
            filled[event.order_id] += event.quantity
        if event.kind in {EventKind.CANCELED, EventKind.EXPIRED, EventKind.REJECTED}:
            ended.add(event.order_id)
    assert all(quantity <= terms[key].quantity for key, quantity in filled.items())


@settings(max_examples=150, deadline=None)
@given(days())
def test_it_never_fills_a_stop_before_its_trigger_nor_a_child_before_its_parent(steps):
    terms, triggered, filled = final_terms(steps), set(), set()
    for _, event in play(steps):
        order = terms[event.order_id]
        if event.kind is EventKind.TRIGGERED:
            triggered.add(event.order_id)
        if event.kind is EventKind.FILL:
            assert order.order_type in {OrderType.MARKET, OrderType.LIMIT} or event.order_id in triggered
            assert order.parent_id is None or order.parent_id in filled
            filled.add(event.order_id)


@settings(max_examples=150, deadline=None)
@given(days().map(lambda steps: [step for step in steps if step[0] != "change"]))
def test_it_never_gives_a_limit_a_worse_price_and_always_the_quoted_one(steps):
    terms = final_terms(steps)
    for touch, event in play(steps):
        if event.kind is not EventKind.FILL:
            continue
        order = terms[event.order_id]
        assert event.price == (touch.ask if order.side is Side.BUY else touch.bid)
        if order.order_type in {OrderType.LIMIT, OrderType.STOP_LIMIT}:
            assert (order.limit_price - event.price) * order.side.sign >= 0


@settings(max_examples=150, deadline=None)
@given(
    QUANTITIES,
    PRICES,
    PRICES,
    st.lists(quotes(), min_size=1, max_size=20),
    st.none() | st.integers(1, 2).map(Decimal),
)
def test_it_never_fills_both_legs_of_a_pair_in_full(quantity, target, guard, market, piece):
    engine = MatchingEngine()
    terms = {"side": Side.SELL, "quantity": quantity, "oco_group": "x", "max_fill": piece}
    engine.submit(
        NewOrder(1, "ES", order_type=OrderType.LIMIT, limit_price=target, **terms),
        NewOrder(2, "ES", order_type=OrderType.STOP, stop_price=guard, **terms),
    )
    events = [event for touch in market for event in engine.on_quote("ES", touch)]
    assert sum(e.quantity for e in events if e.kind is EventKind.FILL) <= quantity


@settings(max_examples=150, deadline=None)
@given(QUANTITIES, PRICES, PRICES, PRICES, st.lists(quotes(), min_size=1, max_size=20))
def test_it_never_turns_a_bracketed_entry_around(quantity, entry, target, guard, market):
    engine, net = MatchingEngine(), Decimal(0)
    legs = {"side": Side.SELL, "quantity": quantity, "parent_id": 1, "oco_group": "x"}
    events = engine.submit(
        NewOrder(1, "ES", Side.BUY, quantity, OrderType.LIMIT, limit_price=entry),
        NewOrder(2, "ES", order_type=OrderType.LIMIT, limit_price=target, **legs),
        NewOrder(3, "ES", order_type=OrderType.STOP, stop_price=guard, **legs),
    )
    for touch in market:
        events += engine.on_quote("ES", touch)
    for event in events:
        if event.kind is EventKind.FILL:
            net += event.quantity if event.order_id == 1 else -event.quantity
            assert 0 <= net <= quantity


@settings(max_examples=100, deadline=None)
@given(days())
def test_it_tells_the_same_story_twice(steps):
    assert play(steps) == play(steps)
