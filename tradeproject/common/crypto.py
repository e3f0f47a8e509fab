"""Encrypted model fields.

django-cryptography gives the field type; what it stores is replaced: MultiFernet over ``FIELD_ENCRYPTION_KEYS``
(newest first) instead of one key tied to SECRET_KEY, and JSON instead of pickle. A value that no key opens raises
``UndecryptableValue``; nothing ever falls back to plain text.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django_cryptography.fields import EncryptedMixin


class UndecryptableValue(Exception):
    """No configured key opens this value: the key that wrote it was removed before its rows were rotated."""


@lru_cache(maxsize=8)
def _box(keys: tuple[str, ...]) -> MultiFernet:
    if not keys:
        raise ImproperlyConfigured(
            "FIELD_ENCRYPTION_KEYS: is empty. Give at least one key made by "
            "`python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'`."
        )
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise ImproperlyConfigured(
            "FIELD_ENCRYPTION_KEYS: one of the keys is not 32 url-safe base64 bytes. Check the list, newest first."
        ) from error


def box() -> MultiFernet:
    return _box(tuple(settings.FIELD_ENCRYPTION_KEYS))


def seal(value: Any) -> bytes:
    return box().encrypt(json.dumps(value, separators=(",", ":")).encode())


def unseal(token: bytes) -> Any:
    try:
        return json.loads(box().decrypt(bytes(token)))
    except InvalidToken:
        raise UndecryptableValue(
            "A stored secret cannot be opened by any key in FIELD_ENCRYPTION_KEYS. "
            "Put the older key back at the end of the list, then run `manage.py rotate_credentials`."
        ) from None


class SealedMixin(EncryptedMixin):
    """Stands between the library's mixin and the concrete fields: it looks at its own place in the MRO."""

    wasinstance = True

    def _dump(self, value: Any) -> bytes:
        return seal(value)

    def _load(self, value: bytes) -> Any:
        return unseal(value)

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        name, _, args, kwargs = models.Field.deconstruct(self)
        return name, f"{type(self).__module__}.{type(self).__name__}", args, kwargs

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return None if value is None else connection.Database.Binary(self._dump(value))

    def from_db_value(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return None if value is None else self._load(bytes(value))

    def get_prep_value(self, value: Any) -> Any:
        return value


class EncryptedTextField(SealedMixin, models.TextField):
    """Text, encrypted at rest. It cannot be searched: keep a digest beside it if it must be found."""

    base_class = models.TextField


class EncryptedJSONField(SealedMixin, models.JSONField):  # type: ignore[misc]
    """Any JSON value, encrypted at rest."""

    base_class = models.JSONField
