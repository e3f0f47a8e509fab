"""The card of accounts out of step, on the dashboard and on the strategy's page."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recorder.models import PositionSnapshot
from strategies.models import Drift, Signal
from tests.factories import SymbolMappingFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(small_desk) -> Drift:
    SymbolMappingFactory(instrument=small_desk.instrument)
    allocation = small_desk.strategy.allocations.get(broker_account=small_desk.accounts[0])
    PositionSnapshot.objects.filter(broker_account=allocation.broker_account).update(net_quantity=1)
    return Drift.objects.create(
        allocation=allocation, root="MNQ", instrument=small_desk.instrument, state="drifted",
        wanted=Decimal(2), held=Decimal(1), external=Decimal(-1),
    )  # fmt: skip


@pytest.mark.parametrize("page", ["/user/dashboard", "/user/strats/{strategy}"])
def test_it_says_what_is_wanted_and_held_and_what_would_be_sent(browser, row, page):
    html = browser.get(page.format(strategy=row.allocation.strategy_id)).content.decode()
    card = html.split('id="drift"')[1].split("</section>")[0]
    text = " ".join(card.split())
    assert 'wanted <b class="num">2</b>, holds <b class="num">1</b> since' in text
    assert "Buy 1 MNQZ6 at market on" in text
    assert "is not adopted" in text


def test_in_step_the_dashboard_shows_no_card(browser, small_desk):
    card = browser.get("/user/dashboard").content.decode().split('id="drift"')[1].split(">")[0]
    assert "hidden" in card


def test_the_button_sends_it_and_goes_back(browser, row):
    answer = browser.post(f"/user/drift/{row.pk}/bring-back", {"next": "/user/dashboard"}, follow=True)
    assert answer.redirect_chain == [("/user/dashboard", 302)]
    assert "On its way" in answer.content.decode() and "on its way" in answer.content.decode()
    assert Signal.objects.filter(source="bring_back").count() == 1


def test_staff_who_look_on_cannot_press_it(client, staff, owner, row):
    client.force_login(staff, backend="allauth.account.auth_backends.AuthenticationBackend")
    html = client.get(f"/user/dashboard?user={owner.pk}").content.decode()
    assert "bring-back" not in html
    assert client.post(f"/user/drift/{row.pk}/bring-back").status_code == 404


def test_the_automatic_mode_is_set_on_the_strategys_page(browser, row):
    page = f"/user/strats/{row.allocation.strategy_id}"
    html = browser.post(f"{page}/drift", {"automatic": "1", "per_hour": "2"}, follow=True).content.decode()
    assert "up to 2 times an hour" in html
    assert row.allocation.strategy.drift_policy.automatic


def test_the_positions_show_what_was_found(browser, row, api):
    found = {p["broker_account"]: p["sync"] for p in api.get("/api/v1/positions").json()["results"]}
    assert found[str(row.allocation.broker_account_id)] in {"drifted", "unknown"}
