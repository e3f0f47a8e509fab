"""What holds for every page: a content security policy without inline code, no caching of private pages, no unstorable text."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse

_SOCKETS = settings.SITE_URL.replace("http", "ws", 1)
STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    f"connect-src 'self' {_SOCKETS}; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'{form}; object-src 'none'"
)
# The admin's and the API browser's own libraries evaluate expressions and style elements inline.
RELAXED = (
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'; object-src 'none'; worker-src 'self' blob:"
)
RELAXED_PATHS = ("/admin/", "/api/docs")


def policy_for(request: HttpRequest) -> str:
    if request.path.startswith(RELAXED_PATHS):
        return RELAXED
    extra = getattr(request, "allowed_form_targets", ())
    return STRICT.format(form="".join(f" {target}" for target in extra))


def _decorate(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    response.headers.setdefault("Content-Security-Policy", policy_for(request))
    response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=()")
    if not request.path.startswith(settings.STATIC_URL):
        response.headers.setdefault("Cache-Control", "no-store")
    return response


class PolicyMiddleware:
    """Works under ASGI without an extra thread hop and under WSGI alike."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if iscoroutinefunction(self):
            return self._acall(request)
        return _decorate(request, self.get_response(request))

    async def _acall(self, request: HttpRequest) -> HttpResponse:
        return _decorate(request, await self.get_response(request))


FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def _refuse_depth(request: HttpRequest) -> None:
    """The sign-in library reads any JSON; nested without end it would be a crash."""
    try:
        json.loads(request.body or b"null")
    except RecursionError as error:
        raise BadRequest("The JSON is nested too deeply.") from error
    except ValueError:
        return  # the library says so itself


def _refuse_nul(request: HttpRequest) -> None:
    """PostgreSQL takes no text with a NUL in it, and no browser sends one: a bad request, wherever it would be used.

    The APIs read the body themselves, once: a form that was looked into here would be lost to them.
    """
    if request.path.startswith("/_allauth/"):
        _refuse_depth(request)
    if request.path.startswith(("/api/", "/_allauth/")):
        return
    found = "%00" in request.META.get("QUERY_STRING", "")
    if request.method == "POST" and request.content_type in FORMS:
        found = found or any("\x00" in value for values in request.POST.lists() for value in values[1])
    if found:
        raise BadRequest("The request holds a NUL.")


class StorableMiddleware:
    """Answers 400 to a page's query or form with a NUL in it."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if iscoroutinefunction(self):
            return self._acall(request)
        _refuse_nul(request)
        return self.get_response(request)

    async def _acall(self, request: HttpRequest) -> HttpResponse:
        _refuse_nul(request)
        return await self.get_response(request)
