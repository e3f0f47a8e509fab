"""The connect form: made from the broker's specification; tested without storing; nothing secret comes back."""

from __future__ import annotations

import pytest
from django.core.cache import cache

from brokers.models import BrokerConnection
from brokers.registry import BROKERS
from tests.brokers.api.venue import PASSWORD

pytestmark = pytest.mark.django_db
ADDRESS = "/user/accounts/connect/tradovate"
TYPED = {
    "environment": "demo",
    "label": "My desk",
    "credentials.username": "trader",
    "credentials.password": PASSWORD,
}


@pytest.fixture(autouse=True)
def _no_earlier_tries():
    cache.clear()


def test_it_asks_for_what_the_broker_wants(browser, venue):
    html = browser.get(ADDRESS).content.decode()
    spec = BROKERS["tradovate"]
    for field in spec.credential_fields:
        assert f'name="credentials.{field.name}"' in html
        assert f">{field.label}<" in html
    assert html.count('type="password"') == sum(field.secret for field in spec.credential_fields)
    assert "/oauth/tradovate/start?environment=demo" in html
    assert 'name="unattended"' in html


def test_a_test_shows_the_accounts_and_stores_nothing(browser, venue):
    html = browser.post(ADDRESS, {**TYPED, "act": "test"}, headers={"HX-Request": "true"}).content.decode()
    assert "2 accounts found" in html
    assert "DEMO2" in html
    assert not BrokerConnection.objects.exists()


def test_a_test_that_fails_says_why(browser, venue):
    typed = {**TYPED, "credentials.password": "wrong", "act": "test"}
    html = browser.post(ADDRESS, typed, headers={"HX-Request": "true"}).content.decode()
    assert "does not know this username and password" in html
    assert "wrong" not in html


def test_it_saves_a_login_with_its_accounts(browser, owner, venue):
    answer = browser.post(ADDRESS, TYPED, follow=True)
    made = BrokerConnection.objects.get(user=owner)
    assert (made.label, made.state, made.accounts.count()) == ("My desk", "connected", 2)
    assert made.credentials == {"username": "trader"}
    assert "My desk is connected with 2 accounts" in answer.content.decode()


def test_it_keeps_the_password_only_for_unattended_logins(browser, owner, venue):
    browser.post(ADDRESS, {**TYPED, "unattended": "on"})
    assert BrokerConnection.objects.get().credentials["password"] == PASSWORD


def test_it_says_at_the_field_what_is_missing(browser, venue):
    answer = browser.post(ADDRESS, {**TYPED, "credentials.username": ""})
    assert answer.status_code == 400
    assert answer.context["form"].errors["credentials.username"]
    assert not BrokerConnection.objects.exists()


def test_it_shows_no_secret_again_after_a_mistake(browser, venue):
    typed = {**TYPED, "credentials.password": "wrong-secret-1", "credentials.client_secret": "sec-secret-2"}
    answer = browser.post(ADDRESS, typed)
    html = answer.content.decode()
    assert answer.status_code == 400
    assert 'value="trader"' in html
    assert "wrong-secret-1" not in html
    assert "sec-secret-2" not in html


@pytest.mark.parametrize("environment", ["paper", "", "moon"])
def test_it_takes_the_environments_the_broker_has(browser, venue, environment):
    assert browser.post(ADDRESS, {**TYPED, "environment": environment}).status_code == 400


def test_it_does_not_hammer_the_broker(browser, venue, settings):
    for _ in range(40):
        html = browser.post(ADDRESS, {**TYPED, "act": "test"}).content.decode()
    assert "often enough for now" in html
    assert len(venue.seen) <= 31


def test_it_knows_no_other_broker(browser, venue):
    assert browser.get("/user/accounts/connect/unheard").status_code == 404
