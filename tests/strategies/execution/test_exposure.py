"""However an alert, an account and the settings combine: nothing holds more than was held or wanted."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from strategies.execution.meaning import instruct
from strategies.execution.terms import ZERO, Purpose
from tests.strategies.execution.build import path, plan, remembered, sent, steps, target, terms
from tests.strategies.execution.conditions import accounts, all_terms, earlier, orders, positions, targets
from tradeproject.common.money import sign

MANY = settings(max_examples=80, deadline=None)


def share(account):
    """What one of the strategy's units is at this account."""
    return account.multiplier * account.account_multiplier


def bound(account, wanted):
    """The most that the account may hold when ``wanted`` is asked for, besides what it holds already."""
    return wanted if account.max_contracts is None else min(wanted, account.max_contracts)


@MANY
@given(targets(), accounts(), all_terms(), earlier)
def test_it_never_holds_more_than_before_or_than_the_target(alert, account, strategy, previous):
    wanted = abs(instruct(alert, strategy, previous).base) * share(account)
    most = max(abs(account.net), bound(account, wanted))
    assert all(abs(net) <= most for net in path(account.net, plan(alert, account, strategy, previous)))


@MANY
@given(orders(), accounts(), all_terms(), earlier)
def test_it_never_adds_more_than_was_ordered(alert, account, strategy, previous):
    size = max(instruct(alert, strategy, previous).base, strategy.position_add or 0)
    outcome = plan(alert, account, strategy, previous)
    closes = any(draft.purpose is Purpose.EXIT for draft in sent(outcome))
    wanted = (0 if closes else abs(account.net)) + size * share(account)
    most = max(abs(account.net), bound(account, wanted))
    assert all(abs(net) <= most for net in path(account.net, outcome))


@MANY
@given(targets() | orders(), accounts(), all_terms(), earlier)
def test_its_exits_close_what_is_held_and_never_more(alert, account, strategy, previous):
    held = account.net
    for draft in sent(plan(alert, account, strategy, previous)):
        if draft.purpose is Purpose.EXIT:
            assert draft.side.sign == -sign(held)
            assert 0 < draft.quantity <= abs(held)
        held += draft.side.sign * draft.quantity


@MANY
@given(targets() | orders(), accounts(), all_terms(), earlier)
def test_its_entries_never_go_against_what_is_held(alert, account, strategy, previous):
    held = account.net
    for draft in sent(plan(alert, account, strategy, previous)):
        assert draft.purpose is Purpose.EXIT or held * draft.side.sign >= 0
        held += draft.side.sign * draft.quantity


@MANY
@given(targets() | orders(), accounts(), all_terms(), earlier)
def test_it_only_ever_comes_closer_to_flat_by_an_alert_that_exits(alert, account, strategy, previous):
    assume(alert.is_exit)
    walked = path(account.net, plan(alert, account, strategy, previous))
    assert all(abs(b) < abs(a) and a * b >= 0 for a, b in pairwise(walked))


@MANY
@given(targets() | orders(), accounts(), all_terms(), earlier)
def test_it_orders_whole_steps_only(alert, account, strategy, previous):
    step = account.instrument.quantity_step
    assert all(draft.quantity % step == 0 for draft in sent(plan(alert, account, strategy, previous)))


@MANY
@given(targets(), accounts(), all_terms(), earlier)
def test_it_orders_nothing_when_a_target_is_applied_again(alert, account, strategy, previous):
    net = path(account.net, plan(alert, account, strategy, previous))[-1]
    applied = remembered(instruct(alert, strategy, previous), previous)
    again = plan(alert, replace(account, net=net, held=net), strategy, applied)
    assert steps(again) == []


@MANY
@given(targets() | orders(), accounts(), all_terms(), earlier)
def test_a_change_of_sides_closes_everything_and_then_enters(alert, account, strategy, previous):
    walked = path(account.net, plan(alert, account, strategy, previous))
    if walked[0] * walked[-1] < 0:
        assert len(walked) == 3 and walked[1] == 0


@MANY
@given(targets() | orders(), accounts(), all_terms(), earlier)
def test_it_says_why_when_it_does_nothing(alert, account, strategy, previous):
    outcome = plan(alert, account, strategy, previous)
    assert bool(outcome.drafts) is not bool(outcome.no_action)


@MANY
@given(st.lists(positions, min_size=2, max_size=8), st.data(), accounts())
def test_it_ends_where_the_last_target_says_whatever_was_lost_before(charts, data, account):
    """Alerts with the position before and after, of which any but the last may never arrive."""
    strategy, previous, net, last = terms(), None, account.net, len(charts) - 2
    for index, (before, after) in enumerate(pairwise(charts)):
        if index < last and data.draw(st.booleans(), label="lost"):
            continue
        alert = target(after, before)
        net = path(net, plan(alert, replace(account, net=net, held=net), strategy, previous))[-1]
        previous = remembered(instruct(alert, strategy, previous), previous)
    flat = replace(account, net=ZERO, held=ZERO)
    goal = path(ZERO, plan(target(charts[-1], 0), flat))[-1]
    if alert.is_exit:
        assert net * goal >= 0 and abs(net) <= abs(goal)
    elif goal:
        assert net == goal
