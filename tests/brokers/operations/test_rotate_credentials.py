"""Keys are rotated: after it everything opens with the new key alone, and a key taken away too early is noticed."""

from __future__ import annotations

from io import StringIO

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from cryptography.fernet import Fernet
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import User
from brokers.models import BrokerConnection
from strategies.models import Signal, WebhookKey
from tests.world import World, make_world
from tradeproject.checks import stored_secrets_can_be_read
from tradeproject.common.crypto import SealedMixin, UndecryptableValue
from tradeproject.common.rotation import sealed_columns

pytestmark = pytest.mark.django_db

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))


@pytest.fixture
def world(settings, owner) -> World:
    """Everything sealed under the old key, second factors among it."""
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    owner.rotate_webhook_secret()
    made = make_world(owner)
    TOTP.activate(owner, "JBSWY3DPEHPK3PXP")
    RecoveryCodes.activate(owner)
    return made


def rotate() -> str:
    out = StringIO()
    call_command("rotate_credentials", stdout=out)
    return out.getvalue()


def counts(text: str, label: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"{label}:"))
    return [word for word in line.replace(",", "").split() if word.isdigit()]


def read_everything(world: World) -> None:
    assert BrokerConnection.objects.get().credentials["password"] == "canary-password"
    assert BrokerConnection.objects.get().tokens["access_token"] == "canary-token"
    assert WebhookKey.objects.get().secret == world.webhook_key.secret
    assert Signal.objects.get().raw_body == world.signal.raw_body
    assert User.objects.get(pk=world.user.pk).webhook_secret == world.user.webhook_secret
    totp = Authenticator.objects.get(type="totp")
    assert get_adapter().decrypt(totp.data["secret"]) == "JBSWY3DPEHPK3PXP"
    codes = RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).generate_codes()
    assert len(codes) > 5


def test_after_it_the_new_key_alone_opens_everything(settings, world):
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    text = rotate()
    assert counts(text, "brokers.BrokerConnection.credentials") == ["1", "0", "0"]
    assert counts(text, "mfa.Authenticator.data") == ["2", "0", "0"]
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    read_everything(world)


def test_without_it_the_new_key_opens_nothing(settings, world):
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    with pytest.raises(UndecryptableValue):
        read_everything(world)


def test_it_can_be_repeated_and_then_changes_nothing(settings, world):
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    rotate()
    with connection.cursor() as cursor:
        cursor.execute("SELECT credentials FROM brokers_brokerconnection")
        before = bytes(cursor.fetchone()[0])
    assert counts(rotate(), "brokers.BrokerConnection.credentials") == ["0", "1", "0"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT credentials FROM brokers_brokerconnection")
        assert bytes(cursor.fetchone()[0]) == before


def test_chunks_do_not_lose_a_row(settings, world, monkeypatch):
    from tests.factories import SignalFactory

    SignalFactory.create_batch(7, strategy=world.strategy)
    monkeypatch.setattr("tradeproject.common.rotation.CHUNK", 3)
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    assert counts(rotate(), "strategies.Signal.raw_body") == ["8", "0", "0"]


def test_what_no_key_opens_is_counted_and_left_alone(settings, world):
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    with pytest.raises(CommandError, match="opened by none of the 1 configured keys"):
        rotate()
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    read_everything(world)


def test_it_knows_every_encrypted_column():
    fields = {
        (model._meta.db_table, field.column)
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if isinstance(field, SealedMixin)
    }
    assert {(column.table, column.column) for column in sealed_columns()} == fields
    assert len(fields) >= 5


def test_the_check_notices_a_key_taken_away_too_early(settings, world):
    assert stored_secrets_can_be_read(databases=["default"]) == []
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    found = stored_secrets_can_be_read(databases=["default"])
    assert {message.id for message in found} == {"tradeproject.E001"}
    assert any("brokers.BrokerConnection.credentials" in message.msg for message in found)
    assert stored_secrets_can_be_read(databases=None) == []
