"""The JSON of people, their settings and their keys."""

from __future__ import annotations

import zoneinfo
from functools import lru_cache
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from accounts.models import ApiKey, User
from accounts.selectors import discord_dm_state


@lru_cache(maxsize=1)
def known_timezones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def validate_timezone(value: str) -> None:
    if value not in known_timezones():
        raise serializers.ValidationError("This is no timezone. Give a name such as Europe/Berlin or UTC.")


class UserSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ["id", "email", "name", "timezone", "theme", "is_staff", "date_joined"]
        read_only_fields = fields


class ProfileSerializer(serializers.ModelSerializer):
    timezone = serializers.CharField(max_length=64, validators=[validate_timezone], required=False)

    class Meta:
        model = User
        fields = ["email", "name", "timezone", "theme"]
        read_only_fields = ["email"]


class SettingsSerializer(serializers.ModelSerializer):
    timezone = serializers.CharField(max_length=64, validators=[validate_timezone], required=False)
    webhook_secret = serializers.CharField(read_only=True)
    rotate_webhook_secret = serializers.BooleanField(write_only=True, required=False)
    discord_dm_state = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = [
            "timezone",
            "theme",
            "webhook_secret",
            "rotate_webhook_secret",
            "discord_dms_enabled",
            "discord_dm_state",
        ]

    def get_discord_dm_state(self, user: User) -> str:
        return discord_dm_state(user)


class DiscordToggleSerializer(serializers.Serializer):
    enabled = serializers.BooleanField(write_only=True)
    discord_dms_enabled = serializers.BooleanField(read_only=True)
    discord_dm_state = serializers.CharField(read_only=True)


class ApiKeySerializer(serializers.ModelSerializer):
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=ApiKey.Scope.choices), allow_empty=False, max_length=3
    )
    key = serializers.CharField(read_only=True, help_text="The key itself; in the answer to POST only.")

    class Meta:
        model = ApiKey
        fields = ["id", "name", "prefix", "scopes", "created_at", "expires_at", "last_used_at", "key"]
        read_only_fields = ["id", "prefix", "created_at", "last_used_at"]

    def to_representation(self, instance: ApiKey) -> dict[str, Any]:
        data = super().to_representation(instance)
        secret = self.context.get("secret")
        return {**data, "key": secret} if secret else data

    def validate_expires_at(self, value: Any) -> Any:
        if value is not None and value <= timezone.now():
            raise serializers.ValidationError("This is in the past. Give a later time, or none.")
        return value


class LoginSerializer(serializers.Serializer):
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(max_length=4096, trim_whitespace=False)
    code = serializers.CharField(
        max_length=64, required=False, allow_blank=True, default="", help_text="One-time or recovery code."
    )


class TokensSerializer(serializers.Serializer):
    access = serializers.CharField()
    refresh = serializers.CharField()


class LoginAnswerSerializer(TokensSerializer):
    user = UserSerializer()


class RefreshSerializer(serializers.Serializer):
    refresh = serializers.CharField(max_length=4096)


class TokenSerializer(serializers.Serializer):
    token = serializers.CharField(max_length=4096)


class LogoutSerializer(serializers.Serializer):
    refresh = serializers.CharField(
        max_length=4096, required=False, help_text="Instead of any other authentication."
    )


class AuthStateSerializer(serializers.Serializer):
    authenticated = serializers.BooleanField()
    user = UserSerializer(allow_null=True)


class CsrfTokenSerializer(serializers.Serializer):
    csrfToken = serializers.CharField()


class SuccessSerializer(serializers.Serializer):
    success = serializers.BooleanField()


class ValidSerializer(serializers.Serializer):
    valid = serializers.BooleanField()


class ProblemSerializer(serializers.Serializer):
    """Every error's shape."""

    code = serializers.CharField()
    message = serializers.CharField()
    errors = serializers.DictField(  # type: ignore[assignment]  # the wire's name, beside Serializer.errors
        child=serializers.ListField(child=serializers.CharField())
    )
