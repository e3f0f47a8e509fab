"""What every endpoint of the HTTP API shares: the error shape, pagination, throttling and the schema's paths."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.pagination import PageNumberPagination
from rest_framework.parsers import JSONParser
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.throttling import UserRateThrottle


class Problem(exceptions.APIException):
    """An error answer of ours: ``code`` for programs, ``message`` (what happened, what to do next) for people."""

    status_code: int = status.HTTP_400_BAD_REQUEST

    def __init__(
        self, code: str, message: str, *, status_code: int = 400, errors: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message, code)
        self.status_code = status_code
        self.code = code
        self.message = message
        self.errors = errors or {}


class CarefulJSONParser(JSONParser):
    """JSON that can be worked with: not nested without end, and of whole characters, for half of one cannot be stored or
    even told of in an answer.
    """

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        try:
            found = super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise exceptions.ParseError("It is nested too deeply.") from None
        if any(_HALF_A_CHARACTER.search(text) for text in _texts(found)):
            raise exceptions.ParseError("A text holds half a character (a lone surrogate).")
        return found


_HALF_A_CHARACTER = re.compile("[\ud800-\udfff]")


def _texts(value: Any) -> Iterator[str]:
    """Every key and text in a JSON value."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            waiting += one


class Pagination(PageNumberPagination):
    """``{"count","next","previous","results"}``; ``?page=`` and ``?page_size=`` (at most 500)."""

    page_size = 50
    max_page_size = 500
    page_size_query_param = "page_size"

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        described = super().get_paginated_response_schema(schema)
        for name in (
            "next",
            "previous",
        ):  # the library writes OpenAPI 3.0's "nullable", which 3.1 does not know
            described["properties"][name].pop("nullable", None)
            described["properties"][name]["type"] = ["string", "null"]
        return described


class NamedPagination(Pagination):
    """Where the contract gives a list a name of its own: ``{"count","next","previous",<results_name>}``, 500 a page."""

    page_size = 500
    results_name = "results"

    def get_paginated_response(self, data: Any) -> Response:
        answer = super().get_paginated_response(data)
        answer.data[self.results_name] = answer.data.pop("results")
        return answer

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        described = super().get_paginated_response_schema(schema)
        fields = described["properties"]
        fields[self.results_name] = fields.pop("results")
        described["required"] = ["count", self.results_name]
        return described


class UserThrottle(UserRateThrottle):
    scope = "user"


_MESSAGES = {
    401: ("not_authenticated", "You are not signed in. Send a session cookie, a Bearer token or an Api-Key."),
    403: ("permission_denied", "You may not do this. Ask the owner, or use a key with the needed scope."),
    404: ("not_found", "There is nothing here under this address."),
    405: ("method_not_allowed", "This address does not take that method."),
    415: ("unsupported_media_type", "Send the body as application/json."),
    429: ("throttled", "Too many requests. Wait a moment and try again."),
}


def _flat(detail: Any, prefix: str = "") -> dict[str, list[str]]:
    """DRF's nested error detail as {field path: [sentences]}."""
    if isinstance(detail, dict):
        result: dict[str, list[str]] = {}
        for key, value in detail.items():
            path = "" if key == api_settings.NON_FIELD_ERRORS_KEY else str(key)
            joined = f"{prefix}.{path}".strip(".") if prefix else path
            for field, messages in _flat(value, joined).items():
                result.setdefault(field, []).extend(messages)
        return result
    if isinstance(detail, list):
        if any(isinstance(item, dict | list) for item in detail):
            result = {}
            for index, item in enumerate(detail):
                result.update(_flat(item, f"{prefix}.{index}".strip(".")))
            return result
        return {prefix: [str(item) for item in detail]}
    return {prefix: [str(detail)]}


def error_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Every error as ``{"code","message","errors"}``. Unknown exceptions stay Django's 500."""
    if isinstance(error, Problem):
        return Response(
            {"code": error.code, "message": error.message, "errors": error.errors}, status=error.status_code
        )
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif isinstance(error, ValidationError):
        detail = error.message_dict if hasattr(error, "error_dict") else error.messages
        error = exceptions.ValidationError(detail)
    elif isinstance(error, IntegrityError):
        error = exceptions.ValidationError(
            "This clashes with something that already exists. Change it and try again."
        )
    if not isinstance(error, exceptions.APIException):
        return None
    return _api_exception_response(error)


def _api_exception_response(error: exceptions.APIException) -> Response:
    headers: dict[str, str] = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header  # type: ignore[attr-defined]
    if getattr(error, "wait", None):
        headers["Retry-After"] = str(int(error.wait) + 1)  # type: ignore[attr-defined]
    if isinstance(error, exceptions.ValidationError):
        fields = _flat(error.detail)
        general = fields.pop("", [])
        message = " ".join(general) or "Some fields are not right: " + ", ".join(fields) + "."
        return Response(
            {"code": "invalid", "message": message, "errors": fields}, status=400, headers=headers
        )
    if isinstance(error, exceptions.ParseError):
        body = {
            "code": "malformed_json",
            "message": f"The body is not valid JSON. {error.detail}",
            "errors": {},
        }
        return Response(body, status=400, headers=headers)
    code, message = _MESSAGES.get(error.status_code, (str(error.get_codes()), str(error.detail)))
    return Response(
        {"code": code, "message": message, "errors": {}}, status=error.status_code, headers=headers
    )


def only_versioned_paths(endpoints: list[Any], **kwargs: Any) -> list[Any]:
    """The API is mounted twice; the schema describes it once, under its version and without aliases."""
    return [(item[0].rstrip("/"), *item[1:]) for item in endpoints if item[0].startswith("/api/v1/")]
