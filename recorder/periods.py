"""The query parameters that bound a record in time and place."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request


class PeriodQuery(serializers.Serializer):
    """The period bounds when a trade ended; ``until`` is exclusive."""

    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)
    broker_account = serializers.UUIDField(required=False)


def period_of(request: Request) -> dict[str, Any]:
    """``since``, ``until`` and ``broker_account`` as far as given. Raises ValidationError for what cannot be read."""
    query = PeriodQuery(data=request.query_params)
    query.is_valid(raise_exception=True)
    return dict(query.validated_data)
