"""What the dashboard page shows, in few queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Count, Q, Sum

from accounts.selectors import all_users, owned
from brokers.health import Health, health_of, stream_word
from brokers.models import BrokerAccount, BrokerConnection
from brokers.selectors import connections_of
from recorder.models import RecordedPosition
from strategies.models import Signal, Strategy
from strategies.outcomes import with_outcomes
from tradeproject.common.clock import utc_now

if TYPE_CHECKING:
    from accounts.models import User

ZERO = Decimal(0)


# --- the record in figures ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Record:
    """Closed round trips of a period in figures; money is net of costs. ``win_rate`` is None without trades."""

    total: Decimal
    today: Decimal
    trades: int
    wins: int
    trades_today: int

    @property
    def win_rate(self) -> Decimal | None:
        return Decimal(100 * self.wins) / self.trades if self.trades else None


def record_of(
    user: User,
    midnight: datetime,
    *,
    strategy: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Record:
    """One query over the closed round trips of the user's strategies; the period bounds the exit."""
    wanted = {"strategy_id": strategy, "exit_timestamp__gte": since, "exit_timestamp__lt": until}
    rows = RecordedPosition.objects.owned_by(user).closed().filter(strategy__isnull=False)
    today = Q(exit_timestamp__gte=midnight)
    found = rows.filter(**{name: value for name, value in wanted.items() if value is not None}).aggregate(
        total=Sum("net_pnl"),
        today=Sum("net_pnl", filter=today),
        trades=Count("pk"),
        wins=Count("pk", filter=Q(net_pnl__gt=0)),
        trades_today=Count("pk", filter=today),
    )
    return Record(
        found["total"] or ZERO, found["today"] or ZERO, found["trades"], found["wins"], found["trades_today"]
    )


def strategy_counts(user: User) -> dict[str, int]:
    return Strategy.objects.owned_by(user).aggregate(
        all=Count("pk"), active=Count("pk", filter=Q(active=True))
    )


def strategy_choices(user: User) -> list[tuple[UUID, str]]:
    return list(Strategy.objects.owned_by(user).order_by("name").values_list("pk", "name"))


def user_choices(viewer: User) -> list[tuple[UUID, str]]:
    """Whose dashboard staff may look at; nobody else has a choice."""
    return list(all_users().values_list("pk", "email")) if viewer.is_staff else []


def currency_of(user: User) -> str:
    """The currency of all of the user's accounts; "" when there are several."""
    found = list(
        BrokerAccount.objects.owned_by(user).order_by().values_list("currency", flat=True).distinct()[:2]
    )
    return found[0] if len(found) == 1 else "" if found else "USD"


# --- signals --------------------------------------------------------------------------------------------------------


def recent_signals(user: User, limit: int = 8, *, strategy: UUID | None = None) -> list[dict[str, Any]]:
    """The latest signals with what became of them in words."""
    rows = owned(Signal.objects.order_by("-id"), user).select_related("strategy").defer("raw_body")
    if strategy is not None:
        rows = rows.filter(strategy_id=strategy)
    return with_outcomes(list(rows[:limit]))


# --- logins ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Login:
    """A broker login with its health."""

    connection: BrokerConnection
    health: Health
    stream: str
    accounts: int
    last_sync: datetime | None


def logins_of(user: User) -> list[Login]:
    """Every login, those in trouble first."""
    now = utc_now()
    rows = [_login(connection, now) for connection in connections_of(user)]
    rank = {"bad": 0, "warn": 1, "busy": 2, "good": 3, "calm": 4}
    return sorted(rows, key=lambda login: rank.get(login.health.tone, 5))


def _login(connection: BrokerConnection, now: datetime) -> Login:
    accounts = list(connection.accounts.all())
    synced = [account.last_synced_at for account in accounts if account.last_synced_at]
    return Login(
        connection,
        health_of(connection, now),
        stream_word(connection.stream_state),
        len(accounts),
        max([*synced, *([connection.last_polled_at] if connection.last_polled_at else [])], default=None),
    )


# --- first steps ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """How far a newcomer has come."""

    connected: bool
    strategy: Strategy | None
    alerted: bool

    @property
    def done(self) -> bool:
        return self.connected and self.strategy is not None and self.alerted


def first_steps(user: User) -> FirstSteps:
    strategy = Strategy.objects.owned_by(user).order_by("created_at").first()
    return FirstSteps(
        connected=BrokerConnection.objects.owned_by(user).exists(),
        strategy=strategy,
        alerted=Signal.objects.filter(user=user).exists(),
    )
