"""What the recorder tells the world, in the transaction of the facts."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import transaction

from brokers.domain import OrderStatus
from recorder.models import Fill
from tests.recorder.venue import fill, order_report, position
from tradeproject.common.models import DomainEvent

pytestmark = pytest.mark.django_db


def told(*types):
    rows = DomainEvent.objects.order_by("pk")
    return [(row.type, row.data) for row in rows if not types or row.type in types]


def names():
    return [name for name, _ in told()]


def test_it_tells_of_an_entry(desk):
    order = desk.order("900", quantity=2)
    desk.ingest(fill(1, "900", "buy", 2, 100), position(2, 100))
    assert names() == ["fill.recorded", "order.updated", "position.reported", "position.opened"]
    assert {row.user for row in DomainEvent.objects.all()} == {desk.account.user}
    data = dict(told())
    assert data["fill.recorded"]["strategy"] == str(desk.strategy.pk)
    assert data["fill.recorded"]["quantity"] == "2"
    assert (data["order.updated"]["order"], data["order.updated"]["status"]) == (str(order.pk), "filled")
    assert data["position.reported"]["net_quantity"] == "2"
    opened = data["position.opened"]
    assert (opened["position"], opened["side"], opened["status"]) == (str(desk.trips()[0].pk), "Buy", "open")


def test_it_tells_of_adds_and_the_end(desk):
    desk.order("900", quantity=2)
    desk.order("901", side="sell", quantity=2, purpose="exit")
    desk.ingest(fill(1, "900", "buy", 1, 100))
    desk.ingest(fill(2, "900", "buy", 1, 102))
    desk.ingest(fill(3, "901", "sell", 2, 110))
    trips = told("position.opened", "position.changed", "position.closed")
    assert [name for name, _ in trips] == ["position.opened", "position.changed", "position.closed"]
    closed = trips[-1][1]
    assert (closed["exit_reason"], closed["exit_price"], closed["net_pnl"]) == ("Signal", "110", "36")


def test_it_tells_of_a_round_trip_that_came_in_one_piece(desk):
    desk.order("900")
    desk.order("901", side="sell", purpose="exit")
    desk.ingest(fill(1, "900", "buy", 1, 100), fill(2, "901", "sell", 1, 101))
    assert [name for name, _ in told("position.opened", "position.closed")] == [
        "position.opened",
        "position.closed",
    ]


def test_it_names_the_strategy_whose_position_a_manual_fill_closed(desk):
    desk.order("900")
    desk.ingest(fill(1, "900", "buy", 1, 100))
    desk.ingest(fill(2, "777", "sell", 1, 100))
    last = told("fill.recorded")[-1][1]
    assert (last["strategy"], last["match"], last["order"]) == (str(desk.strategy.pk), "window", None)


def test_it_tells_when_a_record_is_withdrawn(desk):
    desk.order("900")
    desk.ingest(fill(1, "900", "buy", 1, 100))
    (trip,) = desk.trips()
    desk.ingest(fill(1, "900", "buy", 1, 100, voided=True))
    ((_, data),) = told("position.withdrawn")
    assert (data["position"], data["strategy"]) == (str(trip.pk), str(desk.strategy.pk))


def test_it_tells_nothing_twice(desk):
    desk.order("900")
    report = order_report("900", OrderStatus.FILLED, filled_quantity=Decimal(1), average_price=Decimal(100))
    items = [report, fill(1, "900", "buy", 1, 100), position(1, 100)]
    desk.ingest(*items)
    before = names()
    desk.ingest(*items, source="poll")
    desk.ingest(*items, source="poll", complete_accounts=["33112"])
    assert names() == before


def test_it_tells_nothing_of_what_was_rolled_back(desk):
    with pytest.raises(RuntimeError), transaction.atomic():
        desk.ingest(fill(1, "900", "buy", 1, 100))
        raise RuntimeError
    assert (Fill.objects.count(), DomainEvent.objects.count()) == (0, 0)
