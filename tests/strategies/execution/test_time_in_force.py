"""How long an entry stays valid: as its alert says, else its strategy, else for the day."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brokers.domain import OrderType, TimeInForce
from tests.strategies.execution.build import ABLE, account, order, plan, terms

DAY, GTC, IOC = TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC


def draft(told=None, own=None, able=frozenset(TimeInForce)):
    view = account(capabilities=replace(ABLE, time_in_force=frozenset(able)))
    (found,) = plan(order("buy", 1, time_in_force=told), view, terms(time_in_force=own)).drafts
    return found


@pytest.mark.parametrize(
    ("told", "own", "expected"), [(None, None, DAY), (None, GTC, GTC), (IOC, GTC, IOC), (DAY, IOC, DAY)]
)
def test_the_alert_decides_before_the_strategy(told, own, expected):
    assert draft(told, own).time_in_force is expected


@pytest.mark.parametrize(("told", "able", "expected"), [(GTC, {DAY}, DAY), (DAY, {GTC}, GTC)])
def test_one_that_rests_stands_in_for_the_other(told, able, expected):
    found = draft(told, able=able)
    assert (found.time_in_force, found.denial) == (expected, None)


def test_nothing_stands_in_for_at_once_or_not_at_all():
    assert draft(IOC, able={DAY, GTC}).denial.code == "TIME_IN_FORCE_NOT_SUPPORTED"


def test_only_an_order_that_rests_is_given_up():
    def seconds(**fields):
        (found,) = plan(order("buy", 1, cancel_after=45, **fields), account()).drafts
        return found.cancel_after

    assert seconds() is None
    assert seconds(order_type=OrderType.LIMIT, limit_price=100) == 45
