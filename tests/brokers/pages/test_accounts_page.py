"""Logins and accounts: health in words, reconnecting, switching off, removing, and the settings of one account."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.utils import timezone

from brokers.health import health_of, stream_word
from brokers.models import BrokerConnection
from tests.brokers.api.venue import PASSWORD
from tests.desk import build_desk
from tests.factories import ConnectionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(owner):
    cache.clear()
    return build_desk(owner, accounts=3, trades=0, positions=False)


@pytest.fixture
def login(desk, venue) -> BrokerConnection:
    return desk.connections[0]


def test_it_shows_no_secret_of_a_login(browser, login):
    login.credentials = {"username": "trader", "password": "hidden-password-7"}
    login.save()
    for address in ("/user/accounts", f"/user/accounts/login/{login.pk}/reconnect"):
        assert "hidden-password-7" not in browser.get(address).content.decode()


@pytest.mark.parametrize(
    ("state", "stream", "minutes", "tone", "advice"),
    [
        ("connected", "synced", 60, "good", ""),
        ("connected", "down", 60, "warn", "polled"),
        ("connected", "synced", -1, "warn", "renewed at the next use"),
        ("needs_reauthorization", "login_needed", 60, "bad", "Reconnect it"),
        ("error", "down", 60, "bad", "tried again by itself"),
        ("disabled", "", 60, "calm", "Enable it"),
        ("connecting", "", 60, "busy", ""),
    ],
)
def test_it_says_how_a_login_is_and_what_to_do(owner, state, stream, minutes, tone, advice):
    now = timezone.now()
    row = ConnectionFactory(
        user=owner, state=state, stream_state=stream, token_expires_at=now + timedelta(minutes=minutes)
    )
    health = health_of(row, now)
    assert health.tone == tone
    assert advice in health.advice
    assert bool(health.advice) == bool(advice)


@pytest.mark.parametrize(
    ("state", "word"),
    [("synced", "live"), ("opening", "starting"), ("down", "down"), ("stopped", "down"), ("", "off")],
)
def test_it_names_the_stream(state, word):
    assert stream_word(state) == word


def test_it_reconnects_by_the_stored_token_or_by_new_credentials(browser, login):
    login.state = "needs_reauthorization"
    login.save()
    address = f"/user/accounts/login/{login.pk}/reconnect"
    html = browser.post(address, {"quick": "1"}, follow=True).content.decode()
    assert "sign in" in html.lower()
    answer = browser.post(address, {"credentials.username": "trader", "credentials.password": PASSWORD})
    assert answer.status_code == 302
    login.refresh_from_db()
    assert login.state == "connected"


def test_it_says_what_the_broker_did_not_take(browser, login):
    address = f"/user/accounts/login/{login.pk}/reconnect"
    answer = browser.post(address, {"credentials.password": "wrong"})
    assert answer.status_code == 400
    assert "does not know this username" in answer.content.decode()


def test_it_switches_a_login_off_and_on(browser, login):
    for wanted, state in (("false", "disabled"), ("true", "connected")):
        browser.post(f"/user/accounts/login/{login.pk}/edit", {"enabled": wanted})
        login.refresh_from_db()
        assert login.state == state


def test_it_removes_a_login_and_its_secrets(browser, login):
    browser.post(f"/user/accounts/login/{login.pk}/remove")
    login.refresh_from_db()
    assert login.deleted_at is not None
    assert login.credentials == {}
    assert f"connection-{login.pk}" not in browser.get("/user/accounts").content.decode()


def test_it_changes_an_account_in_its_row(browser, desk):
    account = desk.accounts[0]
    typed = {"label": "Main", "multiplier": "1.5", "max_contracts": ""}
    answer = browser.post(f"/user/accounts/{account.pk}", typed, headers={"HX-Request": "true"})
    html = answer.content.decode()
    account.refresh_from_db()
    assert (account.label, account.multiplier, account.max_contracts) == ("Main", Decimal("1.5"), None)
    assert account.enabled is False
    assert f'id="account-{account.pk}"' in html
    assert "Saved" in html
    assert "<html" not in html


@pytest.mark.parametrize(
    "wrong", [{"multiplier": "-1"}, {"multiplier": ""}, {"multiplier": "x"}, {"max_contracts": "-3"}]
)
def test_it_says_in_the_row_what_is_wrong(browser, desk, wrong):
    account = desk.accounts[0]
    answer = browser.post(f"/user/accounts/{account.pk}", {"multiplier": "1", "enabled": "on", **wrong})
    assert answer.status_code == 400
    assert "is-invalid" in answer.content.decode()
    account.refresh_from_db()
    assert account.multiplier == 1
