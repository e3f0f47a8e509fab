"""Properties of the ledger, checked against a second, independent way of counting."""

from __future__ import annotations

from decimal import Decimal
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.matching import build_round_trips, prorate
from tests.recorder.executions import A, B, executions

POINT = Decimal(2)
MANY = settings(max_examples=200, deadline=None)
OWNERS = (A, B, None)


def picture(ledger):
    """Everything a ledger says, comparable."""
    return [
        (
            t.owner,
            t.side,
            t.first.id,
            t.from_flat,
            t.largest,
            t.open_quantity,
            t.costs,
            t.closed_by,
            t.figures(POINT),
        )
        for t in ledger.trips
    ], ledger.owners


@MANY
@given(executions(OWNERS), st.integers(0, 2**32))
def test_it_does_not_depend_on_the_order_of_arrival(items, seed):
    shuffled = items.copy()
    Random(seed).shuffle(shuffled)
    assert picture(build_round_trips(shuffled)) == picture(build_round_trips(items))


@MANY
@given(executions(OWNERS))
def test_it_holds_together_what_the_account_holds(items):
    """The signed sum over all owners is the account's net position: flips and shares lose no quantity."""
    ledger = build_round_trips(items)
    held = sum(trip.open_quantity * trip.side.sign for trip in ledger.trips)
    assert held == sum(item.quantity * item.side.sign for item in items)
    traded = sum(trip.entry_quantity + trip.exit_quantity for trip in ledger.trips)
    assert traded == sum(item.quantity for item in items)


@MANY
@given(executions(OWNERS), st.integers(80_000, 90_000))
def test_it_earns_what_the_cash_flow_says(items, mark):
    """Marked at any price: realised + open P&L = Σ quantity × (mark − price) × sign, whoever owns what."""
    mark = Decimal(mark) / 4
    ledger = build_round_trips(items)
    realised = sum(t.figures(POINT).pnl for t in ledger.trips)
    floating = sum((mark * t.open_quantity - t.open_cost) * t.side.sign * POINT for t in ledger.trips)
    cash = sum(item.quantity * (mark - item.price) * item.side.sign * POINT for item in items)
    assert abs(realised + floating - cash) <= Decimal("0.0001") * len(ledger.trips)


@MANY
@given(executions(OWNERS))
def test_it_spends_every_fee_once(items):
    ledger = build_round_trips(items)
    assert sum(trip.costs for trip in ledger.trips) == sum(item.costs for item in items)


@MANY
@given(executions(OWNERS))
def test_it_keeps_averages_inside_the_prices_paid(items):
    for trip in build_round_trips(items).trips:
        prices = [item.price for item in items if item.side is trip.side]
        assert min(prices) <= trip.figures(POINT).entry_price <= max(prices)


@MANY
@given(executions(OWNERS))
def test_it_has_at_most_one_open_position_per_owner(items):
    open_owners = [trip.owner for trip in build_round_trips(items).trips if trip.is_open]
    assert len(open_owners) == len(set(open_owners))


@MANY
@given(executions(OWNERS), st.data())
def test_it_may_start_again_wherever_everything_was_flat(items, data):
    whole = build_round_trips(items)
    start = data.draw(st.sampled_from([trip for trip in whole.trips if trip.from_flat])).first
    tail = build_round_trips(item for item in items if item.sort_key >= start.sort_key)
    expected = [trip for trip in whole.trips if trip.first.sort_key >= start.sort_key]
    assert [t.figures(POINT) for t in tail.trips] == [t.figures(POINT) for t in expected]


@MANY
@given(executions((A,)))
def test_it_equals_a_ledger_of_single_lots(items):
    """One owner, first lot out: the same P&L in sum, and a flat point exactly where the lots run out."""
    lots: list[tuple[Decimal, int]] = []
    pnl, flats, net = Decimal(0), 0, 0
    for item in sorted(items, key=lambda item: item.sort_key):
        for _ in range(int(item.quantity * 10)):
            if lots and lots[0][1] != item.side.sign:
                price, sign = lots.pop(0)
                pnl += (item.price - price) * sign / 10 * POINT
                flats += not lots
            else:
                lots.append((item.price, item.side.sign))
        net += item.quantity * item.side.sign
    ledger = build_round_trips(items)
    assert sum(not trip.is_open for trip in ledger.trips) == flats
    if not lots:
        total = sum(trip.figures(POINT).pnl for trip in ledger.trips)
        assert abs(total - pnl) <= Decimal("0.0001") * len(ledger.trips)
    assert bool(lots) == bool(net)


@MANY
@given(
    st.integers(0, 100_000).map(lambda n: Decimal(n) / 10_000),
    st.lists(st.integers(1, 50).map(Decimal), min_size=1, max_size=6),
)
def test_it_shares_money_to_the_last_digit(amount, quantities):
    shares = prorate(amount, quantities)
    assert sum(shares) == amount
    for share, quantity in zip(shares, quantities, strict=True):
        assert abs(share - amount * quantity / sum(quantities)) <= Decimal("0.0001")
