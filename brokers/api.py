"""The API of broker logins and accounts. No broker is named here: what a login needs is told by its ``BrokerSpec``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView

from accounts.mixins import OwnedMixin
from accounts.models import ApiKey, User
from accounts.selectors import get_owned_or_404
from accounts.serializers import ProblemSerializer
from brokers import logins, serializers
from brokers.errors import AuthPenalty, BrokerError, RateLimited
from brokers.models import BrokerAccount, BrokerConnection
from brokers.registry import BROKERS, UnknownBroker
from brokers.selectors import broker_accounts_of, connections_of
from brokers.services import CredentialProblem, test_connection
from brokers.shapes import broker_account_json, connection_json, found_account_json
from tradeproject.common.api import UserThrottle

REFUSED = {400: ProblemSerializer}
NOT_CREDENTIALS = {"environment", "label", "broker"}


class BrokerLoginThrottle(UserRateThrottle):
    """Brokers answer repeated logins with waiting times and captchas: nobody may hammer them through us."""

    scope = "login"


def person(request: Request) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - every view here demands a signed-in user
    return request.user


# --- what a broker refuses --------------------------------------------------------------------------------------------


def problem_of(error: BrokerError | CredentialProblem | UnknownBroker) -> dict[str, Any]:
    """Any refusal as the API's error body; a broker's own waiting time stands beside it."""
    if isinstance(error, CredentialProblem):
        fields = {name: [text] for name, text in error.errors.items()}
        message = "Some fields are not right: " + ", ".join(fields) + "."
        return {"code": "invalid", "message": message, "errors": fields}
    if isinstance(error, UnknownBroker):
        known = ", ".join(sorted(BROKERS))
        message = f"There is no such broker. Known ones: {known}."
        return {"code": "unknown_broker", "message": message, "errors": {"broker": [message]}}
    body: dict[str, Any] = {"code": error.code.lower(), "message": error.message, "errors": {}}
    if isinstance(error, AuthPenalty):
        body |= {"retry_after": error.retry_after, "captcha": error.captcha}
    elif isinstance(error, RateLimited) and error.retry_after is not None:
        body["retry_after"] = error.retry_after
    return body


REFUSALS = (BrokerError, CredentialProblem, UnknownBroker)


def refused(failure: Any, **extra: Any) -> Response:
    body = problem_of(failure)
    wait = body.get("retry_after")
    headers = {"Retry-After": str(math.ceil(wait))} if wait is not None else {}
    return Response({**extra, **body}, status=status.HTTP_400_BAD_REQUEST, headers=headers)


def tested(user: User, broker: str, environment: str, credentials: Mapping[str, Any]) -> Response:
    """A login tried out: always 200, with ``success`` telling how it went."""
    try:
        found = test_connection(broker, environment, credentials)
    except REFUSALS as error:
        body = problem_of(error)
        answer = {"success": False, "error": body["message"], **body}
        return Response(answer)
    return Response({"success": True, "accounts": [found_account_json(info) for info in found]})


# --- connections --------------------------------------------------------------------------------------------------------


@extend_schema(tags=["broker logins"])
class ConnectionListView(generics.ListAPIView):
    """My logins at brokers with their accounts; POST signs in at a broker and stores the login."""

    queryset = BrokerConnection.objects.none()
    serializer_class = serializers.ConnectionSerializer
    write_scope = ApiKey.Scope.ADMIN

    def get_throttles(self) -> list[Any]:
        return [UserThrottle(), BrokerLoginThrottle()] if self.request.method == "POST" else [UserThrottle()]

    def get_queryset(self) -> Any:
        return connections_of(person(self.request))

    @extend_schema(
        request=serializers.NewConnectionSerializer,
        responses={201: serializers.ConnectionSerializer, **REFUSED},
    )
    def post(self, request: Request) -> Response:
        form = serializers.NewConnectionSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        user, wanted = person(request), form.validated_data
        try:
            connection = logins.add_login(
                user,
                wanted["broker"],
                wanted["environment"],
                wanted["credentials"],
                wanted["label"],
                request=request._request,
            )
        except REFUSALS as error:
            return refused(error)
        return Response(_shown(user, connection), status=status.HTTP_201_CREATED)


def _shown(user: User, connection: BrokerConnection) -> dict[str, Any]:
    return connection_json(connections_of(user).get(pk=connection.pk))


@extend_schema(tags=["broker logins"])
class ConnectionTestView(APIView):
    """Sign in and list the accounts, storing nothing. 200 in either case: see ``success``."""

    write_scope = ApiKey.Scope.ADMIN
    throttle_classes = [UserThrottle, BrokerLoginThrottle]

    @extend_schema(
        request=serializers.NewConnectionSerializer,
        responses={200: serializers.TestedSerializer, **REFUSED},
    )
    def post(self, request: Request) -> Response:
        form = serializers.NewConnectionSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        wanted = form.validated_data
        return tested(person(request), wanted["broker"], wanted["environment"], wanted["credentials"])


@extend_schema(tags=["broker logins"])
class ConnectionView(APIView):
    """One login: see it, rename it, switch it on or off, forget it."""

    write_scope = ApiKey.Scope.ADMIN

    def _connection(self, request: Request, pk: str) -> BrokerConnection:
        user = person(request)
        return get_owned_or_404(connections_of(user), user, pk=pk)

    @extend_schema(responses=serializers.ConnectionSerializer)
    def get(self, request: Request, pk: str) -> Response:
        return Response(connection_json(self._connection(request, pk)))

    @extend_schema(
        request=serializers.ConnectionEditSerializer,
        responses={200: serializers.ConnectionSerializer, **REFUSED},
    )
    def patch(self, request: Request, pk: str) -> Response:
        connection, user = self._connection(request, pk), person(request)
        form = serializers.ConnectionEditSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        logins.edit_login(connection, user, **form.validated_data, request=request._request)
        return Response(_shown(user, connection))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        logins.remove_login(self._connection(request, pk), person(request), request=request._request)
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(tags=["broker logins"])
class ReconnectView(APIView):
    """Bring a login back: with new credentials, or without any by renewing its token."""

    write_scope = ApiKey.Scope.ADMIN
    throttle_classes = [UserThrottle, BrokerLoginThrottle]

    @extend_schema(
        request=serializers.ReconnectSerializer,
        responses={200: serializers.ConnectionSerializer, **REFUSED},
    )
    def post(self, request: Request, pk: str) -> Response:
        user = person(request)
        connection = get_owned_or_404(connections_of(user), user, pk=pk)
        form = serializers.ReconnectSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        credentials = form.validated_data.get("credentials")
        try:
            logins.reconnect_login(connection, credentials, user, request=request._request)
        except REFUSALS as error:
            return refused(error)
        return Response(_shown(user, connection))


# --- accounts -----------------------------------------------------------------------------------------------------------


@extend_schema(tags=["broker logins"])
class BrokerAccountListView(generics.ListAPIView):
    """The accounts of all my logins."""

    queryset = BrokerAccount.objects.none()
    serializer_class = serializers.BrokerAccountSerializer

    def get_queryset(self) -> Any:
        return broker_accounts_of(person(self.request))


@extend_schema(tags=["broker logins"])
class BrokerAccountView(OwnedMixin, generics.GenericAPIView):
    """One account: whether it trades, how large, and what I call it."""

    queryset = BrokerAccount.objects.exclude(state=BrokerAccount.State.MISSING).select_related("connection")
    serializer_class = serializers.BrokerAccountSerializer
    write_scope = ApiKey.Scope.ADMIN

    @extend_schema(responses=serializers.BrokerAccountSerializer)
    def get(self, request: Request, pk: str) -> Response:
        return Response(broker_account_json(self.get_object()))

    @extend_schema(
        request=serializers.BrokerAccountEditSerializer,
        responses={200: serializers.BrokerAccountSerializer, **REFUSED},
    )
    def patch(self, request: Request, pk: str) -> Response:
        account = self.get_object()
        form = serializers.BrokerAccountEditSerializer(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        account = logins.edit_account(account, person(request), form.validated_data, request=request._request)
        return Response(broker_account_json(account))


@extend_schema(tags=["broker logins"])
class AllAccountsView(APIView):
    """The accounts of all my logins in one answer."""

    @extend_schema(responses=serializers.AccountListSerializer)
    def get(self, request: Request) -> Response:
        return Response({"accounts": [broker_account_json(a) for a in broker_accounts_of(person(request))]})


# --- one broker, flat fields ----------------------------------------------------------------------------------------------


def _flat(request: Request) -> tuple[str, str, dict[str, Any]]:
    """Environment, label and credentials of a body that names them side by side."""
    form = serializers.FlatLoginSerializer(data=request.data)
    form.is_valid(raise_exception=True)
    given = request.data if isinstance(request.data, Mapping) else {}
    credentials = {str(name): value for name, value in given.items() if name not in NOT_CREDENTIALS}
    wrong = {
        name: ["This must be a text."]
        for name, value in credentials.items()
        if not isinstance(value, str | int | bool | None)
    }
    if wrong:
        raise ValidationError(wrong)
    return form.validated_data["environment"], form.validated_data["label"], credentials


@extend_schema(tags=["broker logins"])
class AddLoginView(APIView):
    """Sign in at this broker and store the login with its accounts; ``environment`` is demo unless told otherwise."""

    write_scope = ApiKey.Scope.ADMIN
    throttle_classes = [UserThrottle, BrokerLoginThrottle]
    kind = ""

    @extend_schema(
        request=serializers.FlatLoginSerializer,
        responses={201: serializers.AddedSerializer, **REFUSED},
    )
    def post(self, request: Request) -> Response:
        environment, label, credentials = _flat(request)
        user = person(request)
        try:
            connection = logins.add_login(
                user, self.kind, environment, credentials, label, request=request._request
            )
        except REFUSALS as error:
            body = problem_of(error)
            return refused(error, success=False, error=body["message"])
        shown = _shown(user, connection)
        answer = {"success": True, "accounts": shown["accounts"], "connection": shown}
        return Response(answer, status=status.HTTP_201_CREATED)


@extend_schema(tags=["broker logins"])
class TestLoginView(APIView):
    """Sign in at this broker and list the accounts, storing nothing. 200 in either case: see ``success``."""

    write_scope = ApiKey.Scope.ADMIN
    throttle_classes = [UserThrottle, BrokerLoginThrottle]
    kind = ""

    @extend_schema(
        request=serializers.FlatLoginSerializer,
        responses={200: serializers.TestedSerializer, **REFUSED},
    )
    def post(self, request: Request) -> Response:
        environment, _, credentials = _flat(request)
        return tested(person(request), self.kind, environment, credentials)
