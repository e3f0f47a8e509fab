"""The short tier of ``scripts/chaos``: every point at which an executor can die, and one of each other kind of trouble."""

from __future__ import annotations

import pytest

from tests.chaos import report, runner

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

# One step for each point: the one whose way has most on it. ``scripts/chaos`` plays all of them.
SHORT = [
    ("crash_after_signal_commit", "entry"),
    ("crash_after_signal_claim", "reversal"),
    ("crash_after_plan_commit", "entry"),
    ("crash_before_socket_write", "exit"),
    ("crash_after_socket_write", "entry"),
    ("crash_after_response", "reversal"),
    ("crash_before_outcome_commit", "exit"),
    ("crash_after_exit_confirmed", "reversal"),
    ("crash_after_claim", "reversal"),
    ("crash_after_bracket_placed", "reduce"),
    ("crash_before_report_commit", "entry"),
    ("crash_before_ingest_commit", "exit"),
    ("kill_execution", "burst"),
    ("frozen_with_orders", "exit"),
    ("lost_reply", "entry"),
    ("lost_request", "exit"),
    ("error_after", "reversal"),
    ("fill_before_answer", "reversal"),
    ("events_twice_and_late", "entry"),
    ("token_expired", "exit"),
    ("postgres_crash", "entry"),
    ("redis_killed", "exit"),
]


def test_it_neither_doubles_nor_loses_an_order_whatever_dies():
    rounds = [(name, step, number) for number, (name, step) in enumerate(SHORT)]
    outcomes = runner.run(rounds, at_once=5)
    print(report.table(outcomes))
    assert report.faults_found(outcomes) == []
    assert sum(outcome.struck for outcome in outcomes) > len(outcomes) * 3 // 4, (
        "too little was really broken"
    )
