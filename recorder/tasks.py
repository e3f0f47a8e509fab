"""Celery's part: fetch, call, hand on. A lost message costs one round; the next beat finds the same rows."""

from __future__ import annotations

import logging
from uuid import UUID

from asgiref.sync import async_to_sync
from celery import shared_task

from brokers.errors import BrokerError
from brokers.models import BrokerConnection
from brokers.registry import open_adapter
from recorder import differences, reconcile, services
from tradeproject.common.locks import advisory_lock

logger = logging.getLogger(__name__)


@shared_task(name="recorder.poll_connections", ignore_result=True)
def poll_connections() -> int:
    """Beat, every few seconds: one task per login whose turn it is."""
    claimed = reconcile.claim_due_connections()
    for connection_id in claimed:
        poll_connection.delay(str(connection_id))
    return len(claimed)


@shared_task(name="recorder.poll_connection", ignore_result=True, soft_time_limit=40, time_limit=50)
def poll_connection(connection_id: str) -> None:
    """Ask one login about everything. A poll that still runs is not doubled."""
    with advisory_lock("recorder", "poll", connection_id, wait=False) as is_mine:
        connection = BrokerConnection.objects.usable().filter(pk=connection_id).first()
        if is_mine and connection is not None:
            _poll(connection)


def _poll(connection: BrokerConnection) -> None:
    for environment in reconcile.environments_of(connection):
        try:
            async_to_sync(_ask)(connection, environment)
        except BrokerError as error:
            # Noted on the connection already. What ails one environment's host need not ail the other's.
            logger.warning(
                "poll failed",
                extra={
                    "connection": str(connection.pk),
                    "environment": environment,
                    "reason": error.message,
                },
            )


async def _ask(connection: BrokerConnection, environment: str) -> None:
    async with open_adapter(connection, environment) as adapter:
        await reconcile.poll_connection(UUID(str(connection.pk)), environment, adapter)


@shared_task(name="recorder.drain_reports", ignore_result=True)
def drain_reports() -> int:
    """Beat, as the safety net of the process that listens for reports."""
    return services.drain_report_batches()


@shared_task(name="recorder.compare_with_venues", ignore_result=True)
def compare_with_venues(everything: bool = False) -> int:
    """Beat, each minute for what came up lately, and once a day for all of it."""
    return differences.tell_differences(everything=everything)


@shared_task(name="recorder.record_equity_points", ignore_result=True)
def record_equity_points() -> int:
    """Beat, each minute."""
    return services.record_equity_points()


@shared_task(name="recorder.prune", ignore_result=True)
def prune() -> dict[str, int]:
    """Beat, each hour."""
    return services.prune()
