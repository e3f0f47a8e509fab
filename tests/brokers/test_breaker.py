"""The circuit breaker: what opens it, who may try while it is open, and that one probe at a time goes."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from brokers.breaker import HOST_RULE, LOGIN_RULE, Breaker, Breakers, BreakerState
from brokers.domain import SubmitResult
from tests.brokers.test_login_budget import Clock


@pytest.fixture
def clock():
    return Clock()


def opened(clock) -> Breaker:
    breaker = Breaker(clock)
    for _ in range(LOGIN_RULE.failures):
        breaker.failed()
    return breaker


def test_it_opens_after_failures_in_a_row_only(clock):
    breaker = Breaker(clock)
    for _ in range(20):
        for _ in range(LOGIN_RULE.failures - 1):
            breaker.failed()
        breaker.succeeded()
    assert breaker.state is BreakerState.CLOSED
    assert opened(clock).state is BreakerState.OPEN


def test_it_lets_one_probe_through_and_closes_when_that_is_answered(clock):
    breaker = opened(clock)
    assert not breaker.begin()
    clock.advance(LOGIN_RULE.wait)
    assert [breaker.begin() for _ in range(5)] == [True, False, False, False, False]
    breaker.succeeded()
    assert all(breaker.begin() for _ in range(5))


def test_it_waits_twice_as_long_after_each_failed_probe(clock):
    breaker, waits = opened(clock), []
    for _ in range(8):
        waits.append(breaker.seconds_left())
        clock.advance(waits[-1])
        assert breaker.begin()
        breaker.failed()
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30]


def test_it_sends_another_probe_when_the_first_is_lost(clock):
    breaker = opened(clock)
    clock.advance(LOGIN_RULE.wait)
    assert breaker.begin()
    clock.advance(LOGIN_RULE.probe)
    assert breaker.begin()


@pytest.mark.parametrize(
    ("result", "state"),
    [
        (SubmitResult.unknown("NO_ANSWER", ""), BreakerState.OPEN),
        (SubmitResult.unknown("HTTP_503", ""), BreakerState.OPEN),
        (SubmitResult.refused_for_now("UNAVAILABLE", "", 1.0), BreakerState.OPEN),
        (SubmitResult.rejected("NO_MARGIN", ""), BreakerState.CLOSED),
        (SubmitResult.refused_for_now("RATE_LIMITED", "", None), BreakerState.CLOSED),
        (SubmitResult.unknown("UNEXPECTED_ANSWER", ""), BreakerState.CLOSED),
    ],
)
def test_it_is_opened_by_silence_and_never_by_a_refusal(clock, result, state):
    circuit = Breakers(clock).circuit("login", "host")
    for _ in range(50):
        circuit.note(result)
    assert circuit.login.state is state


def test_it_keeps_a_login_from_a_host_that_others_found_down(clock):
    breakers = Breakers(clock)
    for number in range(HOST_RULE.failures):
        breakers.circuit(number, "host").silent()
    fresh = breakers.circuit("fresh", "host")
    assert fresh.login.state is BreakerState.CLOSED
    assert not fresh.begin()
    assert "server" in fresh.reason()
    assert breakers.circuit("fresh", "another host").begin()
    clock.advance(HOST_RULE.wait)
    assert [breakers.circuit(number, "host").begin() for number in ("a", "b", "c")] == [True, False, False]


class BreakerLife(RuleBasedStateMachine):
    """Any life of a breaker: silence in a row alone opens it, and half-open no two tries are under way."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.breaker = Breaker(self.clock)
        self.in_a_row = 0
        self.probes = 0
        self.probe_at = 0.0

    @rule(seconds=st.integers(0, 40))
    def time_passes(self, seconds):
        self.clock.advance(seconds)

    @rule()
    def somebody_tries(self):
        before = self.breaker.state
        went = self.breaker.begin()
        assert went is not (before is BreakerState.OPEN) or before is BreakerState.HALF_OPEN
        if went and before is BreakerState.HALF_OPEN:
            assert self.probes == 0 or self.clock() - self.probe_at >= LOGIN_RULE.probe
            self.probes, self.probe_at = 1, self.clock()

    @rule()
    def nobody_answers(self):
        self.in_a_row += 1
        if self.breaker.state is not BreakerState.OPEN:
            self.probes = 0
        self.breaker.failed()

    @rule()
    def the_venue_answers(self):
        self.in_a_row = self.probes = 0
        self.breaker.succeeded()
        assert self.breaker.may_try()

    @rule()
    def a_try_says_nothing(self):
        self.probes = 0
        self.breaker.give_back()

    @invariant()
    def only_silence_in_a_row_opens_it(self):
        assert (self.breaker.state is BreakerState.CLOSED) == (self.in_a_row < LOGIN_RULE.failures)
        assert 0 <= self.breaker.seconds_left() <= LOGIN_RULE.longest


TestBreakerLife = BreakerLife.TestCase
