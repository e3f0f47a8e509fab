"""The admin's first page: how many of everything, which logins need somebody, what went wrong lately."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse

from accounts.models import User
from brokers.models import BrokerAccount, BrokerConnection
from dashboard.operations import recent_problems, unhealthy_connections
from recorder.models import PositionSnapshot
from strategies.models import ControlState, Order, Signal, Strategy
from tradeproject.common import heartbeat
from tradeproject.common.clock import utc_now

PROBLEMS = 12
LOGINS = 10
NEEDED = "strategies.view_order"  # whoever may not see orders is shown no tenant's troubles


def site_title(request: HttpRequest) -> str:
    return settings.PRODUCT_NAME


def index(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's callback: what ``admin/index.html`` shows above the list of applications."""
    if not request.user.has_perm(NEEDED):
        return context
    context.update(
        counts=_counts(),
        parts=_parts(),
        switches=_switches(),
        logins=_logins(),
        problems={
            "headers": ["When", "What", "Who", "Message"],
            "rows": [
                [
                    problem["at"][:19].replace("T", " "),
                    problem["kind"].replace("_", " "),
                    problem["user"],
                    problem["message"],
                ]
                for problem in recent_problems(PROBLEMS)
            ],
        },
    )
    return context


def _counts() -> list[dict[str, Any]]:
    """Tiles: a title, a number, and where it leads."""
    day = utc_now() - timedelta(days=1)
    people = User.objects.aggregate(all=Count("pk"), active=Count("pk", filter=Q(is_active=True)))
    logins = BrokerConnection.objects.filter(deleted_at__isnull=True)
    found = logins.aggregate(
        all=Count("pk"), good=Count("pk", filter=Q(state=BrokerConnection.State.CONNECTED))
    )
    orders = Order.objects.filter(planned_at__gte=day).aggregate(
        all=Count("pk"), filled=Count("pk", filter=Q(status="filled"))
    )
    return [
        _tile("Users", people["active"], f"of {people['all']} active", "accounts_user"),
        _tile("Broker logins", found["good"], f"of {found['all']} connected", "brokers_brokerconnection"),
        _tile("Broker accounts", _accounts(), "enabled", "brokers_brokeraccount"),
        _tile("Strategies", Strategy.objects.filter(active=True).count(), "active", "strategies_strategy"),
        _tile(
            "Signals",
            Signal.objects.filter(received_at__gte=day).count(),
            "in 24 hours",
            "strategies_signal",
        ),
        _tile("Orders", orders["all"], f"in 24 hours, {orders['filled']} filled", "strategies_order"),
        _tile(
            "Open positions",
            PositionSnapshot.objects.exclude(net_quantity=0).count(),
            "held now",
            "recorder_positionsnapshot",
        ),
        _tile(
            "Undecided orders",
            Order.objects.filter(status="unknown").count(),
            "being looked up",
            "strategies_order",
        ),
    ]


def _accounts() -> int:
    return BrokerAccount.objects.filter(enabled=True).exclude(state=BrokerAccount.State.MISSING).count()


def _tile(title: str, number: int, note: str, name: str) -> dict[str, Any]:
    return {"title": title, "number": number, "note": note, "link": reverse(f"admin:{name}_changelist")}


def _parts() -> list[dict[str, Any]]:
    return [
        {"name": name, "age": f"{age:.0f} s", "alive": heartbeat.is_alive(name, age)}
        for name, age in sorted(heartbeat.ages().items())
    ]


def _switches() -> list[str]:
    rows = ControlState.objects.exclude(state=ControlState.State.RUNNING).order_by("scope", "object_id")
    return [
        f"{row.scope.replace('_', ' ')} {row.object_id} is {row.state}"
        + (f": {row.reason}" if row.reason else "")
        for row in rows[:20]
    ]


def _logins() -> dict[str, Any]:
    return {
        "headers": ["Login", "Owner", "State", "Reason"],
        "rows": [
            [str(row), row.user.email, row.get_state_display(), row.state_reason]
            for row in unhealthy_connections(LOGINS)
        ],
    }
