"""Which limit holds: own, default, cap."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.execution.limits import NUMBERS, above_caps, defaults, merge

amounts = st.none() | st.integers(1, 50)
limits = st.fixed_dictionaries({}, optional=dict.fromkeys(NUMBERS, amounts))


@pytest.mark.parametrize(
    ("own", "caps", "fallback", "value"),
    [
        pytest.param([], [], {}, None, id="nothing"),
        pytest.param([], [], {"max_position": 5}, 5, id="default"),
        pytest.param([{"max_position": "9"}], [], {"max_position": 5}, 9, id="own instead of the default"),
        pytest.param([{"max_position": 9}, {"max_position": 4}], [], None, 4, id="strictest of own"),
        pytest.param([{"max_position": 9}], [{"max_position": 6}], None, 6, id="capped"),
        pytest.param([], [{"max_position": 6}], None, 6, id="a cap holds unasked"),
        pytest.param([{"max_position": None}], [{"max_position": 6}], {}, 6, id="off is still capped"),
        pytest.param([], [{"max_position": 6}, {"max_position": 2}], {"max_position": 5}, 2, id="two caps"),
    ],
)
def test_it_chooses(own, caps, fallback, value):
    assert merge(own, caps, fallback).max_position == value


def test_a_contract_is_taken_to_cost_at_least_what_staff_say():
    assert merge([{"margin_per_contract": 5}], [{"margin_per_contract": 9}]).margin_per_contract == 9


def test_all_windows_and_blackouts_hold():
    day, night = {"start": "09:00", "end": "17:00"}, {"start": "17:00", "end": "09:00"}
    span = {"start": "2026-12-24T00:00:00Z", "end": "2026-12-25T00:00:00Z"}
    found = merge([{"session": day, "blackout": [span]}], [{"session": night, "blackout": [span]}])
    assert (found.windows, found.blackout) == ((day, night), (span, span))


@given(st.lists(limits, max_size=3), st.lists(limits, max_size=3), limits)
def test_no_choice_is_looser_than_any_cap(own, caps, fallback):
    found = merge(own, caps, fallback)
    for cap in caps:
        for name, value in cap.items():
            if value is not None and name != "margin_per_contract":
                assert getattr(found, name) <= value


@given(limits, st.lists(limits, max_size=3))
def test_it_names_what_is_above_a_cap(own, caps):
    named = above_caps(own, caps)
    for name, value in own.items():
        found = [Decimal(cap[name]) for cap in caps if cap.get(name) is not None]
        if value is not None and found:
            worse = value < max(found) if name == "margin_per_contract" else value > min(found)
            assert (name in named) == worse
        else:
            assert name not in named


def test_real_money_has_more_defaults():
    names = ("max_working_orders", "max_orders_per_day")
    assert defaults(names, live=False) == {"max_working_orders": 20}
    assert defaults(names, live=True) == {"max_working_orders": 20, "max_orders_per_day": 200}
