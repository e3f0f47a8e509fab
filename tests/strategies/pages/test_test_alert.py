"""The test panel plays the webhook itself: a dry run always, for real only where no real money is."""

from __future__ import annotations

import pytest

from strategies.control import set_state
from strategies.models import Signal
from strategies.playground import play, why_not_for_real
from tests.desk import build_desk

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(owner):
    return build_desk(owner, accounts=3, trades=0, positions=False)


def press(browser, desk, **data):
    data = {"action": "buy", "quantity": "2", "mode": "dry", **data}
    return browser.post(f"/user/strats/{desk.strategy.pk}/test", data).content.decode()


def newest() -> Signal:
    return Signal.objects.order_by("-id").first()


def test_a_dry_run_shows_every_order_and_sends_nothing(browser, desk):
    html = press(browser, desk)
    assert "200 dry run" in html
    assert html.count("Buy 2 MNQZ6") == 3
    assert "Choose “For real”" in html
    assert desk.accounts[0].name in html
    signal = newest()
    assert (signal.status, signal.source) == ("dry_run", "test")
    assert not signal.orders.exists()


def test_for_real_it_is_an_alert_like_any_other(browser, desk):
    html = press(browser, desk, mode="real")
    signal = newest()
    assert "202 accepted" in html
    assert f'href="/user/signals/{signal.pk}"' in html
    assert (signal.status, signal.progress, signal.strategy) == ("accepted", "queued", desk.strategy)
    assert signal.alert["position_after"] == "long"


@pytest.mark.parametrize(("action", "position"), [("buy", "long"), ("sell", "short"), ("exit", "flat")])
def test_it_says_the_position_after_the_order(desk, action, position):
    played = play(desk.strategy, action, "1", dry_run=False)
    assert played.status == 202
    assert newest().alert["position_after"] == position


def test_real_money_is_never_tested_with(browser, desk):
    account = desk.accounts[1]
    account.environment = "live"
    account.save()
    before = Signal.objects.count()
    html = press(browser, desk, mode="real")
    assert f"{account.name} trade real money" in html
    assert Signal.objects.count() == before
    page = browser.get(f"/user/strats/{desk.strategy.pk}").content.decode()
    assert 'value="real" disabled' in page
    assert "200 dry run" in press(browser, desk)


def test_it_explains_why_nothing_can_be_traded(desk):
    desk.strategy.allocations.all().delete()
    assert "No account follows" in why_not_for_real(desk.strategy)


@pytest.mark.parametrize("quantity", ["0", "-1", "many", "1e5", "NaN", "1,000"])
def test_it_refuses_a_quantity_that_is_none(browser, desk, quantity):
    before = Signal.objects.count()
    assert "must be" in press(browser, desk, quantity=quantity)
    assert Signal.objects.count() == before


def test_it_tells_what_the_webhook_refuses(browser, desk):
    desk.strategy.active = False
    desk.strategy.save()
    html = press(browser, desk, mode="real")
    assert "200 ignored" in html
    assert newest().status == "ignored"


def test_a_dry_run_promises_nothing_for_real_when_every_account_would_hold_it_back(browser, desk):
    desk.strategy.position_size = 0
    desk.strategy.save()
    html = press(browser, desk)
    assert html.count("held back") == 3
    assert "Every account would hold it back" in html
    assert "Choose “For real”" not in html


def test_a_dry_run_promises_nothing_for_real_when_the_strategy_is_off(browser, desk):
    desk.strategy.active = False
    desk.strategy.save()
    html = press(browser, desk)
    assert "would be ignored (strategy_inactive)" in html
    assert "for real the alert would not be carried out either" in html
    assert "Choose “For real”" not in html


def test_a_dry_run_does_not_blame_the_accounts_for_a_halt(browser, desk, owner):
    set_state("user", owner.pk, "halted", actor=owner)
    html = press(browser, desk, action="exit")
    assert "would be ignored (halted)" in html
    assert "Nothing would be sent." in html
    assert "no account follows" not in html


def test_it_says_when_there_is_no_address(browser, desk):
    desk.strategy.webhook_keys.all().delete()
    assert "no webhook address" in press(browser, desk)


def test_it_knows_three_actions(browser, desk):
    assert browser.post(f"/user/strats/{desk.strategy.pk}/test", {"action": "hold"}).status_code == 404
