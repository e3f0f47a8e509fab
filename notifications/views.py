"""The bell and the list of notifications."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from accounts.selectors import get_owned_or_404
from notifications import services
from notifications.models import Notification
from notifications.selectors import notifications_of
from tradeproject.common.pages import go, page_or_part, paged, signed_in

PARTS = {"bell-list": "notifications/_bell.html", "notification-list": "notifications/_list.html"}


@signed_in
@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    context = {"page": paged(request, notifications_of(request.user), 30)}
    return page_or_part(request, "notifications/list.html", context, PARTS)


@signed_in
@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    services.mark_read(cast(User, request.user))
    return go(request, "notifications")


@signed_in
@require_POST
def read_one(request: HttpRequest, pk: str) -> HttpResponse:
    """Opening a notification: it counts as read, and the page it is about comes up."""
    row = get_owned_or_404(Notification.objects.all(), request.user, pk=pk)
    services.mark_read(cast(User, request.user), row.pk)
    return go(request, row.link or "notifications")
