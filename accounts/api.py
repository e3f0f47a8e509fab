"""The API of people: who am I, my profile and settings, my keys. Signing in is in ``api_auth``."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import serializers, services
from accounts.mixins import OwnedMixin
from accounts.models import ApiKey, User
from accounts.permissions import IsStaff, ScopeAllows
from accounts.selectors import all_users, api_keys_of
from tradeproject.common.api import Problem


@extend_schema(tags=["users"])
class UserListView(generics.ListAPIView):
    """Everybody with a login here, by e-mail (staff)."""

    queryset = all_users()
    serializer_class = serializers.UserSerializer
    permission_classes = [IsAuthenticated, ScopeAllows, IsStaff]
    read_scope = ApiKey.Scope.ADMIN


@extend_schema(tags=["users"])
class CurrentUserView(APIView):
    """The user this request is made as."""

    @extend_schema(responses=serializers.UserSerializer)
    def get(self, request: Request) -> Response:
        return Response(serializers.UserSerializer(request.user).data)


@extend_schema(tags=["users"])
class ProfileView(APIView):
    """Name, timezone and theme; the e-mail address is changed on its own page, where it is confirmed."""

    write_scope = ApiKey.Scope.ADMIN

    @extend_schema(responses=serializers.ProfileSerializer)
    def get(self, request: Request) -> Response:
        return Response(serializers.ProfileSerializer(request.user).data)

    @extend_schema(request=serializers.ProfileSerializer, responses=serializers.ProfileSerializer)
    def patch(self, request: Request) -> Response:
        form = serializers.ProfileSerializer(request.user, data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        services.change_user(_user(request), form.validated_data, request=request._request)
        return Response(serializers.ProfileSerializer(request.user).data)


@extend_schema(tags=["users"])
class SettingsView(APIView):
    """Settings, among them the secret for generic alerts: whoever holds it can trade, so a key needs ``admin``."""

    read_scope = write_scope = ApiKey.Scope.ADMIN

    @extend_schema(responses=serializers.SettingsSerializer)
    def get(self, request: Request) -> Response:
        return Response(serializers.SettingsSerializer(request.user).data)

    @extend_schema(request=serializers.SettingsSerializer, responses=serializers.SettingsSerializer)
    def patch(self, request: Request) -> Response:
        form = serializers.SettingsSerializer(request.user, data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        changes = dict(form.validated_data)
        rotate = changes.pop("rotate_webhook_secret", False)
        user = services.change_user(_user(request), changes, request=request._request)
        if rotate:
            services.rotate_webhook_secret(user, request=request._request)
        return Response(serializers.SettingsSerializer(user).data)


@extend_schema(tags=["users"])
class ToggleDiscordView(APIView):
    """Turn direct messages on Discord on or off."""

    write_scope = ApiKey.Scope.ADMIN

    @extend_schema(request=serializers.DiscordToggleSerializer, responses=serializers.DiscordToggleSerializer)
    def post(self, request: Request) -> Response:
        form = serializers.DiscordToggleSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        changes = {"discord_dms_enabled": form.validated_data["enabled"]}
        user = services.change_user(_user(request), changes, request=request._request)
        data = serializers.SettingsSerializer(user).data
        return Response({name: data[name] for name in ("discord_dms_enabled", "discord_dm_state")})


@extend_schema(tags=["api keys"])
class ApiKeyListView(generics.ListAPIView):
    """My API keys; POST makes one and answers it once."""

    queryset = ApiKey.objects.none()
    serializer_class = serializers.ApiKeySerializer
    read_scope = write_scope = ApiKey.Scope.ADMIN

    def get_queryset(self) -> Any:
        return api_keys_of(self.request.user)

    @extend_schema(responses={201: serializers.ApiKeySerializer})
    def post(self, request: Request) -> Response:
        form = serializers.ApiKeySerializer(data=request.data)
        form.is_valid(raise_exception=True)
        wanted = form.validated_data
        _refuse_more_than_own(request.auth, wanted)
        key, secret = services.create_api_key(_user(request), **wanted, request=request._request)
        answer = serializers.ApiKeySerializer(key, context={"secret": secret})
        return Response(answer.data, status=status.HTTP_201_CREATED)


def _refuse_more_than_own(maker: Any, wanted: dict[str, Any]) -> None:
    """A key made with a key may not be able to do more, nor live longer, than its maker."""
    if not isinstance(maker, ApiKey):
        return
    if not set(wanted["scopes"]) <= set(maker.scopes):
        raise Problem(
            "scope_exceeded",
            "A key cannot make one with more scopes than its own. Make it signed in, on the web.",
            status_code=403,
        )
    expires_at = wanted.get("expires_at")
    if maker.expires_at and (expires_at is None or expires_at > maker.expires_at):
        raise Problem(
            "expiry_exceeded",
            "A key cannot make one that outlives it. Give an earlier `expires_at`.",
            status_code=403,
        )


@extend_schema(tags=["api keys"])
class ApiKeyView(OwnedMixin, generics.DestroyAPIView):
    """Revoke one of my keys; it stops working at once."""

    queryset = ApiKey.objects.filter(revoked_at__isnull=True)
    serializer_class = serializers.ApiKeySerializer
    read_scope = write_scope = ApiKey.Scope.ADMIN

    def perform_destroy(self, instance: ApiKey) -> None:
        services.revoke_api_key(instance, request=self.request._request)


def _user(request: Request) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - every view here demands a signed-in user
    return request.user
