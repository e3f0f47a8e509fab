"""What the record does not explain is told once, when both sides have stood still for a minute."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from notifications.models import Notification
from recorder.differences import tell_differences
from recorder.models import PositionSnapshot, RecordedPosition
from tests.factories import BrokerAccountFactory, InstrumentFactory
from tradeproject.common.clock import utc_now
from tradeproject.common.events import relay_pending
from tradeproject.common.models import DomainEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def account():
    return BrokerAccountFactory()


def holds(account, net, *, ago: int = 90) -> None:
    at = utc_now() - timedelta(seconds=ago)
    PositionSnapshot.objects.create(
        broker_account=account, instrument=InstrumentFactory(), net_quantity=net, as_of=at, changed_at=at,
        source="poll",
    )  # fmt: skip


def recorded(account, side, quantity, *, ago: int = 90) -> None:
    row = RecordedPosition.objects.create(
        user=account.user, broker_account=account, instrument=InstrumentFactory(), symbol="MNQZ6", side=side,
        quantity=quantity, open_quantity=quantity, entry_price=20000, entry_timestamp=utc_now(),
    )  # fmt: skip
    RecordedPosition.objects.filter(pk=row.pk).update(updated_at=utc_now() - timedelta(seconds=ago))


@pytest.mark.parametrize(
    ("held", "side", "quantity", "count"),
    [(2, "Buy", 2, 0), (-2, "Sell", 2, 0), (2, "Sell", 2, 1), (3, "Buy", 2, 1), (0, "Buy", 2, 1)],
)
def test_it_compares_with_sign(account, held, side, quantity, count):
    holds(account, held)
    recorded(account, side, quantity)
    assert tell_differences() == count


def test_its_owner_is_told_with_both_numbers(account):
    holds(account, Decimal("3.00000000"))
    tell_differences()
    relay_pending()
    told = Notification.objects.get(user=account.user)
    assert "MNQZ6 is not as recorded" in told.title and "says 3," in told.body and "add up to 0" in told.body


@pytest.mark.parametrize(
    ("snapshot_ago", "trip_ago", "count"),
    [(30, 90, 0), (90, 30, 0), (90, 300, 1), (300, 90, 1), (300, 300, 0)],
)
def test_it_waits_for_both_and_tells_it_once(account, snapshot_ago, trip_ago, count):
    holds(account, 3, ago=snapshot_ago)
    recorded(account, "Buy", 2, ago=trip_ago)
    assert tell_differences() == count


def test_once_a_day_it_tells_all_that_stands(account):
    holds(account, 3, ago=9000)
    assert (tell_differences(), tell_differences(everything=True)) == (0, 1)
    assert DomainEvent.objects.filter(type="record.differs").count() == 1


def test_an_account_that_is_gone_is_nobodys_business(account):
    type(account).objects.update(state="missing")
    holds(account, 3)
    assert tell_differences() == 0
