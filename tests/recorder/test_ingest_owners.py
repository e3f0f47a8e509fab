"""Whose a fill is, through the door: manual closes, recorded accounts, tags, several strategies."""

from __future__ import annotations

import pytest

from recorder.models import RecordedPosition
from recorder.services import stop_recording
from tests.factories import AllocationFactory, BrokerAccountFactory, InstrumentFactory, StrategyFactory
from tests.recorder.venue import fill, position

pytestmark = pytest.mark.django_db


def test_it_gives_a_manual_close_to_the_strategy_with_reason_manual(desk):
    desk.order("900", quantity=2)
    desk.ingest(fill(1, "900", "buy", 2, 100))
    desk.ingest(fill(2, "777", "sell", 2, 101))
    (trip,) = desk.trips()
    assert (trip.status, trip.exit_reason, trip.pnl) == ("closed", "Manual", 4)
    stored = desk.stored(2)
    assert (stored.match, stored.strategy, stored.order) == ("window", desk.strategy, None)


def test_it_leaves_a_manual_trade_beside_a_strategy_to_nobody(desk):
    desk.order("900", quantity=2)
    desk.ingest(fill(1, "900", "buy", 2, 100), fill(2, "777", "buy", 1, 101))
    assert [trip.open_quantity for trip in desk.trips()] == [2]
    assert (desk.stored(2).match, desk.stored(2).strategy) == ("external", None)
    assert [(trip.side, trip.open_quantity) for trip in desk.external()] == [("Buy", 1)]


def test_it_keeps_two_strategies_on_one_account_apart(desk):
    other = StrategyFactory(user=desk.account.user)
    desk.order("900", quantity=2)
    desk.order("901", strategy=other, side="sell", quantity=1)
    desk.order("902", side="sell", quantity=2, purpose="exit")
    desk.ingest(fill(1, "900", "buy", 2, 100), fill(2, "901", "sell", 1, 101), fill(3, "902", "sell", 2, 102))
    assert [(t.side, t.status, t.pnl) for t in desk.trips()] == [("Buy", "closed", 8)]
    assert [(t.side, t.status) for t in desk.trips(other)] == [("Sell", "open")]


def test_it_closes_both_strategies_with_one_flatten_of_the_account(desk):
    other = StrategyFactory(user=desk.account.user)
    desk.order("900", quantity=2)
    desk.order("901", strategy=other, quantity=1)
    flatten = desk.order("902", side="sell", quantity=3, purpose="flatten", strategy=None, has_signal=False)
    desk.ingest(fill(1, "900", "buy", 2, 100), fill(2, "901", "buy", 1, 100))
    desk.ingest(fill(3, "902", "sell", 3, 105))
    assert [(t.status, t.exit_reason, t.pnl) for t in desk.trips()] == [("closed", "Manual", 20)]
    assert [(t.status, t.exit_reason, t.pnl) for t in desk.trips(other)] == [("closed", "Manual", 10)]
    assert (desk.stored(3).match, desk.stored(3).order) == ("order", flatten)
    assert desk.external() == []


def test_it_records_a_followed_account_for_its_strategy(desk):
    recorder = StrategyFactory(user=desk.account.user, symbol="CME_MINI:MNQ1!", demo_account=desk.account)
    desk.ingest(fill(1, "777", "buy", 1, 100), fill(2, "778", "sell", 1, 103))
    assert [(t.status, t.exit_reason, t.pnl) for t in desk.trips(recorder)] == [("closed", "Manual", 6)]
    assert {desk.stored(1).match, desk.stored(2).match} == {"recorded"}


def test_it_does_not_record_another_contract_for_a_strategy(desk):
    recorder = StrategyFactory(user=desk.account.user, symbol="ES1!", demo_account=desk.account)
    desk.ingest(fill(1, "777", "buy", 1, 100))
    assert desk.trips(recorder) == []
    assert desk.stored(1).match == "external"


def test_it_stops_following_but_keeps_what_was_recorded(desk):
    recorder = StrategyFactory(user=desk.account.user, symbol="MNQ", demo_account=desk.account)
    desk.ingest(fill(1, "777", "buy", 1, 100), fill(2, "778", "sell", 1, 103))
    stop_recording(recorder)
    desk.ingest(fill(3, "779", "buy", 1, 100))
    assert [trip.status for trip in desk.trips(recorder)] == ["closed"]
    assert desk.stored(3).match == "external"


def test_it_follows_an_account_only_for_a_strategy_that_is_its_owners(desk, stranger):
    foreign = StrategyFactory(user=stranger, symbol="MNQ", demo_account=desk.account)
    AllocationFactory(strategy=StrategyFactory(user=stranger, name="Theirs"), broker_account=desk.account)
    desk.ingest(fill(1, "777", "buy", 1, 100), fill(2, "778", "buy", 1, 100, client_order_id="Theirs"))
    assert desk.trips(foreign) == []
    assert {desk.stored(1).match, desk.stored(2).match} == {"external"}


def test_it_knows_a_strategy_by_the_tag_on_its_fill(desk):
    desk.ingest(fill(1, "777", "buy", 1, 100, client_order_id="scalper"))
    assert (desk.stored(1).match, desk.stored(1).strategy) == ("tag", desk.strategy)
    assert [trip.status for trip in desk.trips()] == ["open"]


def test_it_does_not_mix_up_accounts_with_the_same_venue_order_id(desk):
    other = BrokerAccountFactory(connection=desk.connection, external_id="44", name="DEMO44")
    desk.order("900")
    desk.ingest(fill(1, "900", "buy", 1, 100, account="44"))
    assert other.fills.get().match == "external"
    assert desk.trips() == []


def test_it_waits_with_a_fill_whose_contract_is_unknown(desk):
    desk.order("900")
    unknown = fill(1, "900", "buy", 1, 100, venue_instrument_id="42")
    result = desk.ingest(unknown, position(1, 100, instrument="42"), fill(2, "900", "buy", 1, 100))
    assert (result.fills, len(result.unresolved), result.missing_instruments) == (1, 2, {"42"})
    InstrumentFactory(venue_id="42", venue_symbol="MESZ6", root="MES")
    again = desk.ingest(*result.unresolved)
    assert (again.fills, again.unresolved) == (1, ())
    assert RecordedPosition.objects.filter(strategy=desk.strategy).count() == 2


def test_it_has_unknown_contracts_looked_up_when_told_how(desk):
    asked = []

    def resolve(connection, environment, venue_ids):
        asked.append((connection, environment, venue_ids))
        InstrumentFactory(venue_id="42", venue_symbol="MESZ6", root="MES")

    result = desk.ingest(fill(1, "900", "buy", 1, 100, venue_instrument_id="42"), resolve_missing=resolve)
    assert (result.fills, result.unresolved) == (1, ())
    assert asked == [(desk.connection, "demo", {"42"})]
