from __future__ import annotations

import pytest

from strategies.webhooks.alert import Position
from strategies.webhooks.parser import parse
from tests.strategies.webhooks.helpers import parsed, read, refusal, target


def code_of(body: bytes) -> str:
    error = parse(body).error
    return error.code if error else ""


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [
        ("buy", "flat", "short 1"),
        ("buy", "long 2", "long 1"),
        ("buy", "long 1", "short 1"),
        ("sell", "flat", "long 1"),
        ("sell", "short 2", "short 1"),
        ("exit", "long 1", "long 2"),
        ("exit", "long 1", "short 1"),
        ("add", "long 2", "long 1"),
        ("add", "long 2", "short 3"),
        ("reverse", "long 2", "long 1"),
        ("reverse", "long 2", "flat"),
    ],
)
def test_it_refuses_what_cannot_have_happened(action, before, after):
    assert code_of(target(action, before, after)) == "contradiction"


def test_it_sees_contradictions_without_sizes_too():
    assert refusal(action="buy", market_position="flat", prev_market_position="long") == "contradiction"


@pytest.mark.parametrize(
    "fields",
    [
        {"market_position": "flat", "market_position_size": "1"},
        {"market_position": "long", "market_position_size": "0"},
        {"market_position": "long", "position_size": "-1"},
        {"market_position": "long", "market_position_size": "1", "sentiment": "bearish"},
    ],
)
def test_it_refuses_a_position_at_odds_with_itself(fields):
    assert refusal(**fields) == "contradiction"


def test_it_warns_when_the_quantity_does_not_match_the_change():
    found = parse(target("buy", "flat", "long 5", contracts="2"))
    assert found.alert is not None
    assert found.alert.signed_target == 5
    assert any("does not match" in warning for warning in found.warnings)


def test_it_tolerates_one_lot_between_quantity_and_change():
    assert parse(target("buy", "flat", "long 2", contracts="1")).warnings == ()


def test_it_reads_the_signed_size_by_its_sign():
    for size, position, amount in (("-2", "short", 2), ("2", "long", 2), ("0", "flat", 0), (-1, "short", 1)):
        alert = read(action="sell", position_size=size)
        assert (alert.position_after, alert.position_after_size) == (Position(position), amount)


def test_it_takes_signed_and_unsigned_size_side_by_side():
    alert = read(action="sell", market_position="short", market_position_size="2", position_size="-2")
    assert alert.signed_target == -2
    fields = {"market_position": "short", "market_position_size": "3", "position_size": "-2"}
    assert refusal(action="sell", **fields) == "conflicting_fields"


def test_it_does_not_guess_the_side_of_an_unsigned_size():
    assert refusal(market_position_size="2") == "missing_position"


def test_it_uses_a_position_without_size_as_a_guard_only():
    found = parsed(action="buy", market_position="long")
    assert found.alert is not None
    assert (found.alert.mode, found.alert.sentiment) == ("order", Position.LONG)
    assert any("market_position_size" in warning for warning in found.warnings)


@pytest.mark.parametrize("size", ["NaN", "", "na"])
def test_it_refuses_a_target_whose_size_is_blank(size):
    assert refusal(market_position="long", market_position_size=size) == "invalid_number"


def test_it_needs_no_size_to_be_flat():
    alert = read(action="sell", market_position="flat")
    assert (alert.mode, alert.signed_target) == ("target", 0)


def test_it_refuses_words_that_are_no_position():
    assert refusal(market_position="up", market_position_size="1") == "invalid_position"
    assert refusal(sentiment="sideways") == "invalid_sentiment"


def test_it_leaves_out_a_previous_size_that_is_blank():
    found = parsed(
        market_position="long",
        market_position_size="1",
        prev_market_position="flat",
        prev_market_position_size="NaN",
    )
    assert found.alert is not None
    assert found.alert.position_before is Position.FLAT
    assert any("prev_market_position_size" in warning for warning in found.warnings)
