"""Pages show the user's own time, and cost nobody else a query."""

from __future__ import annotations

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.middleware import TimezoneMiddleware
from accounts.models import User
from tests.factories import PASSWORD


class Untouchable:
    """A request.user that must not be looked at."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError("the session was looked up")


def zone_seen(path: str, user: object, *, cookie: bool = True) -> str:
    seen: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(timezone.get_current_timezone_name())
        return HttpResponse()

    request = HttpRequest()
    request.path = path
    request.user = user
    if cookie:
        request.COOKIES[django_settings.SESSION_COOKIE_NAME] = "x"
    TimezoneMiddleware(view)(request)
    return seen[0]


def test_the_users_zone_is_active_and_gone_afterwards():
    assert zone_seen("/user/dashboard", User(timezone="Asia/Kolkata")) == "Asia/Kolkata"
    assert timezone.get_current_timezone_name() == "UTC"
    assert zone_seen("/user/dashboard", AnonymousUser()) == "UTC"


@pytest.mark.parametrize(
    "name", ["Mars/Olympus", "", "../../etc/passwd", "/etc/passwd", "America", "\x00", "x" * 300]
)
def test_a_zone_this_system_does_not_know_is_utc(name):
    assert zone_seen("/user/dashboard", User(timezone=name)) == "UTC"


@pytest.mark.parametrize(
    "path",
    [
        "/static/app.css",
        "/api/v1/orders",
        "/auth/login",
        "/webhook/abc",
        "/webhook",
        "/health/live",
        "/metrics",
    ],
)
def test_nothing_is_looked_up_where_no_time_is_shown(path):
    assert zone_seen(path, Untouchable()) == "UTC"


def test_nothing_is_looked_up_without_a_session():
    assert zone_seen("/user/dashboard", Untouchable(), cookie=False) == "UTC"


@pytest.mark.django_db
def test_the_api_answers_utc_whatever_the_users_zone(owner, client):
    User.objects.filter(pk=owner.pk).update(timezone="Asia/Kolkata")
    client.post("/accounts/login/", {"login": owner.email, "password": PASSWORD})

    assert client.get("/api/v1/users/current").json()["date_joined"].endswith("Z")
