"""The API of the record: a strategy's round trips and its figures, and switching its recording on and off."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import django_filters as filters
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from recorder import selectors, serializers, services
from recorder.models import RecordedPosition
from recorder.periods import PeriodQuery, period_of
from recorder.shapes import analytics_json
from strategies.selectors import strategy_of_or_404
from tradeproject.common.api import NamedPagination, Pagination

FINISHED = "finished"


def person(request: Request) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - every view here demands a signed-in user
    return request.user


def zone_of(user: User) -> ZoneInfo:
    """The zone whose calendar a user's days follow."""
    return ZoneInfo(user.timezone)


class PositionPagination(NamedPagination):
    results_name = "positions"


class RecordedPositionFilter(filters.FilterSet):
    status = filters.ChoiceFilter(
        choices=[*RecordedPosition.Status.choices, (FINISHED, "everything that is not open")],
        method="by_status",
    )
    broker_account = filters.UUIDFilter(field_name="broker_account_id")
    since = filters.IsoDateTimeFilter(field_name="entry_timestamp", lookup_expr="gte")
    until = filters.IsoDateTimeFilter(field_name="entry_timestamp", lookup_expr="lt")

    class Meta:
        model = RecordedPosition
        fields: list[str] = []

    def by_status(self, rows: Any, name: str, value: str) -> Any:
        return rows.closed() if value == FINISHED else rows.filter(status=value)


@extend_schema(tags=["recorder"])
class RecordedPositionsView(generics.ListAPIView):
    """A strategy's recorded positions, open and closed, newest first."""

    queryset = RecordedPosition.objects.none()
    serializer_class = serializers.RecordedPositionSerializer
    pagination_class: type[Pagination] = PositionPagination
    filterset_class = RecordedPositionFilter

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return RecordedPosition.objects.none()
        user = person(self.request)
        strategy = strategy_of_or_404(user, self.kwargs["pk"])
        return selectors.recorded_positions(user, strategy=strategy)

    @extend_schema(responses=serializers.PositionPageSerializer)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class StrategyPositionsView(RecordedPositionsView):
    """A strategy's recorded positions, open and closed, newest first."""

    pagination_class = Pagination

    @extend_schema(responses=serializers.RecordedPositionSerializer(many=True))
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


@extend_schema(tags=["recorder"])
class StrategyAnalyticsView(APIView):
    """A strategy's track record over the trades that ended in the period (all of them unless told)."""

    @extend_schema(parameters=[PeriodQuery], responses=serializers.AnalyticsSerializer)
    def get(self, request: Request, pk: str) -> Response:
        user = person(request)
        strategy = strategy_of_or_404(user, pk)
        period = period_of(request)
        found = selectors.analytics_for(user, strategy=strategy, timezone=zone_of(user), **period)
        return Response(analytics_json(found))


@extend_schema(tags=["recorder"])
class RecordingView(APIView):
    """Switch recording of the strategy's recorded account on or off; its own orders are recorded in any case."""

    is_on = True

    @extend_schema(request=None, responses=serializers.RecordingSerializer)
    def post(self, request: Request, pk: str) -> Response:
        user = person(request)
        strategy = strategy_of_or_404(user, pk)
        change = services.start_recording if self.is_on else services.stop_recording
        change(strategy, actor=user, request=request._request)
        return Response({"strategy": str(strategy.pk), "recording_enabled": strategy.recording_enabled})
