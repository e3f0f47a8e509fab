"""On and off, a new address, deletion, the log."""

from __future__ import annotations

import pytest

from strategies.models import Strategy
from tests.desk import build_desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(owner):
    return build_desk(owner, accounts=3, trades=2, positions=False)


def page_of(desk, act: str = "") -> str:
    return f"/user/strats/{desk.strategy.pk}{act}"


def test_it_switches_off_and_on(browser, desk):
    for wanted in ("false", "true"):
        answer = browser.post(page_of(desk, "/active"), {"active": wanted, "next": "/user/strats"})
        assert answer["Location"] == "/user/strats"
        desk.strategy.refresh_from_db()
        assert desk.strategy.active is (wanted == "true")


def test_it_makes_a_new_address_and_lets_the_old_one_work_on(browser, desk):
    before = desk.strategy.current_key()
    browser.post(page_of(desk, "/rotate"), {"grace_minutes": "60"})
    assert desk.strategy.current_key() != before
    before.refresh_from_db()
    assert before.retires_at is not None
    browser.post(page_of(desk, "/rotate"), {"grace_minutes": "0"})
    assert desk.strategy.webhook_keys.count() == 1


@pytest.mark.parametrize("minutes", ["-5", "soon", "99999999"])
def test_it_bears_a_strange_number_of_minutes(browser, desk, minutes):
    assert browser.post(page_of(desk, "/rotate"), {"grace_minutes": minutes}).status_code == 302


def test_it_deletes_what_has_no_unfinished_order(browser, desk):
    assert browser.post(page_of(desk, "/delete"))["Location"] == "/user/strats"
    assert not Strategy.objects.filter(pk=desk.strategy.pk).exists()


def test_it_keeps_what_still_has_one(browser, desk):
    desk.orders[0].status = "accepted"
    desk.orders[0].save()
    html = browser.post(page_of(desk, "/delete"), follow=True).content.decode()
    assert "order(s) of this strategy are not finished" in html
    assert Strategy.objects.filter(pk=desk.strategy.pk).exists()


def test_it_keeps_what_holds_a_position(browser, owner):
    desk = build_desk(owner, accounts=1, trades=1, positions=True)
    html = browser.post(page_of(desk, "/delete"), follow=True).content.decode()
    assert "position(s) of this strategy are open" in html
    assert Strategy.objects.filter(pk=desk.strategy.pk).exists()


def test_its_address_is_masked_and_only_on_its_own_pages(browser, desk):
    secret = desk.strategy.current_key().secret
    html = browser.get(page_of(desk)).content.decode()
    assert html.count(secret) == 1
    assert f'webhook/{secret}"' in html
    for address in (
        "/user/dashboard",
        "/user/signals",
        "/user/orders",
        page_of(desk, "/edit"),
        page_of(desk, "/logs"),
    ):
        assert secret not in browser.get(address).content.decode(), address


def test_its_log_tells_of_alerts_and_edits(browser, desk):
    browser.post(page_of(desk, "/active"), {"active": "false"})
    html = browser.get(page_of(desk, "/logs")).content.decode()
    assert "enter long 2 MNQ" in html
    assert "deactivated by owner@example.com" in html
