"""What the broker endpoints take and give. Credentials are only ever taken."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from brokers.domain import Environment
from brokers.models import BrokerAccount, BrokerConnection
from brokers.shapes import broker_account_json, connection_json, found_account_json

QUANTITY: dict[str, Any] = {"max_digits": 24, "decimal_places": 8}
ENVIRONMENTS = [(item.value, item.value) for item in Environment]


def one_line(value: str) -> None:
    if not value.isprintable():
        raise serializers.ValidationError("Only printable characters can be used here.")


class Shown(serializers.Serializer):
    """An answer whose JSON is made by a function of ``shapes``; its fields describe it to the schema."""

    shape: Any = None

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return dict(type(self).shape(instance))


class BrokerAccountSerializer(Shown):
    shape = staticmethod(broker_account_json)

    id = serializers.UUIDField()
    connection = serializers.UUIDField()
    broker = serializers.CharField()
    environment = serializers.ChoiceField(ENVIRONMENTS)
    external_id = serializers.CharField(help_text="The venue's id.")
    name = serializers.CharField(help_text="The venue's name.")
    label = serializers.CharField()  # type: ignore[assignment]  # the wire's name
    currency = serializers.CharField()
    balance = serializers.CharField(allow_null=True)
    equity = serializers.CharField(allow_null=True)
    open_pnl = serializers.CharField(allow_null=True)
    enabled = serializers.BooleanField()
    multiplier = serializers.CharField()
    max_contracts = serializers.CharField(allow_null=True)
    state = serializers.ChoiceField(BrokerAccount.State.choices)
    last_synced_at = serializers.DateTimeField(allow_null=True)


class ConnectionSerializer(Shown):
    shape = staticmethod(connection_json)

    id = serializers.UUIDField()
    broker = serializers.CharField()
    environment = serializers.ChoiceField(ENVIRONMENTS)
    label = serializers.CharField()  # type: ignore[assignment]  # the wire's name
    state = serializers.ChoiceField(BrokerConnection.State.choices)
    state_reason = serializers.CharField()
    stream_state = serializers.CharField()
    token_expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    accounts = BrokerAccountSerializer(many=True)


class FoundAccountSerializer(Shown):
    shape = staticmethod(found_account_json)

    external_id = serializers.CharField()
    name = serializers.CharField()
    environment = serializers.ChoiceField(ENVIRONMENTS)
    currency = serializers.CharField()
    active = serializers.BooleanField()
    detail = serializers.CharField()


class AccountListSerializer(serializers.Serializer):
    accounts = BrokerAccountSerializer(many=True)


class AddedSerializer(serializers.Serializer):
    success = serializers.BooleanField()
    accounts = BrokerAccountSerializer(many=True)
    connection = ConnectionSerializer()


class TestedSerializer(serializers.Serializer):
    """Either ``accounts``, or ``error`` in words with its ``code``; both with status 200."""

    success = serializers.BooleanField()
    accounts = FoundAccountSerializer(many=True, required=False)
    error = serializers.CharField(required=False)
    code = serializers.CharField(required=False)
    retry_after = serializers.FloatField(required=False)


# --- taken ------------------------------------------------------------------------------------------------------------


class CredentialsField(serializers.DictField):
    """The login's secrets by the names of the broker's fields; never returned."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault(
            "child", serializers.CharField(allow_blank=True, max_length=2000, trim_whitespace=True)
        )
        super().__init__(write_only=True, **kwargs)


class NewConnectionSerializer(serializers.Serializer):
    broker = serializers.CharField(max_length=32)
    environment = serializers.CharField(max_length=8, default=Environment.DEMO.value)
    credentials = CredentialsField(required=False, default=dict)
    label = serializers.CharField(  # type: ignore[assignment]  # the wire's name
        max_length=80, required=False, allow_blank=True, default="", validators=[one_line]
    )


class FlatLoginSerializer(serializers.Serializer):
    """A login with its credentials beside the other fields, as the broker names them."""

    environment = serializers.CharField(max_length=8, default=Environment.DEMO.value)
    label = serializers.CharField(  # type: ignore[assignment]  # the wire's name
        max_length=80, required=False, allow_blank=True, default="", validators=[one_line]
    )
    username = serializers.CharField(max_length=200, required=False, write_only=True)
    password = serializers.CharField(max_length=2000, required=False, write_only=True, trim_whitespace=False)
    client_id = serializers.CharField(max_length=200, required=False, write_only=True)
    client_secret = serializers.CharField(max_length=2000, required=False, write_only=True)


class ReconnectSerializer(serializers.Serializer):
    credentials = CredentialsField(required=False)


class ConnectionEditSerializer(serializers.Serializer):
    label = serializers.CharField(  # type: ignore[assignment]  # the wire's name
        max_length=80, required=False, allow_blank=True, validators=[one_line]
    )
    enabled = serializers.BooleanField(required=False)


class BrokerAccountEditSerializer(serializers.Serializer):
    enabled = serializers.BooleanField(required=False)
    multiplier = serializers.DecimalField(required=False, min_value=0, **QUANTITY)
    max_contracts = serializers.DecimalField(required=False, allow_null=True, min_value=0, **QUANTITY)
    label = serializers.CharField(  # type: ignore[assignment]  # the wire's name
        max_length=80, required=False, allow_blank=True, validators=[one_line]
    )
