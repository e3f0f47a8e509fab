"""What the operator looks at: the parts, the database, and what went wrong lately, over all tenants. For staff alone."""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import django
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from brokers.domain import OrderStatus
from brokers.models import BrokerConnection, ReportBatch
from dashboard.metrics import FromRows
from recorder.services import MAX_ATTEMPTS
from strategies.execution.denials import explain
from strategies.models import Order, Signal
from tradeproject.common import heartbeat
from tradeproject.common.clock import iso

MOST_PROBLEMS = 200
_UNHEALTHY = [BrokerConnection.State.ERROR.value, BrokerConnection.State.NEEDS_REAUTHORIZATION.value]
_TROUBLED = [OrderStatus.REJECTED.value, OrderStatus.UNKNOWN.value, OrderStatus.EXPIRED.value]

Problem = dict[str, Any]


# --- what went wrong --------------------------------------------------------------------------------------------------


def recent_problems(limit: int = MOST_PROBLEMS) -> list[Problem]:
    """The latest troubles, newest first: ``{at, kind, message, user, object_type, object_id}``."""
    limit = min(limit, MOST_PROBLEMS)
    sources = (_order_problems, _signal_problems, _connection_problems, _report_problems)
    found = [problem for source in sources for problem in source(limit)]
    newest = sorted(found, key=lambda problem: problem["at"], reverse=True)[:limit]
    return [{**problem, "at": iso(problem["at"])} for problem in newest]


def _problem(
    at: datetime, kind: str, message: str, user: str | None, object_type: str, pk: object
) -> Problem:
    return {
        "at": at,
        "kind": kind,
        "message": message,
        "user": user,
        "object_type": object_type,
        "object_id": str(pk),
    }


def _order_problems(limit: int) -> Iterator[Problem]:
    rows = Order.objects.filter(status__in=[*_TROUBLED, OrderStatus.DENIED.value])
    for order in rows.select_related("broker_account", "user").order_by("-id")[:limit]:
        reason = order.reject_reason or order.venue_message
        if order.deny_code:
            reason = explain(order.deny_code, order.deny_context)
        message = f"{order.broker_account}: {order}: {reason or 'The outcome is being looked up.'}"
        yield _problem(
            order.planned_at, f"order_{order.status}", message, order.user.email, "order", order.pk
        )


def _signal_problems(limit: int) -> Iterator[Problem]:
    rows = Signal.objects.filter(status=Signal.Status.REJECTED).select_related("user").defer("raw_body")
    for signal in rows.order_by("-id")[:limit]:
        message = f"{signal.code}: {signal.message}"
        yield _problem(signal.received_at, "signal_rejected", message, signal.user.email, "signal", signal.pk)


def unhealthy_connections(limit: int = MOST_PROBLEMS) -> Iterable[BrokerConnection]:
    """Logins that need somebody, the latest first."""
    rows = BrokerConnection.objects.filter(state__in=_UNHEALTHY, deleted_at__isnull=True)
    return rows.select_related("user").defer("credentials", "tokens").order_by("-state_changed_at")[:limit]


def _connection_problems(limit: int) -> Iterator[Problem]:
    for row in unhealthy_connections(limit):
        message = f"{row}: {row.state_reason or row.get_state_display()}"
        yield _problem(
            row.state_changed_at, f"connection_{row.state}", message, row.user.email, "connection", row.pk
        )


def _report_problems(limit: int) -> Iterator[Problem]:
    rows = ReportBatch.objects.filter(attempts__gte=MAX_ATTEMPTS).select_related("connection__user")
    for row in rows.order_by("-pk")[:limit]:
        message = f"Reports of {row.connection} could not be taken in {row.attempts} times and are set aside."
        yield _problem(
            row.created_at, "reports_set_aside", message, row.connection.user.email, "report_batch", row.pk
        )


# --- the system -------------------------------------------------------------------------------------------------------


def system_state() -> dict[str, Any]:
    """The machine, the versions and each part's last sign of life in seconds."""
    load = os.getloadavg()
    disk = shutil.disk_usage(settings.DATA_DIR if settings.DATA_DIR.exists() else "/")
    return {
        "parts": [
            {"name": name, "age_seconds": round(age, 1), "alive": heartbeat.is_alive(name, age)}
            for name, age in sorted(heartbeat.ages().items())
        ],
        "load": [round(value, 2) for value in load],
        "cpus": os.cpu_count() or 1,
        "disk_free_bytes": disk.free,
        "disk_total_bytes": disk.total,
        "python": platform.python_version(),
        "django": django.get_version(),
    }


def metric_values() -> list[dict[str, Any]]:
    """What /metrics tells, as JSON: ``{name, labels, value}``."""
    return [
        {"name": sample.name, "labels": dict(sample.labels), "value": sample.value}
        for family in FromRows().collect()
        for sample in family.samples
    ]


# --- the database -----------------------------------------------------------------------------------------------------

_DATABASE = """
SELECT current_setting('server_version'), pg_database_size(current_database()),
       (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()),
       current_setting('max_connections')::int,
       (SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::float8
          FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()),
       extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float8
"""


def database_health() -> dict[str, Any]:
    """How the database is: round trip, size, connections, the longest open transaction, migrations not applied yet."""
    started = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        round_trip = (time.perf_counter() - started) * 1000
        cursor.execute(_DATABASE)
        version, size, used, allowed, longest, uptime = cursor.fetchone()
    pending = pending_migrations()
    return {
        "status": "ok" if not pending else "degraded",
        "latency_ms": round(round_trip, 3),
        "version": version,
        "size_bytes": size,
        "connections": used,
        "max_connections": allowed,
        "longest_transaction_seconds": round(longest, 3),
        "uptime_seconds": round(uptime),
        "pending_migrations": pending,
    }


def pending_migrations() -> list[str]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
