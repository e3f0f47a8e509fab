"""Periodic housekeeping."""

from __future__ import annotations

from celery import shared_task
from django.contrib.sessions.models import Session

from accounts.services import purge_idempotency_keys
from tradeproject.common.clock import utc_now


@shared_task(name="accounts.tasks.purge_expired")
def purge_expired() -> None:
    """Forget ended sessions and idempotency answers past their 24 hours."""
    Session.objects.filter(expire_date__lt=utc_now()).delete()
    purge_idempotency_keys()
