from __future__ import annotations

import pytest

from strategies.models import ControlState, Signal
from tests.factories import StrategyFactory, UserFactory
from tests.strategies.webhooks.helpers import body, fired, target

pytestmark = pytest.mark.django_db(transaction=True)


def switch(strategy, scope: str, state: str) -> None:
    ids = {"platform": "", "user": strategy.user_id, "strategy": strategy.pk}
    ControlState.objects.update_or_create(scope=scope, object_id=str(ids[scope]), defaults={"state": state})


def reason_of(answer) -> str:
    assert answer.status_code == 200, answer.text
    told = answer.json()
    signal = Signal.objects.get(pk=told["signal_id"])
    assert told == {"status": "ignored", "reason": signal.code, "signal_id": str(signal.pk)}
    assert (signal.status, signal.progress) == ("ignored", "none")
    assert signal.message
    return signal.code


def test_it_ignores_everything_while_the_strategy_is_off(door, strategy, url):
    strategy.active = False
    strategy.save()
    assert reason_of(door.post(url, body())) == "strategy_inactive"
    assert reason_of(door.post(url, body(action="exit"))) == "strategy_inactive"


@pytest.mark.parametrize("scope", ["platform", "user", "strategy"])
def test_it_lets_nothing_but_cancels_through_while_halted(door, strategy, url, scope):
    switch(strategy, scope, "halted")
    assert reason_of(door.post(url, body())) == "halted"
    assert reason_of(door.post(url, body(action="exit"))) == "halted"
    assert door.post(url, body(action="cancel")).status_code == 202


@pytest.mark.parametrize("scope", ["platform", "user", "strategy"])
def test_it_takes_exits_only_while_reducing(door, strategy, url, scope):
    switch(strategy, scope, "reducing")
    assert reason_of(door.post(url, body())) == "reducing"
    assert reason_of(door.post(url, target("sell", "flat", "short 2", "2"))) == "reducing"
    reversal = door.post(url, target("sell", "long 2", "short 2", "4"))
    assert reversal.status_code == 202
    assert any("closing half" in warning for warning in reversal.json()["warnings"])
    assert door.post(url, body(action="exit")).status_code == 202
    assert door.post(url, target("sell", "long 2", "long 1")).status_code == 202


def test_it_follows_the_most_restrictive_switch(door, strategy, url):
    switch(strategy, "platform", "reducing")
    switch(strategy, "strategy", "halted")
    switch(strategy, "user", "running")
    assert reason_of(door.post(url, body(action="exit"))) == "halted"


def test_it_does_not_mind_other_peoples_switches(door, strategy, url):
    switch(StrategyFactory(), "strategy", "halted")
    switch(StrategyFactory(user=UserFactory()), "user", "halted")
    ControlState.objects.create(scope="broker_account", object_id=str(strategy.pk), state="halted")
    assert door.post(url, body()).status_code == 202


def test_it_ignores_entries_that_are_too_old_and_carries_out_exits(door, url):
    assert reason_of(door.post(url, body(timenow=fired(125)))) == "stale"
    assert door.post(url, body(timenow=fired(110))).status_code == 202
    old = door.post(url, body(action="exit", timenow=fired(7200)))
    assert old.status_code == 202
    assert any("s old" in warning for warning in old.json()["warnings"])


@pytest.mark.parametrize(
    ("own", "age", "status"),
    [
        (10, 15, "ignored"),
        ("10", 15, "ignored"),
        (10, 2, "accepted"),
        (9999, 125, "ignored"),
        (None, 60, "accepted"),
        ("soon", 60, "accepted"),
    ],
)
def test_it_uses_the_stricter_of_the_strategys_and_the_servers_age(door, strategy, url, own, age, status):
    strategy.risk = {"max_signal_age": own}
    strategy.save()
    assert door.post(url, body(timenow=fired(age))).json()["status"] == status


def test_it_ignores_entries_from_the_future_and_warns_of_exits(door, url):
    assert reason_of(door.post(url, body(timenow=fired(-90)))) == "clock_in_future"
    assert door.post(url, body(timenow=fired(-30))).status_code == 202
    ahead = door.post(url, body(action="exit", timenow=fired(-90)))
    assert ahead.status_code == 202
    assert any("ahead" in warning for warning in ahead.json()["warnings"])


def test_it_does_not_carry_out_an_entry_after_its_own_limit(door, url):
    assert reason_of(door.post(url, body(expiresAt=fired(1)))) == "stale"
    assert door.post(url, body(expiresAt=fired(-60))).status_code == 202


def test_it_throttles_entries_of_a_strategy_that_runs_wild(door, url, settings):
    settings.WEBHOOK_ALERTS_PER_MINUTE = 5
    for number in range(5):
        assert door.post(url, body(order_id=str(number))).status_code == 202
    assert reason_of(door.post(url, body(order_id="5"))) == "throttled"
    assert door.post(url, body(action="exit", order_id="6")).status_code == 202
    other = StrategyFactory().webhook_keys.create()
    assert door.post(f"/webhook/{other.secret}", body()).status_code == 202


def test_it_lets_the_closing_half_of_a_stale_reversal_pass(door, url):
    answer = door.post(url, reversal(timenow=fired(300)))
    assert answer.status_code == 202
    assert any("closing half" in warning for warning in answer.json()["warnings"])


def reversal(**fields):
    positions = {
        "market_position": "short",
        "market_position_size": "1",
        "prev_market_position": "long",
        "prev_market_position_size": "1",
    }
    return body(action="sell", contracts="2", **positions, **fields)
