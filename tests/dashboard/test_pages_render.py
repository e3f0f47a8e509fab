"""Every page answers its owner, with what was built in it and without inline code."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.django_db

INLINE = [
    re.compile(r"<script(?![^>]*\bsrc=)", re.I),
    re.compile(r"\sstyle=", re.I),
    re.compile(r"<style", re.I),
    re.compile(r"\son[a-z]+=\"", re.I),
    re.compile(r"javascript:", re.I),
]


def addresses(desk) -> dict[str, str]:
    strategy, signal, login = desk.strategy.pk, desk.signal.pk, desk.connections[0].pk
    return {
        "/user/dashboard": "Opening range breakout",
        "/user/strats": "Mean reversion",
        "/user/strats/new": "New strategy",
        f"/user/strats/{strategy}": "Test alert",
        f"/user/strats/{strategy}?show=closed": "Recorded positions",
        f"/user/strats/{strategy}/edit": "Accounts that follow",
        f"/user/strats/{strategy}/logs": "Log of Opening range breakout",
        "/user/accounts": "Evaluation desk 1",
        "/user/accounts/connect/tradovate": "Connect Tradovate",
        f"/user/accounts/login/{login}/reconnect": "Reconnect Evaluation desk 1",
        "/user/signals": "enter long 2 MNQ",
        f"/user/signals/{signal}": "Broker’s own words",
        "/user/orders": "Not finished",
        "/user/settings": "Webhook secret",
        "/user/notifications": "Notifications",
    }


def test_it_shows_every_page_to_its_owner(browser, desk):
    for address, expected in addresses(desk).items():
        answer = browser.get(address)
        html = answer.content.decode()
        assert answer.status_code == 200, address
        assert expected in html, address
        assert not [pattern.pattern for pattern in INLINE if pattern.search(html)], address
        assert "script-src 'self';" in answer["Content-Security-Policy"]


def test_it_shows_every_page_to_a_newcomer(browser, owner):
    for address in (
        "/user/dashboard",
        "/user/strats",
        "/user/strats/new",
        "/user/accounts",
        "/user/signals",
        "/user/orders",
        "/user/settings",
        "/user/notifications",
    ):
        assert browser.get(address).status_code == 200, address


def test_it_tells_a_newcomer_the_next_step(browser, owner):
    assert "Connect a broker" in browser.get("/user/dashboard").content.decode()
    assert "Connect Tradovate" in browser.get("/user/accounts").content.decode()
    assert "New strategy" in browser.get("/user/strats").content.decode()


def test_it_sends_the_signed_out_to_the_login(client):
    answer = client.get("/user/dashboard?strategy=")
    assert answer.status_code == 302
    assert answer["Location"] == "/accounts/login/?next=/user/dashboard%3Fstrategy%3D"


def test_it_sends_the_whole_page_to_the_login_when_a_fragment_was_asked_for(client):
    answer = client.get("/user/dashboard", headers={"HX-Request": "true", "HX-Target": "kpis"})
    assert answer.status_code == 204
    assert answer["HX-Redirect"].startswith("/accounts/login/")
