"""The API of strategies, signals, orders and the trading switches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.mixins import OwnedMixin
from accounts.models import ApiKey, User
from accounts.proof import demand_proof
from accounts.selectors import get_owned_or_404
from accounts.serializers import ProblemSerializer
from brokers.models import BrokerAccount
from strategies import control, filters, selectors, serializers, services
from strategies.models import Order, Signal, Strategy
from strategies.selectors import strategy_of_or_404
from strategies.shapes import order_json, strategy_json
from strategies.template import alert_template
from strategies.trace import signal_trace
from strategies.validation import RISK
from tradeproject.common.api import NamedPagination, Problem

REFUSED = {400: ProblemSerializer}
CONFLICT = {409: ProblemSerializer}


def person(request: Request) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - every view here demands a signed-in user
    return request.user


def may_trade(request: Request) -> bool:
    """Whether this request may see a webhook's address, which is as good as trading: not a key for reading alone."""
    return not isinstance(request.auth, ApiKey) or bool(
        {ApiKey.Scope.TRADE.value, ApiKey.Scope.ADMIN.value} & set(request.auth.scopes)
    )


def body_of(request: Request) -> dict[str, Any]:
    """The request's JSON object; any other JSON is refused."""
    if not isinstance(request.data, Mapping):
        raise Problem("invalid", "Send one JSON object.")
    return dict(request.data)


# --- strategies -----------------------------------------------------------------------------------------------------


class StrategyPagination(NamedPagination):
    results_name = "strategies"


@extend_schema(tags=["strategies"])
class StrategyListView(generics.ListAPIView):
    """My strategies; POST makes one, with its own webhook address."""

    queryset = Strategy.objects.none()
    serializer_class = serializers.StrategySerializer
    pagination_class = StrategyPagination
    filter_backends = []

    def get_queryset(self) -> Any:
        return selectors.strategies_of(person(self.request))

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.get_queryset()) or []
        shown = may_trade(request)
        return self.get_paginated_response([strategy_json(row, with_secret=shown) for row in page])

    @extend_schema(
        request=serializers.StrategyInputSerializer,
        responses={201: serializers.StrategyDetailSerializer, **REFUSED},
    )
    def post(self, request: Request) -> Response:
        user = person(request)
        fields = _writable(body_of(request))
        strategy = services.create_strategy(user, actor=user, request=request._request, **fields)
        return Response(_detail(request, strategy.pk), status=status.HTTP_201_CREATED)


WRITABLE = set(serializers.StrategyInputSerializer().get_fields())


