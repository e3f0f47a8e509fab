"""Is it working? Liveness for supervisors, readiness for whoever sends traffic, and a summary in words."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse

from tradeproject.common import heartbeat

NEEDED = ("execution", "streams")  # without them an alert is stored, and waits
HELPFUL = ("background",)  # without it tokens and polls wait: Redis, beat or the background worker is down


def live(request: HttpRequest) -> JsonResponse:
    """The web process answers."""
    return JsonResponse({"status": "ok"})


def _parts() -> dict[str, str]:
    """Each part's state: ok, late, or down. Raises DatabaseError."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    ages = heartbeat.ages()
    parts = {"database": "ok"}
    for name in (*NEEDED, *HELPFUL):
        parts[name] = "ok" if heartbeat.is_alive(name, ages.get(name)) else "down"
    return parts


def ready(request: HttpRequest) -> JsonResponse:
    """Alerts are stored and carried out. 503 until then."""
    try:
        parts = _parts()
    except DatabaseError:
        return JsonResponse({"status": "down", "database": "down"}, status=503)
    is_ready = all(parts[name] == "ok" for name in NEEDED)
    return JsonResponse({"status": "ok" if is_ready else "starting"}, status=200 if is_ready else 503)


def status(request: HttpRequest) -> JsonResponse:
    """ok, degraded (orders go, something else waits) or down; staff see which part it is."""
    try:
        parts = _parts()
    except DatabaseError:
        return JsonResponse({"status": "down"}, status=503)
    if any(parts[name] != "ok" for name in NEEDED):
        overall = "down"
    else:
        overall = "ok" if all(value == "ok" for value in parts.values()) else "degraded"
    is_staff = request.user.is_authenticated and request.user.is_staff
    body = {"status": overall, **({"parts": parts} if is_staff else {})}
    return JsonResponse(body, status=503 if overall == "down" else 200)
