"""Facts that come late, twice, changed, or are taken back."""

from __future__ import annotations

import logging
from decimal import Decimal
from itertools import permutations

import pytest

from recorder.models import RecordedPosition
from tests.recorder.venue import at, fill

pytestmark = pytest.mark.django_db

FACTS = (
    *("side", "quantity", "open_quantity", "entry_price", "entry_timestamp", "exit_price", "exit_timestamp"),
    *("exit_reason", "pnl", "commission", "net_pnl", "status", "from_flat"),
)


def facts(desk):
    return [tuple(getattr(trip, name) for name in FACTS) for trip in desk.trips()]


def test_it_puts_a_late_fill_where_it_belongs_and_keeps_the_ids(desk):
    desk.order("900", quantity=2)
    desk.order("901", side="sell", quantity=2, purpose="exit")
    desk.order("902", quantity=1)
    desk.ingest(fill(1, "900", "buy", 1, 100), fill(5, "901", "sell", 2, 110), fill(9, "902", "buy", 1, 105))
    before = [trip.pk for trip in desk.trips()]
    desk.ingest(fill(2, "900", "buy", 1, 102))
    first, second = desk.trips()
    assert (first.quantity, first.entry_price, first.pnl, first.status) == (2, 101, 36, "closed")
    assert (second.quantity, second.entry_timestamp, second.status) == (1, at(9), "open")
    assert {first.pk, second.pk} <= set(before)


def test_it_keeps_the_id_when_an_earlier_first_fill_turns_up(desk):
    desk.order("900", quantity=2)
    desk.ingest(fill(2, "900", "buy", 1, 100))
    (before,) = desk.trips()
    desk.ingest(fill(1, "900", "buy", 1, 98))
    (after,) = desk.trips()
    assert (after.pk, after.entry_price, after.entry_timestamp) == (before.pk, 99, at(1))


def test_it_ends_the_same_whatever_the_order_of_arrival(desk):
    desk.order("900", quantity=3)
    desk.order("901", side="sell", quantity=4)
    desk.order("902", quantity=1, purpose="exit")
    fills = [
        fill(1, "900", "buy", 1, 100, commission=Decimal("0.25")),
        fill(2, "900", "buy", 2, 101, commission=Decimal("0.50")),
        fill(3, "901", "sell", 4, 104, commission=Decimal("1.01")),
        fill(4, "902", "buy", 1, 103, commission=Decimal("0.25")),
    ]
    results = []
    for arrival in permutations(fills):
        for item in arrival:
            desk.ingest(item)
        results.append(facts(desk))
        RecordedPosition.objects.all().delete()
        desk.account.fills.all().delete()
    assert len(results[0]) == 2
    assert all(result == results[0] for result in results)


def test_it_completes_missing_costs_from_a_later_report(desk):
    desk.order("900")
    desk.ingest(fill(1, "900", "buy", 1, 100))
    assert desk.trips()[0].commission == 0
    result = desk.ingest(fill(1, "900", "buy", 1, 100, commission=Decimal("0.25"), fees=Decimal("0.37")))
    assert (result.fills, result.duplicates, result.positions) == (0, 1, 1)
    assert (desk.stored(1).commission, desk.trips()[0].commission) == (Decimal("0.25"), Decimal("0.62"))


def test_it_keeps_the_first_report_of_a_fill_and_says_so(desk, caplog):
    desk.order("900")
    desk.ingest(fill(1, "900", "buy", 1, 100, commission=Decimal("0.25")))
    with caplog.at_level(logging.WARNING, logger="recorder.fills"):
        desk.ingest(fill(1, "900", "buy", 1, 105))
        desk.ingest(fill(1, "900", "buy", 1, 100, commission=Decimal("0.99")))
    assert [record.message for record in caplog.records] == [
        "a fill was reported again with other data; the first report stands"
    ] * 2
    assert (desk.stored(1).price, desk.stored(1).commission) == (100, Decimal("0.25"))


def test_it_counts_a_fill_told_twice_in_one_call_once(desk):
    desk.order("900")
    result = desk.ingest(fill(1, "900", "buy", 1, 100), fill(1, "900", "buy", 1, 100, fees=Decimal("0.10")))
    assert (result.fills, result.duplicates) == (1, 1)
    assert (desk.trips()[0].quantity, desk.trips()[0].commission) == (1, Decimal("0.1"))


def test_it_takes_a_voided_fill_out_of_the_record(desk):
    desk.order("900", quantity=2)
    desk.ingest(fill(1, "900", "buy", 1, 100), fill(2, "900", "buy", 1, 110))
    desk.ingest(fill(2, "900", "buy", 1, 110, voided=True))
    (trip,) = desk.trips()
    assert (trip.quantity, trip.entry_price) == (1, 100)
    assert desk.stored(2).voided


def test_it_opens_a_position_again_when_its_exit_is_voided(desk):
    desk.order("900")
    desk.order("901", side="sell", purpose="exit")
    desk.ingest(fill(1, "900", "buy", 1, 100), fill(2, "901", "sell", 1, 110))
    (closed,) = desk.trips()
    desk.ingest(fill(2, "901", "sell", 1, 110, voided=True))
    (trip,) = desk.trips()
    assert (trip.pk, trip.status, trip.exit_price, trip.exit_reason, trip.pnl) == (
        closed.pk,
        "open",
        None,
        "",
        0,
    )


def test_it_withdraws_a_position_whose_only_fill_is_voided(desk):
    desk.order("900")
    desk.ingest(fill(1, "900", "buy", 1, 100))
    desk.ingest(fill(1, "900", "buy", 1, 100, voided=True))
    assert desk.trips() == []


def test_it_never_counts_a_fill_that_was_void_from_the_start(desk):
    order = desk.order("900")
    desk.ingest(fill(1, "900", "buy", 1, 100, voided=True))
    order.refresh_from_db()
    assert (desk.trips(), order.filled_quantity) == ([], 0)
