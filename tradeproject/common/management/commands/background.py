"""The background worker: polling, token refresh, reconciliation, housekeeping."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from tradeproject.celery import app


class Command(BaseCommand):
    help = "Runs the Celery worker for everything that is not an order."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--concurrency", type=int, default=2)

    def handle(self, *args: Any, **options: Any) -> None:
        app.worker_main(
            ["--quiet", "worker", f"--concurrency={options['concurrency']}", "--queues=background",
             f"--hostname=background-{os.getpid()}@%h", "--loglevel=WARNING", "--without-gossip", "--without-mingle",
             "--without-heartbeat", "--max-tasks-per-child=2000"]
        )  # fmt: skip
