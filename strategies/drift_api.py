"""The API of drift: where accounts stand, what would bring one back, and doing so."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from accounts.serializers import ProblemSerializer
from strategies import drift, drift_policy
from strategies.drift_models import MOST_TRIES
from strategies.execution.drift import Sync
from strategies.models import Drift
from strategies.selectors import strategy_of_or_404
from strategies.serializers import PlannedOrderSerializer

SYNC = [state.value for state in Sync]


def _person(request: Request) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - every view here demands a signed-in user
    return request.user


class DriftSerializer(serializers.Serializer):
    """``held`` null = not known (never flat), for ``why``; ``external`` was traded past us since the strategy last spoke."""

    id = serializers.UUIDField()
    strategy = serializers.UUIDField()
    strategy_name = serializers.CharField()
    broker_account = serializers.UUIDField()
    account_name = serializers.CharField()
    symbol = serializers.CharField()
    venue_symbol = serializers.CharField()
    state = serializers.ChoiceField(SYNC)
    wanted = serializers.CharField()
    held = serializers.CharField(allow_null=True)
    external = serializers.CharField()
    why = serializers.CharField()
    since = serializers.DateTimeField()
    left_to_you = serializers.BooleanField(help_text="The automatic mode has used its tries up.")
    signal = serializers.UUIDField(allow_null=True, help_text="The latest signal that was to bring it back.")
    is_moving = serializers.BooleanField()

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return instance if isinstance(instance, dict) else drift.drift_json(instance)


class DriftPreviewSerializer(DriftSerializer):
    orders = PlannedOrderSerializer(
        many=True, help_text="What would bring it back, through planner and gate."
    )
    warnings = serializers.ListField(child=serializers.CharField())


class BringBackSerializer(serializers.Serializer):
    signal = serializers.UUIDField()
    intent = serializers.CharField()


class PolicySerializer(serializers.Serializer):
    automatic = serializers.BooleanField(required=False)
    per_hour = serializers.IntegerField(required=False, min_value=1, max_value=MOST_TRIES)


class StrategyDriftSerializer(PolicySerializer):
    drifts = DriftSerializer(many=True)


@extend_schema(tags=["positions"])
class DriftListView(generics.ListAPIView):
    """Each account and contract that a strategy of mine spoke of: what is wanted, what the broker says is held."""

    queryset = Drift.objects.none()
    serializer_class = DriftSerializer
    filter_backends = []

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return Drift.objects.none()
        return drift.drifts_of(_person(self.request))


@extend_schema(tags=["positions"])
class DriftView(APIView):
    """One of them, with the orders that would bring it back now."""

    @extend_schema(responses=DriftPreviewSerializer)
    def get(self, request: Request, pk: str) -> Response:
        row = drift.drift_or_404(request.user, pk)
        nothing: dict[str, Any] = {"orders": [], "warnings": []}
        preview = drift.preview_of(row) if row.state == "drifted" else nothing
        return Response({**drift.drift_json(row), **preview})


@extend_schema(tags=["positions"])
class BringBackView(APIView):
    """Have the account hold what its strategy wants. Asked twice it is done once; 409 when nothing is to be done."""

    @extend_schema(request=None, responses={202: BringBackSerializer, 409: ProblemSerializer})
    def post(self, request: Request, pk: str) -> Response:
        row = drift.drift_or_404(request.user, pk)
        signal = drift.bring_back(row, _person(request), request=request._request)
        answer = {"signal": str(signal.pk), "intent": signal.intent}
        return Response(answer, status=status.HTTP_202_ACCEPTED)


@extend_schema(tags=["strategies"])
class StrategyDriftView(APIView):
    """A strategy's accounts, and whether they are brought back without being asked (``automatic``, off by default)."""

    @extend_schema(responses=StrategyDriftSerializer)
    def get(self, request: Request, pk: str) -> Response:
        return self._answer(request, pk)

    @extend_schema(request=PolicySerializer, responses=StrategyDriftSerializer)
    def patch(self, request: Request, pk: str) -> Response:
        strategy = strategy_of_or_404(request.user, pk)
        form = PolicySerializer(data=request.data)
        form.is_valid(raise_exception=True)
        drift_policy.set_policy(strategy, _person(request), **form.validated_data, request=request._request)
        return self._answer(request, pk)

    def _answer(self, request: Request, pk: str) -> Response:
        strategy = strategy_of_or_404(request.user, pk)
        policy = drift_policy.policy_of(strategy)
        rows = [drift.drift_json(row) for row in drift.drifts_of(_person(request), strategy)]
        return Response({"automatic": policy.automatic, "per_hour": policy.per_hour, "drifts": rows})
