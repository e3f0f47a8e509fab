"""Making and editing a strategy: what is typed is kept, what is wrong is said at its field."""

from __future__ import annotations

from decimal import Decimal

import pytest

from strategies.models import Strategy
from tests.desk import build_desk

pytestmark = pytest.mark.django_db

TYPED = {
    "name": "Gap fade",
    "symbol": "MNQ1!",
    "strat_type": "Futures",
    "directional_strategy": "Long",
    "position_size": "3",
    "position_add": "",
    "trim": "Partial",
    "take_profit": "40",
    "stop_loss": "0",
    "tpsl_units": "Ticks",
    "max_order_quantity": "10",
    "session_start": "09:30",
    "session_end": "16:00",
    "session_timezone": "America/New_York",
    "alert_format": "auto",
    "demo_account": "",
    "active": "on",
}


@pytest.fixture
def desk(owner):
    return build_desk(owner, accounts=3, trades=2, positions=False)


def save(browser, address: str = "/user/strats/new", **changes):
    return browser.post(address, {**TYPED, **changes})


def test_it_makes_a_strategy_with_every_setting(browser, owner, desk):
    first, second, _ = desk.accounts
    typed = {
        f"follow-{first.pk}": "on",
        f"multiplier-{first.pk}": "0.5",
        f"max-{first.pk}": "2",
        f"multiplier-{second.pk}": "7",
    }
    answer = save(browser, **typed)
    made = Strategy.objects.get(name="Gap fade")
    assert answer["Location"] == f"/user/strats/{made.pk}"
    assert made.user == owner
    assert (made.position_size, made.position_add, made.stop_loss) == (Decimal(3), None, Decimal(0))
    assert (made.directional_strategy, made.trim, made.recording_enabled) == ("Long", "Partial", False)
    assert made.risk["max_order_quantity"] == "10"
    assert made.risk["session"]["timezone"] == "America/New_York"
    row = made.allocations.get()
    assert (row.broker_account, row.multiplier, row.max_contracts, row.enabled) == (
        first,
        Decimal("0.5"),
        Decimal(2),
        True,
    )
    assert made.webhook_url


def test_it_needs_only_a_name_and_a_symbol(browser, owner):
    browser.post("/user/strats/new", {"name": "Bare", "symbol": "ES1!"})
    made = Strategy.objects.get(name="Bare")
    assert (made.strat_type, made.tpsl_units, made.active) == ("Futures", "Ticks", False)


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"name": ""}, "name", "A name is needed"),
        ({"name": "Opening range breakout"}, "name", "already have a strategy of this name"),
        ({"symbol": " "}, "symbol", "A symbol is needed"),
        ({"position_size": "two"}, "position_size", "not a plain decimal number"),
        ({"stop_loss": "-1"}, "stop_loss", "zero or more"),
        ({"max_order_quantity": "0"}, "max_order_quantity", "more than zero"),
        ({"session_end": ""}, "session_start", "needs"),
        ({"session_timezone": "Mars"}, "session_start", "not a time zone"),
    ],
)
def test_it_says_at_the_field_what_is_wrong_and_stores_nothing(browser, desk, changes, field, said):
    answer = save(browser, **changes)
    assert answer.status_code == 400
    form = answer.context["form"]
    assert said in " ".join(form.errors[field])
    assert said in answer.content.decode()
    assert Strategy.objects.count() == 2
    assert 'value="America/New_York"' in answer.content.decode() or "session_timezone" in changes


def test_it_says_at_the_account_what_is_wrong(browser, desk):
    first, second, _ = desk.accounts
    answer = save(
        browser,
        **{f"follow-{first.pk}": "on", f"follow-{second.pk}": "on", f"multiplier-{second.pk}": "much"},
    )
    rows = {row.account: row for row in answer.context["rows"]}
    assert rows[first].errors == []
    assert "not a plain decimal" in rows[second].errors[0]
    assert rows[second].follows
    assert rows[second].multiplier == "much"


def test_it_ignores_accounts_of_others(browser, desk, stranger):
    foreign = build_desk(stranger, accounts=1, trades=0).accounts[0]
    save(browser, **{f"follow-{foreign.pk}": "on"})
    assert not Strategy.objects.get(name="Gap fade").allocations.exists()


def test_it_edits_and_keeps_the_terms_of_an_account_that_no_longer_follows(browser, desk):
    address = f"/user/strats/{desk.strategy.pk}/edit"
    first, second, third = desk.accounts
    desk.strategy.allocations.filter(broker_account=second).update(multiplier=4)
    typed = {f"follow-{a.pk}": "on" for a in (first, third)} | {
        f"multiplier-{a.pk}": "4" for a in desk.accounts
    }
    assert save(browser, address, name="Renamed", **typed).status_code == 302
    desk.strategy.refresh_from_db()
    assert desk.strategy.name == "Renamed"
    kept = desk.strategy.allocations.get(broker_account=second)
    assert (kept.enabled, kept.multiplier) == (False, Decimal(4))
    assert desk.strategy.allocations.filter(enabled=True).count() == 2


def test_it_shows_what_is_stored(browser, desk):
    html = browser.get(f"/user/strats/{desk.strategy.pk}/edit").content.decode()
    assert 'value="40"' in html
    assert html.count(" checked") >= 5
