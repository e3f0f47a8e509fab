"""What is somebody else's does not exist: reading and changing answer 404, to strangers and to staff alike."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.fixture
def stranger_browser(stranger) -> Client:
    client = Client()
    client.force_login(stranger, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def reads(desk, other=None):
    strategy = other or desk.strategy.pk
    return [
        f"/user/strats/{strategy}",
        f"/user/strats/{strategy}/edit",
        f"/user/strats/{strategy}/logs",
        f"/user/signals/{other or desk.signal.pk}",
        f"/user/accounts/login/{other or desk.connections[0].pk}/reconnect",
        f"/user/signals?strategy={strategy}",
        f"/user/orders?strategy={strategy}",
        f"/user/orders?account={other or desk.accounts[0].pk}",
        f"/user/dashboard?strategy={strategy}",
        f"/user/dashboard/equity?strategy={strategy}",
        f"/user/dashboard?user={other or desk.user.pk}",
        f"/user/dashboard/equity?user={other or desk.user.pk}",
    ]


def writes(desk, other=None):
    strategy, login = other or desk.strategy.pk, other or desk.connections[0].pk
    return [
        (f"/user/strats/{strategy}/edit", {"name": "mine now", "symbol": "ES1!"}),
        (f"/user/strats/{strategy}/delete", {}),
        (f"/user/strats/{strategy}/active", {"active": "false"}),
        (f"/user/strats/{strategy}/recording", {"recording": "false"}),
        (f"/user/strats/{strategy}/rotate", {}),
        (f"/user/strats/{strategy}/test", {"action": "buy"}),
        (f"/user/orders/{other or desk.orders[0].pk}/cancel", {}),
        (f"/user/accounts/login/{login}/reconnect", {"quick": "1"}),
        (f"/user/accounts/login/{login}/edit", {"enabled": "false"}),
        (f"/user/accounts/login/{login}/remove", {}),
        (f"/user/accounts/{other or desk.accounts[0].pk}", {"multiplier": "9"}),
        ("/user/control", {"scope": "strategy", "id": strategy, "state": "halted"}),
        ("/user/control", {"scope": "user", "id": other or desk.user.pk, "state": "halted"}),
        (f"/user/notifications/{other or uuid.uuid4()}", {}),
    ]


def state_of(desk):
    desk.strategy.refresh_from_db()
    desk.connections[0].refresh_from_db()
    desk.accounts[0].refresh_from_db()
    desk.orders[0].refresh_from_db()
    return (
        desk.strategy.name,
        desk.strategy.active,
        desk.strategy.recording_enabled,
        desk.strategy.webhook_url,
        desk.connections[0].state,
        desk.connections[0].deleted_at,
        desk.accounts[0].multiplier,
        desk.orders[0].cancel_requested_at,
    )


def test_a_stranger_finds_nothing(stranger_browser, small_desk):
    for address in reads(small_desk):
        assert stranger_browser.get(address).status_code == 404, address


def test_a_stranger_changes_nothing(stranger_browser, small_desk):
    before = state_of(small_desk)
    for address, data in writes(small_desk):
        assert stranger_browser.post(address, data).status_code == 404, address
    assert state_of(small_desk) == before


def test_an_unknown_id_looks_the_same(browser, small_desk):
    nothing = uuid.uuid4()
    for address in reads(small_desk, nothing):
        assert browser.get(address).status_code == 404, address
    for address, data in writes(small_desk, nothing):
        assert browser.post(address, data).status_code == 404, address


def test_a_strangers_own_pages_hold_nothing_of_the_owners(stranger_browser, small_desk):
    for address in ("/user/dashboard", "/user/strats", "/user/accounts", "/user/signals", "/user/orders"):
        html = stranger_browser.get(address).content.decode()
        assert "Opening range breakout" not in html
        assert "Evaluation desk" not in html
        assert str(small_desk.strategy.pk) not in html


def test_staff_may_look_at_a_users_dashboard_and_nobody_else_may(staff, small_desk):
    client = Client()
    client.force_login(staff, backend="allauth.account.auth_backends.AuthenticationBackend")
    html = client.get(f"/user/dashboard?user={small_desk.user.pk}").content.decode()
    assert "Opening range breakout" in html
    assert f'data-socket="/ws?user={small_desk.user.pk}"' in html
    assert client.get(f"/user/strats/{small_desk.strategy.pk}").status_code == 404


def test_every_change_wants_the_csrf_token(owner, small_desk):
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner, backend="allauth.account.auth_backends.AuthenticationBackend")
    for address, data in writes(small_desk):
        assert client.post(address, data).status_code == 403, address


def test_what_changes_something_is_no_get(browser, small_desk):
    pages = {"/user/control"}  # shows the switches, and turns one
    for address in {address for address, _ in writes(small_desk)} - pages:
        if not address.endswith(("/edit", "/reconnect")) or (
            "login" in address and address.endswith("/edit")
        ):
            assert browser.get(address).status_code == 405, address
