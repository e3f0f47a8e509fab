"""A process cannot feel that it was frozen; its clock shows it."""

from __future__ import annotations

from strategies.engine.pulse import Pulse


class Clock:
    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


def make() -> tuple[Pulse, Clock]:
    clock = Clock()
    return Pulse(4.0, clock), clock


def run_for(pulse: Pulse, clock: Clock, seconds: int) -> None:
    for _ in range(seconds):
        clock.time += 1
        pulse.has_settled()


def test_what_was_decided_a_moment_ago_is_fresh():
    pulse, clock = make()
    decided_at = pulse.now()
    clock.time += 2
    assert pulse.is_fresh(decided_at) and pulse.has_settled()


def test_it_grows_old_while_the_process_runs_but_nothing_was_slept_through():
    pulse, clock = make()
    decided_at = pulse.now()
    run_for(pulse, clock, 5)
    assert not pulse.is_fresh(decided_at)
    assert pulse.ran_since(decided_at) and pulse.has_settled()


def test_after_a_sleep_nothing_from_before_counts():
    pulse, clock = make()
    decided_at = pulse.now()
    clock.time += 60
    assert not pulse.ran_since(decided_at) and not pulse.is_fresh(decided_at)


def test_after_a_sleep_the_sockets_get_a_moment():
    pulse, clock = make()
    clock.time += 60
    at_once = pulse.now()
    assert not pulse.has_settled() and not pulse.is_fresh(at_once) and pulse.ran_since(at_once)
    run_for(pulse, clock, 1)
    assert pulse.has_settled() and not pulse.is_fresh(at_once) and pulse.is_fresh(pulse.now())


def test_a_second_sleep_counts_as_well():
    pulse, clock = make()
    clock.time += 60
    asked_at = pulse.now()
    assert pulse.ran_since(asked_at)
    clock.time += 60
    assert not pulse.ran_since(asked_at)
