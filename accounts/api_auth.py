"""Signing in and out by API. The rules are in ``sign_in``; here are the doors."""

from __future__ import annotations

from urllib.parse import urlsplit

from allauth.account.internal.flows.logout import logout
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.middleware.csrf import get_token
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import serializers, sign_in
from accounts.models import ApiKey, User
from tradeproject.common.api import Problem

REFUSED = {401: serializers.ProblemSerializer}


@extend_schema(tags=["system"])
class CsrfTokenView(APIView):
    """A CSRF token for the header X-CSRFToken; its cookie comes with the answer."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(auth=[], responses=serializers.CsrfTokenSerializer)
    def get(self, request: Request) -> Response:
        return Response({"csrfToken": get_token(request._request)})


class StaleIsAnonymous(APIView):
    """Credentials that are no longer good count as none."""

    permission_classes = [AllowAny]

    def perform_authentication(self, request: Request) -> None:
        try:
            super().perform_authentication(request)
        except exceptions.AuthenticationFailed:
            request.user = AnonymousUser()


@extend_schema(tags=["auth"])
class CheckAuthView(StaleIsAnonymous):
    """Who this request comes from. Anonymous, or with credentials that are no longer good: still 200."""

    @extend_schema(responses=serializers.AuthStateSerializer)
    def get(self, request: Request) -> Response:
        known = request.user.is_authenticated
        user = serializers.UserSerializer(request.user).data if known else None
        return Response({"authenticated": known, "user": user})


@extend_schema(tags=["auth"])
class LoginView(APIView):
    """Sign in for a pair of tokens and the session cookie. With a second factor on, ``code`` is needed too.

    Needs no CSRF token: nothing is authenticated by cookie here, JSON cannot be posted across sites by a form, and a
    browser that says it comes from elsewhere is turned away.
    """

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        auth=[],
        request=serializers.LoginSerializer,
        responses={200: serializers.LoginAnswerSerializer, **REFUSED},
    )
    def post(self, request: Request) -> Response:
        _refuse_foreign_origin(request)
        form = serializers.LoginSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        done = sign_in.sign_in(request._request, **form.validated_data)
        user = serializers.UserSerializer(done.user).data
        return Response({"access": done.access, "refresh": done.refresh, "user": user})


def _refuse_foreign_origin(request: Request) -> None:
    origin = request.headers.get("Origin")
    if origin is None or origin in settings.CSRF_TRUSTED_ORIGINS:
        return
    if urlsplit(origin).netloc != request._request.get_host():
        raise Problem(
            "foreign_origin", "This login was started by another site. Use this site's own.", status_code=403
        )


@extend_schema(tags=["auth"])
class RefreshView(APIView):
    """Exchange a refresh token for a new pair; the old one is refused from then on."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        auth=[],
        request=serializers.RefreshSerializer,
        responses={200: serializers.TokensSerializer, **REFUSED},
    )
    def post(self, request: Request) -> Response:
        form = serializers.RefreshSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        pair = sign_in.refresh_tokens(form.validated_data["refresh"], request._request)
        if pair is None:
            raise _token_refused()
        return Response({"access": pair[0], "refresh": pair[1]})


def _token_refused() -> Problem:
    return Problem(
        "token_not_valid", "This token is not, or no longer, good. Sign in again.", status_code=401
    )


@extend_schema(tags=["auth"])
class VerifyView(APIView):
    """Whether an access or refresh token would be accepted: 200 or 401."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        auth=[],
        request=serializers.TokenSerializer,
        responses={200: serializers.ValidSerializer, **REFUSED},
    )
    def post(self, request: Request) -> Response:
        form = serializers.TokenSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        if not sign_in.is_live_token(form.validated_data["token"]):
            raise _token_refused()
        return Response({"valid": True})


@extend_schema(tags=["auth"])
class LogoutView(StaleIsAnonymous):
    """End the session of the cookie, the Bearer token or the refresh token sent: all its tokens die at once."""

    @extend_schema(
        request=serializers.LogoutSerializer,
        responses={200: serializers.SuccessSerializer, **REFUSED},
    )
    def post(self, request: Request) -> Response:
        form = serializers.LogoutSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        refresh = form.validated_data.get("refresh")
        if refresh:
            if not sign_in.sign_out_by_refresh_token(refresh, request._request):
                raise _token_refused()
        else:
            self._sign_out(request)
        return Response({"success": True})

    def _sign_out(self, request: Request) -> None:
        user, auth = request.user, request.auth
        if not isinstance(user, User):
            raise exceptions.NotAuthenticated
        if isinstance(auth, ApiKey):
            raise Problem("no_session", "An API key has no session to end. Revoke it under api-keys instead.")
        key = sign_in.session_of_token(auth) if isinstance(auth, dict) else None
        if key is None or key == request._request.session.session_key:
            logout(request._request, show_message=False)
        else:
            sign_in.end_session_of(user, key, request._request)
