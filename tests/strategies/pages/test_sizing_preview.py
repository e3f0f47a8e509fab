"""The sentence beside the form: what these settings would do."""

from __future__ import annotations

from decimal import Decimal

import pytest

from strategies.explain import Contract, Follower, Sizing, sizing_sentences
from tests.desk import build_desk

MNQ = Contract(Decimal("0.25"), Decimal(2))


def said(sizing: Sizing, followers=(), contract=None) -> str:
    return " ".join(sizing_sentences(sizing, followers, contract))


def test_it_multiplies_floors_and_caps_as_the_planner_does():
    followers = [Follower(Decimal("0.5")), Follower(Decimal(3), cap=Decimal(4)), Follower()]
    text = said(Sizing(position_size=Decimal(3)), followers)
    assert "That makes 1 to 4 on 3 accounts, 8 in total." in text


def test_it_explains_the_alerts_own_quantity():
    assert "For an alert of 1 that makes 1 on 1 account." in said(Sizing(), [Follower()])


def test_it_warns_of_accounts_that_come_to_nothing():
    assert "1 of them come to 0" in said(Sizing(), [Follower(Decimal("0.5")), Follower()])


def test_it_knows_zero_from_nothing():
    assert "Every entry is 0 before" in said(Sizing(position_size=Decimal(0)), [Follower()])
    assert "0 is not a distance" in said(Sizing(take_profit=Decimal(0)), [Follower()])


def test_it_turns_ticks_into_points_and_money():
    sizing = Sizing(take_profit=Decimal(40), stop_loss=Decimal(5))
    text = said(sizing, [Follower()], MNQ)
    assert "Take profit 40 ticks from the fill: 10 points, 20 USD a contract." in text
    assert "No stop" not in text


def test_it_says_when_there_is_no_stop_and_no_account():
    text = said(Sizing())
    assert "no account is selected" in text
    assert "No stop is placed" in text


@pytest.mark.django_db
def test_the_page_asks_for_it_while_typing(browser, owner):
    desk = build_desk(owner, accounts=2, trades=0, positions=False)
    typed = {"symbol": "MNQ1!", "position_size": "2", "take_profit": "8", "tpsl_units": "Points"}
    typed |= {f"follow-{account.pk}": "on" for account in desk.accounts}
    html = browser.post("/user/strats/preview", typed).content.decode()
    assert "That makes 2 on 2 accounts, 4 in total." in html
    assert "8 points, 16 USD a contract" in html


@pytest.mark.django_db
@pytest.mark.parametrize("size", ["", "abc", "-2", "1e400", "NaN", "9" * 400])
def test_it_bears_half_typed_numbers(browser, owner, size):
    assert browser.post("/user/strats/preview", {"position_size": size}).status_code == 200
