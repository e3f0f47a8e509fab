"""The browser writes numbers and applies deltas exactly as the server does."""

from __future__ import annotations

import random
from decimal import Decimal
from itertools import pairwise

import pytest

from dashboard.diff import apply, delta, in_order
from dashboard.templatetags import ui

NUMBERS = [
    "0",
    "-0",
    "0.005",
    "0.015",
    "-0.004",
    "-0.005",
    "1234.5",
    "-1234567.895",
    "21870.250",
    "1.08452",
    "12",
    "0.1",
    "1000000",
    "99999.995",
    None,
]


@pytest.fixture
def page(window, owner):
    found = window(owner)
    found.open("/user/orders")
    found.settle()
    return found.page


def test_it_writes_numbers_as_the_server_does(page):
    wrote = page.evaluate(
        """async (numbers) => {
          const f = await import("/static/js/format.js");
          const money = (n) => [f.money(n), f.signedMoney(n), f.money(n, "INR"), f.money(n, "CHF")];
          return numbers.map((n) => [...money(n), f.price(n), f.quantity(n), f.direction(n)]);
        }""",
        NUMBERS,
    )
    for number, found in zip(NUMBERS, wrote, strict=True):
        expected = [
            ui.money(number),
            ui.signed_money(number),
            ui.money(number, "INR"),
            ui.money(number, "CHF"),
            ui.price(number),
            ui.quantity(number),
            ui.direction(number),
        ]
        assert found == expected, number


def test_it_writes_spans_as_the_server_does(page):
    seconds = [0, 1, 59, 60, 61, 3599, 3600, 3661, 86399, 86400, 90061, 1e6]
    wrote = page.evaluate(
        'async (seconds) => { const f = await import("/static/js/format.js"); return seconds.map(f.span); }',
        seconds,
    )
    assert wrote == [ui.span(Decimal(str(value))) for value in seconds]


def test_it_says_where_a_price_comes_from_as_the_server_does(page):
    names = ["quote", "broker", "mixed", "none"]
    wrote = page.evaluate(
        'async (names) => { const f = await import("/static/js/format.js"); return names.map(f.source); }',
        names,
    )
    assert wrote == [ui.source_words(name) for name in names]


def some_state(dice: random.Random) -> dict[str, object]:
    rows = [
        {"id": str(number), "price": str(dice.randint(1, 4)), "sync": dice.choice(["synced", None])}
        for number in dice.sample(range(100, 112), dice.randint(0, 9))
    ]
    return {
        "positions": in_order(rows),
        "groups": in_order(rows[:2]),
        "open_pnl": dice.choice([None, "1", "2"]),
    }


def test_it_applies_deltas_as_the_server_does(page):
    dice = random.Random(11)
    history = [some_state(dice) for _ in range(60)]
    cases = [(old, delta(old, new)) for old, new in pairwise(history)]
    found = page.evaluate(
        """async (cases) => {
          const live = await import("/static/js/live.js");
          return cases.map(([old, change]) => live.applied(old, change));
        }""",
        [list(case) for case in cases],
    )
    assert found == [dict(apply(old, change)) for old, change in cases] == history[1:]
