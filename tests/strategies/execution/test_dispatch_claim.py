"""An order goes only while it is ours: a late try asks again, and is not made when the claim is gone."""

from __future__ import annotations

import asyncio

import pytest

from brokers.domain import Outcome, SubmitResult
from brokers.ratelimit import Lane
from tests.strategies.execution.login import (
    ACCEPTED,
    LOST,
    Claim,
    Login,
    dispatch,
    dispatch_of,
    not_now,
    send,
)

HALTED = SubmitResult.refused_for_now("CONTROL_HALTED", "Trading is halted.", None)


async def test_it_sends_a_fresh_order_once_and_asks_nobody():
    login, claim = Login(), Claim()
    item = dispatch_of(login)
    assert await dispatch(item, claim) == ACCEPTED
    assert (login.adapter.received, claim.asked) == (1, 0)
    assert item.sent_at <= item.answered_at


@pytest.mark.parametrize("lane", [Lane.EXIT, Lane.ENTRY])
async def test_it_sends_nothing_whose_lease_ran_out_and_went_to_another(lane):
    login, claim = Login(), Claim(LOST)
    assert await send(login, lane, claim, lease=0) == LOST
    assert (login.adapter.received, claim.asked) == (0, 1)


async def test_it_begins_nothing_with_little_of_the_lease_left():
    login, claim = Login(), Claim(LOST)
    assert await send(login, claim=claim, lease=2, lease_margin=3) == LOST
    assert login.adapter.received == 0


async def test_it_sends_when_the_lease_could_be_renewed():
    login, claim = Login(), Claim()
    assert await send(login, claim=claim, lease=0) == ACCEPTED
    assert (login.adapter.received, claim.asked) == (1, 1)


@pytest.mark.parametrize("objection", [LOST, HALTED])
async def test_it_asks_again_before_another_try(objection):
    login, claim = Login(not_now(0.3)), Claim(objection)
    assert await send(login, claim=claim) == objection
    assert (login.adapter.received, claim.asked) == (1, 1)


async def test_it_asks_again_when_it_had_to_wait_for_the_budget():
    login, claim = Login(), Claim(HALTED)
    login.budget.hold(0.3)
    assert await send(login, claim=claim) == HALTED
    assert login.adapter.received == 0


async def test_what_was_not_sent_has_no_time_of_sending():
    item = dispatch_of(Login(), lease=0)
    await dispatch(item, Claim(LOST))
    assert item.sent_at is None and item.answered_at is None and item.tries == 0


async def test_a_halted_order_counts_as_provably_not_sent():
    result = await send(Login(), claim=Claim(HALTED), lease=0)
    assert result.outcome is Outcome.REJECTED and result.not_taken


async def test_it_asks_again_for_what_was_decided_long_ago():
    login, claim = Login(), Claim(LOST)
    assert await send(login, claim=claim, decided_at=7.0, is_fresh=lambda moment: moment > 7) == LOST
    assert (login.adapter.received, claim.asked) == (0, 1)


@pytest.mark.parametrize(("lane", "received"), [(Lane.ENTRY, 0), (Lane.EXIT, 1)])
async def test_an_entry_that_grew_too_old_while_its_claim_was_renewed_stays_here(lane, received):
    login = Login()

    class Slow(Claim):
        async def __call__(self, item):
            item.deadline = asyncio.get_running_loop().time()
            return await super().__call__(item)

    await send(login, lane, Slow(), is_fresh=lambda _: False)
    assert login.adapter.received == received
