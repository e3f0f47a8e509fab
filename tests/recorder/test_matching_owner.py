"""Whose is a fill: the rules of decide_owner, in their order."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from brokers.domain import Side
from recorder.matching import Candidates, FillFacts, InFlightOrder, Match, OrderRef, decide_owner
from tests.recorder.executions import START, A, B

ORDER, LEG = uuid4(), uuid4()


def fill(**changes) -> FillFacts:
    facts = {"venue_order_id": "94511", "side": Side.BUY, "quantity": Decimal(2), "executed_at": START}
    return FillFacts(**{**facts, **changes})


def in_flight(**changes) -> InFlightOrder:
    facts = {"ref": OrderRef(ORDER, A), "side": Side.BUY, "quantity": Decimal(2), "sent_at": START}
    return InFlightOrder(**{**facts, **changes})


def test_it_knows_an_order_by_the_venues_id():
    owner = decide_owner(fill(), Candidates(by_venue_id={"94511": OrderRef(ORDER, A)}, recorder=B))
    assert (owner.match, owner.strategy, owner.ref.order) == (Match.ORDER, A, ORDER)


def test_it_knows_a_leg_by_our_client_id():
    candidates = Candidates(by_client_id={"abc": OrderRef(ORDER, A, LEG)})
    assert decide_owner(fill(client_order_id="abc"), candidates).ref.leg == LEG


def test_it_takes_the_venues_id_before_ours():
    candidates = Candidates(
        by_venue_id={"94511": OrderRef(ORDER, A)}, by_client_id={"abc": OrderRef(uuid4(), B)}
    )
    assert decide_owner(fill(client_order_id="abc"), candidates).strategy == A


def test_it_keeps_an_order_without_a_strategy_ours():
    owner = decide_owner(fill(), Candidates(by_venue_id={"94511": OrderRef(ORDER, None)}, recorder=B))
    assert (owner.match, owner.strategy) == (Match.ORDER, None)


def test_it_knows_a_strategy_by_its_tag_in_any_case():
    owner = decide_owner(fill(client_order_id="MNQ Scalper"), Candidates(tags={"mnq scalper": A}, recorder=B))
    assert (owner.match, owner.strategy) == (Match.TAG, A)


def test_it_takes_the_only_order_in_flight_within_the_window():
    owner = decide_owner(fill(), Candidates(in_flight=[in_flight()], recorder=B))
    assert (owner.match, owner.strategy, owner.ref.order) == (Match.WINDOW, A, ORDER)


@pytest.mark.parametrize(
    "other",
    [
        {"side": Side.SELL},
        {"quantity": Decimal(1)},
        {"sent_at": START + timedelta(seconds=6)},
        {"sent_at": START - timedelta(seconds=61)},
    ],
)
def test_it_does_not_take_an_order_that_does_not_fit(other):
    assert decide_owner(fill(), Candidates(in_flight=[in_flight(**other)])).match is Match.EXTERNAL


def test_it_does_not_guess_between_two_orders_in_flight():
    candidates = Candidates(in_flight=[in_flight(), in_flight(ref=OrderRef(uuid4(), B))])
    assert decide_owner(fill(), candidates).match is Match.EXTERNAL


def test_it_gives_the_rest_of_a_recorded_account_to_its_recorder():
    owner = decide_owner(fill(), Candidates(recorder=B))
    assert (owner.match, owner.strategy, owner.ref) == (Match.RECORDED, B, None)


def test_it_says_external_when_nobody_claims_it():
    owner = decide_owner(fill(client_order_id="unknown"), Candidates(tags={"other": A}))
    assert (owner.match, owner.strategy) == (Match.EXTERNAL, None)
