"""Position snapshots: the newer wins, a complete answer makes the rest flat, a failure never does."""

from __future__ import annotations

from datetime import timedelta

import pytest

from brokers.domain import StreamSnapshot
from recorder.models import PositionSnapshot
from tests.factories import BrokerAccountFactory, InstrumentFactory
from tests.recorder.venue import at, position
from tradeproject.common.clock import utc_now

pytestmark = pytest.mark.django_db


def held(account=None):
    rows = (
        PositionSnapshot.objects.all()
        if account is None
        else PositionSnapshot.objects.filter(broker_account=account)
    )
    return [(row.net_quantity, row.average_price) for row in rows.order_by("pk")]


def snapshot(*positions, moment=None):
    return StreamSnapshot(moment or utc_now(), positions, (), ())


def test_it_leaves_an_account_alone_that_a_streams_snapshot_did_not_cover(desk):
    other = BrokerAccountFactory(connection=desk.connection, external_id="44")
    desk.ingest(position(2, 100), position(5, 100, account="44"))
    desk.ingest(StreamSnapshot(utc_now(), (), (), (), covered=("33112",)))
    assert (held(desk.account), held(other)) == ([(0, None)], [(5, 100)])


def test_it_keeps_one_row_per_contract_and_the_newer_wins(desk):
    assert desk.ingest(position(2, 100, seconds=5)).holdings == 1
    assert desk.ingest(position(-1, 90, seconds=4)).holdings == 0
    assert desk.ingest(position(3, 101, seconds=6)).holdings == 1
    assert held() == [(3, 101)]


def test_it_remembers_flat_as_a_row(desk):
    desk.ingest(position(2, 100, seconds=5))
    desk.ingest(position(0, None, seconds=6))
    assert held() == [(0, None)]


def test_it_sets_what_a_complete_poll_left_out_to_flat(desk):
    desk.ingest(position(2, 100))
    result = desk.ingest(source="poll", complete_accounts=["33112"])
    assert result.holdings == 1
    assert held() == [(0, None)]


def test_it_leaves_accounts_alone_that_were_not_asked(desk):
    other = BrokerAccountFactory(connection=desk.connection, external_id="44")
    desk.ingest(position(2, 100), position(5, 100, account="44"))
    desk.ingest(source="poll", complete_accounts=["33112"])
    assert (held(desk.account), held(other)) == ([(0, None)], [(5, 100)])


def test_it_makes_nothing_flat_when_positions_were_not_asked_for(desk):
    desk.ingest(position(2, 100))
    desk.ingest(source="poll")
    assert held() == [(2, 100)]


def test_it_does_not_let_a_poll_undo_what_changed_while_it_ran(desk):
    asked_at = utc_now()
    desk.ingest(position(2, 100))
    desk.ingest(source="poll", complete_accounts=["33112"], asked_at=asked_at)
    assert held() == [(2, 100)]


def test_it_takes_a_report_from_a_venue_whose_clock_is_late_after_a_poll(desk):
    desk.ingest(position(2, 100))
    desk.ingest(source="poll", complete_accounts=["33112"])
    behind = (utc_now() - timedelta(seconds=3) - at(0)).total_seconds()
    desk.ingest(position(1, 105, seconds=behind))
    assert held() == [(1, 105)]


def test_it_replaces_everything_by_a_streams_snapshot(desk):
    mes = InstrumentFactory(venue_id="42", venue_symbol="MESZ6", root="MES")
    desk.ingest(position(2, 100), position(1, 50, instrument=mes.venue_id))
    desk.ingest(snapshot(position(4, 102)))
    assert held() == [(4, 102), (0, None)]


def test_it_takes_reports_and_snapshots_of_one_call_in_their_order(desk):
    before = position(2, 100, seconds=5)
    desk.ingest(before, snapshot())
    assert held() == [(0, None)]
    later = (utc_now() - at(0)).total_seconds()
    desk.ingest(snapshot(before), position(7, 100, seconds=later))
    assert held() == [(7, 100)]


def test_it_does_not_call_an_account_flat_that_the_snapshot_could_not_know(desk):
    moment = utc_now() - timedelta(seconds=30)
    desk.account.created_at = moment + timedelta(seconds=10)
    desk.account.save()
    desk.ingest(position(2, 100))
    desk.ingest(snapshot(moment=moment))
    assert held() == [(2, 100)]


def test_it_does_not_call_an_account_flat_that_the_login_no_longer_sees(desk):
    desk.ingest(position(2, 100))
    desk.account.state = "missing"
    desk.account.save()
    desk.ingest(snapshot())
    assert held() == [(2, 100)]


def test_it_remembers_nothing_of_being_flat_in_a_contract_it_never_saw(desk):
    result = desk.ingest(position(0, instrument="4242"))
    assert (result.unresolved, PositionSnapshot.objects.count()) == ((), 0)
