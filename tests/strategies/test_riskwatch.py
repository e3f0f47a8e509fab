"""Losses act without an alert: exits only, told to the owner, until the chosen time."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import AuditEntry
from notifications.models import Notification
from recorder import earnings
from recorder.models import PositionSnapshot, RecordedPosition
from strategies import control, riskwatch
from strategies.models import ControlState, Order
from strategies.risk_models import RiskLimits, RiskState
from strategies.switches import Switches
from tests.factories import (
    AllocationFactory,
    BrokerAccountFactory,
    ConnectionFactory,
    InstrumentFactory,
    OrderFactory,
    StrategyFactory,
    UserFactory,
)
from tradeproject.common.api import Problem
from tradeproject.common.clock import utc_now
from tradeproject.common.events import relay_pending
from tradeproject.common.models import DomainEvent

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_quotes(monkeypatch) -> None:
    monkeypatch.setattr(earnings, "_quotes", lambda symbols: {})


@pytest.fixture
def account(owner):
    return BrokerAccountFactory(connection=ConnectionFactory(user=owner))


@pytest.fixture
def strategy(owner, account):
    strategy = StrategyFactory(user=owner, risk={"max_daily_loss": "500"})
    AllocationFactory(strategy=strategy, broker_account=account)
    return strategy


def closed(strategy, account, money, *, ago: timedelta = timedelta(0)) -> RecordedPosition:
    return trip(
        strategy, account, status="closed", exit_timestamp=utc_now() - ago, net_pnl=Decimal(str(money))
    )


def opened(strategy, account, told=None, **fields) -> RecordedPosition:
    """An open long of two from 20000; the broker says what it stands at."""
    type(account).objects.filter(pk=account.pk).update(open_pnl=told)
    return trip(strategy, account, status="open", open_quantity=2, **fields)


def trip(strategy, account, **fields) -> RecordedPosition:
    values = {"open_quantity": 0, "entry_timestamp": utc_now(), **fields}
    return RecordedPosition.objects.create(
        user=account.user, strategy=strategy, broker_account=account, instrument=InstrumentFactory(),
        symbol="MNQZ6", side="Buy", quantity=2, entry_price=20000, **values,
    )  # fmt: skip


def lock_of(scope: str) -> ControlState | None:
    return ControlState.objects.filter(scope=scope, kind="risk").first()


@pytest.mark.parametrize(("loss", "is_locked"), [("-499.99", False), ("-500", True)])
def test_the_daily_loss_lets_only_exits_through(strategy, account, loss, is_locked):
    closed(strategy, account, loss)
    assert riskwatch.watch() == is_locked
    switch = Switches.read().of_account(account, strategy)
    assert switch.state == ("reducing" if is_locked else "running")


def test_open_positions_count(strategy, account):
    closed(strategy, account, -300)
    opened(strategy, account, told=-200)
    assert riskwatch.watch() == 1
    assert RiskState.objects.get().day_pnl == -500


def test_what_ended_yesterday_does_not_count(strategy, account):
    closed(strategy, account, -900, ago=timedelta(days=1, minutes=1))
    assert riskwatch.watch() == 0


def test_an_open_position_without_a_price_is_unknown(strategy, account):
    closed(strategy, account, -900)
    opened(strategy, account)
    assert riskwatch.watch() == 0
    assert RiskState.objects.get().day_pnl is None


def test_the_owner_is_told_with_the_numbers(strategy, account, owner):
    closed(strategy, account, -600)
    riskwatch.watch()
    relay_pending()
    told = Notification.objects.get(user=owner, type="control.changed")
    assert told.title == "Exits only for this strategy" and "600" in told.body and "500" in told.body
    entry = AuditEntry.objects.get(action="risk_limit_reached")
    assert entry.detail["code"] == "DAILY_LOSS_REACHED" and entry.owner == owner


def test_it_acts_once(strategy, account):
    closed(strategy, account, -600)
    assert [riskwatch.watch() for _ in range(3)] == [1, 0, 0]
    assert DomainEvent.objects.filter(type="control.changed").count() == 1


def test_it_cancels_working_entries(strategy, account):
    entry = OrderFactory(strategy=strategy, broker_account=account, status="accepted")
    closed(strategy, account, -600)
    riskwatch.watch()
    entry.refresh_from_db()
    assert entry.cancel_requested_at is not None


@pytest.mark.parametrize("wanted", [True, False])
def test_it_closes_positions_when_the_owner_wants_that(strategy, account, wanted):
    strategy.risk["flatten_on_breach"] = wanted
    strategy.save()
    position = opened(strategy, account, told=-600)
    PositionSnapshot.objects.create(
        broker_account=account, instrument=position.instrument, net_quantity=2, as_of=utc_now(), source="poll"
    )
    riskwatch.watch()
    assert Order.objects.filter(purpose="flatten").count() == wanted


def test_the_lock_ends_at_the_chosen_time(strategy, account):
    moment = (utc_now() + timedelta(hours=2)).replace(second=0, microsecond=0)
    strategy.risk["lock_until"] = {"time": moment.strftime("%H:%M"), "timezone": "UTC"}
    strategy.save()
    closed(strategy, account, -600)
    riskwatch.watch()
    assert lock_of("strategy").until == moment


def test_the_lock_ends_by_itself(strategy, account):
    closed(strategy, account, -600)
    riskwatch.watch()
    RecordedPosition.objects.update(exit_timestamp=utc_now() - timedelta(days=2))
    ControlState.objects.update(until=utc_now())
    assert Switches.read().of_account(account, strategy).state == "running"
    riskwatch.watch()
    assert lock_of("strategy") is None
    last = DomainEvent.objects.filter(type="control.changed").latest("id")
    assert last.data["state"] == "running" and "has ended" in last.data["reason"]


def test_its_owner_cannot_lift_it_and_staff_can(strategy, account, owner):
    closed(strategy, account, -600)
    riskwatch.watch()
    with pytest.raises(Problem) as refused:
        control.start("strategy", strategy.pk, actor=owner)
    assert refused.value.code == "risk_locked" and "500" in refused.value.message
    control.start("strategy", strategy.pk, actor=UserFactory(is_staff=True))
    assert lock_of("strategy") is None
    assert riskwatch.watch() == 0, "an administrator is not overruled a moment later"


def test_its_owner_may_halt_what_is_locked(strategy, account, owner):
    closed(strategy, account, -600)
    riskwatch.watch()
    control.stop("strategy", strategy.pk, actor=owner)
    assert Switches.read().of_account(account, strategy).state == "halted"


def own(scope, pk, user, **limits) -> None:
    RiskLimits.objects.create(scope=scope, object_id=str(pk), user=user, kind="own", limits=limits)


def test_an_accounts_loss_is_its_own(strategy, account, owner):
    other = BrokerAccountFactory(connection=account.connection)
    own("broker_account", account.pk, owner, max_daily_loss="100")
    own("broker_account", other.pk, owner, max_daily_loss="100")
    closed(strategy, account, -150)
    riskwatch.watch()
    assert lock_of("broker_account").object_id == str(account.pk)


def test_a_users_loss_is_all_of_it(strategy, account, owner):
    other = BrokerAccountFactory(connection=account.connection)
    own("user", owner.pk, owner, max_daily_loss="200")
    closed(strategy, account, -100)
    closed(None, other, -100)
    riskwatch.watch()
    assert lock_of("user") is not None and lock_of("strategy") is None


def test_a_cap_of_the_platform_is_watched_on_every_account(strategy, account):
    RiskLimits.objects.create(scope="platform", kind="cap", limits={"max_daily_loss": "50"})
    closed(None, account, -60)
    riskwatch.watch()
    assert lock_of("broker_account") is not None and lock_of("user") is None


def test_the_drawdown_trails_the_best(strategy, account):
    strategy.risk = {"max_drawdown": "300"}
    strategy.save()
    closed(strategy, account, 1000)
    riskwatch.watch()
    closed(strategy, account, -299)
    assert riskwatch.watch() == 0
    closed(strategy, account, -1)
    assert riskwatch.watch() == 1
    assert "300 below its best" in lock_of("strategy").reason


def test_a_new_day_carries_the_drawdown_and_not_the_loss(strategy, account):
    strategy.risk = {"max_drawdown": "1000", "max_daily_loss": "500"}
    strategy.save()
    closed(strategy, account, -400)
    riskwatch.watch()
    RiskState.objects.update(day_start=utc_now() - timedelta(days=2))
    RecordedPosition.objects.update(exit_timestamp=utc_now() - timedelta(days=2))
    riskwatch.watch()
    row = RiskState.objects.get()
    assert (row.day_pnl, row.total, row.drawdown) == (0, -400, 400)


def test_a_position_over_midnight_counts_from_the_days_start(strategy, account):
    position = opened(strategy, account, told=-400)
    riskwatch.watch()
    RiskState.objects.update(day_start=utc_now() - timedelta(days=2))
    riskwatch.watch()
    assert RiskState.objects.get().day_pnl == 0
    type(account).objects.update(open_pnl=-450)
    riskwatch.watch()
    assert RiskState.objects.get().day_pnl == -50
    RecordedPosition.objects.filter(pk=position.pk).update(
        status="closed", open_quantity=0, exit_timestamp=utc_now(), net_pnl=-470
    )
    riskwatch.watch()
    row = RiskState.objects.get()
    assert (row.day_pnl, row.total) == (-70, -470)


def test_nobodys_trouble_is_anothers(strategy, account, monkeypatch):
    stranger = BrokerAccountFactory()
    own("broker_account", stranger.pk, stranger.user, max_daily_loss="10")
    closed(None, stranger, -20)
    closed(strategy, account, -600)
    real = riskwatch.watch_user

    def failing(user_id):
        if user_id == stranger.user_id:
            raise RuntimeError("a bad row")
        return real(user_id)

    monkeypatch.setattr(riskwatch, "watch_user", failing)
    assert riskwatch.watch() == 1
