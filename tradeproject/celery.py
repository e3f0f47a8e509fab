"""The Celery application: its messages are wake-up hints, the rows in PostgreSQL are the work."""

from __future__ import annotations

import os
import warnings

from celery import Celery
from celery.platforms import SecurityWarning

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradeproject.settings")

# Messages are JSON and nothing in them is run: a container's root is no danger here.
warnings.filterwarnings("ignore", category=SecurityWarning)

app = Celery("tradeproject")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
