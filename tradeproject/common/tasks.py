"""Beat's own sign of life: it passes through the broker and the background worker, so it tells of all three."""

from __future__ import annotations

from celery import shared_task

from tradeproject.common.heartbeat import beat


@shared_task(name="tradeproject.common.tasks.heartbeat", time_limit=20, soft_time_limit=15)
def heartbeat() -> None:
    beat("background")
