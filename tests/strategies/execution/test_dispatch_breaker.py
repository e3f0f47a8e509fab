"""A login or host that does not answer: entries wait for it while they are fresh, exits are tried in any case."""

from __future__ import annotations

from brokers.breaker import BreakerState
from brokers.domain import Outcome, SubmitResult
from brokers.errors import Unavailable
from brokers.ratelimit import Lane
from tests.strategies.execution.login import ACCEPTED, Login, send


def broken(*answers) -> Login:
    login = Login(*answers)
    while login.circuit.login.state is BreakerState.CLOSED:
        login.circuit.silent()
    return login


async def test_it_refuses_an_entry_for_now_and_says_why():
    login = broken()
    result = await send(login, Lane.ENTRY, left=0.1)
    assert (result.outcome, result.code, result.not_taken) == (Outcome.REJECTED, "BROKER_UNREACHABLE", True)
    assert "has not answered" in result.message
    assert login.adapter.received == 0
    assert login.budget.wait_seconds(Lane.ENTRY) == 0


async def test_it_sends_the_entry_when_the_login_may_be_tried_again():
    login = broken()
    assert (await send(login, Lane.ENTRY, left=5)) == ACCEPTED
    assert login.circuit.login.state is BreakerState.CLOSED


async def test_it_tries_exits_and_cancels_and_learns_from_them():
    for lane in (Lane.EXIT, Lane.CANCEL):
        login = broken()
        assert await send(login, lane) == ACCEPTED
        assert login.circuit.login.state is BreakerState.CLOSED


async def test_silence_opens_it_and_refusals_do_not():
    silent, refusing = Login(Unavailable("Gone.")), Login(SubmitResult.rejected("NO_MARGIN", "No margin."))
    for _ in range(6):
        await send(silent, Lane.EXIT)
        await send(refusing, Lane.EXIT)
    assert silent.circuit.login.state is BreakerState.OPEN
    assert refusing.circuit.login.state is BreakerState.CLOSED


async def test_a_429_lowers_the_budget_of_the_login():
    login = Login(SubmitResult.refused_for_now("RATE_LIMITED", "Slow down.", 0.2), ACCEPTED)
    assert await send(login) == ACCEPTED
    assert login.budget.factor() == 0.5
