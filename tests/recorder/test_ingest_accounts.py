"""Balances onto broker accounts, and news of them only when a number is another."""

from __future__ import annotations

from decimal import Decimal

import pytest

from brokers.domain import AccountReport
from tests.recorder.venue import at, money
from tradeproject.common.models import DomainEvent

pytestmark = pytest.mark.django_db


def events():
    return list(DomainEvent.objects.filter(type="account.updated"))


def test_it_stores_balance_equity_and_open_pnl(desk):
    desk.ingest(money("50000.25", equity=Decimal("50100.5"), open_pnl=Decimal("100.25"), currency="EUR"))
    desk.account.refresh_from_db()
    assert (desk.account.balance, desk.account.equity) == (Decimal("50000.25"), Decimal("50100.5"))
    assert (desk.account.open_pnl, desk.account.currency) == (Decimal("100.25"), "EUR")
    assert desk.account.last_synced_at is not None
    (told,) = events()
    assert told.user == desk.account.user
    assert told.data["equity"] == "50100.5"


def test_it_keeps_what_a_report_does_not_tell(desk):
    desk.ingest(money(50000, equity=Decimal(50100)))
    desk.ingest(AccountReport("33112", at(2), balance=Decimal(50010)))
    desk.account.refresh_from_db()
    assert (desk.account.balance, desk.account.equity) == (50010, 50100)


def test_it_says_nothing_when_nothing_changed(desk):
    desk.ingest(money(50000))
    first = desk.account.last_synced_at
    result = desk.ingest(money("50000.0000", seconds=2))
    assert (result.accounts, len(events())) == (0, 1)
    desk.account.refresh_from_db()
    assert desk.account.last_synced_at != first


def test_it_takes_the_latest_of_several(desk):
    desk.ingest(money(2, seconds=9), money(1, seconds=3))
    desk.account.refresh_from_db()
    assert desk.account.balance == 2
    assert len(events()) == 1
