"""The API of the dashboard: what is open now, what was earned, and how the system is (staff)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import CharField, Serializer, UUIDField
from rest_framework.views import APIView

from accounts.models import ApiKey, User
from accounts.permissions import IsStaff, ScopeAllows
from accounts.selectors import get_owned_or_404
from brokers.models import BrokerAccount
from dashboard import figures, operations, serializers
from dashboard.positions import position_rows
from dashboard.valuation import valued_now
from recorder.api import zone_of
from recorder.models import RecordedPosition
from recorder.periods import PeriodQuery
from recorder.selectors import analytics_for
from recorder.serializers import AnalyticsSerializer, RecordedPositionSerializer
from recorder.shapes import analytics_json
from strategies.selectors import strategy_of_or_404

PNL_FIELDS = ("total_pnl", "gross_pnl", "fees", "max_drawdown", "daily", "weekly", "monthly", "equity_curve")


def person(request: Request) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - every view here demands a signed-in user
    return request.user


# --- whose, which, when -----------------------------------------------------------------------------------------------


class WhoseQuery(PeriodQuery):
    """``user`` (id) is for staff; anybody else's is not found."""

    strategy = UUIDField(required=False)
    user = CharField(required=False, max_length=64)


class Wanted:
    """The filters of a dashboard request, checked: nothing a viewer may not see, a foreign id is not found."""

    def __init__(self, request: Request) -> None:
        query = WhoseQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        given = dict(query.validated_data)
        self.user = _shown_user(person(request), given.pop("user", None))
        if "strategy" in given:
            given["strategy"] = strategy_of_or_404(self.user, given["strategy"]).pk
        if "broker_account" in given:
            account = get_owned_or_404(BrokerAccount.objects.all(), self.user, pk=given["broker_account"])
            given["broker_account"] = account.pk
        self.filters: dict[str, Any] = given
        self.zone = zone_of(self.user)

    def analytics(self, **more: Any) -> dict[str, Any]:
        return analytics_json(analytics_for(self.user, timezone=self.zone, **{**self.filters, **more}))


def _shown_user(viewer: User, wanted: str | None) -> User:
    if not wanted or wanted == str(viewer.pk):
        return viewer
    if not viewer.is_staff:
        raise Http404
    try:
        return User.objects.get(pk=UUID(wanted))
    except (ValueError, User.DoesNotExist):
        raise Http404 from None


# --- positions --------------------------------------------------------------------------------------------------------


class PositionQuery(WhoseQuery):
    symbol = CharField(required=False, max_length=64)


@extend_schema(tags=["positions"])
class LivePositionsView(generics.ListAPIView):
    """What is held now on all my accounts, at the latest known prices; ``price_source`` says whose price it is."""

    queryset = RecordedPosition.objects.none()
    serializer_class = serializers.LivePositionSerializer
    filter_backends = []

    @extend_schema(parameters=[PositionQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        wanted = Wanted(request)
        symbol = request.query_params.get("symbol", "").upper()
        account, strategy = wanted.filters.get("broker_account"), wanted.filters.get("strategy")
        rows = [
            row
            for row in position_rows(wanted.user)
            if (account is None or row.broker_account == account)
            and (strategy is None or row.strategy == strategy)
            and (not symbol or symbol in {row.symbol.upper(), row.venue_symbol.upper()})
        ]
        page: Any = self.paginate_queryset(rows)
        return self.get_paginated_response(valued_now(page))


# --- figures ----------------------------------------------------------------------------------------------------------


class SummaryQuery(Serializer):
    user = CharField(required=False, max_length=64)


@extend_schema(tags=["dashboard"])
class SummaryView(APIView):
    """The dashboard's head. Money is net of commissions and fees."""

    @extend_schema(parameters=[SummaryQuery], responses=serializers.SummarySerializer)
    def get(self, request: Request) -> Response:
        wanted = Wanted(request)
        return Response(figures.summary(wanted.user, wanted.zone))


@extend_schema(tags=["dashboard"])
class AnalyticsView(APIView):
    """The track record of one strategy."""

    @extend_schema(parameters=[WhoseQuery], responses=AnalyticsSerializer)
    def get(self, request: Request, pk: str) -> Response:
        wanted = Wanted(request)
        strategy = strategy_of_or_404(wanted.user, pk)
        return Response(wanted.analytics(strategy=strategy.pk))


@extend_schema(tags=["dashboard"])
class PnlView(APIView):
    """What closed trades earned, by day, week and month, and the curve of it."""

    @extend_schema(parameters=[WhoseQuery], responses=serializers.PnlSerializer)
    def get(self, request: Request) -> Response:
        found = Wanted(request).analytics()
        return Response({name: found[name] for name in PNL_FIELDS})


@extend_schema(tags=["dashboard"])
class TradesView(generics.ListAPIView):
    """Finished round trips, the latest exit first."""

    queryset = RecordedPosition.objects.none()
    serializer_class = RecordedPositionSerializer
    filter_backends = []

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return RecordedPosition.objects.none()
        wanted = Wanted(self.request)
        return figures.trades_of(wanted.user, wanted.filters)

    @extend_schema(parameters=[WhoseQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


@extend_schema(tags=["dashboard"])
class PerformanceView(APIView):
    """All figures of the record, and its parts by strategy and by account."""

    @extend_schema(parameters=[WhoseQuery], responses=serializers.PerformanceSerializer)
    def get(self, request: Request) -> Response:
        wanted = Wanted(request)
        answer = {
            **wanted.analytics(),
            "strategies": figures.by_strategy(wanted.user, wanted.filters),
            "broker_accounts": figures.by_account(wanted.user, wanted.filters),
        }
        return Response(answer)


# --- the operator's ---------------------------------------------------------------------------------------------------


class StaffView(APIView):
    """For staff; an API key needs the scope ``admin``."""

    permission_classes = [IsAuthenticated, ScopeAllows, IsStaff]
    read_scope = ApiKey.Scope.ADMIN


@extend_schema(tags=["operations"])
class SystemView(StaffView):
    """The machine, the versions, and each part's last sign of life."""

    @extend_schema(responses=serializers.SystemSerializer)
    def get(self, request: Request) -> Response:
        return Response(operations.system_state())


@extend_schema(tags=["operations"])
class MetricsView(StaffView):
    """The metrics of /metrics as JSON."""

    @extend_schema(responses=serializers.MetricsSerializer)
    def get(self, request: Request) -> Response:
        return Response({"metrics": operations.metric_values()})


@extend_schema(tags=["operations"])
class DatabaseHealthView(StaffView):
    """How the database is."""

    @extend_schema(responses=serializers.DatabaseHealthSerializer)
    def get(self, request: Request) -> Response:
        return Response(operations.database_health())


@extend_schema(tags=["operations"])
class RecentErrorsView(generics.ListAPIView):
    """What went wrong lately, over all users: orders, alerts, logins, reports."""

    queryset = RecordedPosition.objects.none()
    serializer_class = serializers.RecentProblemSerializer
    permission_classes = [IsAuthenticated, ScopeAllows, IsStaff]
    read_scope = ApiKey.Scope.ADMIN
    filter_backends = []

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page: Any = self.paginate_queryset(operations.recent_problems())
        return self.get_paginated_response(page)
