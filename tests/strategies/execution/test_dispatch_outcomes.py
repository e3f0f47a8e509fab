"""Three answers to every order: what is not proven is unknown, and an unknown order is never sent again."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from brokers.domain import Outcome, SubmitResult
from brokers.errors import AuthExpired, OutcomeUnknown, ProtocolSurprise, RateLimited, Unavailable
from tests.strategies.execution.login import (
    ACCEPTED,
    Claim,
    Login,
    dispatch,
    dispatch_of,
    send,
    silence,
)

BRIEF = {"send_seconds": 0.05}


async def test_a_venue_that_does_not_answer_leaves_it_unknown():
    login = Login(silence)
    result = await send(login, **BRIEF)
    assert (result.outcome, result.code) == (Outcome.UNKNOWN, "NO_ANSWER")
    assert login.adapter.received == 1


@pytest.mark.parametrize(
    "error",
    [OutcomeUnknown, Unavailable, ProtocolSurprise, AuthExpired, RateLimited],
    ids=lambda error: error.__name__,
)
async def test_an_error_of_the_venue_leaves_it_unknown_with_its_words(error):
    login = Login(error("The connection was reset."))
    result = await send(login)
    assert (result.outcome, result.code, result.message) == (
        Outcome.UNKNOWN,
        error.code,
        "The connection was reset.",
    )
    assert login.adapter.received == 1


@pytest.mark.parametrize("error", [RuntimeError("token=abc"), TimeoutError(), KeyError("d"), OSError()])
async def test_an_adapter_that_crashes_leaves_it_unknown(error):
    login = Login(error)
    result = await send(login)
    assert result.outcome is Outcome.UNKNOWN and not result.not_taken
    assert login.adapter.received == 1


async def test_the_words_of_a_crash_are_not_shown():
    result = await send(Login(RuntimeError("token=abc")))
    assert "RuntimeError" in result.message and "token" not in result.message


@pytest.mark.parametrize(
    "answer",
    [
        ACCEPTED,
        SubmitResult.rejected("NO_MARGIN", "Insufficient margin."),
        SubmitResult.unknown("HTTP_502", "Bad gateway."),
        replace(SubmitResult.unknown("ODD"), not_taken=True),
    ],
    ids=["accepted", "rejected", "unknown", "unknown whatever else it says"],
)
async def test_a_final_answer_is_handed_on_and_not_asked_for_again(answer):
    login = Login(answer)
    assert await send(login) == answer
    assert login.adapter.received == 1


async def test_it_notes_when_an_unanswered_order_was_sent_and_given_up():
    item = dispatch_of(Login(silence), **BRIEF)
    await dispatch(item, Claim())
    assert item.answered_at - item.sent_at >= 0.04


async def test_a_login_that_hangs_delays_no_other():
    hangs = asyncio.create_task(send(Login(silence), send_seconds=5))
    crashes, works = await asyncio.gather(send(Login(ValueError())), send(Login()))
    assert (crashes.outcome, works) == (Outcome.UNKNOWN, ACCEPTED)
    assert not hangs.done()
    hangs.cancel()
