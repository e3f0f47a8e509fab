"""A notification as the sockets show it."""

from __future__ import annotations

from typing import Any

from notifications.models import Notification
from tradeproject.common.clock import iso


def notification_json(row: Notification) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "type": row.type,
        "level": row.level,
        "title": row.title,
        "body": row.body,
        "link": row.link,
        "count": row.count,
        "created_at": iso(row.created_at),
    }
