from __future__ import annotations

import pytest
from cryptography.fernet import Fernet

from brokers.models import BrokerConnection
from tests.factories import ConnectionFactory
from tradeproject.common.crypto import UndecryptableValue, seal, unseal


def test_it_keeps_credentials_unreadable_in_the_database(db):
    connection = ConnectionFactory(credentials={"password": "canary-7731"})
    from django.db import connection as database

    with database.cursor() as cursor:
        cursor.execute("SELECT credentials FROM brokers_brokerconnection WHERE id = %s", [connection.pk])
        stored = bytes(cursor.fetchone()[0])
    assert b"canary-7731" not in stored
    assert BrokerConnection.objects.get(pk=connection.pk).credentials == {"password": "canary-7731"}


def test_it_reads_with_an_older_key_and_refuses_without_it(settings):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEYS = [old]
    token = seal({"a": 1})
    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    assert unseal(token) == {"a": 1}
    settings.FIELD_ENCRYPTION_KEYS = [new]
    with pytest.raises(UndecryptableValue, match="FIELD_ENCRYPTION_KEYS"):
        unseal(token)
