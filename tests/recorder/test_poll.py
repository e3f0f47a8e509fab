"""One poll of one login: what it asks, what it stores, and how it fails."""

from __future__ import annotations

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync

from brokers.domain import OrderStatus
from brokers.errors import AuthRevoked, ProtocolSurprise, RateLimited, Unavailable
from brokers.models import Instrument, ReportBatch
from brokers.reportcodec import encode
from recorder import reconcile
from recorder.models import PositionSnapshot
from recorder.services import drain_report_batches
from tests.factories import BrokerAccountFactory
from tests.recorder.fake_adapter import FakeAdapter
from tests.recorder.venue import fill, order_report, position
from tradeproject.common.clock import utc_now

pytestmark = pytest.mark.django_db


def poll(desk, adapter):
    return async_to_sync(reconcile.poll_connection)(desk.connection.pk, "demo", adapter)


def test_it_brings_everything_through_the_door(desk):
    order = desk.order("900")
    adapter = FakeAdapter(
        positions=[position(1, 100)],
        fills=[fill(1, "900", "buy", 1, 100)],
        orders=[order_report("900", OrderStatus.FILLED)],
    )
    result = poll(desk, adapter)
    assert (result.fills, result.holdings, result.accounts) == (1, 1, 1)
    order.refresh_from_db()
    desk.account.refresh_from_db()
    assert (order.status, desk.account.balance, desk.stored(1).source) == ("filled", 50000, "poll")
    assert desk.trips()[0].status == "open"


def test_it_takes_what_is_missing_for_flat(desk):
    desk.ingest(position(2, 100))
    poll(desk, FakeAdapter())
    assert PositionSnapshot.objects.get().net_quantity == 0


def test_it_takes_a_failed_answer_for_nothing_at_all(desk):
    desk.ingest(position(2, 100))
    adapter = FakeAdapter(failing={"positions": Unavailable("The broker is away.")})
    with pytest.raises(Unavailable):
        poll(desk, adapter)
    assert PositionSnapshot.objects.get().net_quantity == 2
    desk.connection.refresh_from_db()
    assert (desk.connection.state, desk.connection.state_reason) == ("error", "The broker is away.")


def test_it_never_calls_an_account_flat_that_the_login_lost(desk):
    desk.ingest(position(2, 100))
    desk.account.state = "missing"
    desk.account.save()
    poll(desk, FakeAdapter())
    assert PositionSnapshot.objects.get().net_quantity == 2


def test_it_keeps_what_it_learnt_before_the_failure(desk):
    adapter = FakeAdapter(positions=[position(3, 100)], failing={"fills": Unavailable("Away.")})
    with pytest.raises(Unavailable):
        poll(desk, adapter)
    assert PositionSnapshot.objects.get().net_quantity == 3
    assert adapter.calls == {"positions": 1, "fills": 1}


def test_it_tells_that_the_owner_must_log_in(desk):
    with pytest.raises(AuthRevoked):
        poll(desk, FakeAdapter(failing={"positions": AuthRevoked("Sign in again.")}))
    desk.connection.refresh_from_db()
    assert desk.connection.state == "needs_reauthorization"


def test_it_stops_asking_when_told_to_slow_down_and_blames_nobody(desk):
    for number in range(6):
        BrokerAccountFactory(connection=desk.connection, external_id=str(number))
    adapter = FakeAdapter(failing={"accounts": RateLimited("Slow down.", retry_after=60)})
    with pytest.raises(RateLimited):
        poll(desk, adapter)
    assert adapter.calls["accounts"] <= reconcile.ACCOUNTS_AT_ONCE
    desk.connection.refresh_from_db()
    assert desk.connection.state == "connected"


def test_it_goes_on_when_one_account_is_not_understood(desk):
    other = BrokerAccountFactory(connection=desk.connection, external_id="44")
    poll(desk, FakeAdapter(failing={"account 33112": ProtocolSurprise("What is this?")}))
    other.refresh_from_db()
    desk.account.refresh_from_db()
    assert (other.balance, desk.account.balance) == (50000, None)


def test_it_asks_for_few_balances_at_a_time_and_the_oldest_first(desk):
    for number in range(reconcile.ACCOUNTS_PER_POLL + 5):
        BrokerAccountFactory(connection=desk.connection, external_id=str(number), last_synced_at=utc_now())
    adapter = FakeAdapter()
    poll(desk, adapter)
    assert adapter.calls["accounts"] == 1  # the others were heard of a moment ago
    desk.connection.accounts.update(last_synced_at=utc_now() - timedelta(hours=1))
    adapter = FakeAdapter()
    poll(desk, adapter)
    assert adapter.calls["accounts"] == reconcile.ACCOUNTS_PER_POLL
    assert 1 < adapter.most_at_once <= reconcile.ACCOUNTS_AT_ONCE


def test_it_looks_back_over_the_whole_gap(desk):
    adapter = FakeAdapter()
    poll(desk, adapter)
    assert adapter.since is None
    heard = utc_now() - timedelta(hours=10)
    desk.connection.accounts.update(last_synced_at=heard)
    poll(desk, adapter)
    assert adapter.since == heard - reconcile.LOOK_BACK


def test_it_looks_up_contracts_it_does_not_know(desk):
    desk.order("900")
    adapter = FakeAdapter(
        positions=[position(1, 100, instrument="42")],
        fills=[fill(1, "900", "buy", 1, 100, venue_instrument_id="42")],
        contracts={"42": "MES"},
    )
    poll(desk, adapter)
    assert Instrument.objects.get(venue_id="42").root == "MES"
    assert desk.stored(1).instrument.venue_symbol == "MESZ6"
    assert PositionSnapshot.objects.get().net_quantity == 1


def test_it_looks_up_contracts_that_the_stream_waits_for(desk):
    desk.order("900")
    waiting = fill(1, "900", "buy", 1, 100, venue_instrument_id="42")
    ReportBatch.objects.create(
        connection=desk.connection, environment="demo", payload={"items": encode([waiting])}
    )
    drain_report_batches()
    poll(desk, FakeAdapter(contracts={"42": "MES"}))
    drain_report_batches()
    assert desk.stored(1).instrument.root == "MES"
    assert not ReportBatch.objects.exists()


def test_it_leaves_a_contract_open_that_the_venue_cannot_name(desk, caplog):
    adapter = FakeAdapter(fills=[fill(1, "900", "buy", 1, 100, venue_instrument_id="42")])
    assert [item.venue_fill_id for item in poll(desk, adapter).unresolved] == ["1"]
    assert "the venue does not know contracts it reported" in caplog.text


def test_it_says_connected_again_once_the_broker_answers(desk):
    desk.connection.state = "error"
    desk.connection.save()
    poll(desk, FakeAdapter())
    desk.connection.refresh_from_db()
    assert desk.connection.state == "connected"
