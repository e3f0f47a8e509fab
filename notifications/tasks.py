"""Periodic work of the notifications."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task

from notifications import services
from tradeproject.common.clock import utc_now

KEEP = timedelta(days=60)


@shared_task
def forget_old_notifications() -> int:
    return services.forget_old(utc_now() - KEEP)
