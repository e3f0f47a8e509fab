"""Celery's part in execution: a second, durable wake-up for the same rows. It decides nothing."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task
from django.db import transaction

from strategies import drift_policy, riskwatch
from strategies.engine import current
from tradeproject.common.events import notify


@shared_task(name="strategies.tasks.watch_risk", ignore_result=True, soft_time_limit=25, time_limit=30)
def watch_risk() -> int:
    """Beat, every few seconds: what was earned against the loss limits, whether or not an alert arrives."""
    return riskwatch.watch()


@shared_task(name="strategies.tasks.execute_signal", time_limit=60, soft_time_limit=45)
def execute_signal(signal_id: str) -> None:
    """Wake the executor for one signal. It may have been taken already, or the hint may come twice."""
    engine = current.engine()
    if engine is not None:
        engine.wake(UUID(signal_id))
        return
    with transaction.atomic():
        notify("signals", signal_id)


@shared_task(name="strategies.check_drift", ignore_result=True)
def check_drift() -> int:
    """Beat, every few seconds: compare what strategies want with what accounts hold."""
    return drift_policy.watch()
