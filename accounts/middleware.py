"""The signed-in user's timezone for everything a page shows."""

from __future__ import annotations

import logging
import zoneinfo
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

logger = logging.getLogger(__name__)

# What never shows a local time does not need to know whose session it is; the API speaks UTC to everybody.
WITHOUT_USER = (settings.STATIC_URL, "/api/", "/auth/", "/_allauth/", "/webhook", "/health", "/metrics")


def zone_named(name: str) -> zoneinfo.ZoneInfo | None:
    """The zone, or None (the site's default) for a name that this system's zone data does not hold."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        logger.warning("unknown timezone in a profile", extra={"timezone": name[:64]})
        return None


def zone_for(request: HttpRequest) -> zoneinfo.ZoneInfo | None:
    """The zone of the session's user. Looks nothing up for requests that carry no session."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES or request.path.startswith(WITHOUT_USER):
        return None
    user = getattr(request, "user", None)
    return zone_named(user.timezone) if user is not None and user.is_authenticated else None


class TimezoneMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with timezone.override(zone_for(request)):
            return self.get_response(request)
