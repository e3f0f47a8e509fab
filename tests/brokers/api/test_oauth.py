"""Signing in at a broker in the browser: bound to the session, once, within ten minutes."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from accounts.models import AuditEntry
from brokers.errors import Unavailable
from brokers.models import BrokerConnection
from brokers.oauth import SESSION_KEY
from tradeproject.common.clock import iso, utc_now

pytestmark = pytest.mark.django_db

START, CALLBACK = "/oauth/tradovate/start", "/oauth/tradovate/callback"


def begin(browser, **query) -> dict[str, str]:
    """Go to the consent page; what its address carries."""
    answer = browser.get(START, query)
    assert answer.status_code == 302
    target = urlsplit(answer["Location"])
    assert target.netloc == "venue.test"
    return {name: values[0] for name, values in parse_qs(target.query).items()}


def said(answer) -> str:
    assert (answer.status_code, answer["Location"]) == (302, "/user/accounts")
    return [str(message) for message in get_messages(answer.wsgi_request)][-1]


def test_there_and_back_connects_the_login(browser, venue, owner, settings):
    sent = begin(browser)
    assert sent["redirect_uri"] == f"{settings.SITE_URL}/oauth/tradovate/callback"

    text = said(browser.get(CALLBACK, {"code": "good-code", "state": sent["state"]}))

    connection = BrokerConnection.objects.get()
    assert (connection.user, connection.environment, connection.state) == (owner, "live", "connected")
    assert "is connected with 3 account(s)" in text
    exchanged = venue.seen[0]
    digest = hashlib.sha256(exchanged["verifier"].encode()).digest()
    assert sent["challenge"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert exchanged["redirect_uri"] == sent["redirect_uri"]
    assert AuditEntry.objects.get(action="connection_added").detail["way"] == "browser"


def test_the_environment_can_be_chosen(browser, venue):
    sent = begin(browser, environment="demo")
    browser.get(f"{CALLBACK}/", {"code": "good-code", "state": sent["state"]})
    assert BrokerConnection.objects.get().environment == "demo"
    assert "has live, demo" in said(browser.get(START, {"environment": "paper"}))


def test_an_answer_works_once(browser, venue):
    sent = begin(browser)
    query = {"code": "good-code", "state": sent["state"]}
    browser.get(CALLBACK, query)
    assert "does not belong" in said(browser.get(CALLBACK, query))
    assert len(venue.seen) == 1


@pytest.mark.parametrize("state", ["", "guessed"])
def test_an_answer_that_was_not_asked_for_is_refused(browser, venue, state):
    begin(browser)
    assert "does not belong" in said(browser.get(CALLBACK, {"code": "good-code", "state": state}))
    assert venue.seen == []


def test_a_state_is_worth_nothing_in_another_browser(browser, venue, stranger):
    sent = begin(browser)
    other = Client()
    other.force_login(stranger, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert "does not belong" in said(other.get(CALLBACK, {"code": "good-code", "state": sent["state"]}))
    assert not BrokerConnection.objects.exists()


def test_an_answer_after_ten_minutes_is_too_late(browser, venue):
    sent = begin(browser)
    session = browser.session
    session[SESSION_KEY][sent["state"]]["at"] = iso(utc_now() - timedelta(minutes=11))
    session.save()
    assert "does not belong" in said(browser.get(CALLBACK, {"code": "good-code", "state": sent["state"]}))


@pytest.mark.parametrize(
    ("query", "words"),
    [({"error": "access_denied"}, "gave no permission"), ({"code": "forged"}, "did not take the code")],
)
def test_a_refusal_is_told_on_the_accounts_page(browser, venue, query, words):
    sent = begin(browser)
    assert words in said(browser.get(CALLBACK, {**query, "state": sent["state"]}))
    assert not BrokerConnection.objects.exists()


def test_a_broker_that_is_away_is_told_too(browser, venue):
    venue.refusal = Unavailable("The broker cannot be reached. Try later.")
    assert "cannot be reached" in said(browser.get(START))


def test_open_flows_do_not_pile_up_in_the_session(browser, venue):
    for _ in range(8):
        begin(browser)
    assert len(browser.session[SESSION_KEY]) == 5


def test_it_is_for_people_who_are_signed_in(venue):
    for address in (START, CALLBACK):
        answer = Client().get(address)
        assert answer.status_code == 302
        assert "/accounts/login/" in answer["Location"]


def test_only_brokers_with_a_browser_login_have_these_addresses(browser):
    assert browser.get("/oauth/nobody/start").status_code == 404


def test_it_is_no_place_to_post_to(browser, venue):
    assert browser.post(START).status_code == 405
