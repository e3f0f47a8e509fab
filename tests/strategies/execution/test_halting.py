"""The course of a halt as a decision: it always ends, and never as verified while anything is open or not known."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.execution.halting import (
    CANCEL_SECONDS,
    CLOSE_SECONDS,
    MOST_ROUNDS,
    Act,
    Phase,
    Standing,
    next_step,
)

standings = st.builds(
    Standing,
    phase=st.sampled_from(Phase),
    age=st.floats(0, 60),
    flatten=st.booleans(),
    rounds=st.integers(0, MOST_ROUNDS),
    working=st.integers(0, 3),
    closing=st.integers(0, 3),
    held=st.none() | st.integers(0, 3),
    unknown=st.integers(0, 2),
)


def at(phase: str, age: float = 0, flatten: bool = True, **more) -> Standing:
    return Standing(Phase(phase), age, flatten, **more)


@pytest.mark.parametrize(
    ("now", "act", "phase"),
    [
        (at("blocked"), "cancel", "canceling"),
        (at("canceling", working=1), "wait", "canceling"),
        (at("canceling", working=1, age=CANCEL_SECONDS), "move", "flattening"),
        (at("canceling", working=1, age=CANCEL_SECONDS, flatten=False), "end", "needs_you"),
        (at("canceling", flatten=False), "end", "verified"),
        (at("flattening", closing=1), "wait", "flattening"),
        (at("flattening", closing=1, age=CLOSE_SECONDS), "look", "flattening"),
        (at("flattening"), "look", "flattening"),
        (at("flattening", held=0), "end", "verified"),
        (at("flattening", held=0, working=1), "end", "needs_you"),
        (at("flattening", held=1), "close", "flattening"),
        (at("flattening", held=0, unknown=1), "close", "flattening"),
        (at("flattening", held=1, rounds=MOST_ROUNDS), "end", "needs_you"),
        (at("verified"), "wait", "verified"),
    ],
)
def test_the_table(now, act, phase):
    step = next_step(now)
    assert (step.act.value, step.phase.value) == (act, phase)


@given(standings)
def test_it_is_verified_only_when_nothing_is_left(now):
    step = next_step(now)
    if step.act is Act.END and step.phase is Phase.VERIFIED:
        assert not now.working and not now.unknown
        assert not now.flatten or now.phase is Phase.CANCELING or now.held == 0


@given(standings.filter(lambda s: s.phase in {Phase.BLOCKED, Phase.CANCELING, Phase.FLATTENING}))
def test_it_always_ends(now):
    """Whatever stays open: time passes, rounds are counted, a human is called."""
    for _ in range(20):
        step = next_step(now)
        if step.act is Act.END:
            return
        rounds = now.rounds + (step.act is Act.CLOSE)
        held = 1 if step.act is Act.LOOK else None
        now = replace(now, phase=step.phase, age=100, rounds=rounds, held=held)
    raise AssertionError("it went on for ever")
