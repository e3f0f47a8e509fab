"""Which open positions there are, whose they are, and how they are read."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dashboard.positions import live_positions, position_rows
from recorder.models import PositionSnapshot, RecordedPosition
from tests.factories import (
    BrokerAccountFactory,
    ConnectionFactory,
    InstrumentFactory,
    StrategyFactory,
)
from tests.world import make_world
from tradeproject.common.clock import utc_now

pytestmark = pytest.mark.django_db

URL = "/api/v1/positions"


@pytest.fixture
def account(owner):
    return BrokerAccountFactory(connection=ConnectionFactory(user=owner), last_synced_at=utc_now())


def hold(account, net, price="21000", instrument=None) -> PositionSnapshot:
    return PositionSnapshot.objects.create(
        broker_account=account,
        instrument=instrument or InstrumentFactory(),
        net_quantity=Decimal(net),
        average_price=Decimal(price),
        as_of=utc_now(),
        source="stream",
    )


def record(account, size, side="Buy", price="21000", **more) -> RecordedPosition:
    strategy = more.pop("strategy", None) or StrategyFactory(user=account.user)
    return RecordedPosition.objects.create(
        user=account.user, strategy=strategy, broker_account=account, instrument=InstrumentFactory(), symbol="MNQ",
        side=side, quantity=Decimal(size), open_quantity=Decimal(size), entry_price=Decimal(price),
        entry_timestamp=utc_now(), **more,
    )  # fmt: skip


def brief(user) -> list[tuple]:
    rows = live_positions(user)
    return sorted((row["side"], row["quantity"], row["strategy_name"] or "", row["sync"]) for row in rows)


def test_a_position_is_its_strategys(owner, account):
    hold(account, 2)
    trip = record(account, 2, stop_loss_price=Decimal(20990))
    (row,) = live_positions(owner)
    assert row["strategy"] == str(trip.strategy_id)
    assert (row["symbol"], row["venue_symbol"], row["entry_price"]) == ("MNQ", "MNQZ6", "21000")
    assert (row["stop_loss_price"], row["sync"]) == ("20990", "synced")


def test_flat_ones_and_those_of_forgotten_logins_are_left_out(owner, account):
    hold(account, 0)
    gone = BrokerAccountFactory(connection=ConnectionFactory(user=owner, deleted_at=utc_now()))
    hold(gone, 1)
    assert live_positions(owner) == []


def test_several_strategies_share_what_they_explain_to_the_last_contract(owner, account):
    hold(account, 5)
    for name, size in (("A", 2), ("B", 3)):
        record(account, size, price=f"2100{size}", strategy=StrategyFactory(user=owner, name=name))
    assert brief(owner) == [("long", "2", "A", "synced"), ("long", "3", "B", "synced")]
    assert len({row.id for row in position_rows(owner)}) == 2
    assert {row.entry_price for row in position_rows(owner)} == {Decimal(21002), Decimal(21003)}


@pytest.mark.parametrize(
    ("net", "trips"),
    [
        (4, [("Buy", 2), ("Buy", 3)]),
        (1, [("Buy", 3), ("Sell", 2)]),
        (2, [("Buy", 1)]),
        (-1, [("Buy", 1)]),
        (1, []),
    ],
)
def test_what_the_record_does_not_explain_stays_one_position(owner, account, net, trips):
    hold(account, net)
    for side, size in trips:
        record(account, size, side)
    (row,) = live_positions(owner)
    explained = net == sum(size if side == "Buy" else -size for side, size in trips)
    assert (row["quantity"], row["sync"]) == (str(abs(net)), "synced" if explained else "drifted")


def test_the_brokers_figure_is_used_where_it_can_only_mean_one_position(owner, account):
    account.open_pnl = Decimal("30.5")
    account.save()
    hold(account, 2, "21000.25")
    (row,) = live_positions(owner)
    assert (row["price_source"], row["unrealized_pnl"], row["current_price"]) == (
        "broker",
        "30.5",
        "21007.875",
    )
    hold(account, 1, instrument=InstrumentFactory(venue_id="77", venue_symbol="MESZ6", root="MES"))
    assert {row["price_source"] for row in live_positions(owner)} == {"none"}


def test_two_strategies_divide_the_brokers_figure(owner, account):
    account.open_pnl = Decimal(30)
    account.save()
    hold(account, 3)
    record(account, 1)
    record(account, 2)
    assert sorted(row["unrealized_pnl"] for row in live_positions(owner)) == ["10", "20"]


def test_it_takes_three_queries_however_many(owner, account, django_assert_num_queries):
    for _ in range(5):
        other = BrokerAccountFactory(connection=ConnectionFactory(user=owner))
        hold(other, 1)
        record(other, 1)
    with django_assert_num_queries(3):
        assert len(live_positions(owner)) == 5


def test_staff_see_everybodys_only_when_they_ask(owner, stranger, staff, account):
    hold(account, 1)
    assert live_positions(staff) == []
    assert len(live_positions(staff, staff_all=True)) == 1
    assert live_positions(stranger, staff_all=True) == []


def test_the_api_pages_and_filters(api, owner):
    first, second = make_world(owner, "one"), make_world(owner, "two")
    page = api.get(URL, {"page_size": 1}).json()
    assert (page["count"], len(page["results"])) == (2, 1)
    for name, pk in (("broker_account", second.account.pk), ("strategy", second.strategy.pk)):
        rows = api.get(URL, {name: str(pk)}).json()["results"]
        assert [row["broker_account"] for row in rows] == [str(second.account.pk)]
    assert api.get(URL, {"symbol": "mnqz6"}).json()["count"] == 2
    assert api.get(URL, {"symbol": "ES"}).json()["count"] == 0
    assert api.get(URL, {"broker_account": "x"}).status_code == 400
    assert first.account.pk != second.account.pk
