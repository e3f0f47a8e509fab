"""The clock: one process that says what is due."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from tradeproject.celery import app


class Command(BaseCommand):
    help = "Runs Celery beat: polling, token refresh and housekeeping on time. One per installation."

    def handle(self, *args: Any, **options: Any) -> None:
        app.Beat(loglevel="WARNING", quiet=True, max_interval=5).run()
