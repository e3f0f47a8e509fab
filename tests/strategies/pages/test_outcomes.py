"""A signal's outcome in one sentence."""

from __future__ import annotations

import pytest

from strategies.outcomes import outcome_tone, outcome_words


@pytest.mark.parametrize(
    ("status", "progress", "code", "counts", "expected"),
    [
        ("accepted", "done", "", {"filled": 25}, "filled on all 25 accounts"),
        ("accepted", "done", "", {"filled": 1}, "filled on 1 account"),
        ("accepted", "done", "", {"filled": 23, "denied": 2}, "23 filled, 2 held back of 25"),
        (
            "accepted",
            "executing",
            "",
            {"filled": 1, "submitted": 3, "unknown": 1},
            "1 filled, 3 sent, 1 without a clear answer of 5",
        ),
        ("accepted", "queued", "", {}, "waiting to be carried out"),
        ("accepted", "done", "", {}, "no order was needed"),
        ("accepted", "superseded", "", {}, "no order was needed"),
        ("rejected", "none", "malformed_json", {}, "not understood: malformed json"),
        ("ignored", "none", "halted", {}, "not carried out: halted"),
        ("dry_run", "none", "", {}, "dry run, nothing sent"),
    ],
)
def test_it_says_it_in_words(status, progress, code, counts, expected):
    assert outcome_words(status, progress, code, counts) == expected


@pytest.mark.parametrize(
    ("counts", "tone"),
    [
        ({"filled": 3}, "good"),
        ({"filled": 2, "rejected": 1}, "bad"),
        ({"filled": 2, "unknown": 1}, "warn"),
        ({"filled": 2, "accepted": 1}, "busy"),
        ({"canceled": 2}, "calm"),
        ({}, "calm"),
    ],
)
def test_its_tone_is_the_worst_that_happened(counts, tone):
    assert outcome_tone("accepted", counts) == tone


def test_it_counts_accounts_not_orders_where_each_had_two():
    assert outcome_words("accepted", "done", "", {"filled": 50}, 25) == "filled on all 25 accounts"
    assert outcome_words("accepted", "done", "", {"filled": 2}, 1) == "filled on 1 account"
