"""The bell, the list, and what counts as read."""

from __future__ import annotations

import pytest

from notifications.models import Notification
from notifications.selectors import unread_count

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(owner):
    return [
        Notification.objects.create(
            user=owner,
            event_id=n,
            type="t",
            level="problem",
            title=f"Trouble {n}",
            link="/user/orders",
            count=n,
        )
        for n in range(1, 4)
    ]


def test_the_bell_shows_how_many_are_unread(browser, rows):
    html = " ".join(browser.get("/user/orders").content.decode().split())
    assert '<span id="bell-badge" data-widget="bell" class="bell-badge">3</span>' in html


def test_the_bell_opens_a_list_and_the_page_all_of_them(browser, rows):
    fragment = browser.get("/user/notifications", headers={"HX-Request": "true", "HX-Target": "bell-list"})
    page = browser.get("/user/notifications")
    for answer in (fragment, page):
        html = answer.content.decode()
        assert html.index("Trouble 3") < html.index("Trouble 1")
        assert "×3" in html
    assert "<html" not in fragment.content.decode()


def test_opening_one_reads_it_and_leads_to_its_page(browser, owner, rows):
    answer = browser.post(f"/user/notifications/{rows[0].pk}")
    assert answer["Location"] == "/user/orders"
    assert unread_count(owner) == 2
    rows[0].refresh_from_db()
    assert rows[0].read_at is not None


def test_all_can_be_read_at_once(browser, owner, rows):
    browser.post("/user/notifications/read")
    assert unread_count(owner) == 0


def test_nobody_reads_anothers(client, stranger, owner, rows):
    client.force_login(stranger, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.post(f"/user/notifications/{rows[0].pk}").status_code == 404
    client.post("/user/notifications/read")
    assert unread_count(owner) == 3
    assert "Trouble 1" not in client.get("/user/notifications").content.decode()
