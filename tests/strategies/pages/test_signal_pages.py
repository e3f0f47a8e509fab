"""Signals with their outcome in words, the trace, orders and their cancel."""

from __future__ import annotations

import pytest

from strategies.models import Signal
from tests.desk import build_desk
from tests.factories import SignalFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(owner):
    return build_desk(owner, accounts=4, trades=2, positions=False)


def get(browser, address: str) -> str:
    return browser.get(address).content.decode()


def test_it_says_what_became_of_each_signal(browser, desk):
    html = get(browser, "/user/signals")
    assert "2 filled, 1 rejected by the broker, 1 held back of 4" in html
    assert "filled on all 4 accounts" in html
    assert "not understood: malformed json" in html


def test_it_filters_signals(browser, desk):
    assert "enter long" not in get(browser, "/user/signals?status=rejected")
    assert "enter long" not in get(browser, f"/user/signals?strategy={desk.second.pk}")
    assert "enter long" not in get(browser, "/user/signals?until=2020-01-01")
    assert "enter long" in get(browser, "/user/signals?status=nonsense")


def test_it_pages_through_many(browser, desk):
    SignalFactory.create_batch(60, strategy=desk.strategy, intent="be flat MNQ")
    html = get(browser, "/user/signals")
    assert "1 to 50 of 63" in html
    assert "enter long" in get(browser, "/user/signals?page=2")
    assert "enter long" in get(browser, "/user/signals?page=999")


def test_the_trace_shows_what_came_in_and_what_the_broker_said(browser, desk):
    html = get(browser, f"/user/signals/{desk.signal.pk}")
    assert "&quot;order_id&quot;: &quot;Long breakout&quot;" in html
    assert "“Account DEMO is not permitted: liquidation only”" in html
    assert "2 is above the strategy&#x27;s largest order of 1." in html
    assert "target 21,884.25" in html
    assert "answered after 31 ms to 33 ms" in html
    assert 'data-settled="yes"' in html


def test_the_trace_puts_troubled_accounts_first(browser, desk):
    trace = browser.get(f"/user/signals/{desk.signal.pk}").context["trace"]
    statuses = [lane["orders"][0]["status"] for lane in trace["accounts"]]
    assert set(statuses[:2]) == {"rejected", "denied"}
    assert set(statuses[2:]) == {"filled"}


def test_the_trace_masks_secrets(browser, desk):
    secret = desk.strategy.current_key().secret
    signal = SignalFactory(strategy=desk.strategy, raw_body=f'{{"key": "{secret}", "action": "buy"}}')
    html = get(browser, f"/user/signals/{signal.pk}")
    assert secret not in html
    assert "•••" in html


def test_the_trace_escapes_hostile_bodies(browser, desk):
    signal = SignalFactory(
        strategy=desk.strategy, raw_body="<script>alert(1)</script>", status=Signal.Status.REJECTED
    )
    assert "<script>alert" not in get(browser, f"/user/signals/{signal.pk}")


def test_a_trace_under_way_keeps_looking(browser, desk):
    signal = SignalFactory(strategy=desk.strategy, progress="executing")
    html = get(browser, f"/user/signals/{signal.pk}")
    assert 'data-settled="no"' in html
    assert "being carried out" in html


def test_it_filters_orders(browser, desk):
    desk.orders[0].status = "accepted"
    desk.orders[0].save()
    page = browser.get("/user/orders?status=working").context["page"]
    assert [order.pk for order in page] == [desk.orders[0].pk]
    assert browser.get(f"/user/orders?account={desk.accounts[0].pk}").context["page"].paginator.count == 2
    assert browser.get("/user/orders?status=rejected").context["page"].paginator.count == 1


def test_it_asks_for_a_cancel_once(browser, desk):
    order = desk.orders[0]
    order.status = "accepted"
    order.save()
    assert "Cancel this order?" in get(browser, "/user/orders?status=working")
    html = browser.post(f"/user/orders/{order.pk}/cancel", follow=True).content.decode()
    assert "is on its way" in html
    order.refresh_from_db()
    assert order.cancel_requested_at is not None
    assert "cancel asked" in get(browser, "/user/orders?status=working")


def test_it_says_that_a_finished_order_is_finished(browser, desk):
    html = browser.post(f"/user/orders/{desk.orders[0].pk}/cancel", follow=True).content.decode()
    assert "already filled; nothing is left to cancel" in html
