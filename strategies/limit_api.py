"""The API of a user's and an account's limits; a strategy's own are its ``risk``."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from strategies import limits
from strategies.api import REFUSED, body_of, person
from strategies.serializers import LIMIT, RiskSerializer
from tradeproject.common.api import Problem


class LimitsSerializer(RiskSerializer):
    max_orders_per_second = serializers.CharField(**LIMIT)
    max_alerts_per_second = serializers.CharField(**LIMIT)
    max_working_orders = serializers.IntegerField(**LIMIT)
    max_rejects_in_a_row = serializers.IntegerField(**LIMIT)


class LimitsInputSerializer(serializers.Serializer):
    """``limits`` changes what it names, null switches one off."""

    scope = serializers.ChoiceField(["user", "broker_account"], default="user")
    id = serializers.CharField(required=False, allow_null=True, max_length=64)
    limits = LimitsSerializer()


class ScopeLimitsSerializer(serializers.Serializer):
    limits = LimitsSerializer(help_text="What I set.")
    caps = serializers.DictField(child=serializers.CharField(), help_text="What an administrator allows.")
    effective = serializers.DictField(child=serializers.CharField(), help_text="What holds in the end.")
    day_pnl = serializers.CharField(allow_null=True)
    drawdown = serializers.CharField(allow_null=True)
    as_of = serializers.DateTimeField(allow_null=True)


class AccountLimitsSerializer(ScopeLimitsSerializer):
    id = serializers.UUIDField()
    name = serializers.CharField()


class AllLimitsSerializer(serializers.Serializer):
    user = ScopeLimitsSerializer()
    broker_accounts = AccountLimitsSerializer(many=True)


@extend_schema(tags=["control"])
class RiskLimitsView(APIView):
    """My limits for everything I trade and for each account, an administrator's caps, and what holds in the end."""

    @extend_schema(responses=AllLimitsSerializer)
    def get(self, request: Request) -> Response:
        return Response(limits.limits_json(person(request)))

    @extend_schema(request=LimitsInputSerializer, responses={200: AllLimitsSerializer, **REFUSED})
    def patch(self, request: Request) -> Response:
        body: dict[str, Any] = body_of(request)
        if not isinstance(body.get("limits"), dict):
            raise Problem(
                "invalid", "Send the limits to change in `limits`.", errors={"limits": ["It is needed."]}
            )
        user = person(request)
        limits.set_limits(
            user,
            str(body.get("scope") or "user"),
            body.get("id"),
            body["limits"],
            request=request._request,
        )
        return Response(limits.limits_json(user))
