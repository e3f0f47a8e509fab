"""Every sealed value of the database, found by introspection: to re-seal them under the newest key, to try them out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken
from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Model

from tradeproject.common.crypto import SealedMixin, UndecryptableValue, box

CHUNK = 500


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """One encrypted column."""

    model: type[Model]
    table: str
    column: str
    key: str

    @property
    def label(self) -> str:
        return f"{self.model._meta.label}.{self.column}"


@dataclass(slots=True)
class Rotated:
    """What a rotation did to one column: how many values were re-sealed, were new already, could not be opened."""

    label: str
    rotated: int = 0
    current: int = 0
    broken: int = 0


def sealed_columns() -> list[SealedColumn]:
    """The encrypted columns of all installed models."""
    return [
        SealedColumn(model, model._meta.db_table, str(field.column), str(model._meta.pk.column))
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
        for field in model._meta.local_fields
        if isinstance(field, SealedMixin) and model._meta.pk is not None
    ]


# --- rotating -------------------------------------------------------------------------------------------------------


def rotate_all() -> Iterator[Rotated]:
    """Re-seal everything under the first of FIELD_ENCRYPTION_KEYS. Safe to repeat, and to interrupt: chunks commit."""
    for column in sealed_columns():
        yield _rotate_column(column)
    yield _rotate_factors()


def _is_current(token: bytes) -> bool:
    try:
        Fernet(settings.FIELD_ENCRYPTION_KEYS[0]).decrypt(token)
    except InvalidToken:
        return False
    return True


def _resealed(token: bytes, done: Rotated) -> bytes | None:
    """The value under the newest key; None when there is nothing to change."""
    if _is_current(token):
        done.current += 1
        return None
    try:
        fresh = box().rotate(token)
    except InvalidToken:
        done.broken += 1
        return None
    done.rotated += 1
    return fresh


def _rotate_column(column: SealedColumn) -> Rotated:
    done = Rotated(column.label)
    last: Any = None
    while (keys := _rotate_chunk(column, last, done)) is not None:
        last = keys
    return done


def _rotate_chunk(column: SealedColumn, after: Any, done: Rotated) -> Any:
    """One chunk in one transaction, in order of the key. Returns the last key seen, None at the end."""
    quote = connection.ops.quote_name
    table, key, value = quote(column.table), quote(column.key), quote(column.column)
    where = f"{value} IS NOT NULL" + (f" AND {key} > %s" if after is not None else "")
    select = f"SELECT {key}, {value} FROM {table} WHERE {where} ORDER BY {key} LIMIT {CHUNK} FOR UPDATE"  # noqa: S608
    update = f"UPDATE {table} SET {value} = %s WHERE {key} = %s"  # noqa: S608 - names of our own models
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(select, [after] if after is not None else [])
        rows = cursor.fetchall()
        changed = [(fresh, pk) for pk, token in rows if (fresh := _resealed(bytes(token), done)) is not None]
        if changed:
            cursor.executemany(update, changed)
    return rows[-1][0] if rows else None


# --- second factors ---------------------------------------------------------------------------------------------------

# The sign-in library keeps its secrets as text inside a JSON column, sealed through accounts.adapters.MFAAdapter.


def _rotate_factors() -> Rotated:
    done = Rotated("mfa.Authenticator.data")
    for pk in list(Authenticator.objects.order_by("pk").values_list("pk", flat=True)):
        with transaction.atomic():
            row = Authenticator.objects.select_for_update().filter(pk=pk).first()
            if row is None:
                continue
            data = {name: _resealed_text(value, done) for name, value in row.data.items()}
            if data != row.data:
                Authenticator.objects.filter(pk=pk).update(data=data)
    return done


def is_sealed_text(value: Any) -> bool:
    """Whether a text is one of our tokens (Fernet's version byte, base64, at least one block)."""
    return isinstance(value, str) and value.startswith("gAAAA") and len(value) >= 100


def _resealed_text(value: Any, done: Rotated) -> Any:
    if isinstance(value, list):
        return [_resealed_text(item, done) for item in value]
    if not is_sealed_text(value):
        return value
    fresh = _resealed(value.encode("ascii"), done)
    return value if fresh is None else fresh.decode("ascii")


# --- trying out -------------------------------------------------------------------------------------------------------


def is_readable(column: SealedColumn) -> bool:
    """Whether the column's oldest value is opened by some configured key; true when it holds none."""
    field = next(f.name for f in column.model._meta.local_fields if f.column == column.column)
    rows = column.model._default_manager.exclude(**{f"{field}__isnull": True})
    try:
        rows.order_by("pk").values_list(field, flat=True).first()
    except UndecryptableValue:
        return False
    return True
