"""Signs of life in PostgreSQL, so that they tell the truth whatever else is down."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models.functions import Now

from tradeproject.common.clock import utc_now
from tradeproject.common.models import Heartbeat

EVERY_SECONDS = 2.0
ALIVE_FOR = timedelta(seconds=8)
# The background worker gives its sign when beat asks for one, every ten seconds, and has other work in hand.
SLOWER = {"background": timedelta(seconds=32)}

BEAT = """
INSERT INTO common_heartbeat (name, at, detail) VALUES (%(name)s, clock_timestamp(), %(detail)s)
ON CONFLICT (name) DO UPDATE SET at = EXCLUDED.at, detail = EXCLUDED.detail
"""


def beat(name: str, detail: dict[str, Any] | None = None) -> None:
    Heartbeat.objects.update_or_create(name=name, defaults={"at": Now(), "detail": detail or {}})


def ages() -> dict[str, float]:
    """Seconds since each part's last sign of life."""
    now = utc_now()
    return {name: (now - at).total_seconds() for name, at in Heartbeat.objects.values_list("name", "at")}


def is_alive(name: str, age: float | None) -> bool:
    """Whether a part that gave its last sign ``age`` seconds ago is still believed to run; None: it never gave one."""
    return age is not None and age < SLOWER.get(name, ALIVE_FOR).total_seconds()
