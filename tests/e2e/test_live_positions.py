"""Open positions move with the quotes, without reloading: a tick changes text, a new position brings a new row."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from brokers.domain import Quote
from brokers.marketdata import quotes
from dashboard.relay import group_of
from recorder.models import PositionSnapshot, RecordedPosition
from tests.desk import ENTRY, build_desk
from tests.e2e.conftest import Window


@pytest.fixture
def desk(owner, transactional_db):
    return build_desk(owner, accounts=4, trades=6)


def say_price(price: str, *, seconds_old: int = 0) -> None:
    moment = datetime.now(UTC) - timedelta(seconds=seconds_old)

    async def publish() -> None:
        client = quotes.connect()
        try:
            await quotes.publish(client, [Quote("MNQZ6", moment, last=Decimal(price))])
        finally:
            await client.aclose()

    in_thread(publish)


def tell(user, name: str) -> None:
    """What the relay sends after a commit."""
    from channels.layers import get_channel_layer

    in_thread(
        lambda: get_channel_layer().group_send(group_of(user.pk), {"type": "domain.event", "name": name})
    )


def in_thread(make) -> None:
    import threading

    def run() -> None:
        asyncio.run(make())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(10)


@pytest.fixture
def dashboard(window, owner, desk) -> Window:
    say_price("21876.25")
    found = window(owner)
    found.open("/user/dashboard")
    found.settle()
    return found


def text_of(page, selector: str) -> str:
    return page.locator(selector).first.inner_text()


def test_it_values_positions_at_every_tick_in_place(dashboard):
    page = dashboard.page
    group = page.locator(".group-row")
    group.locator("[data-field=current_price]").get_by_text("21,876.25").wait_for()
    before = group.bounding_box()
    page.evaluate("window.marked = document.querySelector('.group-row')")

    say_price("21880.00")
    group.locator("[data-field=current_price]").get_by_text("21,880.00").wait_for()
    assert group.locator("[data-field=unrealized_pnl]").inner_text().startswith("+$")
    assert text_of(page, "#kpis [data-field=open_pnl]") == text_of(group, "[data-field=unrealized_pnl]")
    assert "valued at live quotes" in page.locator("#positions .card-note").inner_text()

    say_price("21860.00")
    loss = group.locator("[data-field=unrealized_pnl].pnl-down")
    loss.wait_for()
    assert loss.inner_text().startswith("−$")
    assert page.evaluate("window.marked === document.querySelector('.group-row')"), "the row was replaced"
    assert group.bounding_box() == before, "a tick moved the row"
    assert dashboard.problems == []


def test_it_unfolds_a_group_and_remembers_it(dashboard):
    page = dashboard.page
    member = page.locator(".member-row").first
    assert not member.is_visible()
    page.locator("[data-fold]").click()
    assert member.is_visible()
    page.reload()
    page.locator(".member-row").first.wait_for(state="visible")


def test_it_shows_a_position_that_was_opened_and_one_that_was_closed(dashboard, desk, owner):
    page = dashboard.page
    page.locator("#kpis [data-field=active_positions]").get_by_text("2", exact=True).wait_for()
    account = desk.accounts[-1]
    PositionSnapshot.objects.create(
        broker_account=account,
        instrument=desk.instrument,
        net_quantity=Decimal(-1),
        average_price=ENTRY,
        as_of=datetime.now(UTC),
        source="stream",
    )
    tell(owner, "position.reported")
    page.locator(".single-row").get_by_text(account.name).wait_for()
    page.locator("#kpis [data-field=active_positions]").get_by_text("3", exact=True).wait_for()

    PositionSnapshot.objects.update(net_quantity=0)
    RecordedPosition.objects.filter(status="open").delete()
    tell(owner, "position.closed")
    page.get_by_text("No open position").wait_for()
    assert dashboard.problems == []


def test_it_redraws_the_curve_when_a_trade_closed(dashboard, desk, owner):
    page = dashboard.page
    page.wait_for_timeout(2000)  # its subscription follows its first points
    with page.expect_response("**/user/dashboard/equity**"):
        RecordedPosition.objects.filter(status="open").update(
            status="closed", exit_timestamp=datetime.now(UTC), net_pnl=Decimal(99)
        )
        tell(owner, "position.closed")
    assert page.locator('[data-widget="chart"]').get_attribute("data-state") == "live"
    assert dashboard.problems == []