def _writable(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a strategy takes; the rest of what GET gave, and fields that nobody may set, are passed over."""
    return {name: value for name, value in body.items() if name in WRITABLE}


def _detail(request: Request, pk: Any) -> dict[str, Any]:
    strategy = strategy_of_or_404(request.user, pk)
    shown = strategy_json(strategy, with_secret=may_trade(request))
    return {**shown, "logs": selectors.strategy_logs(strategy)}


@extend_schema(tags=["strategies"])
class StrategyView(APIView):
    """One strategy with its latest ``logs``."""

    @extend_schema(responses=serializers.StrategyDetailSerializer)
    def get(self, request: Request, pk: str) -> Response:
        return Response(_detail(request, pk))

    @extend_schema(
        request=serializers.StrategyInputSerializer,
        responses={200: serializers.StrategyDetailSerializer, **REFUSED},
    )
    def put(self, request: Request, pk: str) -> Response:
        """Needs name and symbol; ``risk`` is replaced as a whole, other fields that are left out stay as they are."""
        strategy = strategy_of_or_404(request.user, pk)
        fields = _writable(body_of(request))
        missing = {name: ["This field is needed."] for name in ("name", "symbol") if name not in fields}
        if missing:
            message = "Some fields are not right: " + ", ".join(missing) + "."
            raise Problem("invalid", message, errors=missing)
        if isinstance(fields.get("risk"), Mapping):
            fields["risk"] = {**dict.fromkeys(RISK), **fields["risk"]}
        return self._update(request, strategy, fields)

    @extend_schema(
        request=serializers.StrategyInputSerializer,
        responses={200: serializers.StrategyDetailSerializer, **REFUSED},
    )
    def patch(self, request: Request, pk: str) -> Response:
        """Changes what is given; a null limit in ``risk`` is switched off."""
        strategy = strategy_of_or_404(request.user, pk)
        return self._update(request, strategy, _writable(body_of(request)))

    def _update(self, request: Request, strategy: Strategy, fields: dict[str, Any]) -> Response:
        services.update_strategy(strategy, person(request), request=request._request, **fields)
        return Response(_detail(request, strategy.pk))

    @extend_schema(responses={204: None, **CONFLICT})
    def delete(self, request: Request, pk: str) -> Response:
        strategy = strategy_of_or_404(request.user, pk)
        services.delete_strategy(strategy, person(request), request=request._request)
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(tags=["strategies"])
class StrategyLogsView(APIView):
    """What happened lately: alerts, order troubles, edits; newest first."""

    @extend_schema(responses=serializers.LogsSerializer)
    def get(self, request: Request, pk: str) -> Response:
        strategy = strategy_of_or_404(request.user, pk)
        return Response({"logs": selectors.strategy_logs(strategy, limit=selectors.MAX_LOGS)})


@extend_schema(tags=["strategies"])
class RotateWebhookView(APIView):
    """A new webhook address; the old one stops at once, or after ``grace_minutes``."""

    @extend_schema(
        request=serializers.RotateSerializer, responses={200: serializers.WebhookSerializer, **REFUSED}
    )
    def post(self, request: Request, pk: str) -> Response:
        strategy = strategy_of_or_404(request.user, pk)
        form = serializers.RotateSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        url = services.rotate_webhook(
            strategy, **form.validated_data, actor=person(request), request=request._request
        )
        return Response({"webhook_url": url})


@extend_schema(tags=["strategies"])
class AlertTemplateView(APIView):
    """The message to paste into the alert, and the address to send it to."""

    @extend_schema(responses=serializers.AlertTemplateSerializer)
    def get(self, request: Request, pk: str) -> Response:
        strategy = strategy_of_or_404(request.user, pk)
        url = services.current_webhook_url(strategy) if may_trade(request) else None
        return Response({**alert_template(strategy), "webhook_url": url})


# --- signals --------------------------------------------------------------------------------------------------------


@extend_schema(tags=["signals"])
class SignalListView(generics.ListAPIView):
    """My signals, newest first."""

    queryset = Signal.objects.none()
    serializer_class = serializers.SignalSerializer
    filterset_class = filters.SignalFilter

    def get_queryset(self) -> Any:
        return selectors.signals_of(person(self.request))


@extend_schema(tags=["signals"])
class SignalView(APIView):
    """The whole trace of one signal: raw body, what was understood, and what became of it at every account."""

    @extend_schema(responses=serializers.SignalTraceSerializer)
    def get(self, request: Request, pk: str) -> Response:
        return Response(signal_trace(request.user, pk))


@extend_schema(tags=["signals"])
class ReplayView(APIView):
    """What this signal would do now. Nothing is sent."""

    @extend_schema(
        request=None, responses={200: serializers.DryRunSerializer, 400: serializers.StillRefusedSerializer}
    )
    def post(self, request: Request, pk: str) -> Response:
        signal = get_owned_or_404(Signal.objects.select_related("strategy"), person(request), pk=pk)
        answer = services.replay_signal(signal)
        refused = answer["status"] == "rejected"
        return Response(answer, status=status.HTTP_400_BAD_REQUEST if refused else status.HTTP_200_OK)


# --- orders ---------------------------------------------------------------------------------------------------------


@extend_schema(tags=["orders"])
class OrderListView(generics.ListAPIView):
    """My orders, newest first."""

    queryset = Order.objects.none()
    serializer_class = serializers.OrderSerializer
    filterset_class = filters.OrderFilter

    def get_queryset(self) -> Any:
        return selectors.orders_of(person(self.request))


@extend_schema(tags=["orders"])
class OrderView(OwnedMixin, generics.RetrieveAPIView):
    """One order."""

    queryset = selectors.orders_related(Order.objects.all())
    serializer_class = serializers.OrderSerializer


@extend_schema(tags=["orders"])
class CancelOrderView(OwnedMixin, generics.GenericAPIView):
    """Ask the broker to cancel; the order's status tells when it has. 409 when it has already ended."""

    queryset = selectors.orders_related(Order.objects.all())
    serializer_class = serializers.OrderSerializer

    @extend_schema(request=None, responses={202: serializers.OrderSerializer, **CONFLICT})
    def post(self, request: Request, pk: str) -> Response:
        services.request_cancel(self.get_object(), person(request), request=request._request)
        return Response(order_json(self.get_object()), status=status.HTTP_202_ACCEPTED)


@extend_schema(tags=["orders"])
class FlattenView(APIView):
    """Close what is held on one account, by one strategy, or everywhere. The orders go out at once, one per contract."""

    @extend_schema(
        request=serializers.FlattenSerializer, responses={202: serializers.FlattenedSerializer, **REFUSED}
    )
    def post(self, request: Request) -> Response:
        form = serializers.FlattenSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        user, wanted = person(request), form.validated_data
        given = [name for name in ("broker_account", "strategy", "all") if wanted.get(name)]
        if len(given) != 1:
            raise Problem("invalid", "Say what to close: exactly one of broker_account, strategy and all.")
        account = strategy = None
        if wanted.get("broker_account"):
            account = get_owned_or_404(BrokerAccount.objects.all(), user, pk=wanted["broker_account"])
        elif wanted.get("strategy"):
            strategy = strategy_of_or_404(user, wanted["strategy"])
        done = services.flatten(
            user,
            broker_account=account,
            strategy=strategy,
            everything=bool(wanted.get("all")),
            symbol=wanted.get("symbol"),
            actor=user,
            request=request._request,
        )
        answer = {"orders": [order_json(order) for order in done.orders], "warnings": done.warnings}
        return Response(answer, status=status.HTTP_202_ACCEPTED)


# --- switches -------------------------------------------------------------------------------------------------------


@extend_schema(tags=["control"])
class ControlStatusView(APIView):
    """Every trading switch that matters to me, and what holds for each strategy and account."""

    @extend_schema(responses=serializers.ControlStatusSerializer)
    def get(self, request: Request) -> Response:
        return Response(control.status_for(person(request)))


@extend_schema(tags=["control"])
class ControlView(APIView):
    """Turn a switch: start = everything, pause = exits only, stop = nothing but cancels.

    ``scope`` is user (mine) unless told; platform and broker are for staff. With ``flatten`` what is held is closed.
    What was stopped is started again only with the ``password`` or a one-time ``code`` of whoever asks.
    """

    state = ""

    @extend_schema(
        request=serializers.ControlInputSerializer,
        responses={200: serializers.ControlAnswerSerializer, **REFUSED},
    )
    def post(self, request: Request) -> Response:
        form = serializers.ControlInputSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        wanted = form.validated_data
        target = control.find_target(wanted["scope"], wanted.get("id"), person(request))
        if control.needs_proof(target, self.state):
            demand_proof(request._request, person(request), password=wanted["password"], code=wanted["code"])
        change = control.set_state(
            wanted["scope"],
            wanted.get("id"),
            self.state,
            actor=person(request),
            reason=wanted["reason"],
            flatten_too=wanted["flatten"],
            request=request._request,
        )
        answer = {
            "scope": change.target.scope,
            "id": change.target.object_id,
            "name": change.target.name,
            "state": change.state,
            "canceled": change.canceled,
            "orders": [order_json(order) for order in change.flattened.orders],
            "warnings": change.flattened.warnings,
        }
        return Response(answer)
