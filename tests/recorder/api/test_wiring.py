"""What the record answers to the app below it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recorder.models import PositionSnapshot
from strategies import holdings
from tests.factories import StrategyFactory
from tests.recorder.api.test_recorded_positions import trip
from tests.world import make_world
from tradeproject.common.clock import utc_now

pytestmark = pytest.mark.django_db


def test_net_positions_are_the_venues_last_word_flat_ones_included(owner):
    world = make_world(owner)
    other = make_world(owner, "other")
    PositionSnapshot.objects.filter(broker_account=other.account).update(net_quantity=0, as_of=utc_now())
    found = holdings.net_positions([world.account.pk, other.account.pk])
    instrument = world.instrument.pk
    assert found == {(world.account.pk, instrument): 1, (other.account.pk, instrument): 0}
    assert holdings.net_positions([]) == {}


def test_what_other_strategies_hold_is_signed_and_leaves_out_ones_own_and_the_rest_of_the_world(owner):
    world = make_world(owner)
    account, instrument = world.account, world.instrument
    trip(StrategyFactory(user=owner), account, 0, open_quantity=Decimal(3))
    trip(StrategyFactory(user=owner), account, 0, side="Sell", open_quantity=Decimal(1))
    trip(StrategyFactory(user=owner), account, 0, 10)
    trip(world.strategy, account, 0, strategy=None, open_quantity=Decimal(9))
    found = holdings.held_by_other_strategies(account.pk, instrument.pk, world.strategy.pk)
    assert found == 2


def test_fills_come_by_order(owner):
    world = make_world(owner)
    found = holdings.fills_of([world.order.pk])
    assert [fill["venue_fill_id"] for fill in found[world.order.pk]] == ["canary-f1"]
    assert holdings.fills_of([]) == {}
