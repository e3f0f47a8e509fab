"""What is sealed comes back as it was, says nothing while it lies there, and never falls back to plain text."""

from __future__ import annotations

import base64

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from brokers.models import BrokerConnection
from tests.factories import ConnectionFactory
from tradeproject.common.crypto import UndecryptableValue, seal, unseal

CANARY = "canary-7731"
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@hypothesis_settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(json_values)
def test_it_gives_back_what_was_sealed(value):
    assert unseal(seal(value)) == value


def test_it_seals_the_same_value_differently_each_time():
    assert seal(CANARY) != seal(CANARY)


def test_it_refuses_a_value_that_was_tampered_with():
    raw = bytearray(base64.urlsafe_b64decode(seal(CANARY)))
    raw[-1] ^= 1
    with pytest.raises(UndecryptableValue):
        unseal(base64.urlsafe_b64encode(bytes(raw)))


@pytest.mark.parametrize("stored", [b"", b"plain text", b'{"password": "canary-7731"}'])
def test_it_refuses_what_was_never_sealed(stored):
    with pytest.raises(UndecryptableValue) as caught:
        unseal(stored)
    assert CANARY not in str(caught.value)


def test_it_seals_under_the_newest_key(settings):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    token = seal(CANARY)
    settings.FIELD_ENCRYPTION_KEYS = [new]
    assert unseal(token) == CANARY


@pytest.mark.parametrize("keys", [[], ["not-a-key"]])
def test_it_names_the_setting_when_there_is_no_usable_key(settings, keys):
    settings.FIELD_ENCRYPTION_KEYS = keys
    with pytest.raises(ImproperlyConfigured, match=r"^FIELD_ENCRYPTION_KEYS: "):
        seal(CANARY)


def test_it_keeps_nothing_as_nothing(db):
    row = ConnectionFactory(tokens=None)
    assert BrokerConnection.objects.get(pk=row.pk).tokens is None
    assert BrokerConnection.objects.filter(tokens__isnull=True).exists()


def test_it_shows_a_reader_of_the_database_no_plain_value(db):
    row = ConnectionFactory(tokens={"access_token": CANARY})
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(c)::text FROM brokers_brokerconnection c WHERE id = %s", [row.pk])
        assert CANARY not in cursor.fetchone()[0]
