"""What a trader does on the pages, by hand."""

from __future__ import annotations

import re

import pytest

from notifications.models import Notification
from strategies.control import effective_state
from strategies.models import Order, Signal
from tests.desk import build_desk
from tests.e2e.test_live_positions import tell


@pytest.fixture
def desk(owner, transactional_db):
    return build_desk(owner, accounts=3, trades=4)


@pytest.fixture
def at(window, owner, desk):
    """Opens a page and gives it, once it is live."""
    found = window(owner, permissions=["clipboard-read", "clipboard-write"])

    def go(path: str):
        found.open(path)
        found.settle()
        return found.page

    yield go
    assert found.problems == []


def test_a_dry_run_is_played_from_the_strategys_page(at, desk):
    page = at(f"/user/strats/{desk.strategy.pk}")
    page.get_by_role("button", name="Play").click()
    result = page.locator("#test-result")
    result.get_by_text("200 dry run").wait_for()
    assert result.locator("tbody tr").count() == 2, "the account that is long already needs no order"
    assert not Signal.objects.filter(status="accepted", source="test").exists()


def test_a_test_for_real_shows_its_trace_filling_up(at, desk, owner):
    page = at(f"/user/strats/{desk.strategy.pk}")
    page.get_by_text("For real", exact=True).click()
    page.get_by_text("Sell", exact=True).click()
    page.get_by_role("button", name="Play").click()
    page.locator("#test-result").get_by_text("202 accepted").wait_for()
    trace = page.locator("#trace")
    trace.get_by_text("waiting to be carried out").wait_for()

    signal = Signal.objects.order_by("-id").first()
    for account in desk.accounts:
        Order.objects.create(
            user=owner,
            signal=signal,
            strategy=desk.strategy,
            broker_account=account,
            instrument=desk.instrument,
            purpose="entry",
            client_order_id=f"c{account.pk.hex[:16]}",
            symbol="MNQ",
            side="sell",
            quantity=2,
            status="filled",
        )
    Signal.objects.filter(pk=signal.pk).update(progress="done")
    tell(owner, "signal.answered")
    trace.get_by_text("filled on all 3 accounts").wait_for()


def test_pausing_asks_first(at, owner):
    page = at("/user/dashboard")
    page.get_by_role("button", name="Pause").click()
    dialog = page.get_by_role("dialog")
    assert "Exits still work" in dialog.inner_text()
    dialog.get_by_role("button", name="Cancel").click()
    assert effective_state(owner).state == "running"
    page.get_by_role("button", name="Pause").click()
    dialog.get_by_role("button", name="Pause").click()
    page.get_by_text("only exits are carried out").wait_for()
    assert effective_state(owner).state == "reducing"


@pytest.mark.parametrize("close", [True, False])
def test_stopping_can_close_what_is_open(at, owner, close):
    page = at("/user/dashboard")
    page.get_by_role("button", name="Stop").click()
    if close:
        page.get_by_label("Also close every open position").check()
    page.get_by_role("dialog").get_by_role("button", name="Stop trading").click()
    page.get_by_text("Stopped: nothing but cancels").wait_for()
    assert effective_state(owner).state == "halted"
    assert Order.objects.filter(purpose="flatten").exists() is close


def test_the_look_changes_at_once_and_stays(at, owner):
    page = at("/user/dashboard")
    page.get_by_label("Switch between dark and light").click()
    page.locator('html[data-bs-theme="light"]').wait_for()
    page.wait_for_timeout(300)
    page = at("/user/orders")
    assert page.locator("html").get_attribute("data-bs-theme") == "light"
    owner.refresh_from_db()
    assert owner.theme == "light"


def test_the_webhook_address_is_shown_and_copied_on_demand(at, desk):
    page = at(f"/user/strats/{desk.strategy.pk}")
    box = page.locator("#webhook .copy-box")
    secret = desk.strategy.current_key().secret
    assert secret not in box.inner_text()
    box.get_by_label("Copy webhook address").click()
    box.get_by_text("Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == desk.strategy.webhook_url
    box.get_by_label("Show webhook address").click()
    assert secret in box.inner_text()
    box.get_by_label("Show webhook address").click()
    assert secret not in box.inner_text()


def test_the_alert_message_is_copied_in_the_format_chosen(at, desk):
    page = at(f"/user/strats/{desk.strategy.pk}")
    page.locator("#webhook").get_by_text("TradersPost style").click()
    page.locator('#webhook [data-tab="traderspost"]').get_by_role("button", name="Copy message").click()
    page.get_by_text("Copied").wait_for()
    assert '"sentiment": "{{strategy.market_position}}"' in page.evaluate("navigator.clipboard.readText()")


def test_the_form_explains_itself_while_typing(at, desk):
    page = at(f"/user/strats/{desk.strategy.pk}/edit")
    page.get_by_label("Position size").fill("5")
    page.locator("#sizing").get_by_text("That makes 5 on 3 accounts, 15 in total.").wait_for()
    page.get_by_label("All", exact=True).uncheck()
    page.locator("#sizing").get_by_text("no account is selected").wait_for()
    page.get_by_label("All", exact=True).check()
    page.locator("#sizing").get_by_text("15 in total").wait_for()
    page.get_by_role("button", name="Save").click()
    page.get_by_text(re.compile("is saved")).wait_for()
    desk.strategy.refresh_from_db()
    assert desk.strategy.position_size == 5


def test_an_account_is_changed_in_its_row(at, desk):
    page = at("/user/accounts")
    account = desk.accounts[0]
    row = page.locator(f"#account-{account.pk}")
    row.get_by_label(f"Multiplier of {account.name}").fill("2.5")
    row.get_by_role("button", name="Save").click()
    row.get_by_role("button", name="Saved").wait_for()
    account.refresh_from_db()
    assert str(account.multiplier.normalize()) == "2.5"


def test_filters_take_effect_when_they_change(at, desk):
    page = at("/user/signals")
    page.get_by_label("Status").select_option("rejected")
    page.wait_for_url("**/user/signals?status=rejected")
    assert page.locator("#signal-list tbody tr").count() == 1


def test_news_arrives_as_a_toast_and_on_the_bell(at, owner):
    page = at("/user/orders")
    page.wait_for_timeout(500)
    Notification.objects.create(
        user=owner,
        event_id=1,
        type="t",
        level="problem",
        title="Orders rejected",
        body="No margin",
        link="/user/signals",
    )
    tell(owner, "notification.created")
    page.locator(".toast-item").get_by_text("Orders rejected").wait_for()
    assert page.locator("#bell-badge").inner_text() == "1"
    page.get_by_label("Notifications").click()
    page.locator("#bell-list").get_by_text("No margin").wait_for()


def test_a_new_signal_appears_in_the_list_by_itself(at, desk, owner):
    from tests.factories import SignalFactory

    page = at("/user/signals")
    page.wait_for_timeout(500)
    SignalFactory(strategy=desk.strategy, intent="be flat MNQ")
    tell(owner, "signal.answered")
    page.locator("#signal-list").get_by_text("be flat MNQ").wait_for()
