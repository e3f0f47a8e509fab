"""What a stream told: the last word on every position and order, and whether an execution is still to show."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from brokers.books import DOUBT_SECONDS, KEEP_ENDED, OrderBook, PositionBook
from brokers.domain import FillReport, OrderReport, OrderStatus, PositionReport, Side

NOW = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
KEY = ("A", "MNQ")


def position(net: int, account: str = "A", instrument: str = "MNQ") -> PositionReport:
    return PositionReport(account, instrument, Decimal(net), None, NOW)


def order(number: str, status: OrderStatus = OrderStatus.ACCEPTED, **more) -> OrderReport:
    values = {"account_id": "A", "side": Side.BUY, "venue_instrument_id": "MNQ", "updated_at": NOW, **more}
    return OrderReport(venue_order_id=number, status=status, **values)


def fill(number: str, of: str, quantity: int = 1) -> FillReport:
    return FillReport("A", number, of, "MNQ", Side.BUY, Decimal(quantity), Decimal(20000), NOW)


# --- positions --------------------------------------------------------------------------------------------------------


@pytest.fixture
def positions():
    return PositionBook()


def test_it_takes_what_nobody_told_for_flat(positions):
    assert positions.net(KEY) == 0


def test_it_keeps_the_last_word(positions):
    positions.put(position(2))
    positions.put(position(-1))
    assert positions.net(KEY) == -1


def test_it_keeps_accounts_and_contracts_apart(positions):
    positions.replace([position(2), position(3, account="B"), position(4, instrument="MES")])
    assert [positions.net(key) for key in (KEY, ("B", "MNQ"), ("A", "MES"), ("B", "MES"))] == [2, 3, 4, 0]


def test_it_takes_what_a_snapshot_lacks_for_flat(positions):
    positions.put(position(2))
    positions.replace([position(1, instrument="MES")])
    assert positions.net(KEY) == 0


def test_it_knows_nothing_of_an_account_that_a_snapshot_left_out(positions):
    positions.replace([position(2)], covered={"A"})
    assert [positions.knows(key) for key in (KEY, ("A", "MES"), ("B", "MNQ"))] == [True, True, False]
    positions.put(position(1, account="B"))
    assert [positions.knows(key) for key in (("B", "MNQ"), ("B", "MES"))] == [True, False]


def test_it_counts_every_report_as_a_newer_version(positions):
    seen = [positions.version(KEY)]
    for _ in range(2):
        positions.put(position(2))
        seen.append(positions.version(KEY))
    assert seen == sorted(set(seen))


@pytest.mark.parametrize("snapshot", [[position(2)], []])
def test_it_counts_a_snapshot_as_another_version(positions, snapshot):
    positions.put(position(2))
    before = positions.version(KEY)
    positions.replace(snapshot)
    assert positions.version(KEY) != before


def test_it_leaves_the_version_of_other_positions_alone(positions):
    positions.put(position(2))
    before = positions.version(KEY)
    positions.put(position(2, instrument="MES"))
    assert positions.version(KEY) == before


def test_it_lists_the_contracts_an_account_holds(positions):
    positions.replace(
        [position(2), position(0, instrument="MES"), position(1, account="B", instrument="MGC")]
    )
    assert positions.instruments_held("A") == ["MNQ"]


def test_it_doubts_a_position_after_an_execution(positions):
    positions.doubt(KEY, 10.0)
    assert positions.is_doubtful(KEY, 10.0 + DOUBT_SECONDS / 2)


def test_it_doubts_no_longer_once_the_position_is_told(positions):
    positions.doubt(KEY, 10.0)
    positions.put(position(1))
    assert not positions.is_doubtful(KEY, 10.0)


def test_it_doubts_no_longer_after_a_snapshot(positions):
    positions.doubt(KEY, 10.0)
    positions.replace([])
    assert not positions.is_doubtful(KEY, 10.0)


def test_it_does_not_doubt_for_ever(positions):
    positions.doubt(KEY, 10.0)
    assert not positions.is_doubtful(KEY, 10.0 + DOUBT_SECONDS)


@pytest.mark.parametrize(("until", "doubtful"), [(9.0, True), (10.0, False), (11.0, False)])
def test_it_settles_only_what_was_told_until_then(positions, until, doubtful):
    positions.doubt(KEY, 10.0)
    positions.settle(KEY, until)
    assert positions.is_doubtful(KEY, 10.5) is doubtful


def test_it_does_not_doubt_the_neighbours(positions):
    positions.doubt(KEY, 10.0)
    assert not positions.is_doubtful(("B", "MNQ"), 10.0)


# --- orders -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def orders():
    return OrderBook()


def test_it_keeps_the_last_report_of_an_order(orders):
    orders.put(order("1"))
    orders.put(order("1", OrderStatus.CANCELED))
    assert orders.get("1").status is OrderStatus.CANCELED


def test_it_finds_an_order_by_our_handle_within_its_account(orders):
    orders.put(order("1", client_order_id="ours"))
    assert orders.by_client("A", "ours").venue_order_id == "1"
    assert orders.by_client("B", "ours") is None


def test_it_finds_the_legs_of_an_order_within_its_account(orders):
    orders.put(order("2", parent_venue_order_id="1"))
    orders.put(order("3", parent_venue_order_id="1", account_id="B"))
    orders.put(order("4"))
    assert [leg.venue_order_id for leg in orders.of_parent("A", "1")] == ["2"]


def test_it_takes_orders_without_a_parent_for_nobodys_legs(orders):
    orders.put(order("1"))
    assert orders.of_parent("A", "") == []


def test_it_forgets_what_a_snapshot_lacks(orders):
    orders.put(order("1", client_order_id="ours"))
    orders.replace([order("2")])
    assert (orders.get("1"), orders.by_client("A", "ours"), len(orders)) == (None, None, 1)


def test_it_tells_an_execution_once_however_it_is_reported(orders):
    told = [
        orders.put(order("1")),
        orders.put(fill("f1", "1")),
        orders.put(fill("f1", "1")),
        orders.put(order("1", filled_quantity=Decimal(1))),
        orders.put(order("1", OrderStatus.FILLED, filled_quantity=Decimal(3))),
        orders.put(fill("f2", "1", 2)),
    ]
    assert told == [False, True, False, False, True, False]


def test_it_tells_an_execution_that_comes_before_its_order(orders):
    assert orders.put(fill("f1", "9"))
    assert not orders.put(order("9", filled_quantity=Decimal(1)))


def test_it_knows_the_executions_of_a_snapshot(orders):
    orders.replace([order("1", filled_quantity=Decimal(1))], [fill("f1", "1")])
    assert not orders.put(fill("f1", "1"))
    assert orders.put(fill("f2", "1"))


def test_it_forgets_the_oldest_of_too_many_ended_orders(orders):
    for number in range(KEEP_ENDED + 1):
        orders.put(order(str(number), OrderStatus.FILLED, client_order_id=f"c{number}"))
    assert len(orders) == KEEP_ENDED
    assert (orders.get("0"), orders.by_client("A", "c0")) == (None, None)
    assert orders.by_client("A", f"c{KEEP_ENDED}") is not None


def test_it_forgets_no_order_that_still_works(orders):
    orders.put(order("working"))
    for number in range(KEEP_ENDED + 10):
        orders.put(order(str(number), OrderStatus.CANCELED))
    assert orders.get("working") is not None
