from __future__ import annotations

import pytest

from strategies.webhooks.alert import describe, display_symbol
from strategies.webhooks.parser import parse
from tests.strategies.webhooks.helpers import read, target

TABLE = [
    ("buy", "flat", "long 2", "enter long 2 MNQ"),
    ("buy", "long 2", "long 3", "add to long, to 3 MNQ"),
    ("buy", "short 1", "long 2", "reverse to long 2 MNQ"),
    ("buy", "short 2", "flat", "exit short MNQ, all"),
    ("buy", "short 2", "short 1", "reduce short to 1 MNQ"),
    ("sell", "flat", "short 2", "enter short 2 MNQ"),
    ("sell", "short 2", "short 3", "add to short, to 3 MNQ"),
    ("sell", "long 2", "short 2", "reverse to short 2 MNQ"),
    ("sell", "long 2", "flat", "exit long MNQ, all"),
    ("sell", "long 2", "long 1", "reduce long to 1 MNQ"),
    ("exit", "long 2", "flat", "exit long MNQ, all"),
    ("buy", "long 2", "long 2", "keep long 2 MNQ"),
    # without the position before
    ("buy", "", "long 2", "be long 2 MNQ"),
    ("sell", "", "long 1", "reduce long to 1 MNQ"),
    ("sell", "", "flat", "exit long MNQ, all"),
    ("exit", "", "flat", "be flat MNQ"),
]


@pytest.mark.parametrize(("action", "before", "after", "intent"), TABLE)
def test_it_says_what_side_and_positions_mean(action, before, after, intent):
    alert = parse(target(action, before, after)).alert
    assert alert is not None
    assert describe(alert) == intent


@pytest.mark.parametrize(
    ("fields", "intent"),
    [
        ({"action": "buy", "contracts": "2"}, "enter long 2 MNQ"),
        ({"action": "sell", "contracts": None}, "enter short MNQ"),
        ({"action": "exit", "contracts": None}, "exit MNQ, all"),
        ({"action": "exit", "contracts": "1"}, "exit 1 MNQ"),
        ({"action": "add"}, "add 1 to the position in MNQ"),
        ({"action": "reverse", "contracts": "2"}, "reverse the position in MNQ to 2"),
        ({"action": "reverse", "contracts": None}, "reverse the position in MNQ"),
        ({"action": "cancel", "contracts": None}, "cancel working orders of MNQ"),
        ({"action": "breakeven", "contracts": None}, "move the stop of MNQ to break-even"),
        ({"action": "buy", "sentiment": "flat"}, "exit short MNQ, all"),
        ({"action": "buy", "sentiment": "bearish"}, "reduce short MNQ by 1"),
        ({"limit_price": "21870.50"}, "enter long 1 MNQ, limit 21870.5"),
        (
            {"limit_price": "21870", "cancelAfter": 45},
            "enter long 1 MNQ, limit 21870, canceled if not filled in 45 s",
        ),
        ({"delay": "2.5"}, "enter long 1 MNQ, after 2.5 s"),
        ({"action": "exit", "contracts": None, "delay": 30}, "exit MNQ, all"),
        ({"order_type": "trailing_stop", "trailAmount": "7.5"}, "enter long 1 MNQ, trailing stop 7.5"),
    ],
)
def test_it_says_what_an_order_means(fields, intent):
    assert describe(read(**fields)) == intent


def test_it_shows_tickers_without_exchange_and_front_month_mark():
    assert display_symbol("CME_MINI:MNQ1!") == "MNQ"
    assert display_symbol("MNQ2!") == "MNQ2!"
    assert display_symbol("MNQZ2026") == "MNQZ2026"
