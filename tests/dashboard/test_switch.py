"""Start, pause and stop, from the pages."""

from __future__ import annotations

import pytest

from strategies.control import effective_state
from strategies.models import ControlState, Halt
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


def turn(browser, **data):
    return browser.post("/user/control", {"scope": "user", **data}, follow=True)


def test_it_pauses_stops_and_starts_the_users_trading(browser, owner):
    for state, said in (
        ("reducing", "only exits"),
        ("halted", "nothing but cancels"),
        ("running", "Trading runs"),
    ):
        html = turn(browser, state=state, proof=PASSWORD).content.decode()
        assert said in html
        assert effective_state(owner).state == state


@pytest.mark.parametrize("proof", ["", "not it", "123456"])
def test_it_starts_nothing_that_was_stopped_without_a_proof(browser, owner, proof):
    turn(browser, state="halted")
    answer = turn(browser, state="running", proof=proof)
    assert answer.redirect_chain == [("/user/control", 302)]
    assert "Say who you are again" in answer.content.decode()
    assert effective_state(owner).state == "halted"


@pytest.mark.parametrize(
    ("phase", "words"),
    [
        ("canceling", "still to be canceled"),
        ("flattening", "round"),
        ("verified", "Nothing works"),
        ("needs_you", "Look at"),
    ],
)
def test_its_page_shows_how_far_a_halt_has_got(browser, owner, phase, words):
    turn(browser, state="halted", flatten="" if phase == "verified" else "1")
    Halt.objects.update(phase=phase, problems=["DEMO1: still holds 2."] if phase == "needs_you" else [])
    html = browser.get("/user/control").content.decode()
    assert words in html and 'aria-current="step"' in html
    assert ("still holds 2" in html) is (phase == "needs_you")


def test_staff_see_the_wide_switches_there(client, staff, browser):
    client.force_login(staff, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert "The whole platform" in client.get("/user/control").content.decode()
    assert "The whole platform" not in browser.get("/user/control").content.decode()


def test_it_turns_the_switch_of_one_strategy_and_goes_back_to_its_page(browser, owner, small_desk):
    page = f"/user/strats/{small_desk.strategy.pk}"
    answer = turn(browser, scope="strategy", id=small_desk.strategy.pk, state="halted", next=page)
    assert answer.redirect_chain == [(page, 302)]
    assert effective_state(owner).state == "running"
    assert effective_state(owner, strategy=small_desk.strategy).state == "halted"


def test_it_closes_what_is_open_when_asked_to(browser, owner, small_desk):
    html = turn(browser, state="halted", flatten="1").content.decode()
    assert "1 positions are being closed" in html
    assert small_desk.accounts[0].orders.filter(purpose="flatten").count() == 1


def test_it_keeps_positions_when_not_asked(browser, small_desk):
    turn(browser, state="halted", flatten="")
    assert not small_desk.accounts[0].orders.filter(purpose="flatten").exists()


@pytest.mark.parametrize("scope", ["platform", "broker"])
def test_it_leaves_wide_switches_to_staff(browser, scope):
    html = turn(browser, scope=scope, id="tradovate", state="halted").content.decode()
    assert "Only staff" in html
    assert not ControlState.objects.exists()


def test_it_knows_three_states(browser):
    assert browser.post("/user/control", {"state": "off"}).status_code == 404


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/user//evil.example", "/admin/", "/user/\\evil"]
)
def test_it_goes_back_to_pages_of_ours_only(browser, target):
    answer = turn(browser, state="running", next=target)
    assert answer.redirect_chain[0][0] == "/user/dashboard"
