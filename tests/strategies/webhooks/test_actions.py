from __future__ import annotations

import pytest

from strategies.webhooks.alert import Action
from strategies.webhooks.parser import parse
from tests.strategies.webhooks.helpers import read, refusal, target


@pytest.mark.parametrize(
    ("words", "action"),
    [
        (("buy", "BUY", " Buy ", "long", "b", "1", 1), Action.BUY),
        (("sell", "short", "S", "-1", -1), Action.SELL),
        (("exit", "close", "flat", "Flatten", "0", 0), Action.EXIT),
        (("cancel",), Action.CANCEL),
        (("add",), Action.ADD),
        (("reverse",), Action.REVERSE),
        (("breakeven",), Action.BREAKEVEN),
    ],
)
def test_it_knows_the_words_for_an_action(words, action):
    for word in words:
        assert read(action=word).action is action


@pytest.mark.parametrize("word", ["byu", "enter", "buy sell", "buу", True, ["buy"], {"a": 1}, 2])
def test_it_refuses_any_other_word(word):
    assert refusal(action=word) == "invalid_action"


@pytest.mark.parametrize("word", [None, "", "NaN"])
def test_it_refuses_an_order_without_an_action(word):
    assert refusal(action=word) == "missing_action"


def test_it_refuses_long_as_an_action_beside_a_position():
    for word in ("long", "short"):
        error = parse(target(word, "flat", "long 1")).error
        assert error is not None
        assert error.code == "invalid_action"


def test_it_finds_the_action_under_its_usual_names():
    for name in ("side", "Order_Action", "signal", "type", "DATA"):
        assert read(action=None, **{name: "sell"}).action is Action.SELL


def test_it_refuses_two_names_that_disagree():
    assert refusal(action="buy", side="sell") == "conflicting_fields"
    assert refusal(action="buy", Action="sell") == "conflicting_fields"
    assert refusal(contracts="1", quantity="2") == "conflicting_fields"
    assert refusal(ticker="MNQ1!", symbol="MES1!") == "conflicting_fields"


def test_it_takes_two_names_that_agree():
    assert read(action="buy", side="BUY", contracts="2", qty=2, quantity="2.0").quantity == 2


@pytest.mark.parametrize(
    ("after", "before", "action"),
    [
        ("flat", "", Action.EXIT),
        ("long 2", "", Action.BUY),
        ("short 2", "", Action.SELL),
        ("long 1", "long 2", Action.SELL),
        ("short 1", "short 3", Action.BUY),
    ],
)
def test_it_follows_a_position_that_comes_without_an_action(after, before, action):
    parsed = parse(target("", before, after))
    assert parsed.alert is not None, parsed.error
    assert parsed.alert.action is action
    assert any("no action" in warning for warning in parsed.warnings)
